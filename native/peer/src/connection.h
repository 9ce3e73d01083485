/*
 * One side of a connection: handshake, dispatch of frames by the state of the connection (9.5), CLOSE, PING, DRAIN, timers.
 * Calls of the peer are callee.c's, calls of this side caller.c's, schemas exchange.c's. The socket is not blocking; whoever owns the
 * connection says when it can be read or written (loop.c) and what time it is.
 */
#ifndef PEER_CONNECTION_H
#define PEER_CONNECTION_H

#include "frame.h"
#include "records.h"

struct callee;
struct caller;
struct exchange;
struct service;

struct settings {
  struct limits limits;
  /* What this side announces. */
  bool checksum, lz4;
  const struct service *service;
  /* Hears of ONEWAY calls that have run, or NULL. */
  void (*on_oneway)(void *context, struct view method, struct view request);
  void *context;
};

/* So many may come at once, one more per refill (8.4, 9.4). */
struct bucket {
  double left;
  double full;
  double refilled_at;
};

struct connection {
  int fd;
  bool is_dialler;
  struct settings settings;
  /* What the peer announced; the least values before that. */
  struct limits peer;
  struct decoder decoder;
  struct buffer input, output;
  size_t output_sent;
  /* So much unsent is written while the rest of what was read is decoded. */
  size_t flush_at;
  bool hello_read, peer_lists_lz4, drain_sent, drain_read, peer_ended;
  /* A PING that no PONG has answered; this side sends one at a time. */
  bool ping_sent, pong_due;
  /* There are items to send as soon as the socket takes more. */
  bool has_more;
  /* The socket did not take all of it when it was last written to. */
  bool is_blocked;
  /* CLOSE was written or read: whatever comes is dropped. */
  bool closing;
  /* Output has been written to its end and this side's direction with it. */
  bool ended;
  /* To be freed. */
  bool finished;
  enum close_code closed_with;
  double now, greet_by, close_by, drain_by, stalled_since;
  struct bucket pings, bad_ends;
  struct callee *callee;
  struct caller *caller;
  struct exchange *exchange;
};

/* Takes the socket over and queues the preface and HELLO. Times are in milliseconds of a clock that only goes forward. */
struct connection *connection_open(int fd, bool is_dialler, const struct settings *settings, double now);
void connection_free(struct connection *connection);

/* Reads and handles what has come, at most so much that others get their turn. */
void connection_read(struct connection *connection, double now);
/* Writes what the socket takes. */
void connection_write(struct connection *connection);
/* What is due by now. */
void connection_tick(struct connection *connection, double now);
/* Whether more should be read: not while the peer leaves too much unread. */
bool connection_wants_input(const struct connection *connection);
bool connection_wants_output(const struct connection *connection);

/* Queues a frame; CHECKSUM is added where it is agreed. Nothing is sent once the connection closes. */
void connection_send(struct connection *connection, const struct frame *frame);
/* CLOSE with a code; further calls do nothing. */
void connection_close(struct connection *connection, enum close_code code, const char *text);
/* No new calls of the peer (8.2): what is live goes on, at most so long; then the connection closes. */
void connection_drain(struct connection *connection, const char *text, int32_t grace_ms);
/* Takes one of the peer's budget for what ends badly; FLOOD when nothing is left. */
void connection_spend(struct connection *connection);

/* Bytes that were queued and that the socket has not taken. */
static inline size_t connection_unsent(const struct connection *connection) {
  return connection->output.length - connection->output_sent;
}

double clock_ms(void);

#endif
