/*
 * What this peer serves: the methods of spec/vectors/README.md and the benchmark's echo, or the methods that a session brings with
 * their schemas.
 */
#ifndef PEER_HANDLERS_H
#define PEER_HANDLERS_H

#include "schema_set.h"
#include "stream.h"

enum does {
  DOES_ECHO,
  DOES_ECHO_LATE,
  DOES_FAIL,
  DOES_NOTHING_EVER,
  DOES_GROW,
  DOES_DROP,
  DOES_CANONICAL,
  DOES_JSON,
  DOES_ANSWER,
  DOES_COUNT,
  DOES_POUR,
  DOES_CONCAT,
  DOES_SWALLOW,
  DOES_CHAT,
  DOES_MIRROR
};

struct handler {
  struct view name;
  enum kind kind;
  enum does does;
  /* NULL: raw bytes. */
  const struct schema *request, *response;
  /* What DOES_ANSWER answers. */
  const struct json *value;
};

struct service {
  struct handler *handlers;
  size_t count;
  /* What the handlers point at. */
  struct schema_set schemas;
};

/* The standard methods and the benchmark's. */
void service_standard(struct service *service);
/* Those of a side of a session where it has its own, else the standard ones. False: a method that this peer cannot read. */
bool service_of_session(struct service *service, const struct json *side);
void service_free(struct service *service);
/* NULL: there is no such method. */
const struct handler *service_find(const struct service *service, struct view name);

/* One call, as its handler sees it. */
struct work {
  const struct handler *handler;
  /* Of a call whose messages are items: none. */
  struct view request;
  /* NULL: the call has no items. */
  struct stream *stream;
  /* Items sent so far, of DOES_COUNT and DOES_POUR; whether a blob's head was. */
  uint32_t done;
  /* What the caller takes. */
  int64_t bytes_max;
  struct buffer answer;
};

enum step { STEP_WAITS, STEP_ANSWERS, STEP_ENDS, STEP_FAILS };

/*
 * Goes on as far as it can: it waits for items, or until those that it sent are written; it answers with `answer`; it ends its
 * stream; or it fails with `failure`.
 */
enum step handler_step(struct work *work, enum failure_code *failure);

#endif
