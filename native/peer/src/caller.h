/*
 * The calls that this side opens on one connection, of all kinds: what the application does with them. What the callee sends is
 * caller_answers.c's. Each call that was opened ends exactly once for the application, by `on_answer`; its slot is free once its
 * terminal frame was read.
 */
#ifndef PEER_CALLER_H
#define PEER_CALLER_H

#include "answer.h"

struct buffer;
struct caller;
struct exchange;
struct link;

enum { NO_SLOT = UINT32_MAX };

struct request {
  uint16_t method;
  struct view message;
  /* In Avro's encoding; empty: none. */
  struct view metadata;
  /* Negative: none. */
  int64_t deadline_ms;
  bool asks_ledger;
};

struct caller *caller_new(struct link *link, struct exchange *exchange);
void caller_free(struct caller *caller);
void caller_listen(struct caller *caller, on_answer *hear, void *context);

/* The number of a method, which is declared if needed. -1: there are no more numbers. */
int caller_method(struct caller *caller, const struct called *called);
/* The lowest free slot, or NO_SLOT: the callee's limit is reached. */
uint32_t caller_free_slot(struct caller *caller);
/* Opens a call on a free slot. Not OK: no call was opened, because the connection takes none or the request exceeds the peer's limits. */
enum failure_code caller_open(struct caller *caller, uint32_t slot, const struct request *request);
void caller_send(struct caller *caller, uint32_t slot, struct view item);
void caller_end(struct caller *caller, uint32_t slot);
/* Takes the next item; false: there is none. */
bool caller_take(struct caller *caller, uint32_t slot, struct buffer *to);
/* Ends the call for the application, with CANCELLED. */
void caller_cancel(struct caller *caller, uint32_t slot);

/* The peer's HELLO was read: open streams get `more` credit. */
void caller_greeted(struct caller *caller, int64_t more);
/* Streams send, frame by frame in turns, while the socket takes it. True: there may be more to send. */
bool caller_stream(struct caller *caller);
void caller_tick(struct caller *caller, double now);
/* The connection is lost: live calls fail with UNAVAILABLE. */
void caller_lost(struct caller *caller, enum started started);
bool caller_is_idle(const struct caller *caller);

#endif
