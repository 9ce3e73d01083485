/*
 * An independent peer of the Trunkline protocol, written from spec/protocol.md alone. The modes are described in README.md.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"
#include "vectors.h"

static int usage(void) {
  fputs(
      "peer serve PORT\n"
      "peer call HOST PORT METHOD TEXT\n"
      "peer load HOST PORT IN_FLIGHT SECONDS [CONNECTIONS]\n"
      "peer drive PORT IN_FLIGHT CONNECTIONS\n"
      "peer vectors FOLDER\n"
      "peer play FILE dialler|acceptor PORT\n"
      "peer session FILE dialler|acceptor PORT\n",
      stderr);
  return 64;
}

/* IN_FLIGHT and CONNECTIONS. */
static bool read_load(const char *calls, const char *over, unsigned *in_flight, unsigned *connections) {
  *in_flight = (unsigned)strtoul(calls, NULL, 10);
  *connections = over == NULL ? 1 : (unsigned)strtoul(over, NULL, 10);
  return *connections >= 1 && *connections <= 1000 && *in_flight >= *connections && *in_flight <= 65536;
}

static int load(int count, char **arguments) {
  unsigned in_flight, connections;
  double seconds = strtod(arguments[5], NULL);
  bool good = read_load(arguments[4], count == 7 ? arguments[6] : NULL, &in_flight, &connections);
  return good && seconds > 0 && seconds <= 3600 ? load_run(arguments[2], arguments[3], in_flight, seconds, connections) : usage();
}

static int drive(char **arguments) {
  unsigned in_flight, connections;
  return read_load(arguments[3], arguments[4], &in_flight, &connections) ? drive_run(arguments[2], in_flight, connections) : usage();
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  const char *mode = count < 2 ? "" : arguments[1];
  if (strcmp(mode, "serve") == 0 && count == 3) return serve_run(arguments[2]);
  if (strcmp(mode, "call") == 0 && count == 6) return call_run(arguments[2], arguments[3], arguments[4], arguments[5]);
  if (strcmp(mode, "load") == 0 && (count == 6 || count == 7)) return load(count, arguments);
  if (strcmp(mode, "drive") == 0 && count == 5) return drive(arguments);
  if (strcmp(mode, "vectors") == 0 && count == 3) return vectors_run(arguments[2]);
  if (strcmp(mode, "play") == 0 && count == 5) return play_run(arguments[2], arguments[3], arguments[4]);
  if (strcmp(mode, "session") == 0 && count == 5) return session_run(arguments[2], arguments[3], arguments[4]);
  return usage();
}
