/*
 * The frames of spec/vectors/README.md, read from JSON: their fields become a frame with its payload, encoded by this peer's own
 * functions. So a view and a decoded frame are compared as canonical bytes, and no field can be forgotten.
 */
#ifndef PEER_VIEWS_H
#define PEER_VIEWS_H

#include "frame.h"
#include "json.h"

/* A frame with its metadata and body in a buffer of its own. */
struct owned_frame {
  struct frame frame;
  struct buffer metadata;
  struct buffer body;
};

/* Appends the bytes of the vectors' hexadecimal: a text, or pieces some of which repeat. False: it is invalid. */
bool view_bytes(const struct json *hex, struct buffer *to);

/* False: the view has a field that this peer does not know. */
bool view_frame(const struct json *view, struct owned_frame *owned);

/*
 * A decoded frame encoded again, with metadata and record in canonical form. `is_message`: the body is part of a message (also of
 * a SCHEMA). BAD_RECORD if the record is refused, NONE otherwise.
 */
enum close_code canonical_frame(const struct frame *frame, bool is_message, struct owned_frame *owned);

/* Encodes the entries of a vector; encodes checked metadata again in the same way. */
bool view_metadata(const struct json *entries, struct buffer *to);
void canonical_metadata(struct view metadata, struct buffer *to);

/* With the views pointing at the buffers. */
const struct frame *owned_view(struct owned_frame *owned);
void owned_free(struct owned_frame *owned);

/* Applies the `limits` of an object to `limits`; false if one is unknown. */
bool view_limits(const struct json *object, struct limits *limits);

#endif
