/* See caller_slots.h. */
#include "caller_slots.h"

#include "resolve.h"

void caller_release(struct slot *slot) {
  buffer_free(&slot->response);
  buffer_free(&slot->metadata);
  stream_free(slot->stream);
  slot->stream = NULL;
}

void caller_tell(struct caller *caller, uint32_t index, struct answer answer) {
  struct slot *slot = &caller->slots[index];
  if (slot->is_told) return;
  slot->is_told = true;
  answer.slot = index;
  if (caller->hear != NULL) caller->hear(caller->context, &answer);
}

/* Whether nothing has to be freed, and only the generation must be kept. */
static bool is_plain(const struct slot *slot) {
  return slot->stream == NULL && slot->response.at == NULL && slot->metadata.at == NULL && !slot->is_cancelled && !slot->is_told;
}

void caller_settle(struct caller *caller, uint32_t index, struct answer answer) {
  struct slot *slot = &caller->slots[index];
  caller->live--;
  if (is_plain(slot)) {
    slot->live = slot->waits = false;
    answer.slot = index;
    if (caller->hear != NULL) caller->hear(caller->context, &answer);
    return;
  }
  struct slot ended = *slot;
  if (slot->stream != NULL) caller->streams--;
  *slot = (struct slot){.generation = ended.generation};
  answer.slot = index;
  answer.left = ended.stream == NULL || ended.is_cancelled ? NULL : &ended.stream->in.items;
  if (ended.is_cancelled && answer.code != CANCELLED) answer = (struct answer){index, CANCELLED, STARTED_MAYBE, {0}, {0}, NULL};
  if (!ended.is_told && caller->hear != NULL) caller->hear(caller->context, &answer);
  caller_release(&ended);
}

void caller_send_cancel(struct caller *caller, uint32_t index) {
  struct slot *slot = &caller->slots[index];
  if (slot->is_cancelled) return;
  slot->is_cancelled = true;
  if (slot->stream != NULL) slot->stream->sends = false;
  struct buffer payload = {0};
  code_encode(&payload, &(struct code_record){CANCELLED, view_of("")});
  struct frame frame = {.type = CANCEL, .call = caller_call(caller, index), .body = view_of_buffer(&payload)};
  link_send(caller->link, &frame);
  buffer_free(&payload);
}

void caller_give_up(struct caller *caller, uint32_t index, enum failure_code code, const char *text) {
  caller_tell(caller, index, caller_failed(code, STARTED_YES, text));
  caller_send_cancel(caller, index);
}

bool caller_decode(const struct declared *method, struct view message, struct buffer *to) {
  to->length = 0;
  return resolve_message(method->called.response, method->writer, message, to);
}
