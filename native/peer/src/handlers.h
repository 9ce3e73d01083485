/*
 * What `peer serve` serves: the methods of spec/vectors/README.md that are UNARY or ONEWAY, and the benchmark's echo.
 */
#ifndef PEER_HANDLERS_H
#define PEER_HANDLERS_H

#include "wire.h"

enum does { DOES_ECHO, DOES_ECHO_LATE, DOES_FAIL, DOES_NOTHING_EVER, DOES_GROW, DOES_DROP, DOES_CANONICAL };

struct handler {
  const char *name;
  enum kind kind;
  enum does does;
};

/* NULL: there is no such method. */
const struct handler *handler_named(struct view name);
/*
 * The answer to a request, appended to `to`, or the code to fail with. `bytes_max`: what the caller takes. Not for handlers that
 * never answer.
 */
enum failure_code handler_run(const struct handler *handler, struct view request, int64_t bytes_max, struct buffer *to);

#endif
