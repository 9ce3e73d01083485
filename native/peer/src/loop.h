/* An epoll loop over connections of servers and clients. */
#ifndef PEER_LOOP_H
#define PEER_LOOP_H

#include "connection.h"

struct loop;

struct loop *loop_new(void);
/* Closes and frees all connections too. */
void loop_free(struct loop *loop);
/* Owns a connection: it stays valid until loop_free, even when it has finished. Accepted connections do not. */
void loop_add(struct loop *loop, struct connection *connection);
/* Accepts from a listening socket, with these settings, up to `connections_max` connections at once. */
bool loop_listen(struct loop *loop, int fd, const struct settings *settings, unsigned connections_max);
/* Accepts no more, and drains every connection. */
void loop_drain(struct loop *loop, int32_t grace_ms);
/* Waits at most `wait_ms` and handles all events. False when waiting is not possible. */
bool loop_turn(struct loop *loop, int wait_ms);
/* Connections that have not finished. */
unsigned loop_count(const struct loop *loop);

#endif
