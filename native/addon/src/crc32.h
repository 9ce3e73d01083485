/*
 * CRC-32 (spec/protocol.md 3.8) as fast as this processor can: carry-less multiplication on x86-64, the checksum instructions of
 * ARMv8, or eight bytes a step from tables. Which one is found out once, when the addon is loaded. Built with CRC32_PORTABLE it is the
 * tables, whatever there is.
 */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a frame's header, and of the checksum behind it. */
#define HEADER_BYTES 12
#define CHECKSUM_BYTES 4

/* What is used: "pclmul", "armv8" or "tables". */
extern const char *crc32_kernel;

/* The sum of what `sum` was calculated of, followed by these bytes. */
extern uint32_t (*crc32_add)(uint32_t sum, const uint8_t *bytes, size_t count);

/* The checksum of a frame: of its header and of the `count` bytes behind its checksum. */
extern uint32_t (*crc32_frame)(const uint8_t *frame, size_t count);

#endif
