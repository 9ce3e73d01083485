/* SHA-256 (FIPS 180-4), for the fingerprints of schemas (6.4). Checked by `peer vectors` against the sessions' schemas. */
#ifndef PEER_SHA256_H
#define PEER_SHA256_H

#include "bytes.h"

void sha256(struct view message, uint8_t digest[32]);

#endif
