/*
 * The streams of one call (chapter 7): what this side sends, within the credit that the receiver has given, and what it receives,
 * with the same account kept for the sender. Used by both sides of a call; which directions are open follows from its kind (6.3).
 *
 * Items wait whole, in the order in which they came. What waits here costs its sender credit until it is taken.
 */
#ifndef PEER_STREAM_H
#define PEER_STREAM_H

#include "link.h"

struct items {
  /* Each: length:4 cost:4 bytes. */
  struct buffer bytes;
  size_t taken;
  size_t count;
};

struct outgoing {
  int64_t credit;
  uint64_t frames, credits;
  struct items items;
  /* Of the first item, as it is on the wire: compressed where that is shorter. */
  struct buffer wire;
  size_t sent;
  bool is_begun, is_compressed;
  /* A blob's bytes: each frame stands alone, and none is compressed. Its head, if this side's head is an ITEM, is not yet begun. */
  bool is_bytes, head_first;
  /* No item follows those that wait. */
  bool ends;
  bool end_sent;
};

struct incoming {
  int64_t window, credit;
  /* Cost of what was taken and not yet given back. */
  int64_t owed;
  struct items items;
  struct buffer partial;
  int64_t partial_cost;
  bool in_message, is_compressed;
  bool is_bytes, head_first;
  bool ended;
};

struct stream {
  bool sends, receives;
  struct outgoing out;
  struct incoming in;
};

/* What is wrong with a frame: a connection error, or a call error (9.3), or neither. */
struct verdict {
  enum close_code close;
  enum failure_code failure;
  const char *text;
};

/* Whether the callee, and the caller, of such a call send items. */
bool callee_streams(enum kind kind);
bool caller_streams(enum kind kind);

/* NULL for kinds without items. */
struct stream *stream_new(const struct link *link, enum kind kind, bool is_caller);
void stream_free(struct stream *stream);

void stream_push(struct stream *stream, struct view item);
/* Sends the next frame of what waits, or END of a caller. False: there is nothing, or no credit for it. */
bool stream_send(struct stream *stream, struct link *link, uint32_t call);
/* All items are written. */
bool stream_is_sent(const struct stream *stream);
struct verdict stream_credit(struct stream *stream, uint32_t bytes);

struct verdict stream_item(struct stream *stream, const struct link *link, const struct frame *frame);
/* The next item, in place of what is in `to`. False: none has come whole. */
bool stream_take(struct stream *stream, struct buffer *to);
/* Gives back the credit that is due. */
void stream_give(struct stream *stream, struct link *link, uint32_t call);

/* First in, first out; `cost` comes back with the item. */
void items_add(struct items *items, struct view item, uint32_t cost);
bool items_take(struct items *items, struct buffer *to, uint32_t *cost);
void items_free(struct items *items);

#endif
