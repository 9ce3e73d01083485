/*
 * SCHEMA on one connection (5.3): which schemas the peer may ask for, which were asked of it, and which it has given. A given
 * schema is hashed before it is kept; the number of kept schemas is limited.
 */
#ifndef PEER_EXCHANGE_H
#define PEER_EXCHANGE_H

#include "link.h"
#include "schema_set.h"

struct exchange *exchange_new(struct link *link);
void exchange_free(struct exchange *exchange);

/* Notes that this side names its schema in a METHOD, so the peer may ask for it. NULL: nothing to note. */
void exchange_name(struct exchange *exchange, const struct schema *own);
/*
 * A schema that the peer has named in a METHOD. Asks for it, once. False: the answer has not arrived. Otherwise sets `schema`, to
 * NULL if the peer did not give it or it is invalid.
 */
bool exchange_want(struct exchange *exchange, struct view fingerprint, const struct schema **schema);
/* SCHEMA. True: a schema that was asked for has arrived. */
bool exchange_frame(struct exchange *exchange, const struct frame *frame);

#endif
