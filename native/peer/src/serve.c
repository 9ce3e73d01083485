/* `peer serve`: see modes.h. Ends in order on SIGTERM and SIGINT, so that a sanitizer can say what was left. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"
#include "modes.h"
#include "socket.h"
#include "views.h"

enum { CONNECTIONS_MAX = 1024, WAIT_MS = 100 };

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
  (void)number;
  asked_to_end = 1;
}

static bool session_settings(const char *path, struct settings *settings) {
  struct json_file file;
  if (path == NULL) return true;
  if (!json_read(&file, path)) return false;
  const struct json *acceptor = json_get(file.root, "acceptor");
  bool good = view_limits(acceptor, &settings->limits);
  settings->checksum = json_lists(json_get(acceptor, "capabilities"), "checksum");
  json_free(&file);
  return good;
}

int serve_run(const char *port, const char *session) {
  struct settings settings = {.limits = limits_default, .checksum = session == NULL};
  if (!session_settings(session, &settings)) return EXIT_FAILURE;
  int fd = socket_listen(port);
  if (fd < 0) return EXIT_FAILURE;
  struct loop *loop = loop_new();
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  bool good = loop_listen(loop, fd, &settings, CONNECTIONS_MAX);
  printf("listening on %u\n", socket_port(fd));
  fflush(stdout);
  while (good && !asked_to_end) good = loop_turn(loop, WAIT_MS);
  loop_free(loop);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
