/*
 * Comparison for sessions: the frames of a side as whole messages, in canonical form, and the rules of spec/vectors/README.md by
 * which a received frame equals an expected one.
 */
#ifndef PEER_HEARD_H
#define PEER_HEARD_H

#include "views.h"

/* Whole messages, in the order of their last frames. */
struct heard {
  struct owned_frame *frames;
  size_t count, capacity;
  /* Incomplete messages. */
  struct owned_frame *partial;
  size_t partial_count, partial_capacity;
};

/* Adds a frame and owns it from then on. */
void heard_add(struct heard *heard, struct owned_frame frame);
/* All frames of a step, joined. False: a view that this peer cannot read. */
bool heard_views(struct heard *heard, const struct json *views);
void heard_free(struct heard *heard);

/* NULL, or the difference. `or_codes`: further codes that a CLOSE may have, or NULL. */
const char *frame_differs(struct owned_frame *found, struct owned_frame *expected, const struct json *or_codes);

#endif
