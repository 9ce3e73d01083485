/* See schema.h. */
#include "schema.h"

const char *const schema_words[] = {"null", "boolean", "int",  "long",  "float", "double", "bytes",
                                    "string", "record", "enum", "fixed", "array", "map", "union"};

struct view last_part(struct view name) {
  for (size_t at = name.length; at > 0; at--) {
    if (name.at[at - 1] == '.') return (struct view){name.at + at, name.length - at};
  }
  return name;
}

struct view schema_word(const struct schema *schema) { return schema->name.length > 0 ? schema->name : view_of(schema_words[schema->type]); }

struct view schema_fingerprint(const struct schema *schema) { return (struct view){schema->fingerprint, FINGERPRINT_BYTES}; }
