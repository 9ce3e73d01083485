/*
 * LZ4's block format: sequences of literals and matches, without a leading size (3.7 of the specification). Every length and
 * offset of a block is checked against the available bytes before use.
 */
#ifndef PEER_LZ4_H
#define PEER_LZ4_H

#include "bytes.h"

/* Writes exactly `length` bytes to `to` and uses all of `block`; false if the block does not match that. */
bool lz4_expand(struct view block, uint8_t *to, size_t length);
/* Appends the compressed block of `raw`, which is shorter than 2^31 bytes. */
void lz4_compress(struct view raw, struct buffer *to);

#endif
