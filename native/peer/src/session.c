/*
 * `peer session FILE SIDE PORT`: plays the script of a session (spec/vectors/README.md) with a live implementation that plays
 * SIDE, and checks every frame that it sends. Dials PORT if the implementation is the acceptor, listens on it otherwise.
 *
 * Actions that the implementation performs through its own interface (`do`, `at`) are ordered by the program that runs this one:
 * for a step with such an action the line `step N` is printed, and the dialogue continues when a line arrives on stdin. At the end
 * of stdin it continues immediately.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "heard.h"
#include "modes.h"
#include "socket.h"

/*
 * Long enough for a busy machine: a frame that does not arrive in this time is missing. Extra frames are looked for during
 * AFTERMATH_MS.
 */
enum { PATIENCE_MS = 5000, AFTERMATH_MS = 100, READ_BYTES = 65536, PINGS = 64, LINE_BYTES = 256 };

struct script {
  const struct json *session;
  /* The side that the implementation plays. */
  const char *tested;
  int fd;
  struct decoder decoder;
  struct buffer input;
  bool schema_goes_on, ended, skips_ping, skips_credit;
  struct heard heard;
  size_t matched;
  /* The opaque bytes of the implementation's PINGs that no PONG has answered. */
  uint8_t pings[PINGS][8];
  size_t ping_count;
  const char *problem;
};

static bool fail(struct script *script, const char *problem) {
  if (script->problem == NULL) script->problem = problem;
  return false;
}

static bool write_all(struct script *script, struct view bytes) {
  while (bytes.length > 0) {
    struct pollfd wait = {script->fd, POLLOUT, 0};
    if (poll(&wait, 1, PATIENCE_MS) != 1) return fail(script, "the implementation does not read");
    ssize_t sent = send(script->fd, bytes.at, bytes.length, MSG_NOSIGNAL);
    /* It may have closed before the session's next step; only what it sent before that is compared. */
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return true;
    if (sent < 0) continue;
    bytes.at += sent;
    bytes.length -= (size_t)sent;
  }
  return true;
}

static bool take_ping(struct script *script, const struct frame *frame) {
  if (script->skips_ping) {
    struct buffer pong = {0};
    frame_encode(&pong, &(struct frame){.type = PONG, .body = frame->body});
    bool good = write_all(script, view_of_buffer(&pong));
    buffer_free(&pong);
    return good;
  }
  if (script->ping_count == PINGS) return fail(script, "too many PING");
  memcpy(script->pings[script->ping_count++], frame->body.at, 8);
  return true;
}

static bool take_frame(struct script *script, const struct frame *frame) {
  if (frame->prefix_error != OK) return fail(script, "a prefix or metadata that is refused");
  if (frame->type == PING && !take_ping(script, frame)) return false;
  if ((frame->type == PING && script->skips_ping) || (frame->type == CREDIT && script->skips_credit)) return true;
  bool is_part = frame->type == SCHEMA && (script->schema_goes_on || frame->flags & MORE);
  if (frame->type == SCHEMA) script->schema_goes_on = frame->flags & MORE;
  struct owned_frame owned;
  if (canonical_frame(frame, is_part, &owned) != NONE) {
    owned_free(&owned);
    return fail(script, "a record that is refused");
  }
  heard_add(&script->heard, owned);
  return true;
}

static bool decode(struct script *script) {
  size_t used = 0;
  bool good = true;
  while (good) {
    struct frame frame;
    size_t step;
    enum decoded decoded = frame_decode(&script->decoder, (struct view){script->input.at + used, script->input.length - used},
        &step, &frame);
    used += step;
    if (decoded == DECODE_MORE) break;
    good = decoded == DECODE_FRAME ? take_frame(script, &frame) : fail(script, name_of(close_names, script->decoder.error));
  }
  buffer_consume(&script->input, used);
  return good;
}

/* Reads until `until`, one chunk at most. False: it is too late, or something is wrong. */
static bool read_some(struct script *script, double until) {
  double left = until - clock_ms();
  struct pollfd wait = {script->fd, POLLIN, 0};
  if (script->ended || left <= 0 || poll(&wait, 1, (int)left + 1) != 1) return false;
  ssize_t come = recv(script->fd, buffer_reserve(&script->input, READ_BYTES), READ_BYTES, 0);
  if (come < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (come <= 0) {
    script->ended = true;
    return true;
  }
  script->input.length += (size_t)come;
  return decode(script);
}

static void print_frame(const char *what, struct owned_frame *owned) {
  const struct frame *frame = owned_view(owned);
  printf("  %s %s call %08x method %u flags %02x body",
      what, name_of(frame_names, frame->type), (unsigned)frame->call, frame->method, frame->flags);
  for (size_t at = 0; at < frame->body.length && at < 48; at++) printf("%s%02x", at == 0 ? " " : "", frame->body.at[at]);
  printf("%s\n", frame->body.length > 48 ? "..." : "");
}

static bool expect(struct script *script, const struct json *step) {
  struct heard expected = {0};
  bool good = heard_views(&expected, json_items(step, "frames")) || fail(script, "a step that this peer cannot read");
  double until = clock_ms() + PATIENCE_MS;
  while (good && script->heard.count < script->matched + expected.count && read_some(script, until)) continue;
  good = good && script->problem == NULL;
  if (good && script->heard.count < script->matched + expected.count) good = fail(script, "frames that did not come");
  for (size_t at = 0; good && at < expected.count; at++) {
    struct owned_frame *found = &script->heard.frames[script->matched++];
    const char *difference = frame_differs(found, &expected.frames[at], json_get(step, "orCodes"));
    if (difference == NULL) continue;
    good = fail(script, difference);
    print_frame("expected", &expected.frames[at]);
    print_frame("found", found);
  }
  heard_free(&expected);
  return good;
}

/* A PONG repeats the bytes of the ping that it answers. */
static bool say(struct script *script, const struct json *step) {
  struct buffer wire = {0};
  bool good = view_bytes(json_get(step, "wire"), &wire) || fail(script, "a step that this peer cannot read");
  const struct json *views = json_items(step, "frames");
  bool answers = false;
  for (const struct json *view = views; view != NULL; view = view->next) answers = answers || view_is(json_text(view, "type"), "PONG");
  double until = clock_ms() + AFTERMATH_MS;
  while (good && answers && script->ping_count == 0 && read_some(script, until)) continue;
  if (good && answers && script->ping_count > 0) {
    wire.length = json_true(step, "preface") ? PREFACE_BYTES : 0;
    for (const struct json *view = views; good && view != NULL; view = view->next) {
      struct owned_frame owned;
      good = view_frame(view, &owned) || fail(script, "a step that this peer cannot read");
      if (owned.frame.type == PONG && script->ping_count > 0) {
        memcpy(owned.body.at, script->pings[0], 8);
        memmove(script->pings[0], script->pings[1], --script->ping_count * 8);
      }
      frame_encode(&wire, owned_view(&owned));
      owned_free(&owned);
    }
  }
  good = good && write_all(script, view_of_buffer(&wire));
  buffer_free(&wire);
  return good;
}

/* Waits until the peer's system has all bytes, so that the implementation can read them before it acts. */
static void wait_until_delivered(const struct script *script) {
  int unsent = 0;
  double until = clock_ms() + PATIENCE_MS;
  while (ioctl(script->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 && clock_ms() < until) poll(NULL, 0, 1);
}

static void wait_for_order(const struct script *script, unsigned number) {
  char line[LINE_BYTES];
  wait_until_delivered(script);
  printf("step %u\n", number);
  fflush(stdout);
  if (fgets(line, sizeof line, stdin) == NULL) return;
}

static bool take_step(struct script *script, const struct json *step, unsigned number) {
  struct view from = json_text(step, "from"), ends = json_text(step, "ends");
  bool is_its_own = view_is(from, script->tested);
  if ((is_its_own && json_has(step, "do")) || view_is(json_text(step, "at"), script->tested)) wait_for_order(script, number);
  if (from.length > 0 && !(is_its_own ? expect(script, step) : say(script, step))) return false;
  if (ends.length == 0) return true;
  if (!view_is(ends, script->tested)) return shutdown(script->fd, SHUT_WR) == 0 || true;
  double until = clock_ms() + PATIENCE_MS;
  while (!script->ended && read_some(script, until)) continue;
  return script->ended || fail(script, "the end of the stream did not come");
}

static bool expects_type(const struct script *script, const char *type) {
  for (const struct json *step = json_items(script->session, "steps"); step != NULL; step = step->next) {
    if (!view_is(json_text(step, "from"), script->tested)) continue;
    for (const struct json *view = json_items(step, "frames"); view != NULL; view = view->next) {
      if (view_is(json_text(view, "type"), type)) return true;
    }
  }
  return false;
}

static int connect_script(bool dials, const char *port) {
  if (dials) return socket_dial("127.0.0.1", port);
  int listening = socket_listen(port);
  if (listening < 0) return -1;
  printf("listening on %u\n", socket_port(listening));
  fflush(stdout);
  struct pollfd wait = {listening, POLLIN, 0};
  int fd = poll(&wait, 1, PATIENCE_MS) == 1 ? accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
  close(listening);
  return fd;
}

static bool speak(struct script *script) {
  unsigned number = 0;
  for (const struct json *step = json_items(script->session, "steps"); step != NULL; step = step->next, number++) {
    if (take_step(script, step, number)) continue;
    printf("step %u: %s\n", number, script->problem == NULL ? "failed" : script->problem);
    return false;
  }
  double until = clock_ms() + AFTERMATH_MS;
  while (read_some(script, until)) continue;
  if (script->problem == NULL && script->heard.count > script->matched) {
    print_frame("unexpected", &script->heard.frames[script->matched]);
    fail(script, "frames that nobody expected");
  }
  if (script->problem != NULL) printf("behind the last step: %s\n", script->problem);
  return script->problem == NULL;
}

int session_run(const char *path, const char *side, const char *port) {
  bool is_acceptor = strcmp(side, "acceptor") == 0;
  struct json_file file;
  if ((!is_acceptor && strcmp(side, "dialler") != 0) || !json_read(&file, path)) return 64;
  struct script script = {.session = file.root, .tested = side, .decoder = {.limits = limits_most}};
  script.decoder.checksum = json_lists(json_get(json_get(file.root, "dialler"), "capabilities"), "checksum") &&
                            json_lists(json_get(json_get(file.root, "acceptor"), "capabilities"), "checksum");
  script.skips_ping = !expects_type(&script, "PING");
  script.skips_credit = !expects_type(&script, "CREDIT");
  script.fd = connect_script(is_acceptor, port);
  bool good = script.fd >= 0 && speak(&script);
  puts(good ? "passed" : "failed");
  if (script.fd >= 0) close(script.fd);
  heard_free(&script.heard);
  buffer_free(&script.input);
  json_free(&file);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
