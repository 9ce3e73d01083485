/* Frames of calls that the peer opens: see callee.h. A call whose request is whole goes on in callee_run.c. */
#include "callee.h"

#include <math.h>
#include <stdlib.h>

#include "callee_run.h"
#include "callee_slots.h"

struct callee *callee_new(struct link *link, struct exchange *exchange) {
  struct callee *callee = allocate(1, sizeof *callee);
  const int64_t *limits = link->settings.limits.value;
  callee->link = link;
  callee->exchange = exchange;
  callee->slot_count = (uint32_t)limits[CALLS_IN_FLIGHT_MAX];
  callee->methods = allocate((size_t)limits[METHODS_MAX], sizeof *callee->methods);
  callee->slots = allocate(callee->slot_count, sizeof *callee->slots);
  callee->due = INFINITY;
  return callee;
}

void callee_free(struct callee *callee) {
  for (uint32_t slot = 0; slot < callee->slots_used; slot++) callee_settle(callee, slot);
  for (int64_t number = 0; number < callee->link->settings.limits.value[METHODS_MAX]; number++) {
    buffer_free(&callee->methods[number].path);
  }
  items_free(&callee->oneways);
  free(callee->methods);
  free(callee->slots);
  free(callee);
}

bool callee_is_idle(const struct callee *callee) { return callee->live == 0; }

/* Whether this frame's part of the message was accepted; otherwise the call has failed. */
static bool hold(struct callee *callee, uint32_t index, struct view part) {
  struct slot *slot = &callee->slots[index];
  int64_t length = (int64_t)slot->request.length + (int64_t)part.length;
  bool too_long = length > callee->link->settings.limits.value[MESSAGE_BYTES_MAX];
  if (too_long || callee->held + part.length > HELD_BYTES_MAX) {
    callee_fail(callee, index, RESOURCE_EXHAUSTED, too_long ? "the request is longer than messageBytesMax" : "too many bytes are held");
    if (too_long) link_spend(callee->link);
    return false;
  }
  return true;
}

static void keep(struct callee *callee, struct slot *slot, struct view part) {
  buffer_append_view(&slot->request, part);
  callee_count_held(callee, slot);
}

/* The failure of a new call at its first frame, by 9.3; OK if there is none. `spends`: a conforming peer does not cause it. */
static enum failure_code judge_opening(const struct link *link, const struct frame *frame, const struct method *method,
    const char **text, bool *spends) {
  bool takes_oneway = method->kind == ONEWAY_KIND, is_oneway = frame->flags & ONEWAY;
  *spends = false;
  *text = "no new calls: this side drains";
  if (link->drain_sent && !is_oneway) return UNAVAILABLE;
  *spends = true;
  *text = "the prefix or the metadata is malformed, or beyond a limit";
  if (frame->prefix_error != OK) return frame->prefix_error;
  *text = "the flag ONEWAY does not fit the kind";
  if (is_oneway != takes_oneway) return FAILED_PRECONDITION;
  *text = "a body on a REQUEST whose messages are items";
  bool is_caller_stream = method->kind == CLIENT_STREAM || method->kind == DUPLEX;
  if (is_caller_stream && frame->body.length > 0) return INVALID_ARGUMENT;
  *text = "no codec was listed";
  if (frame->flags & COMPRESSED && !link->settings.lz4) return INVALID_ARGUMENT;
  *spends = false;
  *text = "there is no such method";
  if (method->fit == UNKNOWN_METHOD) return UNIMPLEMENTED;
  *text = method->fit == OTHER_KIND ? "the method has another kind here" : "the schemas do not fit";
  if (method->fit == OTHER_KIND || method->fit == BREAKING) return FAILED_PRECONDITION;
  *text = "the deadline has passed";
  return frame->flags & DEADLINE && frame->deadline == 0 ? DEADLINE_EXCEEDED : OK;
}

static void begin_call(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct link *link = callee->link;
  struct slot *slot = &callee->slots[index];
  const struct method *method = &callee->methods[frame->method];
  slot->state = ASSEMBLING;
  slot->started = false;
  slot->generation = (uint16_t)call_generation(frame->call);
  slot->method = frame->method;
  slot->flags = frame->flags;
  slot->begun = link->now;
  slot->due = slot->deadline = INFINITY;
  slot->work.stream = stream_new(link, method->kind, false);
  if (slot->work.stream != NULL) callee->streams++;
  if (index >= callee->slots_used) callee->slots_used = index + 1;
  callee->live++;
}

static void open_call(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct link *link = callee->link;
  bool declared = frame->method < link->settings.limits.value[METHODS_MAX] && callee->methods[frame->method].fit != UNDECLARED;
  if (!declared) return link_close(link, PROTOCOL, "the method was not declared");
  const struct method *method = &callee->methods[frame->method];
  bool is_caller_stream = method->kind == CLIENT_STREAM || method->kind == DUPLEX;
  if (is_caller_stream && frame->flags & (MORE | COMPRESSED)) {
    return link_close(link, FLAGS, "MORE or COMPRESSED on a caller's stream");
  }
  struct slot *slot = &callee->slots[index];
  begin_call(callee, index, frame);
  const char *text;
  bool spends;
  enum failure_code code = judge_opening(link, frame, method, &text, &spends);
  if (code != OK || !hold(callee, index, frame->body)) {
    if (code == FAILED_PRECONDITION && method->fit == BREAKING) callee_resume(callee, index);
    else if (code != OK) callee_fail(callee, index, code, text);
    slot->rest = frame->flags & MORE;
    if (code != OK && spends) link_spend(link);
    return;
  }
  if (frame->flags & DEADLINE) {
    slot->deadline = link->now + (frame->deadline > INT32_MAX ? INT32_MAX : frame->deadline);
    if (slot->deadline < callee->due) callee->due = slot->deadline;
  }
  if (frame->flags & METADATA) buffer_append_view(&slot->metadata, frame->metadata);
  if (frame->flags & MORE) keep(callee, slot, frame->body);
  else callee_request(callee, index, frame->body);
}

static void continue_call(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct link *link = callee->link;
  struct slot *slot = &callee->slots[index];
  if (frame->method != slot->method) return link_close(link, PROTOCOL, "the method changes inside a message");
  if (frame->flags & ~(MORE | CHECKSUM)) return link_close(link, FLAGS, "a flag of the first frame inside a message");
  if (!hold(callee, index, frame->body)) {
    slot->rest = frame->flags & MORE;
    return;
  }
  keep(callee, slot, frame->body);
  if (!(frame->flags & MORE)) callee_request(callee, index, view_of_buffer(&slot->request));
}

static void on_request(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct slot *slot = &callee->slots[index];
  uint32_t generation = call_generation(frame->call);
  if (slot->state == FREE && generation == generation_after(slot->generation)) return open_call(callee, index, frame);
  bool is_last = generation != 0 && generation == slot->generation;
  if (is_last && slot->state == ASSEMBLING) return continue_call(callee, index, frame);
  if (!is_last || slot->state != FREE || !slot->rest) {
    return link_close(callee->link, CALL_NUMBER, "not the next generation of the slot");
  }
  if (frame->flags & ~(MORE | CHECKSUM)) return link_close(callee->link, FLAGS, "a flag of the first frame inside a message");
  slot->rest = frame->flags & MORE;
}

/* CANCEL, ITEM, END and CREDIT after the terminal frame (6.7). */
static void on_late(struct callee *callee, struct slot *slot, const struct frame *frame) {
  struct link *link = callee->link;
  enum kind kind = callee->methods[slot->method].kind;
  bool streams = caller_streams(kind), was_allowed = frame->type == CREDIT ? callee_streams(kind) : streams;
  if (frame->type == ITEM) {
    slot->credit -= HEADER_BYTES + (int64_t)frame->body.length;
    if (streams && slot->credit < 0) return link_close(link, FLOW_CONTROL, "late items beyond the credit");
    was_allowed = was_allowed && !slot->late_end;
  } else if (frame->type == END) {
    was_allowed = was_allowed && !slot->late_end;
    slot->late_end = true;
  } else if (frame->type == CANCEL) {
    was_allowed = slot->free_cancel && !slot->late_cancel;
    slot->late_cancel = true;
  }
  if (!was_allowed) link_spend(link);
}

/* A call error that a conforming peer does not cause. */
static void fault(struct callee *callee, uint32_t index, struct verdict verdict) {
  if (verdict.close != NONE) return link_close(callee->link, verdict.close, verdict.text);
  if (verdict.failure == OK) return;
  callee_fail(callee, index, verdict.failure, verdict.text);
  link_spend(callee->link);
}

/* ITEM or END of the caller of a live call. */
static void on_caller_stream(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct link *link = callee->link;
  struct slot *slot = &callee->slots[index];
  struct stream *stream = slot->work.stream;
  bool streams = caller_streams(callee->methods[slot->method].kind), is_end = frame->type == END;
  if (!streams || slot->state == ASSEMBLING) return link_close(link, PROTOCOL, "an item that the call does not have");
  if (is_end && frame->flags & ~CHECKSUM) return link_close(link, FLAGS, "a flag on a caller's END");
  if (is_end && stream->in.in_message) return link_close(link, PROTOCOL, "END inside an item");
  if (slot->state == RUNNING) return fault(callee, index, (struct verdict){NONE, INVALID_ARGUMENT, "ITEM or END after END"});
  if (is_end) {
    stream->in.ended = true;
    slot->state = RUNNING;
    if (frame->prefix_error != OK) fault(callee, index, (struct verdict){NONE, frame->prefix_error, "bytes behind END"});
    return;
  }
  fault(callee, index, stream_item(stream, link, frame));
  if (slot->state == FREE || link->closing) return;
  callee_count_held(callee, slot);
  if (callee->held > HELD_BYTES_MAX) return callee_fail(callee, index, RESOURCE_EXHAUSTED, "too many bytes are held");
  stream_give(stream, link, frame->call);
}

static void on_live(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct link *link = callee->link;
  struct slot *slot = &callee->slots[index];
  if (frame->type == CANCEL) {
    /* Of a complete request it costs nothing (9.4). */
    bool is_free = slot->state != ASSEMBLING;
    callee_fail(callee, index, CANCELLED, "cancelled");
    slot->late_cancel = true;
    if (!is_free) link_spend(link);
    return;
  }
  if (frame->type != CREDIT) return on_caller_stream(callee, index, frame);
  if (!callee_streams(callee->methods[slot->method].kind)) return link_close(link, PROTOCOL, "CREDIT for no stream");
  fault(callee, index, stream_credit(slot->work.stream, load_u32(frame->body.at)));
}

static void refuse_slot(struct callee *callee, const struct frame *frame) {
  struct failure_record failure = {RESOURCE_EXHAUSTED, STARTED_NO, view_of("the slot is beyond callsInFlightMax"), -1, false, false, {0}};
  if (callee->link->drain_sent) {
    failure.code = UNAVAILABLE;
    failure.text = view_of("no new calls: this side drains");
    failure.elsewhere = true;
  }
  if (!(frame->flags & ONEWAY)) callee_refuse(callee, frame->call, NULL, &failure);
  link_spend(callee->link);
}

void callee_frame(struct callee *callee, const struct frame *frame) {
  struct link *link = callee->link;
  uint32_t index = call_slot(frame->call), generation = call_generation(frame->call);
  bool in_range = index < callee->slot_count;
  if (frame->type == REQUEST) {
    if (in_range) on_request(callee, index, frame);
    else refuse_slot(callee, frame);
    return;
  }
  struct slot *slot = in_range ? &callee->slots[index] : NULL;
  if (slot == NULL || generation == 0 || generation != slot->generation) {
    return link_close(link, CALL_NUMBER, "there is no such call");
  }
  struct code_record cancel;
  if (frame->type == CANCEL && !cancel_decode(frame->body, &cancel)) return link_close(link, BAD_RECORD, "CANCEL is malformed");
  if (slot->state == FREE) on_late(callee, slot, frame);
  else on_live(callee, index, frame);
}
