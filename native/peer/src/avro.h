/*
 * Avro's binary encoding with the restrictions of chapter 2 of the specification. Input that a reader must refuse sets `bad`,
 * permanently; everything read after that is zero or empty. Used by records.c, and by canonical.c for the record of the benchmark.
 */
#ifndef PEER_AVRO_H
#define PEER_AVRO_H

#include "bytes.h"

struct reader {
  const uint8_t *at;
  const uint8_t *end;
  bool bad;
};

/* Where a reader is in an array or map. Begins as zero. */
struct blocks {
  int64_t left;
  const uint8_t *size_end;
};

struct reader reader_of(struct view view);
int64_t read_long(struct reader *reader);
int32_t read_int(struct reader *reader);
bool read_boolean(struct reader *reader);
/* An index of an enum or union below `count`. */
uint32_t read_index(struct reader *reader, uint32_t count);
struct view read_fixed(struct reader *reader, size_t length);
struct view read_bytes(struct reader *reader);
/* Refuses what is not UTF-8. */
struct view read_string(struct reader *reader);
/* Whether another item follows, each of which takes at least `item_bytes_min` bytes; with 0 the caller must limit their number. */
bool read_item(struct reader *reader, struct blocks *blocks, size_t item_bytes_min);
/* Whether everything was read and nothing was bad. */
bool read_all(const struct reader *reader);

bool is_utf8(struct view view);

void write_long(struct buffer *to, int64_t value);
void write_bytes(struct buffer *to, struct view value);

#endif
