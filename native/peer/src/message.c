/* See message.h. */
#include "message.h"

#include "lz4.h"

enum { COMPRESSED_HEAD_BYTES = 5, LZ4_RATIO_MAX = 255, COMPRESS_FROM_BYTES = 4096, CHECKSUM_BYTES = 4 };

size_t message_room(const struct link *link, size_t prefix) {
  size_t most = (size_t)link->peer.value[FRAME_BYTES_MAX];
  if (most > MESSAGE_FRAME_BYTES) most = MESSAGE_FRAME_BYTES;
  return most < prefix + CHECKSUM_BYTES ? 0 : most - prefix - CHECKSUM_BYTES;
}

static size_t prefix_bytes(const struct frame *frame) {
  size_t bytes = frame->flags & DEADLINE ? 4 : 0;
  if (frame->flags & LEDGER && frame->type != REQUEST) bytes += 12;
  if (frame->flags & METADATA) bytes += 4 + frame->metadata.length;
  return bytes;
}

void message_send(struct link *link, const struct frame *first, struct view message) {
  struct frame frame = *first;
  size_t room = message_room(link, prefix_bytes(first));
  do {
    frame.body = (struct view){message.at, message.length < room ? message.length : room};
    message.at += frame.body.length;
    message.length -= frame.body.length;
    if (message.length > 0) frame.flags |= MORE;
    else frame.flags &= (uint8_t)~MORE;
    link_send(link, &frame);
    frame.flags = 0;
    room = message_room(link, 0);
  } while (message.length > 0);
}

enum failure_code message_expand(struct view wire, bool listed, int64_t bytes_max, struct buffer *to) {
  if (wire.length < COMPRESSED_HEAD_BYTES || !listed || wire.at[0] != CODEC_LZ4) return INVALID_ARGUMENT;
  struct view data = {wire.at + COMPRESSED_HEAD_BYTES, wire.length - COMPRESSED_HEAD_BYTES};
  uint64_t length = load_u32(wire.at + 1);
  if (length > (uint64_t)bytes_max) return RESOURCE_EXHAUSTED;
  if (length > (uint64_t)LZ4_RATIO_MAX * data.length) return INVALID_ARGUMENT;
  if (!lz4_expand(data, buffer_reserve(to, (size_t)length), (size_t)length)) return INVALID_ARGUMENT;
  to->length += (size_t)length;
  return OK;
}

bool message_compress(struct view raw, struct buffer *to) {
  to->length = 0;
  buffer_append_byte(to, CODEC_LZ4);
  store_u32(buffer_reserve(to, 4), (uint32_t)raw.length);
  to->length += 4;
  lz4_compress(raw, to);
  return to->length < raw.length;
}

bool message_compress_for(const struct link *link, struct view raw, struct buffer *to) {
  bool may_pay = link->peer_lists_lz4 && raw.length >= COMPRESS_FROM_BYTES && raw.length <= INT32_MAX;
  return may_pay && message_compress(raw, to);
}
