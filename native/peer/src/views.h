/*
 * What spec/vectors/README.md calls frames, read from JSON: their fields become a frame with its payload, encoded by this peer's
 * own functions. So a view and a decoded frame are compared as canonical bytes, and no field can be forgotten.
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

/* Appends bytes in the hexadecimal of the vectors: a text, or pieces some of which repeat. False: they are none. */
bool view_bytes(const struct json *hex, struct buffer *to);

/* False: the view says something that this peer does not know. */
bool view_frame(const struct json *view, struct owned_frame *owned);

/*
 * A decoded frame as it would be written anew, with metadata and record in canonical form. `is_message`: the body is part of a
 * message, also of a SCHEMA. BAD_RECORD where the record is refused, NONE otherwise.
 */
enum close_code canonical_frame(const struct frame *frame, bool is_message, struct owned_frame *owned);

/* Entries as the vectors have them, encoded; and metadata that was judged, written anew in the same way. */
bool view_metadata(const struct json *entries, struct buffer *to);
void canonical_metadata(struct view metadata, struct buffer *to);

/* With the views pointing at the buffers. */
const struct frame *owned_view(struct owned_frame *owned);
void owned_free(struct owned_frame *owned);

/* `limits` of an object over `limits`; false for one that is unknown. */
bool view_limits(const struct json *object, struct limits *limits);

#endif
