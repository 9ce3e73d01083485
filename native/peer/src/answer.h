/* A method and a call of this side as the application sees them: what it calls, and what the call ends with. */
#ifndef PEER_ANSWER_H
#define PEER_ANSWER_H

#include "wire.h"

struct items;
struct schema;

/* Schemas NULL: raw bytes. They must stay as long as the connection. */
struct called {
  struct view name;
  enum kind kind;
  const struct schema *request, *response;
};

struct answer {
  uint32_t slot;
  /* OK, or the failure code: the callee's, or this side's (INTERNAL and the like) for an answer that cannot be read. */
  enum failure_code code;
  enum started started;
  /* The response, or the text of the failure; metadata as received. Valid during the call of on_answer only. */
  struct view body, metadata;
  /* Items that were not taken, or NULL. */
  struct items *left;
};

typedef void on_answer(void *context, const struct answer *answer);

#endif
