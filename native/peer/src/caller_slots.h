/*
 * The state of this side's calls and how they end, shared by caller.c (what the application does) and caller_answers.c (what the
 * callee says). No other file includes this.
 */
#ifndef PEER_CALLER_SLOTS_H
#define PEER_CALLER_SLOTS_H

#include "answer.h"
#include "exchange.h"
#include "stream.h"

enum { METHODS = 64 };

/* How this side reads the callee's answers: with its own schema, or by resolution; UNGRADED until the schema has arrived. */
enum reads { IDENTICAL, UNGRADED, EVOLVED, BREAKS };

struct declared {
  struct called called;
  bool is_answered;
  enum reads reads;
  uint8_t fingerprint[FINGERPRINT_BYTES];
  const struct schema *writer;
};

struct slot {
  /* True until the terminal frame was read. */
  bool live;
  /* The application has its answer: later frames are dropped. */
  bool is_told;
  /* CANCEL was sent; the application learns the end of a call with items at the terminal frame. */
  bool is_cancelled;
  bool asked_ledger;
  /* A part of a RESPONSE has arrived. */
  bool in_response, is_compressed;
  /* The terminal frame was read, but a schema is missing. */
  bool waits;
  bool head_taken;
  uint16_t generation, method;
  double deadline;
  struct buffer response, metadata;
  struct stream *stream;
};

struct caller {
  struct link *link;
  struct exchange *exchange;
  on_answer *hear;
  void *context;
  struct declared methods[METHODS];
  int method_count;
  struct slot *slots;
  uint32_t slot_count, live, streams;
  /* The earliest deadline. */
  double due;
};

static inline uint32_t caller_call(const struct caller *caller, uint32_t index) {
  return call_number(!caller->link->is_dialler, caller->slots[index].generation, index);
}

static inline const struct declared *caller_method_of(const struct caller *caller, uint32_t index) {
  return &caller->methods[caller->slots[index].method];
}

static inline struct view caller_fingerprint(const struct schema *schema) {
  return schema == NULL ? (struct view){0} : schema_fingerprint(schema);
}

static inline struct answer caller_failed(enum failure_code code, enum started started, const char *text) {
  return (struct answer){.code = code, .started = started, .body = view_of(text)};
}

/* Gives the application its answer, once. `body` may be a view of the slot's own buffer. */
void caller_tell(struct caller *caller, uint32_t index, struct answer answer);
/* The terminal frame was read: the slot is free, and the application may use it again from its on_answer. */
void caller_settle(struct caller *caller, uint32_t index, struct answer answer);
/* An item that cannot be used: the call ends for the application, and CANCEL is sent. */
void caller_give_up(struct caller *caller, uint32_t index, enum failure_code code, const char *text);
/* Sends CANCEL, unless it was sent. */
void caller_send_cancel(struct caller *caller, uint32_t index);
void caller_release(struct slot *slot);
/* Writes a message of the callee's schema anew by this side's, in place of what is in `to`. False: the schema cannot read it. */
bool caller_decode(const struct declared *method, struct view message, struct buffer *to);

#endif
