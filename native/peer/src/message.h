/*
 * Messages: split into frames (3.3) and compressed (3.7). This peer has only the codec LZ4; the receiver lists the codecs it
 * accepts, so one codec is enough to talk to every peer.
 */
#ifndef PEER_MESSAGE_H
#define PEER_MESSAGE_H

#include "link.h"

/* No frame is longer, even if the receiver accepts more. */
enum { MESSAGE_FRAME_BYTES = 65536 };

enum { CODEC_LZ4 = 1, CODEC_GZIP = 2 };

/* How many body bytes a frame of this connection may have after a prefix of `prefix` bytes; the checksum is accounted for. */
size_t message_room(const struct link *link, size_t prefix);
/* Sends a message in as many frames as it needs. `first` has type, call, method, flags and prefix. */
void message_send(struct link *link, const struct frame *first, struct view message);

/*
 * Decompresses a message with COMPRESSED and appends it to `to`; OK, INVALID_ARGUMENT or RESOURCE_EXHAUSTED. `listed`: this side
 * has announced lz4.
 */
enum failure_code message_expand(struct view wire, bool listed, int64_t bytes_max, struct buffer *to);
/* Compresses `raw`, of less than 2^31 bytes, to a message on the wire, replacing the content of `to`. False: it is not shorter. */
bool message_compress(struct view raw, struct buffer *to);
/* The same where it may pay and the peer of this connection accepts it. */
bool message_compress_for(const struct link *link, struct view raw, struct buffer *to);

#endif
