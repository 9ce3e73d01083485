/*
 * Avro values by their schema: checked and printed as JSON from untrusted bytes, and encoded from JSON. A message nested deeper
 * than 64, or with more than 65,536 values without bytes, is refused.
 */
#ifndef PEER_VALUE_H
#define PEER_VALUE_H

#include "avro.h"
#include "json.h"
#include "schema.h"

/* The state of reading a message. Begins with the bytes; the rest is zero. */
struct value_reader {
  struct reader bytes;
  unsigned depth, without_bytes;
  /* Where the value is printed, or NULL. */
  struct buffer *json;
};

/* Reads one value; false once something was bad. */
bool value_read(struct value_reader *reader, const struct schema *schema);
/* Counts one level deeper, or one more value without bytes; false when that is too much, which makes the reader bad. */
bool value_enter(struct value_reader *reader, const struct schema *schema);

/* Whether the schema can read the bytes, all of them. */
bool value_fits(const struct schema *schema, struct view bytes);
/* The same, with the value as JSON without spaces; unions as Avro's JSON has them. */
bool value_to_json(const struct schema *schema, struct view bytes, struct buffer *json);
/* False: the value does not fit the schema. */
bool value_of_json(const struct schema *schema, const struct json *value, struct buffer *bytes);

#endif
