/* `peer serve`: see modes.h. Ends in order on SIGTERM and SIGINT, so that a sanitizer can report leaks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "handlers.h"
#include "loop.h"
#include "modes.h"
#include "socket.h"

enum { CONNECTIONS_MAX = 1024, WAIT_MS = 100, GRACE_MS = 1000 };

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
  (void)number;
  asked_to_end = 1;
}

/* Running calls may finish; a second signal does not wait for them. */
static bool drain(struct loop *loop) {
  asked_to_end = 0;
  loop_drain(loop, GRACE_MS);
  bool good = true;
  while (good && !asked_to_end && loop_count(loop) > 0) good = loop_turn(loop, WAIT_MS);
  return good;
}

int serve_run(const char *port) {
  struct service service;
  service_standard(&service);
  struct settings settings = {.limits = limits_default, .checksum = true, .lz4 = true, .service = &service};
  int fd = socket_listen(port);
  bool good = fd >= 0;
  struct loop *loop = loop_new();
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  good = good && loop_listen(loop, fd, &settings, CONNECTIONS_MAX);
  if (good) printf("listening on %u\n", socket_port(fd));
  fflush(stdout);
  while (good && !asked_to_end) good = loop_turn(loop, WAIT_MS);
  good = good && drain(loop);
  loop_free(loop);
  service_free(&service);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
