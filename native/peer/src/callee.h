/*
 * The calls that the peer opens on one connection, of all kinds: the callee's tables of 9.3, 9.4 and 9.6. callee_methods.c grades the
 * schemas of their methods, callee_run.c runs their handlers (handlers.c).
 */
#ifndef PEER_CALLEE_H
#define PEER_CALLEE_H

#include "frame.h"

struct callee;
struct exchange;
struct link;

struct callee *callee_new(struct link *link, struct exchange *exchange);
void callee_free(struct callee *callee);
/* REQUEST, CANCEL, ITEM, END or CREDIT of a call that the peer opened. */
void callee_frame(struct callee *callee, const struct frame *frame);
/* No call is live. */
bool callee_is_idle(const struct callee *callee);

#endif
