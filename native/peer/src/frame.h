/*
 * Frames: from bytes (chapter 3, 4.1 and the order of 9.1 up to the checksum), and to bytes. A decoder checks one direction of one
 * connection and keeps no bytes: its caller passes all bytes that have arrived and were not used. It does no input or output.
 *
 * The state of calls is checked by callee.c and caller_answers.c, records by records.c.
 */
#ifndef PEER_FRAME_H
#define PEER_FRAME_H

#include "wire.h"

struct frame {
  uint8_t type;
  uint8_t flags;
  uint16_t method;
  uint32_t call;
  /* Parts of the prefix, each only if its flag is set. */
  uint32_t checksum;
  uint32_t deadline;
  uint32_t ledger[3]; /* waiting, handler, encoding */
  struct view metadata;
  /* The payload after the prefix. */
  struct view body;
  /* OK, or the failure code of a prefix that does not fit or metadata that is refused; body is empty then. */
  enum failure_code prefix_error;
};

struct decoder {
  /* What this side has announced. */
  struct limits limits;
  /* The capability is agreed. */
  bool checksum;
  /* Bytes of the preface that have arrived; PREFACE_BYTES where none is expected. */
  unsigned preface_read;
  /* How many bytes of an optional frame are still to be skipped. */
  uint32_t skip_left;
  unsigned optional_row;
  unsigned empty_row;
  /* After DECODE_BROKEN: the code to close with. */
  enum close_code error;
};

enum decoded { DECODE_MORE, DECODE_FRAME, DECODE_BROKEN };

/*
 * Decodes the next frame of `input`. `used` is how many bytes are done, also for DECODE_MORE; a frame's views point into `input`.
 */
enum decoded frame_decode(struct decoder *decoder, struct view input, size_t *used, struct frame *frame);

/* Appends a frame: header, prefix as the flags say, body. With CHECKSUM the checksum is calculated. */
void frame_encode(struct buffer *to, const struct frame *frame);

#endif
