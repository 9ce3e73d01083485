/*
 * Schema resolution (Avro's "Schema Resolution", with 6.4 where that leaves a choice): whether a reader's schema reads what a
 * writer's schema writes, whatever the values are, and a writer's message written anew by the reader's schema.
 */
#ifndef PEER_RESOLVE_H
#define PEER_RESOLVE_H

#include "schema.h"

/* `lenient`: the reader's schema is a canonical form, without defaults and aliases (6.4). Where it breaks, `path` is the place. */
bool resolve_grade(const struct schema *reader, const struct schema *writer, bool lenient, struct buffer *path);

/* False: the writer's schema does not read the message, or a limit is hit. Appends to `to`. */
bool resolve_message(const struct schema *reader, const struct schema *writer, struct view message, struct buffer *to);

#endif
