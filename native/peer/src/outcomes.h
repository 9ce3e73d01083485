/* What has become of a call that `peer play` has made, and what a session says about it. */
#ifndef PEER_OUTCOMES_H
#define PEER_OUTCOMES_H

#include "answer.h"
#include "handlers.h"
#include "value.h"

struct made {
  /* By which the session calls it. */
  struct view name;
  enum kind kind;
  /* NULL: raw bytes. */
  const struct schema *response;
  uint32_t slot;
  /* So many more items are wanted. */
  size_t wanted;
  struct items items;
  bool is_done;
  enum failure_code code;
  enum started started;
  struct buffer body, metadata;
};

/* Its one answer, with the items that were not taken. */
void made_hear(struct made *made, const struct answer *answer);
/* NULL, or what is different from the `result` of a session. */
const char *made_differs(const struct made *made, const struct json *expected);
void made_free(struct made *made);

#endif
