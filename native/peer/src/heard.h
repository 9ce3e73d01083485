/*
 * What a session compares: the frames of a side as whole messages, in canonical form, and the rules of spec/vectors/README.md by
 * which one that came is like one that was expected.
 */
#ifndef PEER_HEARD_H
#define PEER_HEARD_H

#include "views.h"

/* Whole messages, each at the place of its last frame. */
struct heard {
  struct owned_frame *frames;
  size_t count, capacity;
  /* Messages of which some frames have come, and more will. */
  struct owned_frame *partial;
  size_t partial_count, partial_capacity;
};

/* Takes a frame, which then belongs to `heard`. */
void heard_add(struct heard *heard, struct owned_frame frame);
/* All frames of a step, joined. False: a view that this peer cannot read. */
bool heard_views(struct heard *heard, const struct json *views);
void heard_free(struct heard *heard);

/* NULL, or what is different. `or_codes`: further codes that a CLOSE may have, or NULL. */
const char *frame_differs(struct owned_frame *found, struct owned_frame *expected, const struct json *or_codes);

#endif
