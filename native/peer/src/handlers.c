/* See handlers.h. */
#include "handlers.h"

#include <string.h>

#include "canonical.h"

static const struct handler handlers[] = {
    {CANONICAL_METHOD, UNARY, DOES_CANONICAL},  {"test.Echo/echo", UNARY, DOES_ECHO},
    {"test.Echo/late", UNARY, DOES_ECHO_LATE},  {"test.Echo/fail", UNARY, DOES_FAIL},
    {"test.Echo/hang", UNARY, DOES_NOTHING_EVER}, {"test.Echo/grow", UNARY, DOES_GROW},
    {"test.Echo/note", ONEWAY_KIND, DOES_DROP},
};

const struct handler *handler_named(struct view name) {
  for (size_t at = 0; at < sizeof handlers / sizeof *handlers; at++) {
    if (view_is(name, handlers[at].name)) return &handlers[at];
  }
  return NULL;
}

static enum failure_code grow(struct view request, int64_t bytes_max, struct buffer *to) {
  if (request.length != 4) return INVALID_ARGUMENT;
  uint32_t length = load_u32(request.at);
  if (length > bytes_max) return RESOURCE_EXHAUSTED;
  memset(buffer_reserve(to, length), 'a', length);
  to->length += length;
  return OK;
}

static enum failure_code echo_canonical(struct view request, struct buffer *to) {
  struct canonical record;
  if (!canonical_decode(request, &record)) return INVALID_ARGUMENT;
  canonical_encode(to, &record);
  return OK;
}

enum failure_code handler_run(const struct handler *handler, struct view request, int64_t bytes_max, struct buffer *to) {
  switch (handler->does) {
    case DOES_FAIL: return NOT_FOUND;
    case DOES_GROW: return grow(request, bytes_max, to);
    case DOES_CANONICAL: return echo_canonical(request, to);
    default: buffer_append_view(to, request); return (int64_t)request.length > bytes_max ? RESOURCE_EXHAUSTED : OK;
  }
}
