/*
 * Messages: cut into frames (3.3) and compressed (3.7). Of the codecs this peer has LZ4; a codec is an offer of the receiver, so one
 * that has only this speaks with everybody.
 */
#ifndef PEER_MESSAGE_H
#define PEER_MESSAGE_H

#include "link.h"

/* No frame is longer, whatever the receiver takes. */
enum { MESSAGE_FRAME_BYTES = 65536 };

enum { CODEC_LZ4 = 1, CODEC_GZIP = 2 };

/* How many bytes of a body a frame of this connection may have, behind a prefix of so many bytes; checksum aside. */
size_t message_room(const struct link *link, size_t prefix);
/* Sends a message behind `first`, which has type, call, method, flags and prefix, in as many frames as it takes. */
void message_send(struct link *link, const struct frame *first, struct view message);

/*
 * A message with COMPRESSED, appended to `to` as what it stands for; OK, INVALID_ARGUMENT or RESOURCE_EXHAUSTED. `listed`: this side
 * has announced lz4.
 */
enum failure_code message_expand(struct view wire, bool listed, int64_t bytes_max, struct buffer *to);
/* `raw`, of less than 2^31 bytes, as a message on the wire, in place of what is in `to`. False: it is not shorter. */
bool message_compress(struct view raw, struct buffer *to);
/* The same where it may pay and the peer of this connection takes it. */
bool message_compress_for(const struct link *link, struct view raw, struct buffer *to);

#endif
