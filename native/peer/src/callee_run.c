/* See callee_run.h. */
#include "callee_run.h"

#include <math.h>

#include "callee_slots.h"
#include "message.h"
#include "resolve.h"
#include "value.h"

enum { LATE_MS = 500, ANSWER_BYTES_MAX = 64 << 20, UNSENT_BYTES_MAX = 262144 };

void callee_count_held(struct callee *callee, struct slot *slot) {
  const struct stream *stream = slot->work.stream;
  size_t held = slot->request.length + slot->work.answer.length;
  if (stream != NULL) held += stream->in.partial.length + stream->in.items.bytes.length;
  callee->held += held - slot->held;
  slot->held = held;
}

void callee_settle(struct callee *callee, uint32_t index) {
  struct slot *slot = &callee->slots[index];
  struct stream *stream = slot->work.stream;
  if (slot->state == FREE) return;
  slot->rest = slot->state == ASSEMBLING;
  slot->late_cancel = false;
  slot->free_cancel = slot->started;
  slot->late_end = stream != NULL && stream->in.ended;
  slot->credit = stream != NULL ? stream->in.credit : callee->link->settings.limits.value[STREAM_WINDOW_BYTES];
  slot->state = FREE;
  callee->held -= slot->held;
  slot->held = 0;
  callee->live--;
  if (stream != NULL) callee->streams--;
  stream_free(stream);
  buffer_free(&slot->request);
  buffer_free(&slot->metadata);
  buffer_free(&slot->work.answer);
  slot->work = (struct work){0};
}

static void add_ledger(const struct callee *callee, const struct slot *slot, struct frame *frame) {
  if (slot == NULL || !(slot->flags & LEDGER)) return;
  double us = (callee->link->now - slot->begun) * 1e3;
  frame->flags |= LEDGER;
  frame->ledger[1] = us < 0 ? 0 : us > 4e9 ? UINT32_MAX : (uint32_t)us;
}

void callee_refuse(struct callee *callee, uint32_t call, const struct slot *slot, const struct failure_record *failure) {
  struct buffer body = {0};
  failure_encode(&body, failure);
  struct frame frame = {.type = FAILURE, .call = call, .body = view_of_buffer(&body)};
  add_ledger(callee, slot, &frame);
  link_send(callee->link, &frame);
  buffer_free(&body);
}

void callee_fail(struct callee *callee, uint32_t index, enum failure_code code, const char *text) {
  struct slot *slot = &callee->slots[index];
  bool elsewhere = code == UNIMPLEMENTED || code == UNAVAILABLE;
  struct failure_record failure = {(int32_t)code, slot->started ? STARTED_YES : STARTED_NO, view_of(text), -1, elsewhere, false, {0}};
  if (!(slot->flags & ONEWAY)) callee_refuse(callee, callee_call(callee, index), slot, &failure);
  callee_settle(callee, index);
}

/* Whether the caller accepts the metadata, and it fits the first frame together with the rest of the prefix. */
static bool metadata_fits(const struct callee *callee, const struct slot *slot) {
  const struct limits *peer = &callee->link->peer;
  int64_t length = (int64_t)slot->metadata.length;
  return length <= peer->value[METADATA_BYTES_MAX] && message_room(callee->link, slot->metadata.length + 16) > 0 &&
         metadata_judge(view_of_buffer(&slot->metadata), peer->value[METADATA_ENTRIES_MAX]) == OK;
}

/* The call has ended well, which refills its caller's budget by one. */
static void settle_well(struct callee *callee, uint32_t index) {
  struct bucket *bucket = &callee->link->bad_ends;
  callee_settle(callee, index);
  if (bucket->left < bucket->full) bucket->left += 1;
}

static void respond(struct callee *callee, uint32_t index) {
  struct slot *slot = &callee->slots[index];
  struct frame first = {.type = RESPONSE, .call = callee_call(callee, index)};
  struct view answer = view_of_buffer(&slot->work.answer);
  struct buffer compressed = {0};
  if (slot->metadata.length > 0) {
    if (!metadata_fits(callee, slot)) return callee_fail(callee, index, RESOURCE_EXHAUSTED, "the answer's metadata");
    first.flags |= METADATA;
    first.metadata = view_of_buffer(&slot->metadata);
  }
  add_ledger(callee, slot, &first);
  if (message_compress_for(callee->link, answer, &compressed)) {
    first.flags |= COMPRESSED;
    answer = view_of_buffer(&compressed);
  }
  message_send(callee->link, &first, answer);
  buffer_free(&compressed);
  settle_well(callee, index);
}

static void end_stream(struct callee *callee, uint32_t index) {
  struct frame frame = {.type = END, .call = callee_call(callee, index)};
  add_ledger(callee, &callee->slots[index], &frame);
  link_send(callee->link, &frame);
  settle_well(callee, index);
}

static void step(struct callee *callee, uint32_t index) {
  struct slot *slot = &callee->slots[index];
  enum failure_code code = OK;
  switch (handler_step(&slot->work, &code)) {
    case STEP_ANSWERS: return respond(callee, index);
    case STEP_ENDS: return end_stream(callee, index);
    case STEP_FAILS: return callee_fail(callee, index, code, name_of(failure_names, code));
    default: break;
  }
  if (slot->work.stream != NULL) stream_give(slot->work.stream, callee->link, callee_call(callee, index));
  callee_count_held(callee, slot);
}

/* The next step and frame of a stream. False: it waits for items or credit. */
static bool advance(struct callee *callee, uint32_t index) {
  struct slot *slot = &callee->slots[index];
  if (slot->state == FREE || !slot->started || slot->work.stream == NULL) return false;
  if (stream_send(slot->work.stream, callee->link, callee_call(callee, index))) return true;
  step(callee, index);
  return slot->state != FREE && stream_send(slot->work.stream, callee->link, callee_call(callee, index));
}

bool callee_stream(struct callee *callee) {
  struct link *link = callee->link;
  bool goes_on = callee->streams > 0;
  while (goes_on && !link->closing) {
    goes_on = false;
    for (uint32_t index = 0; index < callee->slots_used; index++) {
      if (link_unsent(link) > UNSENT_BYTES_MAX) return true;
      if (advance(callee, index)) goes_on = true;
    }
  }
  return false;
}

/* Decodes a request into `own` where the caller's schema differs. False: the schema cannot read it. */
static bool decode(const struct method *method, struct view request, struct buffer *own) {
  const struct schema *schema = method->handler->request;
  if (method->writer != NULL) return resolve_message(schema, method->writer, request, own);
  return schema == NULL || value_fits(schema, request);
}

static void run_oneway(struct callee *callee, const struct method *method, struct view request) {
  const struct settings *settings = &callee->link->settings;
  struct buffer own = {0};
  bool good = method->fit == FITS && decode(method, request, &own);
  if (good && settings->on_oneway != NULL) {
    settings->on_oneway(settings->context, method->handler->name, method->writer == NULL ? request : view_of_buffer(&own));
  }
  buffer_free(&own);
  if (!good && method->fit == FITS) link_spend(callee->link);
}

void callee_resume_oneways(struct callee *callee) {
  struct buffer request = {0};
  uint32_t number;
  for (size_t left = callee->oneways.count; left > 0 && items_take(&callee->oneways, &request, &number); left--) {
    const struct method *method = &callee->methods[number];
    callee->held -= request.length;
    if (method->fit != PENDING) run_oneway(callee, method, view_of_buffer(&request));
    else {
      items_add(&callee->oneways, view_of_buffer(&request), number);
      callee->held += request.length;
    }
  }
  buffer_free(&request);
}

/* The request and its schemas are complete: decodes it and starts the handler. */
static void start(struct callee *callee, uint32_t index, struct view request) {
  struct link *link = callee->link;
  struct slot *slot = &callee->slots[index];
  const struct method *method = &callee->methods[slot->method];
  const struct handler *handler = method->handler;
  struct buffer own = {0};
  if (!decode(method, request, &own)) {
    buffer_free(&own);
    callee_fail(callee, index, INVALID_ARGUMENT, "the schema does not read the request");
    return link_spend(link);
  }
  slot->started = true;
  bool waits = handler->does == DOES_ECHO_LATE || handler->does == DOES_NOTHING_EVER || slot->work.stream != NULL;
  if (method->writer != NULL) {
    buffer_free(&slot->request);
    slot->request = own;
    request = view_of_buffer(&own);
  } else if (waits && request.at != slot->request.at) {
    slot->request.length = 0;
    buffer_append_view(&slot->request, request);
    request = view_of_buffer(&slot->request);
  }
  int64_t takes = link->peer.value[MESSAGE_BYTES_MAX];
  slot->work.handler = handler;
  slot->work.request = request;
  slot->work.bytes_max = takes < ANSWER_BYTES_MAX ? takes : ANSWER_BYTES_MAX;
  callee_count_held(callee, slot);
  if (handler->does != DOES_ECHO && handler->does != DOES_ECHO_LATE) buffer_free(&slot->metadata);
  if (handler->does != DOES_ECHO_LATE) return step(callee, index);
  slot->due = link->now + LATE_MS;
  if (slot->due < callee->due) callee->due = slot->due;
}

/* Decompresses the request into `slot->request`; false: the call has failed. */
static bool expand(struct callee *callee, uint32_t index, struct view request) {
  const struct settings *settings = &callee->link->settings;
  struct slot *slot = &callee->slots[index];
  struct buffer message = {0};
  enum failure_code code = message_expand(request, settings->lz4, settings->limits.value[MESSAGE_BYTES_MAX], &message);
  if (code != OK) {
    buffer_free(&message);
    callee_fail(callee, index, code, "a request that cannot be decompressed");
    link_spend(callee->link);
    return false;
  }
  buffer_free(&slot->request);
  slot->request = message;
  callee_count_held(callee, slot);
  return true;
}

void callee_request(struct callee *callee, uint32_t index, struct view request) {
  struct slot *slot = &callee->slots[index];
  const struct method *method = &callee->methods[slot->method];
  if (slot->flags & COMPRESSED) {
    if (!expand(callee, index, request)) return;
    request = view_of_buffer(&slot->request);
  }
  if (method->kind == ONEWAY_KIND) {
    /* Its slot is free once the request is complete, even if the call then fails. */
    if (method->fit != PENDING) run_oneway(callee, method, request);
    else if (callee->held + request.length <= HELD_BYTES_MAX) {
      items_add(&callee->oneways, request, slot->method);
      callee->held += request.length;
    }
    return settle_well(callee, index);
  }
  slot->state = caller_streams(method->kind) ? RECEIVING : RUNNING;
  if (method->fit == FITS) return start(callee, index, request);
  /* It waits for schemas. */
  if (request.at == slot->request.at) return;
  buffer_append_view(&slot->request, request);
  callee_count_held(callee, slot);
}

void callee_resume(struct callee *callee, uint32_t index) {
  struct slot *slot = &callee->slots[index];
  const struct method *method = &callee->methods[slot->method];
  if (method->fit == BREAKING) {
    struct buffer text = {0};
    buffer_append_view(&text, view_of_buffer(&method->path));
    buffer_append_byte(&text, 0);
    callee_fail(callee, index, FAILED_PRECONDITION, (const char *)text.at);
    buffer_free(&text);
  } else if (slot->state != ASSEMBLING) {
    start(callee, index, view_of_buffer(&slot->request));
  }
}

void callee_tick(struct callee *callee, double now) {
  if (now < callee->due) return;
  callee->due = INFINITY;
  for (uint32_t index = 0; index < callee->slots_used; index++) {
    struct slot *slot = &callee->slots[index];
    if (slot->state == FREE) continue;
    if (now >= slot->deadline) callee_fail(callee, index, DEADLINE_EXCEEDED, "the deadline has passed");
    else if (now >= slot->due) step(callee, index);
    if (slot->state == FREE) continue;
    double due = slot->due < slot->deadline ? slot->due : slot->deadline;
    if (due < callee->due) callee->due = due;
  }
}

void callee_peer_ended(struct callee *callee) {
  for (uint32_t index = 0; index < callee->slots_used; index++) {
    enum state state = callee->slots[index].state;
    if (state == ASSEMBLING || state == RECEIVING) callee_settle(callee, index);
  }
}

void callee_end_all(struct callee *callee) {
  for (uint32_t index = 0; index < callee->slots_used; index++) {
    if (callee->slots[index].state != FREE) callee_fail(callee, index, CANCELLED, "the grace of the drain is over");
  }
}
