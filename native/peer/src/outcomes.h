/* The result of a call of `peer play`, and the comparison with a session. */
#ifndef PEER_OUTCOMES_H
#define PEER_OUTCOMES_H

#include "answer.h"
#include "handlers.h"
#include "value.h"

struct made {
  /* Its name in the session. */
  struct view name;
  enum kind kind;
  /* NULL: raw bytes. */
  const struct schema *response;
  uint32_t slot;
  /* How many more items are wanted. */
  size_t wanted;
  struct items items;
  bool is_done;
  enum failure_code code;
  enum started started;
  struct buffer body, metadata;
};

/* Its one answer, with the items that were not taken. */
void made_hear(struct made *made, const struct answer *answer);
/* NULL, or the difference from the `result` of a session. */
const char *made_differs(const struct made *made, const struct json *expected);
void made_free(struct made *made);

#endif
