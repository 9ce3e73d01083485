/* See avro.h. */
#include "avro.h"

#include <string.h>

struct reader reader_of(struct view view) { return (struct reader){view.at, view.at + view.length, false}; }

static size_t remaining(const struct reader *reader) { return (size_t)(reader->end - reader->at); }

static uint64_t spoil(struct reader *reader) {
  reader->bad = true;
  reader->at = reader->end;
  return 0;
}

/* At most `bytes_max` bytes, the last of which may only be up to `last_max`. Padding with 0x80 within that is legal. */
static uint64_t read_varint(struct reader *reader, unsigned bytes_max, uint8_t last_max) {
  /* Mostly one byte. */
  if (reader->at < reader->end && *reader->at < 0x80) return *reader->at++;
  uint64_t value = 0;
  for (unsigned count = 0; count < bytes_max; count++) {
    if (reader->at == reader->end) return spoil(reader);
    uint8_t byte = *reader->at++;
    if (count == bytes_max - 1 && byte > last_max) return spoil(reader);
    value |= (uint64_t)(byte & 0x7f) << (7 * count);
    if (byte < 0x80) return value;
  }
  return spoil(reader);
}

static int64_t unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }

int64_t read_long(struct reader *reader) { return unzigzag(read_varint(reader, 10, 0x01)); }

int32_t read_int(struct reader *reader) { return (int32_t)unzigzag(read_varint(reader, 5, 0x0f)); }

bool read_boolean(struct reader *reader) {
  struct view byte = read_fixed(reader, 1);
  if (byte.length == 1 && byte.at[0] > 1) spoil(reader);
  return byte.length == 1 && byte.at[0] == 1;
}

uint32_t read_index(struct reader *reader, uint32_t count) {
  int32_t index = read_int(reader);
  if (index < 0 || (uint32_t)index >= count) return (uint32_t)spoil(reader);
  return (uint32_t)index;
}

struct view read_fixed(struct reader *reader, size_t length) {
  if (reader->bad || length > remaining(reader)) {
    spoil(reader);
    return (struct view){reader->end, 0};
  }
  struct view view = {reader->at, length};
  reader->at += length;
  return view;
}

struct view read_bytes(struct reader *reader) {
  int64_t length = read_long(reader);
  if (length < 0 || (uint64_t)length > remaining(reader)) {
    spoil(reader);
    return (struct view){reader->end, 0};
  }
  return read_fixed(reader, (size_t)length);
}

struct view read_string(struct reader *reader) {
  struct view text = read_bytes(reader);
  if (!is_utf8(text)) spoil(reader);
  return text;
}

bool read_item(struct reader *reader, struct blocks *blocks, size_t item_bytes_min) {
  if (reader->bad) return false;
  if (blocks->left == 0) {
    if (blocks->size_end != NULL && reader->at != blocks->size_end) spoil(reader);
    blocks->size_end = NULL;
    int64_t count = read_long(reader);
    if (count < 0) {
      int64_t size = read_long(reader);
      if (reader->bad || count == INT64_MIN || size < 0 || (uint64_t)size > remaining(reader)) {
        spoil(reader);
        return false;
      }
      count = -count;
      blocks->size_end = reader->at + size;
    }
    if (count > 0 && item_bytes_min > 0 && (uint64_t)count > remaining(reader) / item_bytes_min) spoil(reader);
    blocks->left = count;
  }
  if (reader->bad || blocks->left == 0) return false;
  blocks->left--;
  return true;
}

bool read_all(const struct reader *reader) { return !reader->bad && reader->at == reader->end; }

/* Bytes of the sequence that begins with `first`; 0 when none does. */
static size_t sequence_length(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/* How many leading bytes are ASCII, eight at a time. */
static size_t ascii_length(struct view view) {
  size_t at = 0;
  for (uint64_t eight; view.length - at >= sizeof eight; at += sizeof eight) {
    memcpy(&eight, view.at + at, sizeof eight);
    if ((eight & 0x8080808080808080u) != 0) break;
  }
  return at;
}

bool is_utf8(struct view view) {
  for (size_t at = ascii_length(view); at < view.length;) {
    uint8_t first = view.at[at];
    size_t length = sequence_length(first);
    if (length == 0 || length > view.length - at) return false;
    for (size_t next = 1; next < length; next++) {
      if ((view.at[at + next] & 0xc0) != 0x80) return false;
    }
    if (length > 2) {
      uint8_t second = view.at[at + 1];
      /* Longer than needed, a surrogate, above U+10FFFF. */
      if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return false;
      if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return false;
    }
    at += length;
  }
  return true;
}

void write_long(struct buffer *to, int64_t value) {
  uint64_t left = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
  if (left < 0x80) return buffer_append_byte(to, (uint8_t)left);
  uint8_t *at = buffer_reserve(to, 10);
  size_t length = 0;
  for (; left > 0x7f; left >>= 7) at[length++] = (uint8_t)(left | 0x80);
  at[length++] = (uint8_t)left;
  to->length += length;
}

void write_bytes(struct buffer *to, struct view value) {
  write_long(to, (int64_t)value.length);
  buffer_append_view(to, value);
}
