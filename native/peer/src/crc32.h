/* The CRC-32 of 3.8 (zlib, PNG, IEEE 802.3). */
#ifndef PEER_CRC32_H
#define PEER_CRC32_H

#include "bytes.h"

/* Continues the checksum `sum` with `bytes`. Begins with 0. */
uint32_t crc32_add(uint32_t sum, struct view bytes);

#endif
