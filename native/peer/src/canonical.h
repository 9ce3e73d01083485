/*
 * The benchmark's record (bench/canonical.ts) and the method that carries it in both directions, with its schema. Encoded, decoded
 * and checked for each call, as in the other contenders.
 */
#ifndef PEER_CANONICAL_H
#define PEER_CANONICAL_H

#include "wire.h"

#define CANONICAL_METHOD "bench.Echo/echo"

struct canonical {
  int64_t id;
  struct view name;
  unsigned tags;
  struct view tag[3];
  double score;
};

/* The schema in Parsing Canonical Form. */
struct view canonical_schema(void);
void canonical_encode(struct buffer *to, const struct canonical *record);
/* False: the schema cannot read it, or there are more than three tags. */
bool canonical_decode(struct view body, struct canonical *record);
struct canonical canonical_record(int64_t id);
/* Whether every part equals that of canonical_record. */
bool canonical_is(const struct canonical *record, int64_t id);

#endif
