/*
 * The calls that this side opens on one connection: the caller's table of 9.6, for all kinds. Each call that was opened ends exactly
 * once for the application, by `on_answer`; its slot is free once its terminal frame was read.
 */
#ifndef PEER_CALLER_H
#define PEER_CALLER_H

#include "stream.h"

struct schema;

enum { NO_SLOT = UINT32_MAX };

struct answer {
  uint32_t slot;
  /* OK, or the failure code: the callee's, or INTERNAL and the like for an answer that cannot be read. */
  enum failure_code code;
  enum started started;
  /* The response, or the text of the failure; metadata as it came. Valid during the call of on_answer only. */
  struct view body, metadata;
  /* Items that were not taken, or NULL. */
  struct items *left;
};

typedef void on_answer(void *context, const struct answer *answer);

/* Schemas NULL: raw bytes. They must stay as long as the connection. */
struct called {
  struct view name;
  enum kind kind;
  const struct schema *request, *response;
};

struct request {
  uint16_t method;
  struct view message;
  /* In Avro's encoding; empty: none. */
  struct view metadata;
  /* Below 0: none. */
  int64_t deadline_ms;
  bool asks_ledger;
};

struct caller *caller_new(struct connection *connection);
void caller_free(struct caller *caller);
void caller_listen(struct caller *caller, on_answer *hear, void *context);

/* The number of a method, which is declared if it was not. -1: there are no more numbers. */
int caller_method(struct caller *caller, const struct called *called);
/* The lowest slot that is free, or NO_SLOT: the callee takes no more calls. */
uint32_t caller_free_slot(struct caller *caller);
/* Opens a call on a free slot. Not OK: it has not, since the connection takes none, or the request exceeds what the peer takes. */
enum failure_code caller_open(struct caller *caller, uint32_t slot, const struct request *request);
void caller_send(struct caller *caller, uint32_t slot, struct view item);
void caller_end(struct caller *caller, uint32_t slot);
/* The next item; false: none is there. */
bool caller_take(struct caller *caller, uint32_t slot, struct buffer *to);
/* Ends the call for the application, with CANCELLED. */
void caller_cancel(struct caller *caller, uint32_t slot);

/* RESPONSE, FAILURE, ITEM, END or CREDIT of a call of this side. */
void caller_frame(struct caller *caller, const struct frame *frame);
/* METHOD ANSWER. */
void caller_answered(struct caller *caller, uint16_t number, const struct method_record *method);
/* A schema has come that was asked for. */
void caller_schema(struct caller *caller);
/* The peer's HELLO has come: streams that are open have `more` credit. */
void caller_greeted(struct caller *caller, int64_t more);
/* As callee_stream. */
bool caller_stream(struct caller *caller);
void caller_tick(struct caller *caller, double now);
/* The connection is over: calls that are live fail with UNAVAILABLE. */
void caller_lost(struct caller *caller, enum started started);
bool caller_is_idle(const struct caller *caller);

#endif
