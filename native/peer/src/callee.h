/*
 * The calls that the peer opens on one connection: the tables of 9.3, 9.4 and 9.6, for all kinds, with the grading of schemas (6.4)
 * and the handlers (handlers.c).
 */
#ifndef PEER_CALLEE_H
#define PEER_CALLEE_H

#include "connection.h"

struct callee *callee_new(struct connection *connection);
void callee_free(struct callee *callee);
void callee_declare(struct callee *callee, uint16_t number, const struct method_record *method);
/* A schema has come that was asked for: calls that wait for it go on. */
void callee_schema(struct callee *callee);
/* REQUEST, CANCEL, ITEM, END or CREDIT of a call that the peer opened. */
void callee_frame(struct callee *callee, const struct frame *frame);
/* Handlers of streams go on, frame by frame in turns, while the socket takes what they send. True: there may be more to send. */
bool callee_stream(struct callee *callee);
/* Deadlines, and handlers that answer later. */
void callee_tick(struct callee *callee, double now);
/* The peer sends nothing more: what is incomplete is dropped. */
void callee_peer_ended(struct callee *callee);
/* Ends what is live with CANCELLED. */
void callee_end_all(struct callee *callee);
/* No call is live. */
bool callee_is_idle(const struct callee *callee);

#endif
