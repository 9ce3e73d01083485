/*
 * The methods that this peer serves: those of spec/vectors/README.md and the benchmark's echo, or those of a session, with their
 * schemas.
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
  /* Owns the schemas of the handlers. */
  struct schema_set schemas;
};

/* The standard methods and the benchmark's. */
void service_standard(struct service *service);
/* The methods that a session gives for a side, or the standard ones. False: a method that this peer cannot read. */
bool service_of_session(struct service *service, const struct json *side);
void service_free(struct service *service);
/* NULL: there is no such method. */
const struct handler *service_find(const struct service *service, struct view name);

/* One call, as its handler sees it. */
struct work {
  const struct handler *handler;
  /* Empty if the messages of the call are items. */
  struct view request;
  /* NULL: the call has no items. */
  struct stream *stream;
  /* Items sent so far by DOES_COUNT and DOES_POUR; whether the head of a blob was sent. */
  uint32_t done;
  /* The longest message that the caller accepts. */
  int64_t bytes_max;
  struct buffer answer;
};

enum step { STEP_WAITS, STEP_ANSWERS, STEP_ENDS, STEP_FAILS };

/*
 * Runs as far as possible: it waits for items, or until its items are written; it answers with `answer`; it ends its stream; or it
 * fails with `failure`.
 */
enum step handler_step(struct work *work, enum failure_code *failure);

#endif
