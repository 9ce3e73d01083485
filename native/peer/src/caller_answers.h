/*
 * What the callee says about this side's calls: the caller's table of 9.6, METHOD ANSWER, and the schemas of responses. Used by
 * connection.c only.
 */
#ifndef PEER_CALLER_ANSWERS_H
#define PEER_CALLER_ANSWERS_H

#include "frame.h"
#include "records.h"

struct caller;

/* RESPONSE, FAILURE, ITEM, END or CREDIT of a call of this side. */
void caller_frame(struct caller *caller, const struct frame *frame);
/* METHOD ANSWER. */
void caller_answered(struct caller *caller, uint16_t number, const struct method_record *method);
/* A schema that was asked for has arrived. */
void caller_schema(struct caller *caller);

#endif
