/*
 * `peer play FILE SIDE PORT`: plays SIDE of a session (spec/vectors/README.md) with this program's own client and server, set up as the
 * session says. The acceptor listens (`listening on PORT`), the dialler dials. For a line `step N` on stdin it performs what that
 * step wants of this side (`do`), or checks what has come of it (`at`), and answers `done` or `problem: ...`. It ends with stdin.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caller.h"
#include "clock.h"
#include "loop.h"
#include "modes.h"
#include "outcomes.h"
#include "socket.h"
#include "views.h"

enum { PATIENCE_MS = 5000, WAIT_MS = 5, CALLS = 16, LINE_BYTES = 64, TURNS = 3 };

struct play {
  struct json_file file;
  const char *side;
  struct service service;
  struct settings settings;
  struct loop *loop;
  struct connection *connection;
  struct made calls[CALLS];
  size_t call_count;
  /* What ONEWAY handlers received: method, request, method ... */
  struct items handled;
  const char *problem;
};

static void hear(void *context, const struct answer *answer) {
  struct play *play = context;
  for (size_t at = 0; at < play->call_count; at++) {
    struct made *made = &play->calls[at];
    if (made->slot == answer->slot && !made->is_done) made_hear(made, answer);
  }
}

static void hear_oneway(void *context, struct view method, struct view request) {
  struct play *play = context;
  items_add(&play->handled, method, 0);
  items_add(&play->handled, request, 0);
}

static bool fail(struct play *play, const char *problem) {
  if (play->problem == NULL) play->problem = problem;
  return false;
}

static struct made *find(struct play *play, const struct json *object, const char *key) {
  struct view name = json_text(object, key);
  for (size_t at = 0; at < play->call_count; at++) {
    if (view_equals(play->calls[at].name, name)) return &play->calls[at];
  }
  fail(play, "there is no such call");
  return NULL;
}

static bool call(struct play *play, const struct json *action) {
  struct caller *caller = play->connection->caller;
  struct view name = json_text(action, "method");
  const struct handler *handler = service_find(&play->service, name);
  struct called called = {.name = name};
  if (handler != NULL) called = (struct called){name, handler->kind, handler->request, handler->response};
  int number = caller_method(caller, &called);
  if (play->call_count == CALLS || number < 0) return fail(play, "too many calls");
  struct made *made = &play->calls[play->call_count++];
  *made = (struct made){.name = json_text(action, "call"), .kind = called.kind, .response = called.response};
  made->slot = caller_free_slot(caller);
  struct buffer message = {0}, metadata = {0};
  const struct json *value = json_member(action, view_of("value")), *entries = json_get(action, "metadata");
  bool good = view_bytes(json_get(action, "request"), &message) && (entries == NULL || view_metadata(entries, &metadata));
  if (value != NULL) good = good && called.request != NULL && value_of_json(called.request, value, &message);
  struct request request = {
      .method = (uint16_t)number,
      .message = view_of_buffer(&message),
      .metadata = view_of_buffer(&metadata),
      .deadline_ms = json_number(action, "deadlineMs", -1),
      .asks_ledger = json_true(action, "ledger"),
  };
  enum failure_code code = good ? caller_open(caller, made->slot, &request) : OK;
  if (code != OK) made_hear(made, &(struct answer){.code = code, .started = STARTED_NO});
  buffer_free(&message);
  buffer_free(&metadata);
  return good || fail(play, "a call that cannot be made");
}

static bool send_item(struct play *play, struct made *made, const struct json *action) {
  struct buffer item = {0};
  bool good = view_bytes(json_get(action, "item"), &item) || fail(play, "an item that cannot be read");
  if (good && !made->is_done) caller_send(play->connection->caller, made->slot, view_of_buffer(&item));
  buffer_free(&item);
  return good;
}

/* Takes the wanted items of streams that have arrived. */
static void take_wanted(struct play *play) {
  struct buffer item = {0};
  for (size_t at = 0; at < play->call_count; at++) {
    struct made *made = &play->calls[at];
    while (!made->is_done && made->wanted > 0 && caller_take(play->connection->caller, made->slot, &item)) {
      items_add(&made->items, view_of_buffer(&item), 0);
      made->wanted--;
    }
  }
  buffer_free(&item);
}

static bool perform(struct play *play, const struct json *action) {
  static const char *const of_calls[] = {"cancel", "send", "end", "take"};
  if (json_has(action, "call")) return call(play, action);
  if (json_has(action, "drain")) {
    connection_drain(play->connection, "restarting", (int32_t)json_number(json_get(action, "drain"), "graceMs", 0));
    return true;
  }
  if (json_true(action, "close")) {
    connection_close(play->connection, NONE, "");
    return true;
  }
  for (size_t at = 0; at < sizeof of_calls / sizeof *of_calls; at++) {
    if (!json_has(action, of_calls[at])) continue;
    struct made *made = find(play, action, of_calls[at]);
    if (made == NULL) return false;
    if (at == 1) return send_item(play, made, action);
    if (at == 3) made->wanted += (size_t)json_number(action, "items", 0);
    if (at == 3) take_wanted(play);
    if (at == 0 && !made->is_done) caller_cancel(play->connection->caller, made->slot);
    if (at == 2 && !made->is_done) caller_end(play->connection->caller, made->slot);
    return true;
  }
  return fail(play, "an action that this peer does not know");
}

static bool check_handled(struct play *play, const struct json *expected) {
  struct buffer method = {0}, request = {0}, wanted = {0};
  uint32_t cost;
  for (double until = clock_ms() + PATIENCE_MS; play->handled.count < 2 && clock_ms() < until;) loop_turn(play->loop, WAIT_MS);
  bool good = items_take(&play->handled, &method, &cost) && items_take(&play->handled, &request, &cost) &&
      view_bytes(json_get(expected, "request"), &wanted) && view_equals(view_of_buffer(&method), json_text(expected, "method")) &&
      view_equals(view_of_buffer(&request), view_of_buffer(&wanted));
  buffer_free(&method);
  buffer_free(&request);
  buffer_free(&wanted);
  return good || fail(play, "the oneway handler was not given this");
}

static bool check_result(struct play *play, const struct json *expected) {
  struct made *made = find(play, expected, "call");
  if (made == NULL) return false;
  /* Any further items would be too many. */
  made->wanted = SIZE_MAX;
  for (double until = clock_ms() + PATIENCE_MS; !made->is_done && clock_ms() < until;) {
    take_wanted(play);
    loop_turn(play->loop, WAIT_MS);
  }
  const char *difference = made_differs(made, expected);
  return difference == NULL || fail(play, difference);
}

static bool take_step(struct play *play, size_t number) {
  const struct json *step = json_items(play->file.root, "steps");
  for (; number > 0 && step != NULL; number--) step = step->next;
  if (step == NULL) return fail(play, "there is no such step");
  for (int turn = 0; turn < TURNS; turn++) loop_turn(play->loop, 0);
  if (view_is(json_text(step, "from"), play->side)) {
    for (const struct json *action = json_items(step, "do"); action != NULL; action = action->next) {
      if (!perform(play, action)) return false;
    }
    connection_write(play->connection);
  }
  if (!view_is(json_text(step, "at"), play->side)) return true;
  const struct json *result = json_get(step, "result"), *handled = json_get(step, "handled");
  return (result == NULL || check_result(play, result)) && (handled == NULL || check_handled(play, handled));
}

/* False at the end of stdin. */
static bool obey(struct play *play) {
  static char line[LINE_BYTES];
  static size_t length;
  struct pollfd wait = {STDIN_FILENO, POLLIN, 0};
  if (poll(&wait, 1, 0) != 1) return true;
  char byte;
  if (read(STDIN_FILENO, &byte, 1) != 1) return false;
  if (byte != '\n') {
    if (length < LINE_BYTES - 1) line[length++] = byte;
    return true;
  }
  line[length] = 0;
  length = 0;
  unsigned number;
  bool good = (sscanf(line, "step %u", &number) == 1 && take_step(play, number)) || fail(play, "an order that this peer does not know");
  if (good) puts("done");
  else printf("problem: %s\n", play->problem);
  fflush(stdout);
  return true;
}

static int connect_side(bool listens, const char *port) {
  if (!listens) return socket_dial("127.0.0.1", port);
  int listening = socket_listen(port);
  if (listening < 0) return -1;
  printf("listening on %u\n", socket_port(listening));
  fflush(stdout);
  struct pollfd wait = {listening, POLLIN, 0};
  int fd = poll(&wait, 1, PATIENCE_MS) == 1 ? accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
  close(listening);
  return fd;
}

static void free_play(struct play *play) {
  for (size_t at = 0; at < play->call_count; at++) made_free(&play->calls[at]);
  items_free(&play->handled);
  service_free(&play->service);
  json_free(&play->file);
}

int play_run(const char *path, const char *side, const char *port) {
  struct play play = {.side = side};
  bool listens = strcmp(side, "acceptor") == 0;
  if ((!listens && strcmp(side, "dialler") != 0) || !json_read(&play.file, path)) return 64;
  const struct json *own = json_get(play.file.root, side);
  play.settings = (struct settings){.limits = limits_default, .service = &play.service, .on_oneway = hear_oneway, .context = &play};
  play.settings.checksum = json_lists(json_get(own, "capabilities"), "checksum");
  play.settings.lz4 = json_lists(json_get(own, "compression"), "lz4");
  bool good = view_limits(own, &play.settings.limits) && service_of_session(&play.service, own);
  int fd = good ? connect_side(listens, port) : -1;
  if (fd >= 0) {
    play.loop = loop_new();
    play.connection = connection_open(fd, !listens, &play.settings, clock_ms());
    caller_listen(play.connection->caller, hear, &play);
    /* Orders that it has before it hears from the peer are sent together with HELLO. */
    loop_add(play.loop, play.connection);
    while (obey(&play)) {
      loop_turn(play.loop, WAIT_MS);
      take_wanted(&play);
    }
    connection_close(play.connection, NONE, "");
    while (loop_count(play.loop) > 0 && loop_turn(play.loop, WAIT_MS)) continue;
    loop_free(play.loop);
  }
  free_play(&play);
  return fd >= 0 && play.problem == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
