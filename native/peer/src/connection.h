/*
 * One side of a connection: the socket, the handshake, dispatch of frames by the state of the connection (9.5), PING, DRAIN, timers.
 * It is the top of a connection's layers: it calls the peer's calls (callee.c), this side's calls (caller.c) and the exchange of
 * schemas (exchange.c), and none of them calls it. They write to its link, and it looks there for whether one of them has closed.
 *
 * The socket is non-blocking; the owner (loop.c) says when it can be read or written, and what time it is.
 */
#ifndef PEER_CONNECTION_H
#define PEER_CONNECTION_H

#include "link.h"

struct callee;
struct caller;
struct exchange;

struct connection {
  struct link link;
  int fd;
  struct decoder decoder;
  struct buffer input;
  /* Once this many bytes are unsent they are written, although input is still being decoded. */
  size_t flush_at;
  bool hello_read, peer_ended;
  /* A PING that no PONG has answered; this side sends one at a time. */
  bool ping_sent, pong_due;
  /* There are items to send as soon as the socket takes more. */
  bool has_more;
  /* The socket did not take everything at the last write. */
  bool is_blocked;
  /* All output was written and this side's direction was shut down. */
  bool ended;
  /* The owner frees it. */
  bool finished;
  double greet_by, drain_by, stalled_since;
  struct bucket pings;
  struct callee *callee;
  struct caller *caller;
  struct exchange *exchange;
};

/* Takes the socket over and queues the preface and HELLO. Times are in milliseconds of a clock that only goes forward. */
struct connection *connection_open(int fd, bool is_dialler, const struct settings *settings, double now);
void connection_free(struct connection *connection);

/* Reads and handles what has arrived, up to a bound, so that other connections get their turn. */
void connection_read(struct connection *connection, double now);
/* Writes what the socket takes. */
void connection_write(struct connection *connection);
/* Timers. */
void connection_tick(struct connection *connection, double now);
/* Whether more should be read: not while the peer leaves too much unread. */
bool connection_wants_input(const struct connection *connection);
bool connection_wants_output(const struct connection *connection);

/* CLOSE with a code; live calls end, and further calls do nothing. */
void connection_close(struct connection *connection, enum close_code code, const char *text);
/* Accepts no new calls of the peer (8.2). Live calls get `grace_ms` to end; then the connection closes. */
void connection_drain(struct connection *connection, const char *text, int32_t grace_ms);

#endif
