/*
 * The canonical record and its Avro binary encoding: {id long, name string, tags array of string, score double}. A decoded record
 * is a set of views into the bytes it came from, which is the least that a decoder can do.
 */
#ifndef CANONICAL_H
#define CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAGS_MAX = 16 };

struct text {
  const uint8_t *at;
  size_t length;
};

struct canonical {
  int64_t id;
  struct text name;
  unsigned tag_count;
  struct text tags[TAGS_MAX];
  double score;
};

struct canonical canonical_record(int64_t id);
/* Bytes that encoding takes at most. */
size_t canonical_bytes_max(const struct canonical *record);
/* The end of what was written. */
uint8_t *canonical_encode(uint8_t *to, const struct canonical *record);
/* False unless the bytes are one record of at most TAGS_MAX tags. */
bool canonical_decode(const uint8_t *from, size_t length, struct canonical *record);
/* What is looked at in each answer, and now and then. */
bool canonical_looks_right(const struct canonical *record, int64_t id);
bool canonical_is_right(const struct canonical *record, int64_t id);

#endif
