/* See canonical.h. */
#include "canonical.h"

#include <string.h>

enum { LONG_BYTES_MAX = 10, DOUBLE_BYTES = 8 };

struct cursor {
  const uint8_t *at, *end;
  bool good;
};

static uint8_t *write_long(uint8_t *to, int64_t value) {
  uint64_t left = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
  for (; left >= 0x80; left >>= 7) *to++ = (uint8_t)(left | 0x80);
  *to++ = (uint8_t)left;
  return to;
}

static uint8_t *write_text(uint8_t *to, struct text text) {
  to = write_long(to, (int64_t)text.length);
  memcpy(to, text.at, text.length);
  return to + text.length;
}

static int64_t read_long(struct cursor *from) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 7 * LONG_BYTES_MAX && from->at < from->end; shift += 7) {
    uint8_t byte = *from->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
  }
  from->good = false;
  return 0;
}

static struct text read_text(struct cursor *from) {
  int64_t length = read_long(from);
  struct text text = {from->at, 0};
  if (length < 0 || length > from->end - from->at) from->good = false;
  else text.length = (size_t)length;
  from->at += text.length;
  return text;
}

static struct text text_of(const char *text) { return (struct text){(const uint8_t *)text, strlen(text)}; }

static bool text_is(struct text text, const char *expected) {
  return text.length == strlen(expected) && memcmp(text.at, expected, text.length) == 0;
}

struct canonical canonical_record(int64_t id) {
  return (struct canonical){
      .id = id,
      .name = text_of("abcdefghijklmnop"),
      .tag_count = 3,
      .tags = {text_of("alpha"), text_of("beta"), text_of("gamma")},
      .score = 1.5,
  };
}

size_t canonical_bytes_max(const struct canonical *record) {
  size_t bytes = (size_t)(4 + record->tag_count) * LONG_BYTES_MAX + record->name.length + DOUBLE_BYTES;
  for (unsigned tag = 0; tag < record->tag_count; tag++) bytes += record->tags[tag].length;
  return bytes;
}

uint8_t *canonical_encode(uint8_t *to, const struct canonical *record) {
  to = write_long(to, record->id);
  to = write_text(to, record->name);
  if (record->tag_count > 0) to = write_long(to, record->tag_count);
  for (unsigned tag = 0; tag < record->tag_count; tag++) to = write_text(to, record->tags[tag]);
  *to++ = 0;
  /* Avro's doubles are little-endian, like the machines that this runs on. */
  memcpy(to, &record->score, DOUBLE_BYTES);
  return to + DOUBLE_BYTES;
}

/* An array is blocks, each a count and so many items; a negative count has the block's bytes behind it; a count of 0 ends it. */
static bool read_tags(struct cursor *from, struct canonical *record) {
  record->tag_count = 0;
  for (;;) {
    int64_t count = read_long(from);
    if (count == 0 || !from->good) return from->good;
    if (count < -TAGS_MAX || count > TAGS_MAX) return false;
    if (count < 0) {
      read_long(from);
      count = -count;
    }
    for (; count > 0; count--) {
      if (record->tag_count == TAGS_MAX) return false;
      record->tags[record->tag_count++] = read_text(from);
      if (!from->good) return false;
    }
  }
}

bool canonical_decode(const uint8_t *bytes, size_t length, struct canonical *record) {
  struct cursor from = {bytes, bytes + length, true};
  record->id = read_long(&from);
  record->name = read_text(&from);
  if (!from.good || !read_tags(&from, record) || from.end - from.at != DOUBLE_BYTES) return false;
  memcpy(&record->score, from.at, DOUBLE_BYTES);
  return true;
}

bool canonical_looks_right(const struct canonical *record, int64_t id) { return record->id == id && record->tag_count == 3; }

bool canonical_is_right(const struct canonical *record, int64_t id) {
  return canonical_looks_right(record, id) && record->score == 1.5 && text_is(record->name, "abcdefghijklmnop") &&
         text_is(record->tags[0], "alpha") && text_is(record->tags[1], "beta") && text_is(record->tags[2], "gamma");
}
