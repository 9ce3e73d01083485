/* `peer load`, for people, and `peer drive`, for the benchmark: see modes.h. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "load.h"
#include "modes.h"

enum { WAIT_MS = 10, PATIENCE_MS = 5000, ORDERS_MS = 5, LINE_BYTES = 64 };

/* Whether every connection has received HELLO in time, and calls are in flight. */
static bool begin(struct load *load, struct loop *loop, unsigned connections) {
  double opened = clock_ms();
  while (loop_count(loop) == connections) {
    if (load_begin(load)) return true;
    if (clock_ms() - opened > PATIENCE_MS || !loop_turn(loop, 1)) break;
  }
  return false;
}

static void end(struct load *load, struct loop *loop) {
  load_close(load);
  while (loop_count(loop) > 0 && loop_turn(loop, WAIT_MS)) continue;
  loop_free(loop);
  load_free(load);
}

static void report(const struct load_counts *counts, double seconds, double cpu) {
  double calls = counts->answered == 0 ? 1 : (double)counts->answered;
  if (counts->failed > 0) puts(counts->failure);
  printf("calls %llu, failed %llu, wrong %llu\n", (unsigned long long)counts->answered, (unsigned long long)counts->failed,
         (unsigned long long)counts->wrong);
  printf("calls/s %.0f, own CPU %.3f us a call, p50 %.0f us, p99 %.0f us\n", calls / seconds, cpu * 1e6 / calls,
      load_quantile(counts, 0.5), load_quantile(counts, 0.99));
}

int load_run(const char *host, const char *port, unsigned in_flight, double seconds, unsigned connections) {
  struct loop *loop = loop_new();
  struct load *load = load_open(loop, host, port, in_flight, connections);
  bool good = begin(load, loop, connections);
  double begun = clock_ms(), cpu = cpu_seconds();
  while (good && clock_ms() - begun < seconds * 1e3 && load_live(load) > 0) good = loop_turn(loop, WAIT_MS);
  load_stop(load);
  double lasted = (clock_ms() - begun) / 1e3, spent = cpu_seconds() - cpu;
  struct load_counts measured = *load_counts(load);
  while (load_live(load) > 0 && clock_ms() - begun < seconds * 1e3 + PATIENCE_MS) loop_turn(loop, WAIT_MS);
  const struct load_counts *counts = load_counts(load);
  report(&measured, lasted, spent);
  good = good && counts->answered > 0 && counts->wrong == 0 && counts->failed == 0 && load_live(load) == 0;
  end(load, loop);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void say_mark(const struct load_counts *counts) {
  char failure[sizeof counts->failure];
  /* It is written into JSON without escapes. */
  for (size_t at = 0; at < sizeof failure; at++) {
    char byte = counts->failure[at];
    failure[at] = byte == 0 || (byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\') ? byte : '?';
  }
  failure[sizeof failure - 1] = 0;
  printf("{\"mark\":{\"atMs\":%.4f,\"cpuUs\":%.1f,\"done\":%llu,\"wrong\":%llu,\"failed\":%llu,\"failure\":\"%s\"}}\n", clock_ms(),
      cpu_seconds() * 1e6, (unsigned long long)counts->answered, (unsigned long long)counts->wrong,
      (unsigned long long)counts->failed, failure);
  fflush(stdout);
}

/* False at `stop`, and at the end of stdin. */
static bool obey(const struct load *load) {
  static char line[LINE_BYTES];
  static size_t length;
  struct pollfd wait = {STDIN_FILENO, POLLIN, 0};
  while (poll(&wait, 1, 0) == 1) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) != 1) return false;
    if (byte != '\n') {
      if (length < LINE_BYTES - 1) line[length++] = byte;
      continue;
    }
    line[length] = 0;
    length = 0;
    if (strcmp(line, "mark") == 0) say_mark(load_counts(load));
    if (strcmp(line, "stop") == 0) return false;
  }
  return true;
}

int drive_run(const char *port, unsigned in_flight, unsigned connections) {
  struct loop *loop = loop_new();
  struct load *load = load_open(loop, "127.0.0.1", port, in_flight, connections);
  bool good = begin(load, loop, connections);
  if (good) printf("{\"ready\":{\"port\":%s}}\n", port);
  fflush(stdout);
  for (double asked_at = clock_ms(); good && loop_turn(loop, ORDERS_MS);) {
    double now = clock_ms();
    if (now - asked_at < ORDERS_MS) continue;
    asked_at = now;
    if (!obey(load)) break;
  }
  const struct load_counts *counts = load_counts(load);
  good = good && counts->wrong == 0 && counts->failed == 0;
  end(load, loop);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
