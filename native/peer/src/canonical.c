/* See canonical.h. */
#include "canonical.h"

#include <string.h>

#include "avro.h"

struct view canonical_schema(void) {
  return view_of("{\"name\":\"Canonical\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"name\",\"type\":"
                 "\"string\"},{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
                 "{\"name\":\"score\",\"type\":\"double\"}]}");
}

void canonical_encode(struct buffer *to, const struct canonical *record) {
  write_long(to, record->id);
  write_bytes(to, record->name);
  if (record->tags > 0) write_long(to, record->tags);
  for (unsigned tag = 0; tag < record->tags; tag++) write_bytes(to, record->tag[tag]);
  write_long(to, 0);
  uint64_t bits;
  memcpy(&bits, &record->score, sizeof bits);
  uint8_t *at = buffer_reserve(to, 8);
  store_u32(at, (uint32_t)bits);
  store_u32(at + 4, (uint32_t)(bits >> 32));
  to->length += 8;
}

bool canonical_decode(struct view body, struct canonical *record) {
  struct reader reader = reader_of(body);
  struct blocks blocks = {0};
  record->id = read_long(&reader);
  record->name = read_string(&reader);
  for (record->tags = 0; read_item(&reader, &blocks, 1); record->tags++) {
    if (record->tags == 3) return false;
    record->tag[record->tags] = read_string(&reader);
  }
  struct view score = read_fixed(&reader, 8);
  if (!read_all(&reader)) return false;
  uint64_t bits = (uint64_t)load_u32(score.at) | (uint64_t)load_u32(score.at + 4) << 32;
  memcpy(&record->score, &bits, sizeof bits);
  return true;
}

struct canonical canonical_record(int64_t id) {
  return (struct canonical){id, view_of("abcdefghijklmnop"), 3, {view_of("alpha"), view_of("beta"), view_of("gamma")}, 1.5};
}

bool canonical_is(const struct canonical *record, int64_t id) {
  return record->id == id && view_is(record->name, "abcdefghijklmnop") && record->score == 1.5 && record->tags == 3 &&
         view_is(record->tag[0], "alpha") && view_is(record->tag[1], "beta") && view_is(record->tag[2], "gamma");
}
