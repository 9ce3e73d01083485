/* Reads Avro schemas from JSON, within the limits of 10.2. A set owns its schemas and everything they point at. */
#ifndef PEER_SCHEMA_SET_H
#define PEER_SCHEMA_SET_H

#include "json.h"
#include "schema.h"

struct schema_set {
  struct schema_page *pages;
};

/* NULL: it is malformed or exceeds the limits. `given` must stay as long as the set. */
const struct schema *schema_of_json(struct schema_set *set, const struct json *given);
const struct schema *schema_parse(struct schema_set *set, struct view text);
void schema_set_free(struct schema_set *set);

#endif
