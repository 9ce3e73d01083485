/*
 * Schema resolution (Avro's "Schema Resolution", with 6.4 where that leaves a choice): whether a reader's schema can read what a
 * writer's schema writes, for all values, and conversion of a writer's message to the reader's schema.
 */
#ifndef PEER_RESOLVE_H
#define PEER_RESOLVE_H

#include "schema.h"

/* `lenient`: the reader's schema is a canonical form, without defaults and aliases (6.4). `path` is the place where it is breaking. */
bool resolve_grade(const struct schema *reader, const struct schema *writer, bool lenient, struct buffer *path);

/* False: the writer's schema cannot read the message, or a limit is exceeded. Appends to `to`. */
bool resolve_message(const struct schema *reader, const struct schema *writer, struct view message, struct buffer *to);

#endif
