/*
 * The streams of one call (chapter 7): what this side sends, within the receiver's credit, and what it receives, with the same
 * account of the sender's credit. Used by both sides of a call; the kind (6.3) determines which directions are open.
 *
 * Items are queued whole, in the order of arrival. They cost their sender credit until they are taken.
 */
#ifndef PEER_STREAM_H
#define PEER_STREAM_H

#include "link.h"

struct items {
  /* Each item: length:4 cost:4 bytes. */
  struct buffer bytes;
  size_t taken;
  size_t count;
};

struct outgoing {
  int64_t credit;
  uint64_t frames, credits;
  struct items items;
  /* The first item as on the wire: compressed if that is shorter. */
  struct buffer wire;
  size_t sent;
  bool is_begun, is_compressed;
  /*
   * Bytes of a blob: each frame stands alone and is never compressed. `head_first`: this side's head is an ITEM and was not sent
   * yet.
   */
  bool is_bytes, head_first;
  /* No item follows the queued ones. */
  bool ends;
  bool end_sent;
};

struct incoming {
  int64_t window, credit;
  /* The cost of items that were taken and not yet given back. */
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

/* The fault of a frame: a connection error, a call error (9.3), or neither. */
struct verdict {
  enum close_code close;
  enum failure_code failure;
  const char *text;
};

/* Whether the callee, or the caller, of such a call sends items. */
bool callee_streams(enum kind kind);
bool caller_streams(enum kind kind);

/* NULL for kinds without items. */
struct stream *stream_new(const struct link *link, enum kind kind, bool is_caller);
void stream_free(struct stream *stream);

void stream_push(struct stream *stream, struct view item);
/* Sends the next frame of the queued items. False: there is none, or not enough credit. */
bool stream_send(struct stream *stream, struct link *link, uint32_t call);
/* All items are written. */
bool stream_is_sent(const struct stream *stream);
struct verdict stream_credit(struct stream *stream, uint32_t bytes);

struct verdict stream_item(struct stream *stream, const struct link *link, const struct frame *frame);
/* Takes the next item, replacing the content of `to`. False: no whole item is there. */
bool stream_take(struct stream *stream, struct buffer *to);
/* Gives back the credit that is due. */
void stream_give(struct stream *stream, struct link *link, uint32_t call);

/* A queue; `cost` is returned with the item. */
void items_add(struct items *items, struct view item, uint32_t cost);
bool items_take(struct items *items, struct buffer *to, uint32_t *cost);
void items_free(struct items *items);

#endif
