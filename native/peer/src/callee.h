/*
 * The calls that the peer opens on one connection: the tables of 9.3, 9.4 and 9.6 for the kinds UNARY and ONEWAY, and the
 * handlers (handlers.c). Methods of other kinds are unknown here, as 6.3 allows; their late frames are judged all the same.
 */
#ifndef PEER_CALLEE_H
#define PEER_CALLEE_H

#include "connection.h"

struct callee *callee_new(struct connection *connection);
void callee_free(struct callee *callee);
void callee_declare(struct callee *callee, uint16_t number, const struct method_record *method);
/* REQUEST, CANCEL, ITEM, END or CREDIT of a call that the peer opened. */
void callee_frame(struct callee *callee, const struct frame *frame);
/* Deadlines, and handlers that answer later. */
void callee_tick(struct callee *callee, double now);
/* The peer sends nothing more: incomplete requests are dropped. */
void callee_peer_ended(struct callee *callee);
/* No call is live. */
bool callee_is_idle(const struct callee *callee);

#endif
