/* See rival.h. */
#include "rival.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FAILURE_BYTES = 256, ORDER_BYTES = 64, IN_FLIGHT_MAX = 65536 };

static struct {
  uint64_t done, wrong, failed;
  char failure[FAILURE_BYTES];
  pthread_mutex_t failure_lock;
} counts = {.failure_lock = PTHREAD_MUTEX_INITIALIZER};

static void usage(const char *program) {
  fprintf(stderr, "usage: %s serve WORKLOAD | drive WORKLOAD IN_FLIGHT PORT | version; WORKLOAD: unary, blob, stream\n", program);
  exit(2);
}

static bool read_number(const char *text, long most, long *number) {
  char *end;
  *number = strtol(text, &end, 10);
  return *text != 0 && *end == 0 && *number >= 1 && *number <= most;
}

static bool read_workload(const char *text, enum workload *workload) {
  static const char *const names[] = {"unary", "blob", "stream"};
  for (unsigned at = 0; at < sizeof names / sizeof *names; at++) {
    if (strcmp(text, names[at]) != 0) continue;
    *workload = (enum workload)at;
    return true;
  }
  return false;
}

struct role rival_role(int argc, char **argv, const char *version) {
  struct role role = {0};
  long in_flight, port;
  if (argc == 2 && strcmp(argv[1], "version") == 0) {
    puts(version);
    exit(0);
  }
  if (argc < 3 || !read_workload(argv[2], &role.workload)) usage(argv[0]);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) {
    role.serves = true;
    return role;
  }
  if (argc != 5 || strcmp(argv[1], "drive") != 0) usage(argv[0]);
  if (!read_number(argv[3], IN_FLIGHT_MAX, &in_flight) || !read_number(argv[4], UINT16_MAX, &port)) usage(argv[0]);
  role.in_flight = (unsigned)in_flight;
  role.port = (uint16_t)port;
  return role;
}

static void print_mark(void) {
  struct timespec now;
  struct rusage used;
  clock_gettime(CLOCK_MONOTONIC, &now);
  getrusage(RUSAGE_SELF, &used);
  double at_ms = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
  long long cpu_us = (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  pthread_mutex_lock(&counts.failure_lock);
  printf("{\"mark\":{\"atMs\":%.3f,\"cpuUs\":%lld,\"done\":%llu,\"wrong\":%llu,\"failed\":%llu,\"failure\":\"%s\"}}\n", at_ms, cpu_us,
         (unsigned long long)__atomic_load_n(&counts.done, __ATOMIC_RELAXED),
         (unsigned long long)__atomic_load_n(&counts.wrong, __ATOMIC_RELAXED), (unsigned long long)counts.failed, counts.failure);
  pthread_mutex_unlock(&counts.failure_lock);
  fflush(stdout);
}

/* The process ends at once, without the libraries' own endings: what is in flight then is nobody's concern. */
static void *obey(void *unused) {
  char order[ORDER_BYTES];
  while (fgets(order, sizeof order, stdin) != NULL && strcmp(order, "stop\n") != 0) {
    if (strcmp(order, "mark\n") == 0) print_mark();
  }
  _exit(0);
  return unused;
}

void rival_ready(uint16_t port) {
  pthread_t thread;
  printf("{\"ready\":{\"port\":%u}}\n", port);
  fflush(stdout);
  if (pthread_create(&thread, NULL, obey, NULL) != 0) rival_die("no thread for the orders");
  pthread_detach(thread);
}

void rival_done(uint64_t calls) { __atomic_fetch_add(&counts.done, calls, __ATOMIC_RELAXED); }

void rival_wrong(uint64_t answers) { __atomic_fetch_add(&counts.wrong, answers, __ATOMIC_RELAXED); }

void rival_failed(const char *text) {
  pthread_mutex_lock(&counts.failure_lock);
  if (counts.failed++ == 0) {
    size_t at = 0;
    /* What JSON would have to escape becomes a blank. */
    for (; text[at] != 0 && at < FAILURE_BYTES - 1; at++) {
      bool plain = (unsigned char)text[at] >= ' ' && text[at] != '"' && text[at] != '\\';
      counts.failure[at] = plain ? text[at] : ' ';
    }
    counts.failure[at] = 0;
  }
  pthread_mutex_unlock(&counts.failure_lock);
}

void rival_rest(void) {
  for (;;) pause();
}

void rival_die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

void rival_fill_blob(uint8_t *blob, unsigned caller) {
  char text[32];
  int length = snprintf(text, sizeof text, "%u:0123456789abcdef", caller);
  for (size_t at = 0; at < BLOB_BYTES; at++) blob[at] = (uint8_t)text[at % (size_t)length];
}
