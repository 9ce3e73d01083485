/*
 * LZ4's block format: sequences of literals and matches, without a size in front (3.7 of the specification). Every length and offset
 * of a block is compared with what is there before it is used.
 */
#ifndef PEER_LZ4_H
#define PEER_LZ4_H

#include "bytes.h"

/* Fills exactly `length` bytes at `to` and uses all of `block`; false where the block says otherwise. */
bool lz4_expand(struct view block, uint8_t *to, size_t length);
/* Appends a block that stands for `raw`, which is shorter than 2^31 bytes. */
void lz4_compress(struct view raw, struct buffer *to);

#endif
