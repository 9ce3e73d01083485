/* `peer call`: see modes.h. */
#include <stdio.h>
#include <stdlib.h>

#include "caller.h"
#include "clock.h"
#include "handlers.h"
#include "loop.h"
#include "modes.h"
#include "socket.h"

enum { WAIT_MS = 100, PATIENCE_MS = 5000 };

struct heard {
  bool done;
  bool good;
};

static void hear(void *context, const struct answer *answer) {
  struct heard *heard = context;
  heard->done = true;
  heard->good = answer->code == OK;
  if (!heard->good) printf("%s, started %s: ", name_of(failure_names, answer->code), name_of(started_names, answer->started));
  fwrite(answer->body.at, 1, answer->body.length, stdout);
  putchar('\n');
}

int call_run(const char *host, const char *port, const char *method, const char *text) {
  int fd = socket_dial(host, port);
  if (fd < 0) return EXIT_FAILURE;
  struct service service = {0};
  struct settings settings = {.limits = limits_default, .checksum = true, .lz4 = true, .service = &service};
  double begun = clock_ms();
  struct connection *connection = connection_open(fd, true, &settings, begun);
  struct heard heard = {false, false};
  caller_listen(connection->caller, hear, &heard);
  int number = caller_method(connection->caller, &(struct called){.name = view_of(method)});
  enum failure_code code =
      caller_open(connection->caller, 0, &(struct request){.method = (uint16_t)number, .message = view_of(text), .deadline_ms = -1});
  bool sent = code == OK;
  if (!sent) fprintf(stderr, "peer: %s, started NO\n", name_of(failure_names, code));
  struct loop *loop = loop_new();
  loop_add(loop, connection);
  while (sent && !heard.done && clock_ms() - begun < PATIENCE_MS && loop_turn(loop, WAIT_MS)) continue;
  if (sent && !heard.done) puts("no answer came");
  connection_close(connection, NONE, "");
  while (loop_count(loop) > 0 && loop_turn(loop, WAIT_MS)) continue;
  loop_free(loop);
  return heard.good ? EXIT_SUCCESS : EXIT_FAILURE;
}
