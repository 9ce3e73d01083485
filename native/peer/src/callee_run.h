/*
 * The life of a call of the peer from its whole request to its end: handlers, their streams, deadlines, RESPONSE, END and FAILURE.
 * Used by callee.c and callee_methods.c, which it does not call; connection.c gives it time and turns.
 */
#ifndef PEER_CALLEE_RUN_H
#define PEER_CALLEE_RUN_H

#include "records.h"

struct callee;
struct slot;

/* Updates the count of bytes that the call holds. */
void callee_count_held(struct callee *callee, struct slot *slot);
/* The call is over; what it held is released. */
void callee_settle(struct callee *callee, uint32_t index);
/* Ends a live call with FAILURE, or silently if it is ONEWAY. */
void callee_fail(struct callee *callee, uint32_t index, enum failure_code code, const char *text);
/* Sends FAILURE. `slot`: NULL where the call never had one. */
void callee_refuse(struct callee *callee, uint32_t call, const struct slot *slot, const struct failure_record *failure);
/* The caller's request is whole; starts the handler if the method's schemas are there. */
void callee_request(struct callee *callee, uint32_t index, struct view request);
/* Continues a call that waited for schemas; all ONEWAY calls that did. */
void callee_resume(struct callee *callee, uint32_t index);
void callee_resume_oneways(struct callee *callee);

/* Handlers of streams continue, frame by frame in turns, while the socket takes their output. True: there may be more to send. */
bool callee_stream(struct callee *callee);
/* Deadlines, and handlers that answer later. */
void callee_tick(struct callee *callee, double now);
/* The peer sends nothing more: incomplete calls are dropped. */
void callee_peer_ended(struct callee *callee);
/* Ends all live calls with CANCELLED. */
void callee_end_all(struct callee *callee);

#endif
