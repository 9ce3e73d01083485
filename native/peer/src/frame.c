/* See frame.h. */
#include "frame.h"

#include <string.h>

#include "crc32.h"
#include "records.h"

struct rule {
  uint8_t flags;
  bool is_call;
  bool has_method;
  uint32_t length_min;
  uint32_t length_max;
};

enum { OPTIONAL_ROW_MAX = 64, EMPTY_ROW_MAX = 10 };

/* By type, as chapter 5 says; lengths without the checksum. */
static const struct rule rules[] = {
    [HELLO] = {0, false, false, 1, HELLO_BYTES_MAX},
    [METHOD] = {CHECKSUM, false, true, 1, UINT32_MAX},
    [SCHEMA] = {MORE | CHECKSUM, false, false, 1, UINT32_MAX},
    [REQUEST] = {MORE | COMPRESSED | METADATA | DEADLINE | ONEWAY | LEDGER | CHECKSUM, true, true, 0, UINT32_MAX},
    [RESPONSE] = {MORE | COMPRESSED | METADATA | LEDGER | CHECKSUM, true, false, 0, UINT32_MAX},
    [ITEM] = {MORE | COMPRESSED | CHECKSUM, true, false, 0, UINT32_MAX},
    [END] = {METADATA | LEDGER | CHECKSUM, true, false, 0, UINT32_MAX},
    [FAILURE] = {METADATA | LEDGER | CHECKSUM, true, false, 1, UINT32_MAX},
    [CANCEL] = {CHECKSUM, true, false, 1, UINT32_MAX},
    [CREDIT] = {CHECKSUM, true, false, 4, 4},
    [PING] = {CHECKSUM, false, false, 8, 8},
    [PONG] = {CHECKSUM, false, false, 8, 8},
    [DRAIN] = {CHECKSUM, false, false, 1, UINT32_MAX},
    [CLOSE] = {CHECKSUM, false, false, 1, UINT32_MAX},
};

static enum decoded broken(struct decoder *decoder, enum close_code code) {
  decoder->error = code;
  return DECODE_BROKEN;
}

/* Steps 3 to 5 of 9.1. */
static enum close_code judge_header(const struct decoder *decoder, const struct frame *frame, uint32_t length) {
  const struct rule *rule = &rules[frame->type];
  uint8_t allowed = decoder->checksum ? rule->flags : rule->flags & (uint8_t)~CHECKSUM;
  if ((frame->flags & ~allowed) != 0) return FLAGS;
  uint32_t checksum = frame->flags & CHECKSUM ? 4 : 0;
  if (length < checksum || length - checksum < rule->length_min || length - checksum > rule->length_max) return FRAME_SIZE;
  if ((frame->call != 0) != rule->is_call || (frame->method != 0 && !rule->has_method)) return PROTOCOL;
  return NONE;
}

/* Splits `length` bytes off the front of `view`. */
static bool take(struct view *view, size_t length, const uint8_t **at) {
  if (length > view->length) return false;
  *at = view->at;
  view->at += length;
  view->length -= length;
  return true;
}

static enum failure_code split_prefix(const struct decoder *decoder, struct frame *frame) {
  struct view *rest = &frame->body;
  const uint8_t *at;
  if (frame->flags & DEADLINE) {
    if (!take(rest, 4, &at)) return INVALID_ARGUMENT;
    frame->deadline = load_u32(at);
  }
  if (frame->flags & LEDGER && frame->type != REQUEST) {
    if (!take(rest, 12, &at)) return INVALID_ARGUMENT;
    for (int part = 0; part < 3; part++) frame->ledger[part] = load_u32(at + 4 * part);
  }
  if (frame->flags & METADATA) {
    if (!take(rest, 4, &at)) return INVALID_ARGUMENT;
    uint32_t size = load_u32(at);
    if (!take(rest, size, &at)) return INVALID_ARGUMENT;
    if (size > decoder->limits.value[METADATA_BYTES_MAX]) return RESOURCE_EXHAUSTED;
    frame->metadata = (struct view){at, size};
    return metadata_judge(frame->metadata, decoder->limits.value[METADATA_ENTRIES_MAX]);
  }
  return OK;
}

static enum decoded decode_payload(struct decoder *decoder, const uint8_t *header, uint32_t length, struct frame *frame) {
  frame->body = (struct view){header + HEADER_BYTES, length};
  if (frame->flags & CHECKSUM) {
    const uint8_t *at = NULL;
    if (!take(&frame->body, 4, &at)) return broken(decoder, FRAME_SIZE);
    frame->checksum = load_u32(at);
    uint32_t sum = crc32_add(0, (struct view){header, HEADER_BYTES});
    if (crc32_add(sum, frame->body) != frame->checksum) return broken(decoder, BAD_CHECKSUM);
  }
  frame->prefix_error = split_prefix(decoder, frame);
  if (frame->prefix_error == OK && frame->type == END && frame->body.length > 0) frame->prefix_error = INVALID_ARGUMENT;
  bool is_message = rules[frame->type].flags & MORE;
  if (is_message) decoder->empty_row = frame->flags & MORE && frame->body.length == 0 ? decoder->empty_row + 1 : 0;
  if (frame->prefix_error != OK) frame->body.length = 0;
  return decoder->empty_row > EMPTY_ROW_MAX ? broken(decoder, FLOOD) : DECODE_FRAME;
}

/* Skips the bytes of an optional frame that have arrived. */
static void skip(struct decoder *decoder, struct view input, size_t *used) {
  size_t come = input.length - *used;
  uint32_t skipped = come < decoder->skip_left ? (uint32_t)come : decoder->skip_left;
  decoder->skip_left -= skipped;
  *used += skipped;
}

enum decoded frame_decode(struct decoder *decoder, struct view input, size_t *used, struct frame *frame) {
  *used = 0;
  for (; decoder->preface_read < PREFACE_BYTES && *used < input.length; decoder->preface_read++) {
    if (input.at[(*used)++] != preface[decoder->preface_read]) return broken(decoder, BAD_PREFACE);
  }
  for (;;) {
    skip(decoder, input, used);
    if (input.length - *used < HEADER_BYTES) return DECODE_MORE;
    const uint8_t *header = input.at + *used;
    uint32_t length = load_u32(header);
    *frame = (struct frame){.call = load_u32(header + 4), .type = header[8], .flags = header[9], .method = (uint16_t)load_u16(header + 10)};
    if (length > decoder->limits.value[FRAME_BYTES_MAX]) return broken(decoder, FRAME_SIZE);
    if (frame->type >= OPTIONAL_FROM) {
      if (++decoder->optional_row > OPTIONAL_ROW_MAX) return broken(decoder, FLOOD);
      decoder->skip_left = length;
      *used += HEADER_BYTES;
      continue;
    }
    if (frame->type < HELLO || frame->type > CLOSE) return broken(decoder, FRAME_TYPE);
    enum close_code code = judge_header(decoder, frame, length);
    if (code != NONE) return broken(decoder, code);
    if (input.length - *used - HEADER_BYTES < length) return DECODE_MORE;
    decoder->optional_row = 0;
    *used += HEADER_BYTES + length;
    return decode_payload(decoder, header, length, frame);
  }
}

static uint8_t *put_u32(uint8_t *at, uint32_t value) {
  store_u32(at, value);
  return at + 4;
}

static uint8_t *put_view(uint8_t *at, struct view view) {
  if (view.length > 0) memcpy(at, view.at, view.length);
  return at + view.length;
}

void frame_encode(struct buffer *to, const struct frame *frame) {
  enum { PREFIX_BYTES_MAX = 4 + 4 + 12 + 4 };
  uint8_t *header = buffer_reserve(to, HEADER_BYTES + PREFIX_BYTES_MAX + frame->metadata.length + frame->body.length);
  uint8_t *at = header + HEADER_BYTES, *summed;
  if (frame->flags & CHECKSUM) at += 4;
  summed = at;
  if (frame->flags & DEADLINE) at = put_u32(at, frame->deadline);
  if (frame->flags & LEDGER && frame->type != REQUEST) {
    for (int part = 0; part < 3; part++) at = put_u32(at, frame->ledger[part]);
  }
  if (frame->flags & METADATA) at = put_view(put_u32(at, (uint32_t)frame->metadata.length), frame->metadata);
  at = put_view(at, frame->body);
  store_u32(header, (uint32_t)(at - header - HEADER_BYTES));
  store_u32(header + 4, frame->call);
  header[8] = frame->type;
  header[9] = frame->flags;
  store_u16(header + 10, frame->method);
  if (frame->flags & CHECKSUM) {
    uint32_t sum = crc32_add(0, (struct view){header, HEADER_BYTES});
    store_u32(header + HEADER_BYTES, crc32_add(sum, (struct view){summed, (size_t)(at - summed)}));
  }
  to->length += (size_t)(at - header);
}
