/* See lz4.h. A sequence: token (literals << 4 | match - 4), more length bytes of 255, literals, offset:2, more length bytes. */
#include "lz4.h"

#include <string.h>

enum {
  MATCH_MIN = 4,
  /* The format requires the last five bytes as literals, and no match that begins in the last twelve. */
  LAST_LITERALS = 5,
  MATCH_BEGINS_BEFORE_END = 12,
  OFFSET_MAX = 65535,
  HASH_BITS = 13
};

/* The four bits of a length, continued by bytes while they are 255. False: the block ends inside it, or it is too long. */
static bool read_length(const uint8_t **at, const uint8_t *end, size_t *length) {
  if (*length < 15) return true;
  for (uint8_t byte = 255; byte == 255;) {
    if (*at == end || *length > SIZE_MAX / 2) return false;
    byte = *(*at)++;
    *length += byte;
  }
  return true;
}

bool lz4_expand(struct view block, uint8_t *to, size_t length) {
  const uint8_t *at = block.at, *end = block.at + block.length;
  size_t made = 0;
  /* An empty message is a token without literals. */
  while (at < end) {
    uint8_t token = *at++;
    size_t literals = token >> 4, match = token & 15;
    if (!read_length(&at, end, &literals)) return false;
    if (literals > (size_t)(end - at) || literals > length - made) return false;
    if (literals > 0) memcpy(to + made, at, literals);
    at += literals;
    made += literals;
    /* The last sequence has no match. */
    if (at == end) return match == 0 && made == length;
    if (end - at < 2) return false;
    size_t offset = load_u16(at);
    at += 2;
    if (!read_length(&at, end, &match)) return false;
    match += MATCH_MIN;
    if (offset == 0 || offset > made || match > length - made) return false;
    /* A match may overlap its own output. */
    for (; match > 0; match--, made++) to[made] = to[made - offset];
  }
  return false;
}

static void append_length(struct buffer *to, size_t rest) {
  for (; rest >= 255; rest -= 255) buffer_append_byte(to, 255);
  buffer_append_byte(to, (uint8_t)rest);
}

/* `match` 0: the last sequence. */
static void append_sequence(struct buffer *to, struct view literals, size_t offset, size_t match) {
  size_t more = match == 0 ? 0 : match - MATCH_MIN;
  size_t high = literals.length < 15 ? literals.length : 15, low = more < 15 ? more : 15;
  buffer_append_byte(to, (uint8_t)(high << 4 | low));
  if (high == 15) append_length(to, literals.length - 15);
  buffer_append_view(to, literals);
  if (match == 0) return;
  buffer_append_byte(to, (uint8_t)offset);
  buffer_append_byte(to, (uint8_t)(offset >> 8));
  if (low == 15) append_length(to, more - 15);
}

static uint32_t hash_of(uint32_t four) { return four * 2654435761u >> (32 - HASH_BITS); }

static size_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end) {
  size_t length = 0;
  while (b + length < end && a[length] == b[length]) length++;
  return length;
}

void lz4_compress(struct view raw, struct buffer *to) {
  /* Where four bytes with this hash were last seen, plus one. */
  uint32_t seen[1 << HASH_BITS] = {0};
  size_t written = 0, at = 0;
  while (at + MATCH_BEGINS_BEFORE_END < raw.length) {
    uint32_t four = load_u32(raw.at + at), hash = hash_of(four);
    size_t before = seen[hash];
    seen[hash] = (uint32_t)at + 1;
    bool fits = before > 0 && at - (before - 1) <= OFFSET_MAX && load_u32(raw.at + before - 1) == four;
    if (!fits) {
      at++;
      continue;
    }
    size_t length = match_length(raw.at + before - 1, raw.at + at, raw.at + raw.length - LAST_LITERALS);
    append_sequence(to, (struct view){raw.at + written, at - written}, at - (before - 1), length);
    at += length;
    written = at;
  }
  append_sequence(to, (struct view){raw.at + written, raw.length - written}, 0, 0);
}
