/* The server: echoes records and blobs, or sends records for as long as the kernel takes them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "canonical.h"
#include "connection.h"
#include "modes.h"

enum { EVENTS = 64, ITEMS_PER_TURN = 256 };

struct stream {
  bool open;
  uint32_t call;
  /* The id of the next item. */
  int64_t next;
};

/* Requests of the frames that are being handled; added up behind them. */
static uint64_t handled;

static void echo_record(struct connection *connection, const struct frame *frame) {
  struct canonical record;
  if (frame->type != FRAME_REQUEST || !canonical_decode(frame->body, frame->length, &record)) {
    rival_failed("not a record");
    return;
  }
  uint8_t *end = canonical_encode(frame_begin(connection, canonical_bytes_max(&record)), &record);
  frame_end(connection, FRAME_RESPONSE, frame->call, end);
  handled++;
}

static void echo_blob(struct connection *connection, const struct frame *frame) {
  frame_send(connection, FRAME_RESPONSE, frame->call, frame->body, frame->length);
  handled++;
}

/* Sends until the kernel takes no more; a flush that fails shows at the next read. */
static void send_items(struct connection *connection, struct stream *stream) {
  while (!connection->blocked) {
    for (unsigned item = 0; item < ITEMS_PER_TURN; item++) {
      struct canonical record = canonical_record(stream->next++);
      uint8_t *end = canonical_encode(frame_begin(connection, canonical_bytes_max(&record)), &record);
      frame_end(connection, FRAME_ITEM, stream->call, end);
    }
    rival_done(ITEMS_PER_TURN);
    if (!connection_flush(connection)) return;
  }
}

static void open_stream(struct connection *connection, const struct frame *frame) {
  struct stream *stream = connection->user;
  struct canonical request;
  if (!canonical_decode(frame->body, frame->length, &request)) rival_failed("not a record");
  *stream = (struct stream){.open = true, .call = frame->call};
  send_items(connection, stream);
}

static int listen_anywhere(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, SOMAXCONN) != 0) rival_die("cannot listen");
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) rival_die("getsockname");
  *port = ntohs(address.sin_port);
  return fd;
}

static void accept_connection(int listening, int epoll) {
  int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) rival_die("out of memory");
  connection_open(fd, epoll, stream);
}

static void attend(struct connection *connection, uint32_t events, frame_handler *handle) {
  struct stream *stream = connection->user;
  bool alive = true;
  if (events & EPOLLOUT) {
    alive = connection_flush(connection);
    if (alive && stream->open) send_items(connection, stream);
  }
  if (alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = connection_read(connection, handle);
  rival_done(handled);
  handled = 0;
  if (alive) return;
  connection_close(connection);
  free(stream);
}

void serve(const struct role *role) {
  static frame_handler *const handlers[] = {[WORKLOAD_UNARY] = echo_record, [WORKLOAD_BLOB] = echo_blob, [WORKLOAD_STREAM] = open_stream};
  uint16_t port;
  int listening = listen_anywhere(&port), epoll = epoll_create1(EPOLL_CLOEXEC);
  /* The event without a connection is the listening socket's. */
  struct epoll_event events[EVENTS] = {{.events = EPOLLIN}};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &events[0]) != 0) rival_die("epoll");
  rival_ready(port);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int at = 0; at < count; at++) {
      struct connection *connection = events[at].data.ptr;
      if (connection == NULL) accept_connection(listening, epoll);
      else attend(connection, events[at].events, handlers[role->workload]);
    }
  }
}
