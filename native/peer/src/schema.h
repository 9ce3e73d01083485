/*
 * An Avro schema in memory, as schema_set.c reads it from JSON. Its text is the Parsing Canonical Form, whose SHA-256 is the
 * fingerprint (6.4). Aliases are not kept.
 */
#ifndef PEER_SCHEMA_H
#define PEER_SCHEMA_H

#include "wire.h"

struct json;

enum schema_type {
  SCHEMA_NULL,
  SCHEMA_BOOLEAN,
  SCHEMA_INT,
  SCHEMA_LONG,
  SCHEMA_FLOAT,
  SCHEMA_DOUBLE,
  SCHEMA_BYTES,
  SCHEMA_STRING,
  SCHEMA_PRIMITIVES,
  SCHEMA_RECORD = SCHEMA_PRIMITIVES,
  SCHEMA_ENUM,
  SCHEMA_FIXED,
  SCHEMA_ARRAY,
  SCHEMA_MAP,
  SCHEMA_UNION
};

/* A field of a record; a symbol of an enum; a branch of a union; the items of an array or the values of a map. */
struct part {
  struct view name;
  const struct schema *schema;
  /* NULL: there is none. */
  const struct json *otherwise;
};

struct schema {
  enum schema_type type;
  /* The full name of a named type. */
  struct view name;
  struct part *parts;
  size_t count;
  uint32_t size;
  /* Of an enum: the default symbol. */
  struct view otherwise;
  /* Its values take no bytes. */
  bool is_empty;
  /* Of a whole schema, not of its parts. */
  struct view text;
  uint8_t fingerprint[FINGERPRINT_BYTES];
};

/* By type: its word in a schema. */
extern const char *const schema_words[];

/* What JSON and binary values call the type: its name, or the word of the type. */
struct view schema_word(const struct schema *schema);
struct view schema_fingerprint(const struct schema *schema);
/* The part after the last dot. */
struct view last_part(struct view name);

#endif
