/* See caller.h. */
#include "caller.h"

#include <stdlib.h>

enum { METHODS = 16, SLOTS = 65536, SLOTS_AT_FIRST = 64 };

struct declared {
  const char *name;
  bool is_answered;
};

struct slot {
  bool live;
  /* The rest of a response that is too long is dropped. */
  bool dropped;
  uint16_t generation;
  struct buffer response;
};

struct caller {
  struct connection *connection;
  on_answer *hear;
  void *context;
  struct declared methods[METHODS];
  struct slot *slots;
  uint32_t slot_count;
  struct buffer payload;
};

struct caller *caller_new(struct connection *connection) {
  struct caller *caller = allocate(1, sizeof *caller);
  caller->connection = connection;
  return caller;
}

void caller_free(struct caller *caller) {
  for (uint32_t slot = 0; slot < caller->slot_count; slot++) buffer_free(&caller->slots[slot].response);
  buffer_free(&caller->payload);
  free(caller->slots);
  free(caller);
}

void caller_listen(struct caller *caller, on_answer *hear, void *context) {
  caller->hear = hear;
  caller->context = context;
}

void caller_declare(struct caller *caller, uint16_t number, const char *name, const uint8_t *fingerprint) {
  if (number >= METHODS) return;
  caller->methods[number].name = name;
  struct view schema = {fingerprint, fingerprint == NULL ? 0 : FINGERPRINT_BYTES};
  struct method_record method = {.role = DECLARE, .name = view_of(name), .kind = UNARY, .request = schema, .response = schema};
  caller->payload.length = 0;
  method_encode(&caller->payload, &method);
  connection_send(caller->connection, &(struct frame){.type = METHOD, .method = number, .body = view_of_buffer(&caller->payload)});
  if (fingerprint != NULL) caller->connection->schema_named = true;
}

static void grow_slots(struct caller *caller, uint32_t slot) {
  uint32_t count = caller->slot_count == 0 ? SLOTS_AT_FIRST : caller->slot_count;
  while (count <= slot) count *= 2;
  struct slot *slots = allocate(count, sizeof *slots);
  for (uint32_t at = 0; at < caller->slot_count; at++) slots[at] = caller->slots[at];
  free(caller->slots);
  caller->slots = slots;
  caller->slot_count = count;
}

bool caller_call(struct caller *caller, uint16_t number, uint32_t slot, struct view request) {
  struct connection *connection = caller->connection;
  const int64_t *peer = connection->peer.value;
  if (connection->closing || connection->drain_read || slot >= peer[CALLS_IN_FLIGHT_MAX]) return false;
  if (request.length + 4 > (size_t)limits_least.value[FRAME_BYTES_MAX]) return false;
  if (slot >= caller->slot_count) grow_slots(caller, slot);
  struct slot *call = &caller->slots[slot];
  if (call->live) return false;
  call->live = true;
  call->generation = (uint16_t)generation_after(call->generation);
  uint32_t call_id = call_number(!connection->is_dialler, call->generation, slot);
  connection_send(connection, &(struct frame){.type = REQUEST, .call = call_id, .method = number, .body = request});
  return true;
}

/* `body` may be a view of the slot's own buffer: it is freed after it was heard. */
static void settle(struct caller *caller, uint32_t index, enum failure_code code, enum started started, struct view body) {
  struct slot *slot = &caller->slots[index];
  struct buffer response = slot->response;
  slot->response = (struct buffer){0};
  slot->live = slot->dropped = false;
  if (caller->hear != NULL) caller->hear(caller->context, &(struct answer){index, code, started, body});
  buffer_free(&response);
}

static void on_response(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct connection *connection = caller->connection;
  struct slot *slot = &caller->slots[index];
  if (slot->response.at != NULL && frame->flags & ~(MORE | CHECKSUM)) {
    return connection_close(connection, FLAGS, "a flag of the first frame inside a message");
  }
  if (frame->flags & LEDGER) return connection_close(connection, FLAGS, "durations that were not asked for");
  bool too_long = (int64_t)(slot->response.length + frame->body.length) > connection->settings.limits.value[MESSAGE_BYTES_MAX];
  /* No codec was listed. */
  if (frame->prefix_error != OK || frame->flags & COMPRESSED || too_long) slot->dropped = true;
  bool is_whole = !(frame->flags & MORE);
  if (is_whole && !slot->dropped && slot->response.length == 0) return settle(caller, index, OK, STARTED_YES, frame->body);
  if (!slot->dropped) buffer_append_view(&slot->response, frame->body);
  /* So that a response whose first frame was empty counts as begun. */
  else buffer_reserve(&slot->response, 1);
  if (!is_whole) return;
  if (slot->dropped) settle(caller, index, too_long ? RESOURCE_EXHAUSTED : INTERNAL, STARTED_YES, view_of("the response cannot be read"));
  else settle(caller, index, OK, STARTED_YES, view_of_buffer(&slot->response));
}

static void on_failure(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct failure_record failure;
  if (frame->flags & LEDGER) return connection_close(caller->connection, FLAGS, "durations that were not asked for");
  if (frame->prefix_error != OK) return settle(caller, index, INTERNAL, STARTED_YES, view_of("the failure cannot be read"));
  if (!failure_decode(frame->body, &failure)) return connection_close(caller->connection, BAD_RECORD, "FAILURE is malformed");
  bool is_known = failure.code < failure_names.count;
  settle(caller, index, is_known ? (enum failure_code)failure.code : UNKNOWN, failure.started, failure.text);
}

void caller_frame(struct caller *caller, const struct frame *frame) {
  uint32_t index = call_slot(frame->call);
  bool live = index < caller->slot_count && caller->slots[index].live && caller->slots[index].generation == call_generation(frame->call);
  if (!live) return connection_close(caller->connection, CALL_NUMBER, "an answer to a call that is not live");
  if (frame->type == RESPONSE) on_response(caller, index, frame);
  else if (frame->type == FAILURE) on_failure(caller, index, frame);
  else connection_close(caller->connection, PROTOCOL, "a frame that a unary call does not have");
}

void caller_answered(struct caller *caller, uint16_t number, const struct method_record *method) {
  struct declared *declared = number < METHODS ? &caller->methods[number] : NULL;
  bool fits = declared != NULL && declared->name != NULL && !declared->is_answered && view_is(method->name, declared->name) &&
      method->kind == UNARY;
  if (!fits) return connection_close(caller->connection, PROTOCOL, "an ANSWER that fits no DECLARE");
  declared->is_answered = true;
}

void caller_lost(struct caller *caller) {
  for (uint32_t index = 0; index < caller->slot_count; index++) {
    if (caller->slots[index].live) settle(caller, index, UNAVAILABLE, STARTED_MAYBE, view_of("the connection is lost"));
  }
}
