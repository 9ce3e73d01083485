/* See stream.h. */
#include "stream.h"

#include <stdlib.h>

#include "message.h"

enum { ITEM_HEAD_BYTES = 8, LEAST_PART_BYTES = 1024, CREDITS_A_FRAME = 10 };

static const struct verdict fine = {NONE, OK, NULL};

bool callee_streams(enum kind kind) { return kind == SERVER_STREAM || kind == DUPLEX || kind == BLOB; }
bool caller_streams(enum kind kind) { return kind == CLIENT_STREAM || kind == DUPLEX || kind == BLOB; }

void items_add(struct items *items, struct view item, uint32_t cost) {
  uint8_t *head = buffer_reserve(&items->bytes, ITEM_HEAD_BYTES + item.length);
  store_u32(head, (uint32_t)item.length);
  store_u32(head + 4, cost);
  items->bytes.length += ITEM_HEAD_BYTES;
  buffer_append_view(&items->bytes, item);
  items->count++;
}

bool items_take(struct items *items, struct buffer *to, uint32_t *cost) {
  if (items->count == 0) return false;
  const uint8_t *head = items->bytes.at + items->taken;
  size_t length = load_u32(head);
  *cost = load_u32(head + 4);
  to->length = 0;
  buffer_append(to, head + ITEM_HEAD_BYTES, length);
  items->taken += ITEM_HEAD_BYTES + length;
  if (--items->count == 0) items->taken = items->bytes.length = 0;
  else if (items->taken > items->bytes.length / 2) {
    buffer_consume(&items->bytes, items->taken);
    items->taken = 0;
  }
  return true;
}

void items_free(struct items *items) { buffer_free(&items->bytes); }

struct stream *stream_new(const struct link *link, enum kind kind, bool is_caller) {
  bool sends = is_caller ? caller_streams(kind) : callee_streams(kind);
  bool receives = is_caller ? callee_streams(kind) : caller_streams(kind);
  if (!sends && !receives) return NULL;
  struct stream *stream = allocate(1, sizeof *stream);
  int64_t window = link->settings.limits.value[STREAM_WINDOW_BYTES];
  bool is_blob = kind == BLOB;
  stream->sends = sends;
  stream->receives = receives;
  stream->out = (struct outgoing){
      .credit = link->peer.value[STREAM_WINDOW_BYTES], .is_bytes = is_blob, .head_first = is_blob && !is_caller};
  stream->in = (struct incoming){.window = window, .credit = window, .is_bytes = is_blob, .head_first = is_blob && is_caller};
  return stream;
}

void stream_free(struct stream *stream) {
  if (stream == NULL) return;
  items_free(&stream->out.items);
  items_free(&stream->in.items);
  buffer_free(&stream->out.wire);
  buffer_free(&stream->in.partial);
  free(stream);
}

void stream_push(struct stream *stream, struct view item) { items_add(&stream->out.items, item, 0); }

/* Starts to send the next item. */
static bool begin_item(struct outgoing *out, const struct link *link) {
  uint32_t cost;
  struct buffer raw = {0};
  if (!items_take(&out->items, &raw, &cost)) return false;
  bool is_message = !out->is_bytes || out->head_first;
  out->is_compressed = is_message && message_compress_for(link, view_of_buffer(&raw), &out->wire);
  if (!out->is_compressed) {
    out->wire.length = 0;
    buffer_append_view(&out->wire, view_of_buffer(&raw));
  }
  buffer_free(&raw);
  out->is_begun = true;
  out->sent = 0;
  return true;
}

bool stream_send(struct stream *stream, struct link *link, uint32_t call) {
  struct outgoing *out = &stream->out;
  if (!stream->sends || (!out->is_begun && !begin_item(out, link))) return false;
  size_t left = out->wire.length - out->sent, room = message_room(link, 0), part = left < room ? left : room;
  int64_t payable = out->credit - HEADER_BYTES;
  if (payable < (int64_t)part) {
    if (payable < LEAST_PART_BYTES) return false;
    part = (size_t)payable;
  }
  struct frame frame = {.type = ITEM, .call = call, .body = {out->wire.at + out->sent, part}};
  bool is_message = !out->is_bytes || out->head_first;
  if (is_message && part < left) frame.flags |= MORE;
  if (out->is_compressed && out->sent == 0) frame.flags |= COMPRESSED;
  link_send(link, &frame);
  out->credit -= HEADER_BYTES + (int64_t)part;
  out->frames++;
  out->sent += part;
  if (part == left) out->is_begun = out->head_first = false;
  return true;
}

bool stream_is_sent(const struct stream *stream) { return !stream->out.is_begun && stream->out.items.count == 0; }

struct verdict stream_credit(struct stream *stream, uint32_t bytes) {
  struct outgoing *out = &stream->out;
  if (bytes == 0) return (struct verdict){NONE, INVALID_ARGUMENT, "CREDIT of 0"};
  if (++out->credits > CREDITS_A_FRAME * (1 + out->frames)) return (struct verdict){FLOOD, OK, "too many CREDIT frames"};
  out->credit += bytes;
  if (out->credit > INT32_MAX) return (struct verdict){FLOW_CONTROL, OK, "credit of more than 2^31 - 1"};
  return fine;
}

/* The cost of the frame is counted: its content becomes an item, or a part of one. */
static struct verdict take_message(struct incoming *in, const struct link *link, const struct frame *frame, uint32_t cost) {
  int64_t bytes_max = link->settings.limits.value[MESSAGE_BYTES_MAX];
  if (in->in_message && frame->flags & COMPRESSED) return (struct verdict){FLAGS, OK, "COMPRESSED inside a message"};
  if (!in->in_message) in->is_compressed = frame->flags & COMPRESSED;
  in->in_message = frame->flags & MORE;
  if ((int64_t)(in->partial.length + frame->body.length) > bytes_max) {
    return (struct verdict){NONE, RESOURCE_EXHAUSTED, "an item is longer than messageBytesMax"};
  }
  bool is_whole = !in->in_message && in->partial.length == 0 && in->partial_cost == 0;
  if (is_whole && !in->is_compressed) {
    items_add(&in->items, frame->body, cost);
    return fine;
  }
  buffer_append_view(&in->partial, frame->body);
  in->partial_cost += cost;
  if (in->in_message) return fine;
  struct buffer message = {0};
  enum failure_code failure = OK;
  if (in->is_compressed) failure = message_expand(view_of_buffer(&in->partial), link->settings.lz4, bytes_max, &message);
  items_add(&in->items, view_of_buffer(in->is_compressed ? &message : &in->partial), (uint32_t)in->partial_cost);
  buffer_free(&message);
  buffer_free(&in->partial);
  in->partial_cost = 0;
  return failure == OK ? fine : (struct verdict){NONE, failure, "an item that cannot be decompressed"};
}

struct verdict stream_item(struct stream *stream, const struct link *link, const struct frame *frame) {
  struct incoming *in = &stream->in;
  uint32_t cost = HEADER_BYTES + (uint32_t)frame->body.length;
  if (cost > in->credit) return (struct verdict){FLOW_CONTROL, OK, "items beyond the credit"};
  in->credit -= cost;
  if (!in->is_bytes || in->head_first) {
    struct verdict verdict = take_message(in, link, frame, cost);
    if (!in->in_message) in->head_first = false;
    return verdict;
  }
  if (frame->flags & (MORE | COMPRESSED)) return (struct verdict){FLAGS, OK, "MORE or COMPRESSED on the bytes of a blob"};
  items_add(&in->items, frame->body, cost);
  return fine;
}

bool stream_take(struct stream *stream, struct buffer *to) {
  uint32_t cost;
  if (!items_take(&stream->in.items, to, &cost)) return false;
  stream->in.owed += cost;
  return true;
}

void stream_give(struct stream *stream, struct link *link, uint32_t call) {
  struct incoming *in = &stream->in;
  if (!stream->receives || in->ended) return;
  /* Otherwise a message longer than the window would never end. */
  if (in->items.count == 0 && in->credit + in->owed < in->window / 2) {
    in->owed += in->partial_cost;
    in->partial_cost = 0;
  }
  if (in->owed == 0 || in->owed < in->window / 4) return;
  uint8_t bytes[4];
  store_u32(bytes, (uint32_t)in->owed);
  link_send(link, &(struct frame){.type = CREDIT, .call = call, .body = {bytes, sizeof bytes}});
  in->credit += in->owed;
  in->owed = 0;
}
