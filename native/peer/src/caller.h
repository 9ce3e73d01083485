/*
 * The calls that this side opens on one connection: UNARY, the caller's table of 9.6. Each ends exactly once, by `on_answer`.
 */
#ifndef PEER_CALLER_H
#define PEER_CALLER_H

#include "connection.h"

struct answer {
  uint32_t slot;
  /* OK, or the failure code: the callee's, or INTERNAL and the like for an answer that cannot be read. */
  enum failure_code code;
  enum started started;
  /* The response, or the text of the failure. Valid during the call of on_answer only. */
  struct view body;
};

typedef void on_answer(void *context, const struct answer *answer);

struct caller *caller_new(struct connection *connection);
void caller_free(struct caller *caller);
void caller_listen(struct caller *caller, on_answer *hear, void *context);

/* Binds a number to a method. Fingerprints: NULL for raw bytes. */
void caller_declare(struct caller *caller, uint16_t number, const char *name, const uint8_t *fingerprint);
/* Calls on a slot that is free and below what the callee takes. A request goes into one frame of at most 16,384 bytes. */
bool caller_call(struct caller *caller, uint16_t number, uint32_t slot, struct view request);

/* RESPONSE, FAILURE, ITEM, END or CREDIT of a call of this side. */
void caller_frame(struct caller *caller, const struct frame *frame);
/* METHOD ANSWER. */
void caller_answered(struct caller *caller, uint16_t number, const struct method_record *method);
/* The connection is over: calls that are live fail with UNAVAILABLE. */
void caller_lost(struct caller *caller);

#endif
