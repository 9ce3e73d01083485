/*
 * The client: a closed loop of callers on one connection, each of which makes its next call when the last one was answered; or the
 * reader of one stream. A call takes a slot, which is its number on the wire, and gives it back with its answer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "canonical.h"
#include "connection.h"
#include "modes.h"

enum { SLOTS = 65536 };

struct caller {
  uint32_t id;
  uint64_t answers;
  /* Of blobs only. */
  uint8_t *blob;
};

static struct {
  enum workload workload;
  struct caller *slots[SLOTS];
  uint32_t free[SLOTS];
  unsigned free_count;
  /* Of one read: added up behind it. */
  uint64_t done;
  uint64_t items;
} load;

static void call(struct connection *connection, struct caller *caller) {
  uint32_t slot = load.free[--load.free_count];
  load.slots[slot] = caller;
  if (load.workload == WORKLOAD_BLOB) {
    frame_send(connection, FRAME_REQUEST, slot, caller->blob, BLOB_BYTES);
    return;
  }
  struct canonical record = canonical_record(caller->id);
  uint8_t *end = canonical_encode(frame_begin(connection, canonical_bytes_max(&record)), &record);
  frame_end(connection, FRAME_REQUEST, slot, end);
}

static bool right_record(const struct frame *frame, int64_t id, bool in_full) {
  struct canonical record;
  if (!canonical_decode(frame->body, frame->length, &record)) return false;
  return in_full ? canonical_is_right(&record, id) : canonical_looks_right(&record, id);
}

static bool right_blob(const struct frame *frame, const uint8_t *sent, bool in_full) {
  if (frame->length != BLOB_BYTES) return false;
  if (in_full) return memcmp(frame->body, sent, BLOB_BYTES) == 0;
  return frame->body[0] == sent[0] && frame->body[BLOB_BYTES - 1] == sent[BLOB_BYTES - 1];
}

static void take_answer(struct connection *connection, const struct frame *frame) {
  struct caller *caller = frame->type == FRAME_RESPONSE && frame->call < SLOTS ? load.slots[frame->call] : NULL;
  if (caller == NULL) {
    rival_failed("an answer to no call");
    return;
  }
  load.slots[frame->call] = NULL;
  load.free[load.free_count++] = frame->call;
  bool in_full = caller->answers++ % ANSWERS_PER_FULL_CHECK == 0;
  bool right = load.workload == WORKLOAD_BLOB ? right_blob(frame, caller->blob, in_full) : right_record(frame, caller->id, in_full);
  if (!right) rival_wrong(1);
  load.done++;
  call(connection, caller);
}

static void take_item(struct connection *connection, const struct frame *frame) {
  (void)connection;
  int64_t id = (int64_t)load.items++;
  if (frame->type != FRAME_ITEM || !right_record(frame, id, id % ANSWERS_PER_FULL_CHECK == 0)) rival_wrong(1);
  load.done++;
}

static int dial(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) rival_die("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static struct caller *new_callers(unsigned count) {
  struct caller *callers = calloc(count, sizeof *callers);
  if (callers == NULL) rival_die("out of memory");
  for (unsigned id = 0; id < count; id++) {
    callers[id].id = id;
    if (load.workload != WORKLOAD_BLOB) continue;
    callers[id].blob = malloc(BLOB_BYTES);
    if (callers[id].blob == NULL) rival_die("out of memory");
    rival_fill_blob(callers[id].blob, id);
  }
  return callers;
}

void drive(const struct role *role) {
  unsigned count = role->workload == WORKLOAD_STREAM ? 1 : role->in_flight;
  load.workload = role->workload;
  for (uint32_t slot = SLOTS; slot > 0; slot--) load.free[load.free_count++] = slot - 1;
  struct caller *callers = new_callers(count);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct connection *connection = connection_open(dial(role->port), epoll, NULL);
  frame_handler *handle = role->workload == WORKLOAD_STREAM ? take_item : take_answer;
  rival_ready(role->port);
  for (unsigned caller = 0; caller < count; caller++) call(connection, &callers[caller]);
  bool alive = connection_flush(connection);
  while (alive) {
    struct epoll_event event;
    if (epoll_wait(epoll, &event, 1, -1) < 1) continue;
    if (event.events & EPOLLOUT) alive = connection_flush(connection);
    if (alive && event.events & ~(uint32_t)EPOLLOUT) alive = connection_read(connection, handle);
    rival_done(load.done);
    load.done = 0;
  }
  /* Each call that was open fails; the orders still want their marks. */
  for (unsigned caller = 0; caller < count; caller++) rival_failed("the connection was closed");
  rival_rest();
}
