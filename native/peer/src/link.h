/*
 * What every layer of a connection shares: the settings and limits of both sides, the queue of unsent bytes, and CLOSE. It knows
 * nothing of calls or sockets: the calls (callee.c, caller.c) write here, connection.c moves the bytes and acts on `closing`.
 */
#ifndef PEER_LINK_H
#define PEER_LINK_H

#include "frame.h"
#include "records.h"

struct service;

struct settings {
  struct limits limits;
  /* What this side announces. */
  bool checksum, lz4;
  const struct service *service;
  /* Called for each ONEWAY call that has run, or NULL. */
  void (*on_oneway)(void *context, struct view method, struct view request);
  void *context;
};

/* A token bucket: `full` at once, then one more per refill (8.4, 9.4). */
struct bucket {
  double left;
  double full;
  double refilled_at;
};

struct link {
  bool is_dialler;
  struct settings settings;
  /* What the peer announced; the least values before that. */
  struct limits peer;
  bool peer_lists_lz4;
  /* The capability is agreed: every frame carries a checksum. */
  bool checksum;
  struct buffer output;
  size_t output_sent;
  bool drain_sent, drain_read;
  /* CLOSE was written or read: frames that arrive later are dropped, and no call is live any more. */
  bool closing;
  enum close_code closed_with;
  /* The time of the event that is being handled, and when a closing connection ends at the latest. */
  double now, close_by;
  struct bucket bad_ends;
};

/* Queues the preface too. */
void link_open(struct link *link, bool is_dialler, const struct settings *settings, double now);
void link_free(struct link *link);

/* Queues a frame; CHECKSUM is added where it is agreed. Nothing is sent once the link closes. */
void link_send(struct link *link, const struct frame *frame);
/* Queues CLOSE with a code; further calls do nothing. connection.c then ends the live calls. */
void link_close(struct link *link, enum close_code code, const char *text);
/* Takes one from the peer's budget for bad ends (9.4); FLOOD when nothing is left. */
void link_spend(struct link *link);

/* False: the bucket is empty. */
bool bucket_take(struct bucket *bucket, double now, double per_ms);

/* Bytes that were queued and that the socket has not taken. */
static inline size_t link_unsent(const struct link *link) { return link->output.length - link->output_sent; }

#endif
