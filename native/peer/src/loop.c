/* See loop.h. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum { EVENTS = 128, TICK_MS = 10 };

struct member {
  struct connection *connection;
  struct member *next;
  uint32_t watched;
  /* The code that dialled it may still look at it. */
  bool kept;
  bool gone;
};

struct loop {
  int epoll;
  int listening;
  struct settings settings;
  unsigned connections_max;
  unsigned count;
  struct member *members;
  double ticked_at;
};

struct loop *loop_new(void) {
  struct loop *loop = allocate(1, sizeof *loop);
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  loop->listening = -1;
  return loop;
}

static void remove_member(struct loop *loop, struct member **at) {
  struct member *gone = *at;
  if (!gone->gone) loop->count--;
  *at = gone->next;
  connection_free(gone->connection);
  free(gone);
}

static void remove_finished(struct loop *loop) {
  for (struct member **at = &loop->members; *at != NULL;) {
    struct member *member = *at;
    if (member->connection->finished && !member->kept) {
      remove_member(loop, at);
      continue;
    }
    if (member->connection->finished && !member->gone) {
      member->gone = true;
      loop->count--;
      epoll_ctl(loop->epoll, EPOLL_CTL_DEL, member->connection->fd, NULL);
    }
    at = &member->next;
  }
}

void loop_free(struct loop *loop) {
  while (loop->members != NULL) remove_member(loop, &loop->members);
  if (loop->listening >= 0) close(loop->listening);
  close(loop->epoll);
  free(loop);
}

unsigned loop_count(const struct loop *loop) { return loop->count; }

static void watch(struct loop *loop, struct member *member) {
  const struct connection *connection = member->connection;
  uint32_t events = (connection_wants_input(connection) ? (uint32_t)EPOLLIN : 0) |
      (connection_wants_output(connection) ? (uint32_t)EPOLLOUT : 0);
  if (events == member->watched) return;
  struct epoll_event event = {.events = events, .data.ptr = member};
  epoll_ctl(loop->epoll, EPOLL_CTL_MOD, connection->fd, &event);
  member->watched = events;
}

static void add(struct loop *loop, struct connection *connection, bool kept) {
  struct member *member = allocate(1, sizeof *member);
  *member = (struct member){.connection = connection, .next = loop->members, .watched = EPOLLIN, .kept = kept};
  loop->members = member;
  loop->count++;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
  epoll_ctl(loop->epoll, EPOLL_CTL_ADD, connection->fd, &event);
  connection_write(connection);
  watch(loop, member);
}

void loop_add(struct loop *loop, struct connection *connection) { add(loop, connection, true); }

bool loop_listen(struct loop *loop, int fd, const struct settings *settings, unsigned connections_max) {
  loop->listening = fd;
  loop->settings = *settings;
  loop->connections_max = connections_max;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void loop_drain(struct loop *loop, int32_t grace_ms) {
  if (loop->listening >= 0) close(loop->listening);
  loop->listening = -1;
  for (struct member *member = loop->members; member != NULL; member = member->next) {
    if (member->gone) continue;
    member->connection->link.now = clock_ms();
    connection_drain(member->connection, "restarting", grace_ms);
    connection_write(member->connection);
    watch(loop, member);
  }
}

static void accept_connections(struct loop *loop) {
  for (;;) {
    int fd = accept4(loop->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (loop->count >= loop->connections_max) close(fd);
    else add(loop, connection_open(fd, false, &loop->settings, clock_ms()), false);
  }
}

static void handle(struct loop *loop, struct member *member, uint32_t events) {
  struct connection *connection = member->connection;
  if (events & (EPOLLERR | EPOLLHUP) && connection->peer_ended) connection->finished = true;
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) connection_read(connection, clock_ms());
  connection_write(connection);
  watch(loop, member);
}

static void tick(struct loop *loop) {
  double now = clock_ms();
  if (now - loop->ticked_at < TICK_MS) return;
  loop->ticked_at = now;
  for (struct member *member = loop->members; member != NULL; member = member->next) {
    if (member->gone) continue;
    connection_tick(member->connection, now);
    connection_write(member->connection);
    watch(loop, member);
  }
}

bool loop_turn(struct loop *loop, int wait_ms) {
  struct epoll_event events[EVENTS];
  int wait = loop->count == 0 || wait_ms < TICK_MS ? wait_ms : TICK_MS;
  int count = epoll_wait(loop->epoll, events, EVENTS, wait);
  if (count < 0 && errno != EINTR) return false;
  for (int at = 0; at < count; at++) {
    if (events[at].data.ptr == NULL) accept_connections(loop);
    else handle(loop, events[at].data.ptr, events[at].events);
  }
  tick(loop);
  remove_finished(loop);
  return true;
}
