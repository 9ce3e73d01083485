/*
 * One connection: frames out of what has come, frames into one buffer that leaves in batches. A frame is a header of 12 bytes
 * (length u32, call u32, type u8, 3 bytes unused; little-endian) and `length` bytes. No limits but a frame's size, no flow control.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEADER_BYTES = 12, FRAME_BODY_BYTES_MAX = 1 << 20 };
enum frame_type { FRAME_REQUEST = 4, FRAME_RESPONSE = 5, FRAME_ITEM = 6 };

struct connection {
  int fd;
  int epoll;
  /* Bytes that have come and are not handled yet: [in_start, in_end). */
  uint8_t *in;
  size_t in_start, in_end, in_capacity;
  /* Frames that the kernel has not taken yet: [out_start, out_end). */
  uint8_t *out;
  size_t out_start, out_end, out_capacity;
  /* The kernel takes no more for now; epoll says when it does. */
  bool blocked;
  /* Whoever uses it; not looked at here. */
  void *user;
};

struct frame {
  uint32_t call;
  uint8_t type;
  const uint8_t *body;
  size_t length;
};

typedef void frame_handler(struct connection *connection, const struct frame *frame);

/* Takes the socket over and watches it with `epoll`, whose events then hold the connection. */
struct connection *connection_open(int fd, int epoll, void *user);
void connection_close(struct connection *connection);

/* Reads once and hands on the frames that are whole, then flushes. False at the end of the connection or a frame beyond the limit. */
bool connection_read(struct connection *connection, frame_handler *handle);

/* Room for a body of at most so many bytes; frame_end says how long it became. */
uint8_t *frame_begin(struct connection *connection, size_t bytes_max);
void frame_end(struct connection *connection, enum frame_type type, uint32_t call, const uint8_t *end);
/* A frame with a long body, which goes to the kernel from where it lies. */
void frame_send(struct connection *connection, enum frame_type type, uint32_t call, const uint8_t *body, size_t length);
/* False when the connection has broken. */
bool connection_flush(struct connection *connection);

#endif
