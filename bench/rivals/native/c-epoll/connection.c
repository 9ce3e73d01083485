/* See connection.h. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../common/rival.h"

enum {
  IN_BYTES = 256 * 1024,
  OUT_BYTES_FIRST = 64 * 1024,
  /* A batch leaves when it is so long, so that the peer has work while the rest is being encoded. */
  BATCH_BYTES = 4 * 1024,
};

static void *resized(void *block, size_t bytes) {
  block = realloc(block, bytes);
  if (block == NULL) rival_die("out of memory");
  return block;
}

static void watch(struct connection *connection, int operation) {
  uint32_t events = EPOLLIN | (connection->blocked ? (uint32_t)EPOLLOUT : 0);
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(connection->epoll, operation, connection->fd, &event) != 0) rival_die("epoll_ctl");
}

struct connection *connection_open(int fd, int epoll, void *user) {
  struct connection *connection = resized(NULL, sizeof *connection);
  *connection = (struct connection){
      .fd = fd,
      .epoll = epoll,
      .in = resized(NULL, IN_BYTES),
      .in_capacity = IN_BYTES,
      .out = resized(NULL, OUT_BYTES_FIRST),
      .out_capacity = OUT_BYTES_FIRST,
      .user = user,
  };
  watch(connection, EPOLL_CTL_ADD);
  return connection;
}

void connection_close(struct connection *connection) {
  close(connection->fd);
  free(connection->in);
  free(connection->out);
  free(connection);
}

static uint32_t load_u32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

/* Hands on the whole frames. Sets what the next one needs, header included; false when that is beyond the limit. */
static bool hand_on(struct connection *connection, frame_handler *handle, size_t *needed) {
  *needed = FRAME_HEADER_BYTES;
  while (connection->in_end - connection->in_start >= FRAME_HEADER_BYTES) {
    const uint8_t *header = connection->in + connection->in_start;
    struct frame frame = {load_u32(header + 4), header[8], header + FRAME_HEADER_BYTES, load_u32(header)};
    if (frame.length > FRAME_BODY_BYTES_MAX) return false;
    *needed = FRAME_HEADER_BYTES + frame.length;
    if (connection->in_end - connection->in_start < *needed) return true;
    connection->in_start += *needed;
    *needed = FRAME_HEADER_BYTES;
    handle(connection, &frame);
  }
  return true;
}

/* What is left of a frame moves to the front only when the rest of it would not fit behind it. */
static void make_room(struct connection *connection, size_t needed) {
  size_t held = connection->in_end - connection->in_start;
  if (held == 0) connection->in_start = connection->in_end = 0;
  if (connection->in_start + needed <= connection->in_capacity && connection->in_end < connection->in_capacity) return;
  memmove(connection->in, connection->in + connection->in_start, held);
  connection->in_start = 0;
  connection->in_end = held;
  if (needed <= connection->in_capacity) return;
  connection->in_capacity = needed;
  connection->in = resized(connection->in, needed);
}

bool connection_read(struct connection *connection, frame_handler *handle) {
  size_t needed;
  ssize_t count = recv(connection->fd, connection->in + connection->in_end, connection->in_capacity - connection->in_end, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  connection->in_end += (size_t)count;
  if (!hand_on(connection, handle, &needed)) return false;
  make_room(connection, needed);
  return connection_flush(connection);
}

static void reserve(struct connection *connection, size_t bytes) {
  if (connection->out_capacity - connection->out_end >= bytes) return;
  size_t held = connection->out_end - connection->out_start;
  memmove(connection->out, connection->out + connection->out_start, held);
  connection->out_start = 0;
  connection->out_end = held;
  while (connection->out_capacity - held < bytes) connection->out_capacity *= 2;
  connection->out = resized(connection->out, connection->out_capacity);
}

static void write_header(uint8_t *header, enum frame_type type, uint32_t call, size_t length) {
  uint32_t words[] = {(uint32_t)length, call, type};
  memcpy(header, words, FRAME_HEADER_BYTES);
}

uint8_t *frame_begin(struct connection *connection, size_t bytes_max) {
  reserve(connection, FRAME_HEADER_BYTES + bytes_max);
  return connection->out + connection->out_end + FRAME_HEADER_BYTES;
}

void frame_end(struct connection *connection, enum frame_type type, uint32_t call, const uint8_t *end) {
  uint8_t *header = connection->out + connection->out_end;
  size_t bytes = (size_t)(end - header);
  write_header(header, type, call, bytes - FRAME_HEADER_BYTES);
  connection->out_end += bytes;
  if (connection->out_end - connection->out_start >= BATCH_BYTES && !connection->blocked) connection_flush(connection);
}

/* So many bytes were taken by the kernel, of what was offered. */
static void taken(struct connection *connection, size_t bytes) {
  connection->out_start += bytes;
  if (connection->out_start == connection->out_end) connection->out_start = connection->out_end = 0;
}

static void block(struct connection *connection, bool blocked) {
  if (connection->blocked == blocked) return;
  connection->blocked = blocked;
  watch(connection, EPOLL_CTL_MOD);
}

void frame_send(struct connection *connection, enum frame_type type, uint32_t call, const uint8_t *body, size_t length) {
  reserve(connection, FRAME_HEADER_BYTES);
  write_header(connection->out + connection->out_end, type, call, length);
  connection->out_end += FRAME_HEADER_BYTES;
  size_t before = connection->out_end - connection->out_start, sent = 0;
  if (!connection->blocked) {
    struct iovec parts[] = {{connection->out + connection->out_start, before}, {(void *)(uintptr_t)body, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t count = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    /* A broken connection shows at the next read. */
    sent = count < 0 ? 0 : (size_t)count;
  }
  taken(connection, sent < before ? sent : before);
  size_t body_sent = sent < before ? 0 : sent - before;
  if (body_sent == length) return;
  reserve(connection, length - body_sent);
  memcpy(connection->out + connection->out_end, body + body_sent, length - body_sent);
  connection->out_end += length - body_sent;
  block(connection, true);
}

bool connection_flush(struct connection *connection) {
  while (connection->out_end > connection->out_start) {
    size_t held = connection->out_end - connection->out_start;
    ssize_t count = send(connection->fd, connection->out + connection->out_start, held, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return false;
    if (count < 0) {
      block(connection, true);
      return true;
    }
    taken(connection, (size_t)count);
  }
  block(connection, false);
  return true;
}
