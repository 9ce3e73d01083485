/* See caller_answers.h. */
#include "caller_answers.h"

#include <string.h>

#include "caller_slots.h"
#include "message.h"
#include "resolve.h"

/* Ends a call whose answer this side cannot read. */
static void breaks_off(struct caller *caller, uint32_t index, enum failure_code code, const char *text) {
  caller_settle(caller, index, caller_failed(code, STARTED_YES, text));
}

/* Fails the call for the application; the rest of its frames is dropped until the terminal frame. */
static void drops(struct caller *caller, uint32_t index, enum failure_code code, const char *text) {
  caller_tell(caller, index, caller_failed(code, STARTED_YES, text));
}

/* Decodes the items that the application has not taken, by its own schema. */
static bool decode_left(const struct declared *method, struct slot *slot) {
  struct items *items = &slot->stream->in.items;
  struct buffer item = {0}, own = {0};
  uint32_t cost;
  bool good = true;
  for (size_t left = items->count; left > 0 && items_take(items, &item, &cost); left--) {
    bool is_bytes = method->called.kind == BLOB && slot->head_taken;
    slot->head_taken = true;
    good = good && (is_bytes || caller_decode(method, view_of_buffer(&item), &own));
    items_add(items, view_of_buffer(is_bytes ? &item : &own), cost);
  }
  buffer_free(&item);
  buffer_free(&own);
  return good;
}

/* The callee has ended the call without a failure, and its answer is complete. */
static void end_well(struct caller *caller, uint32_t index) {
  struct slot *slot = &caller->slots[index];
  const struct declared *method = caller_method_of(caller, index);
  struct view body = view_of_buffer(&slot->response), metadata = view_of_buffer(&slot->metadata);
  slot->waits = method->reads == UNGRADED && !slot->is_told;
  if (slot->waits) return;
  if (method->reads == BREAKS) return breaks_off(caller, index, FAILED_PRECONDITION, "the schemas do not fit");
  bool is_stream = callee_streams(method->called.kind), good = true;
  struct buffer own = {0};
  if (method->reads == EVOLVED && !slot->is_told) {
    good = is_stream ? decode_left(method, slot) : caller_decode(method, body, &own);
    if (!is_stream) body = view_of_buffer(&own);
  }
  if (good) caller_settle(caller, index, (struct answer){.code = OK, .started = STARTED_YES, .body = body, .metadata = metadata});
  else breaks_off(caller, index, INTERNAL, "the schema does not read the answer");
  buffer_free(&own);
}

/* A response is whole. */
static void on_whole_response(struct caller *caller, uint32_t index) {
  struct slot *slot = &caller->slots[index];
  const struct settings *settings = &caller->link->settings;
  if (slot->is_compressed && !slot->is_told) {
    struct buffer message = {0};
    enum failure_code code =
        message_expand(view_of_buffer(&slot->response), settings->lz4, settings->limits.value[MESSAGE_BYTES_MAX], &message);
    buffer_free(&slot->response);
    slot->response = message;
    if (code != OK) {
      code = code == RESOURCE_EXHAUSTED ? code : INTERNAL;
      return breaks_off(caller, index, code, "the response cannot be decompressed");
    }
  }
  end_well(caller, index);
}

static void on_response(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct link *link = caller->link;
  struct slot *slot = &caller->slots[index];
  bool is_first = !slot->in_response, is_whole = !(frame->flags & MORE);
  if (!is_first && frame->flags & ~(MORE | CHECKSUM)) {
    return link_close(link, FLAGS, "a flag of the first frame inside a message");
  }
  bool reads_as_is = caller_method_of(caller, index)->reads == IDENTICAL && !(frame->flags & COMPRESSED) && frame->prefix_error == OK;
  if (is_first && is_whole && reads_as_is) {
    return caller_settle(caller, index,
        (struct answer){.code = OK, .started = STARTED_YES, .body = frame->body, .metadata = frame->metadata});
  }
  if (is_first) {
    slot->in_response = true;
    slot->is_compressed = frame->flags & COMPRESSED;
    if (!slot->is_told) buffer_append_view(&slot->metadata, frame->metadata);
  }
  bool is_too_long = (int64_t)(slot->response.length + frame->body.length) > link->settings.limits.value[MESSAGE_BYTES_MAX];
  if (frame->prefix_error != OK) drops(caller, index, INTERNAL, "the prefix of the response cannot be read");
  else if (is_too_long) drops(caller, index, RESOURCE_EXHAUSTED, "the response is longer than messageBytesMax");
  if (!slot->is_told) buffer_append_view(&slot->response, frame->body);
  if (is_whole) on_whole_response(caller, index);
}

static void on_failure(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct failure_record failure;
  if (frame->prefix_error != OK) return breaks_off(caller, index, INTERNAL, "the failure cannot be read");
  if (!failure_decode(frame->body, &failure)) return link_close(caller->link, BAD_RECORD, "FAILURE is malformed");
  bool is_known = failure.code < failure_names.count;
  enum failure_code code = is_known ? (enum failure_code)failure.code : UNKNOWN;
  caller_settle(caller, index,
      (struct answer){.code = code, .started = failure.started, .body = failure.text, .metadata = frame->metadata});
}

static void on_end(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct slot *slot = &caller->slots[index];
  const struct incoming *in = &slot->stream->in;
  if (in->in_message) return link_close(caller->link, PROTOCOL, "END inside an item");
  if (frame->prefix_error != OK) return breaks_off(caller, index, INTERNAL, "the prefix of END cannot be read");
  bool lacks_head = in->is_bytes && in->head_first && !slot->is_told;
  if (lacks_head) return breaks_off(caller, index, INTERNAL, "a blob ended without its head");
  buffer_append_view(&slot->metadata, frame->metadata);
  end_well(caller, index);
}

/* Acts on a verdict on ITEM or CREDIT; faults of a call matter only while the application waits for it. */
static void judge(struct caller *caller, uint32_t index, struct verdict verdict) {
  struct slot *slot = &caller->slots[index];
  if (verdict.close != NONE) return link_close(caller->link, verdict.close, verdict.text);
  if (verdict.failure == OK || slot->is_told || slot->is_cancelled) return;
  caller_give_up(caller, index, verdict.failure == RESOURCE_EXHAUSTED ? RESOURCE_EXHAUSTED : INTERNAL, verdict.text);
}

static void on_item(struct caller *caller, uint32_t index, const struct frame *frame) {
  struct slot *slot = &caller->slots[index];
  struct incoming *in = &slot->stream->in;
  judge(caller, index, stream_item(slot->stream, caller->link, frame));
  if (slot->is_told || slot->is_cancelled) in->items.count = in->items.taken = in->items.bytes.length = 0;
  else stream_give(slot->stream, caller->link, frame->call);
}

void caller_frame(struct caller *caller, const struct frame *frame) {
  struct link *link = caller->link;
  uint32_t index = call_slot(frame->call);
  struct slot *slot = index < caller->slot_count ? &caller->slots[index] : NULL;
  bool live = slot != NULL && slot->live && !slot->waits && slot->generation == call_generation(frame->call);
  if (!live) return link_close(link, CALL_NUMBER, "an answer to a call that is not live");
  enum kind kind = caller_method_of(caller, index)->called.kind;
  if (frame->flags & LEDGER && !slot->asked_ledger) return link_close(link, FLAGS, "durations that were not asked for");
  bool answers = frame->type == RESPONSE, streams = frame->type == ITEM || frame->type == END;
  if (callee_streams(kind) ? answers : streams) return link_close(link, PROTOCOL, "a frame that the call does not have");
  if (frame->type == CREDIT) {
    if (!caller_streams(kind)) return link_close(link, PROTOCOL, "CREDIT for no stream");
    if (!slot->is_cancelled && !slot->is_told) judge(caller, index, stream_credit(slot->stream, load_u32(frame->body.at)));
  } else if (answers) on_response(caller, index, frame);
  else if (frame->type == FAILURE) on_failure(caller, index, frame);
  else if (frame->type == ITEM) on_item(caller, index, frame);
  else on_end(caller, index, frame);
}

/* Grades the callee's responses; asks for their schema if it differs from this side's. */
static void grade(struct caller *caller, struct declared *method) {
  const struct schema *own = method->called.response, *come;
  struct buffer path = {0};
  if (!exchange_want(caller->exchange, (struct view){method->fingerprint, FINGERPRINT_BYTES}, &come)) return;
  method->writer = come;
  method->reads = come != NULL && resolve_grade(own, come, false, &path) ? EVOLVED : BREAKS;
  buffer_free(&path);
}

void caller_answered(struct caller *caller, uint16_t number, const struct method_record *record) {
  struct declared *method = number < caller->method_count ? &caller->methods[number] : NULL;
  bool fits = method != NULL && !method->is_answered && view_equals(record->name, method->called.name) &&
      record->kind == method->called.kind;
  if (!fits) return link_close(caller->link, PROTOCOL, "an ANSWER that fits no DECLARE");
  const struct schema *own = method->called.response;
  method->is_answered = true;
  if (view_equals(record->response, caller_fingerprint(own))) return;
  method->reads = record->response.length == 0 || own == NULL ? BREAKS : UNGRADED;
  if (method->reads == BREAKS) return;
  memcpy(method->fingerprint, record->response.at, FINGERPRINT_BYTES);
  grade(caller, method);
}

void caller_schema(struct caller *caller) {
  for (int number = 0; number < caller->method_count; number++) {
    if (caller->methods[number].reads == UNGRADED) grade(caller, &caller->methods[number]);
  }
  for (uint32_t index = 0; index < caller->slot_count; index++) {
    if (caller->slots[index].waits) end_well(caller, index);
  }
}
