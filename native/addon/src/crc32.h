/*
 * CRC-32 (spec/protocol.md 3.8) by the fastest way of this processor: carry-less multiplication on x86-64, the checksum
 * instructions of ARMv8, or eight bytes a step from tables. The choice is made once, when the addon is loaded. Built with
 * CRC32_PORTABLE it always uses the tables.
 */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a frame's header, and of the checksum after it. */
#define HEADER_BYTES 12
#define CHECKSUM_BYTES 4

/* The way in use: "pclmul", "armv8" or "tables". */
extern const char *crc32_kernel;

/* Continues the sum `sum` with these bytes. */
extern uint32_t (*crc32_add)(uint32_t sum, const uint8_t *bytes, size_t count);

/* The checksum of a frame: over its header and the `count` bytes after its checksum. */
extern uint32_t (*crc32_frame)(const uint8_t *frame, size_t count);

#endif
