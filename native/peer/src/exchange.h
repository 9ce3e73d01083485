/*
 * SCHEMA on one connection (5.3): what the peer may ask for, what was asked of it, and what it has given. What is given is hashed
 * before it is kept; the number of schemas of a peer that are kept is bounded.
 */
#ifndef PEER_EXCHANGE_H
#define PEER_EXCHANGE_H

#include "link.h"
#include "schema_set.h"

struct exchange *exchange_new(struct link *link);
void exchange_free(struct exchange *exchange);

/* This side names its schema in a METHOD, so that the peer may ask for it. NULL is nothing to name. */
void exchange_name(struct exchange *exchange, const struct schema *own);
/*
 * A schema that the peer has named in a METHOD. Asks for it, once. False: its answer has not come. Otherwise `schema`, or NULL where
 * the peer did not give it or it is none.
 */
bool exchange_want(struct exchange *exchange, struct view fingerprint, const struct schema **schema);
/* SCHEMA. True: what was asked for has come. */
bool exchange_frame(struct exchange *exchange, const struct frame *frame);

#endif
