/* What the application does with its calls: see caller.h. */
#include "caller.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "caller_slots.h"
#include "message.h"

enum { SLOTS_AT_FIRST = 64, UNSENT_BYTES_MAX = 262144 };

struct caller *caller_new(struct link *link, struct exchange *exchange) {
  struct caller *caller = allocate(1, sizeof *caller);
  caller->link = link;
  caller->exchange = exchange;
  caller->due = INFINITY;
  return caller;
}

void caller_free(struct caller *caller) {
  for (uint32_t slot = 0; slot < caller->slot_count; slot++) caller_release(&caller->slots[slot]);
  free(caller->slots);
  free(caller);
}

void caller_listen(struct caller *caller, on_answer *hear, void *context) {
  caller->hear = hear;
  caller->context = context;
}

bool caller_is_idle(const struct caller *caller) { return caller->live == 0; }

int caller_method(struct caller *caller, const struct called *called) {
  struct link *link = caller->link;
  for (int number = 0; number < caller->method_count; number++) {
    if (view_equals(caller->methods[number].called.name, called->name)) return number;
  }
  if (caller->method_count == METHODS || link->closing) return -1;
  int number = caller->method_count++;
  caller->methods[number].called = *called;
  exchange_name(caller->exchange, called->request);
  exchange_name(caller->exchange, called->response);
  struct method_record method = {.role = DECLARE, .name = called->name, .kind = called->kind};
  method.request = caller_fingerprint(called->request);
  method.response = caller_fingerprint(called->response);
  struct buffer payload = {0};
  method_encode(&payload, &method);
  link_send(link, &(struct frame){.type = METHOD, .method = (uint16_t)number, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
  return number;
}

static void grow_slots(struct caller *caller, uint32_t slot) {
  uint32_t count = caller->slot_count == 0 ? SLOTS_AT_FIRST : caller->slot_count;
  while (count <= slot) count *= 2;
  struct slot *slots = allocate(count, sizeof *slots);
  if (caller->slot_count > 0) memcpy(slots, caller->slots, caller->slot_count * sizeof *slots);
  free(caller->slots);
  caller->slots = slots;
  caller->slot_count = count;
}

uint32_t caller_free_slot(struct caller *caller) {
  for (uint32_t slot = 0; slot < caller->link->peer.value[CALLS_IN_FLIGHT_MAX]; slot++) {
    if (slot >= caller->slot_count || !caller->slots[slot].live) return slot;
  }
  return NO_SLOT;
}

void caller_cancel(struct caller *caller, uint32_t index) {
  bool has_items = index < caller->slot_count && callee_streams(caller_method_of(caller, index)->called.kind);
  if (index >= caller->slot_count || !caller->slots[index].live || caller->slots[index].is_told) return;
  caller_send_cancel(caller, index);
  if (!has_items) caller_tell(caller, index, caller_failed(CANCELLED, STARTED_MAYBE, "cancelled"));
}

/* Sends METADATA, DEADLINE and the message, split into frames. False: it exceeds the peer's limits. */
static bool send_request(struct caller *caller, uint32_t index, const struct request *request, enum kind kind) {
  struct link *link = caller->link;
  struct frame frame = {.type = REQUEST, .call = caller_call(caller, index), .method = request->method};
  size_t prefix = request->metadata.length + 8;
  struct view message = request->message;
  struct buffer compressed = {0};
  if (kind == ONEWAY_KIND) frame.flags |= ONEWAY;
  if (request->asks_ledger) frame.flags |= LEDGER;
  if (request->deadline_ms >= 0) {
    frame.flags |= DEADLINE;
    frame.deadline = request->deadline_ms > INT32_MAX ? INT32_MAX : (uint32_t)request->deadline_ms;
  }
  if (request->metadata.length > 0) {
    frame.flags |= METADATA;
    frame.metadata = request->metadata;
  }
  bool is_too_long = (int64_t)message.length > link->peer.value[MESSAGE_BYTES_MAX] ||
      (int64_t)request->metadata.length > link->peer.value[METADATA_BYTES_MAX];
  if (is_too_long || message_room(link, prefix) == 0) return false;
  if (message_compress_for(link, message, &compressed)) {
    frame.flags |= COMPRESSED;
    message = view_of_buffer(&compressed);
  }
  message_send(link, &frame, message);
  buffer_free(&compressed);
  return true;
}

enum failure_code caller_open(struct caller *caller, uint32_t index, const struct request *request) {
  struct link *link = caller->link;
  const struct declared *method = &caller->methods[request->method];
  if (link->closing || link->drain_read) return UNAVAILABLE;
  if (method->reads == BREAKS) return FAILED_PRECONDITION;
  if (index >= link->peer.value[CALLS_IN_FLIGHT_MAX]) return RESOURCE_EXHAUSTED;
  if (index >= caller->slot_count) grow_slots(caller, index);
  struct slot *slot = &caller->slots[index];
  uint16_t before = slot->generation;
  if (slot->live) return RESOURCE_EXHAUSTED;
  slot->generation = (uint16_t)generation_after(before);
  if (!send_request(caller, index, request, method->called.kind)) {
    slot->generation = before;
    return RESOURCE_EXHAUSTED;
  }
  slot->live = true;
  slot->in_response = slot->head_taken = false;
  slot->method = request->method;
  slot->asked_ledger = request->asks_ledger;
  slot->stream = stream_new(link, method->called.kind, true);
  slot->deadline = request->deadline_ms < 0 ? INFINITY : link->now + (double)request->deadline_ms;
  if (slot->deadline < caller->due) caller->due = slot->deadline;
  caller->live++;
  if (slot->stream != NULL) caller->streams++;
  if (method->called.kind == ONEWAY_KIND) caller_settle(caller, index, (struct answer){.code = OK});
  return OK;
}

void caller_send(struct caller *caller, uint32_t index, struct view item) {
  struct slot *slot = &caller->slots[index];
  if (slot->live && slot->stream != NULL && slot->stream->sends) stream_push(slot->stream, item);
}

void caller_end(struct caller *caller, uint32_t index) {
  if (caller->slots[index].live && caller->slots[index].stream != NULL) caller->slots[index].stream->out.ends = true;
}

bool caller_take(struct caller *caller, uint32_t index, struct buffer *to) {
  struct slot *slot = &caller->slots[index];
  const struct declared *method = caller_method_of(caller, index);
  if (!slot->live || slot->is_told || slot->stream == NULL || method->reads == UNGRADED || !stream_take(slot->stream, to)) return false;
  stream_give(slot->stream, caller->link, caller_call(caller, index));
  bool is_bytes = method->called.kind == BLOB && slot->head_taken;
  slot->head_taken = true;
  if (method->reads != EVOLVED || is_bytes) return true;
  struct buffer own = {0};
  bool good = caller_decode(method, view_of_buffer(to), &own);
  buffer_free(to);
  *to = own;
  if (!good) caller_give_up(caller, index, INTERNAL, "the schema does not read an item");
  return good;
}

void caller_greeted(struct caller *caller, int64_t more) {
  for (uint32_t index = 0; index < caller->slot_count; index++) {
    struct slot *slot = &caller->slots[index];
    if (slot->live && slot->stream != NULL) slot->stream->out.credit += more;
  }
}

/* The next frame of a stream, or its END. */
static bool advance(struct caller *caller, uint32_t index) {
  struct slot *slot = &caller->slots[index];
  if (!slot->live || slot->stream == NULL || !slot->stream->sends) return false;
  struct outgoing *out = &slot->stream->out;
  uint32_t call = caller_call(caller, index);
  if (stream_send(slot->stream, caller->link, call)) return true;
  if (!out->ends || out->end_sent || !stream_is_sent(slot->stream)) return false;
  out->end_sent = true;
  link_send(caller->link, &(struct frame){.type = END, .call = call});
  return true;
}

bool caller_stream(struct caller *caller) {
  bool goes_on = caller->streams > 0;
  while (goes_on && !caller->link->closing) {
    goes_on = false;
    for (uint32_t index = 0; index < caller->slot_count; index++) {
      if (link_unsent(caller->link) > UNSENT_BYTES_MAX) return true;
      if (advance(caller, index)) goes_on = true;
    }
  }
  return false;
}

void caller_tick(struct caller *caller, double now) {
  if (now < caller->due) return;
  caller->due = INFINITY;
  for (uint32_t index = 0; index < caller->slot_count; index++) {
    struct slot *slot = &caller->slots[index];
    if (!slot->live || slot->is_told) continue;
    /* The callee ends such a call by itself (6.5). */
    if (now >= slot->deadline) caller_tell(caller, index, caller_failed(DEADLINE_EXCEEDED, STARTED_MAYBE, "the deadline has passed"));
    else if (slot->deadline < caller->due) caller->due = slot->deadline;
  }
}

void caller_lost(struct caller *caller, enum started started) {
  for (uint32_t index = 0; index < caller->slot_count; index++) {
    if (caller->slots[index].live) caller_settle(caller, index, caller_failed(UNAVAILABLE, started, "the connection is lost"));
  }
}
