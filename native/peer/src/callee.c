/* See callee.h. */
#include "callee.h"

#include <math.h>
#include <stdlib.h>

#include "canonical.h"
#include "handlers.h"

enum { LATE_MS = 50, FRAME_BYTES = 65536, HELD_BYTES_MAX = 64 << 20 };

enum fit { UNDECLARED, FITS, UNKNOWN_METHOD, OTHER_KIND, BREAKING };

struct method {
  enum fit fit;
  enum kind kind;
  const struct handler *handler;
};

enum state { FREE, ASSEMBLING, RUNNING };

struct slot {
  enum state state;
  /* Of the live call, else of the last one; 0: there was none. */
  uint16_t generation;
  uint16_t method;
  uint8_t flags;
  /* After the end: the request was incomplete; the first late frame, END and CANCEL have come; credit that was left. */
  bool rest, late, late_end, late_cancel;
  int64_t credit;
  struct buffer request;
  struct buffer metadata;
  double begun, due, deadline;
};

struct callee {
  struct connection *connection;
  struct method *methods;
  struct slot *slots;
  uint32_t slot_count, live;
  size_t held;
  /* When the earliest deadline or late answer is due. */
  double due;
  struct buffer answer;
};

struct callee *callee_new(struct connection *connection) {
  struct callee *callee = allocate(1, sizeof *callee);
  const int64_t *limits = connection->settings.limits.value;
  callee->connection = connection;
  callee->slot_count = (uint32_t)limits[CALLS_IN_FLIGHT_MAX];
  callee->methods = allocate((size_t)limits[METHODS_MAX], sizeof *callee->methods);
  callee->slots = allocate(callee->slot_count, sizeof *callee->slots);
  callee->due = INFINITY;
  return callee;
}

void callee_free(struct callee *callee) {
  for (uint32_t slot = 0; slot < callee->slot_count; slot++) {
    buffer_free(&callee->slots[slot].request);
    buffer_free(&callee->slots[slot].metadata);
  }
  buffer_free(&callee->answer);
  free(callee->methods);
  free(callee->slots);
  free(callee);
}

bool callee_is_idle(const struct callee *callee) { return callee->live == 0; }

/* A method without schemas carries raw bytes. Declared errors never make a method breaking (6.4). */
static bool schemas_are_ours(const struct handler *handler, const struct method_record *method) {
  if (handler->does != DOES_CANONICAL) return method->request.length == 0 && method->response.length == 0;
  uint8_t fingerprint[FINGERPRINT_BYTES];
  canonical_fingerprint(fingerprint);
  struct view ours = {fingerprint, sizeof fingerprint};
  return view_equals(method->request, ours) && view_equals(method->response, ours);
}

/* This side's own schemas (6.4); it resolves none, so what is not identical is breaking. */
static void answer_method(struct callee *callee, uint16_t number, const struct method_record *declared, const struct handler *handler) {
  uint8_t fingerprint[FINGERPRINT_BYTES];
  canonical_fingerprint(fingerprint);
  struct method_record own = {.role = ANSWER, .name = declared->name, .kind = declared->kind};
  if (handler->does == DOES_CANONICAL) {
    own.request = own.response = (struct view){fingerprint, sizeof fingerprint};
    callee->connection->schema_named = true;
  }
  struct buffer payload = {0};
  method_encode(&payload, &own);
  connection_send(callee->connection, &(struct frame){.type = METHOD, .method = number, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
}

void callee_declare(struct callee *callee, uint16_t number, const struct method_record *declared) {
  struct connection *connection = callee->connection;
  if (number >= connection->settings.limits.value[METHODS_MAX]) {
    return connection_close(connection, PROTOCOL, "a method number beyond methodsMax");
  }
  struct method *method = &callee->methods[number];
  if (method->fit != UNDECLARED) return connection_close(connection, PROTOCOL, "a method number is declared twice");
  *method = (struct method){.kind = declared->kind, .handler = handler_named(declared->name)};
  if (method->handler == NULL) method->fit = UNKNOWN_METHOD;
  else if (method->handler->kind != declared->kind) method->fit = OTHER_KIND;
  else {
    method->fit = schemas_are_ours(method->handler, declared) ? FITS : BREAKING;
    if (method->fit == BREAKING || declared->errors.length > 0) answer_method(callee, number, declared, method->handler);
  }
}

static uint32_t number_of_slot(const struct callee *callee, uint32_t slot, uint32_t generation) {
  return call_number(callee->connection->is_dialler, generation, slot);
}

/* The call is over; what it held is given back. */
static void settle(struct callee *callee, struct slot *slot) {
  if (slot->state == FREE) return;
  slot->rest = slot->state == ASSEMBLING;
  slot->late = slot->late_end = slot->late_cancel = false;
  slot->credit = callee->connection->settings.limits.value[STREAM_WINDOW_BYTES];
  slot->state = FREE;
  callee->held -= slot->request.length;
  buffer_free(&slot->request);
  buffer_free(&slot->metadata);
  callee->live--;
}

static void add_ledger(const struct callee *callee, const struct slot *slot, struct frame *frame) {
  if (slot == NULL || !(slot->flags & LEDGER)) return;
  double us = (callee->connection->now - slot->begun) * 1e3;
  frame->flags |= LEDGER;
  frame->ledger[1] = us < 0 ? 0 : us > 4e9 ? UINT32_MAX : (uint32_t)us;
}

static void send_failure(struct callee *callee, const struct slot *slot, uint32_t call, const struct failure_record *failure) {
  struct buffer body = {0};
  failure_encode(&body, failure);
  struct frame frame = {.type = FAILURE, .call = call, .body = view_of_buffer(&body)};
  add_ledger(callee, slot, &frame);
  connection_send(callee->connection, &frame);
  buffer_free(&body);
}

/* Ends a live call with FAILURE, or silently if it is ONEWAY. */
static void fail(struct callee *callee, uint32_t index, enum failure_code code, const char *text) {
  struct slot *slot = &callee->slots[index];
  bool elsewhere = code == UNIMPLEMENTED;
  struct failure_record failure = {(int32_t)code, slot->state == RUNNING ? STARTED_YES : STARTED_NO, view_of(text), -1, elsewhere,
      false, {0}};
  if (!(slot->flags & ONEWAY)) send_failure(callee, slot, number_of_slot(callee, index, slot->generation), &failure);
  settle(callee, slot);
}

static void send_response(struct callee *callee, uint32_t index, struct view message) {
  struct connection *connection = callee->connection;
  struct slot *slot = &callee->slots[index];
  struct frame frame = {.type = RESPONSE, .call = number_of_slot(callee, index, slot->generation)};
  add_ledger(callee, slot, &frame);
  if (slot->metadata.length > 0) {
    frame.flags |= METADATA;
    frame.metadata = view_of_buffer(&slot->metadata);
  }
  size_t least = (size_t)connection->peer.value[FRAME_BYTES_MAX], most = least < FRAME_BYTES ? least : FRAME_BYTES;
  /* Checksum, ledger, size of metadata. */
  size_t room = most - 20 - frame.metadata.length;
  do {
    frame.body = (struct view){message.at, message.length < room ? message.length : room};
    message.at += frame.body.length;
    message.length -= frame.body.length;
    if (message.length > 0) frame.flags |= MORE;
    else frame.flags &= (uint8_t)~MORE;
    connection_send(connection, &frame);
    frame.flags = 0;
    room = most - 4;
  } while (message.length > 0);
}

/* Metadata that the caller takes, and that fits the first frame beside the rest of the prefix. */
static bool metadata_fits(const struct callee *callee, const struct slot *slot) {
  const struct limits *peer = &callee->connection->peer;
  int64_t length = (int64_t)slot->metadata.length;
  return length <= peer->value[METADATA_BYTES_MAX] && length + 20 < peer->value[FRAME_BYTES_MAX] &&
         length + 20 < FRAME_BYTES && metadata_judge(view_of_buffer(&slot->metadata), peer->value[METADATA_ENTRIES_MAX]) == OK;
}

static void answer(struct callee *callee, uint32_t index, struct view request) {
  struct connection *connection = callee->connection;
  struct slot *slot = &callee->slots[index];
  callee->answer.length = 0;
  enum failure_code code =
      handler_run(callee->methods[slot->method].handler, request, connection->peer.value[MESSAGE_BYTES_MAX], &callee->answer);
  if (code == OK && slot->metadata.length > 0 && !metadata_fits(callee, slot)) code = RESOURCE_EXHAUSTED;
  if (code != OK) return fail(callee, index, code, name_of(failure_names, code));
  send_response(callee, index, view_of_buffer(&callee->answer));
  settle(callee, slot);
  if (connection->bad_ends.left < connection->bad_ends.full) connection->bad_ends.left += 1;
}

/* A request that is whole. `request` is a view of the frame, or of what was assembled. */
static void run(struct callee *callee, uint32_t index, struct view request) {
  struct slot *slot = &callee->slots[index];
  const struct handler *handler = callee->methods[slot->method].handler;
  if (handler->does == DOES_CANONICAL) {
    struct canonical record;
    if (!canonical_decode(request, &record)) {
      fail(callee, index, INVALID_ARGUMENT, "the schema does not read the request");
      return connection_spend(callee->connection);
    }
  }
  slot->state = RUNNING;
  if (slot->flags & ONEWAY) {
    settle(callee, slot);
    if (callee->connection->bad_ends.left < callee->connection->bad_ends.full) callee->connection->bad_ends.left += 1;
    return;
  }
  if (handler->does == DOES_ECHO_LATE) slot->due = callee->connection->now + LATE_MS;
  if (handler->does == DOES_ECHO_LATE || handler->does == DOES_NOTHING_EVER) {
    if (slot->request.length == 0) {
      buffer_append_view(&slot->request, request);
      callee->held += request.length;
    }
    if (slot->due < callee->due) callee->due = slot->due;
    return;
  }
  answer(callee, index, request);
}

/* Whether this frame's part of the message was taken; otherwise the call has failed. */
static bool hold(struct callee *callee, uint32_t index, struct view part) {
  struct slot *slot = &callee->slots[index];
  int64_t length = (int64_t)slot->request.length + (int64_t)part.length;
  bool too_long = length > callee->connection->settings.limits.value[MESSAGE_BYTES_MAX];
  if (too_long || callee->held + part.length > HELD_BYTES_MAX) {
    fail(callee, index, RESOURCE_EXHAUSTED, too_long ? "the request is longer than messageBytesMax" : "too many bytes are held");
    if (too_long) connection_spend(callee->connection);
    return false;
  }
  return true;
}

static void keep(struct callee *callee, struct slot *slot, struct view part) {
  buffer_append_view(&slot->request, part);
  callee->held += part.length;
}

/* What a new call can fail with at its first frame, by 9.3; OK if nothing. `spends`: a conforming peer does not cause it. */
static enum failure_code judge_opening(const struct frame *frame, const struct method *method, const char **text, bool *spends) {
  bool takes_oneway = method->kind == ONEWAY_KIND;
  *spends = true;
  *text = "the prefix or the metadata is malformed, or beyond a limit";
  if (frame->prefix_error != OK) return frame->prefix_error;
  *text = "the flag ONEWAY does not fit the kind";
  if (((frame->flags & ONEWAY) != 0) != takes_oneway) return FAILED_PRECONDITION;
  *text = "a body on a REQUEST whose messages are items";
  bool is_caller_stream = method->kind == CLIENT_STREAM || method->kind == DUPLEX;
  if (is_caller_stream && frame->body.length > 0) return INVALID_ARGUMENT;
  *text = "no codec was listed";
  if (frame->flags & COMPRESSED) return INVALID_ARGUMENT;
  *spends = false;
  *text = "there is no such method";
  if (method->fit == UNKNOWN_METHOD) return UNIMPLEMENTED;
  *text = method->fit == OTHER_KIND ? "the method has another kind here" : "the schemas are not identical, and none are resolved here";
  if (method->fit != FITS) return FAILED_PRECONDITION;
  *text = "the deadline has passed";
  return frame->flags & DEADLINE && frame->deadline == 0 ? DEADLINE_EXCEEDED : OK;
}

static void open_call(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct connection *connection = callee->connection;
  bool declared = frame->method < connection->settings.limits.value[METHODS_MAX] && callee->methods[frame->method].fit != UNDECLARED;
  if (!declared) return connection_close(connection, PROTOCOL, "the method was not declared");
  const struct method *method = &callee->methods[frame->method];
  bool is_caller_stream = method->kind == CLIENT_STREAM || method->kind == DUPLEX;
  if (is_caller_stream && frame->flags & (MORE | COMPRESSED)) {
    return connection_close(connection, FLAGS, "MORE or COMPRESSED on a caller's stream");
  }
  struct slot *slot = &callee->slots[index];
  slot->state = ASSEMBLING;
  slot->generation = (uint16_t)call_generation(frame->call);
  slot->method = frame->method;
  slot->flags = frame->flags;
  slot->begun = connection->now;
  slot->due = slot->deadline = INFINITY;
  callee->live++;
  const char *text;
  bool spends;
  enum failure_code code = judge_opening(frame, method, &text, &spends);
  if (code != OK || !hold(callee, index, frame->body)) {
    if (code != OK) fail(callee, index, code, text);
    slot->rest = frame->flags & MORE;
    if (code != OK && spends) connection_spend(connection);
    return;
  }
  if (frame->flags & DEADLINE) {
    slot->deadline = connection->now + (frame->deadline > INT32_MAX ? INT32_MAX : frame->deadline);
    if (slot->deadline < callee->due) callee->due = slot->deadline;
  }
  if (frame->flags & METADATA) buffer_append_view(&slot->metadata, frame->metadata);
  if (frame->flags & MORE) keep(callee, slot, frame->body);
  else run(callee, index, frame->body);
}

static void continue_call(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct connection *connection = callee->connection;
  struct slot *slot = &callee->slots[index];
  if (frame->method != slot->method) return connection_close(connection, PROTOCOL, "the method changes inside a message");
  if (frame->flags & ~(MORE | CHECKSUM)) return connection_close(connection, FLAGS, "a flag of the first frame inside a message");
  if (!hold(callee, index, frame->body)) {
    slot->rest = frame->flags & MORE;
    return;
  }
  keep(callee, slot, frame->body);
  if (!(frame->flags & MORE)) run(callee, index, view_of_buffer(&slot->request));
}

static void on_request(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct slot *slot = &callee->slots[index];
  uint32_t generation = call_generation(frame->call);
  if (slot->state == FREE && generation == generation_after(slot->generation)) return open_call(callee, index, frame);
  bool is_last = generation != 0 && generation == slot->generation;
  if (is_last && slot->state == ASSEMBLING) return continue_call(callee, index, frame);
  if (!is_last || slot->state != FREE || !slot->rest) {
    return connection_close(callee->connection, CALL_NUMBER, "not the next generation of the slot");
  }
  if (!slot->late) connection_spend(callee->connection);
  slot->late = true;
  slot->rest = frame->flags & MORE;
}

/* CANCEL, ITEM, END and CREDIT after the terminal frame (6.7). */
static void on_late(struct callee *callee, struct slot *slot, const struct frame *frame) {
  struct connection *connection = callee->connection;
  enum kind kind = callee->methods[slot->method].kind;
  bool streams = kind == CLIENT_STREAM || kind == DUPLEX || kind == BLOB;
  bool takes_credit = kind == SERVER_STREAM || kind == DUPLEX || kind == BLOB;
  bool was_allowed = frame->type == CREDIT ? takes_credit : streams;
  if (frame->type == ITEM) {
    slot->credit -= HEADER_BYTES + (int64_t)frame->body.length;
    if (streams && slot->credit < 0) return connection_close(connection, FLOW_CONTROL, "late items beyond the credit");
    was_allowed = was_allowed && !slot->late_end;
  } else if (frame->type == END) {
    was_allowed = was_allowed && !slot->late_end;
    slot->late_end = true;
  } else if (frame->type == CANCEL) {
    was_allowed = !slot->late_cancel;
    slot->late_cancel = true;
  }
  if (!slot->late || !was_allowed || frame->type == CANCEL) connection_spend(connection);
  slot->late = true;
}

static void on_live(struct callee *callee, uint32_t index, const struct frame *frame) {
  struct connection *connection = callee->connection;
  if (frame->type != CANCEL) return connection_close(connection, PROTOCOL, "a frame that a unary call does not have");
  fail(callee, index, CANCELLED, "cancelled");
  callee->slots[index].late_cancel = true;
  connection_spend(connection);
}

static void refuse_slot(struct callee *callee, const struct frame *frame) {
  struct failure_record failure = {RESOURCE_EXHAUSTED, STARTED_NO, view_of("the slot is beyond callsInFlightMax"), -1, false, false, {0}};
  if (!(frame->flags & ONEWAY)) send_failure(callee, NULL, frame->call, &failure);
  connection_spend(callee->connection);
}

void callee_frame(struct callee *callee, const struct frame *frame) {
  struct connection *connection = callee->connection;
  uint32_t index = call_slot(frame->call), generation = call_generation(frame->call);
  bool in_range = index < callee->slot_count;
  if (frame->type == REQUEST) {
    if (in_range) on_request(callee, index, frame);
    else refuse_slot(callee, frame);
    return;
  }
  struct slot *slot = in_range ? &callee->slots[index] : NULL;
  if (slot == NULL || generation == 0 || generation != slot->generation) {
    return connection_close(connection, CALL_NUMBER, "there is no such call");
  }
  struct code_record cancel;
  if (frame->type == CANCEL && !cancel_decode(frame->body, &cancel)) return connection_close(connection, BAD_RECORD, "CANCEL is malformed");
  if (slot->state == FREE) on_late(callee, slot, frame);
  else on_live(callee, index, frame);
}

void callee_tick(struct callee *callee, double now) {
  if (now < callee->due) return;
  callee->due = INFINITY;
  for (uint32_t index = 0; index < callee->slot_count; index++) {
    struct slot *slot = &callee->slots[index];
    if (slot->state == FREE) continue;
    if (now >= slot->deadline) fail(callee, index, DEADLINE_EXCEEDED, "the deadline has passed");
    else if (now >= slot->due) answer(callee, index, view_of_buffer(&slot->request));
    if (slot->state == FREE) continue;
    double due = slot->due < slot->deadline ? slot->due : slot->deadline;
    if (due < callee->due) callee->due = due;
  }
}

void callee_peer_ended(struct callee *callee) {
  for (uint32_t index = 0; index < callee->slot_count; index++) {
    if (callee->slots[index].state == ASSEMBLING) settle(callee, &callee->slots[index]);
  }
}
