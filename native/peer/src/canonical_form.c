/* See canonical_form.h. */
#include "canonical_form.h"

#include <stdio.h>
#include <stdlib.h>

struct writing {
  struct buffer *to;
  /* Named types that were written; from the second time on their name is enough. */
  const struct schema **done;
  size_t count, capacity;
};

static void append(struct writing *writing, const char *text) { buffer_append_view(writing->to, view_of(text)); }

static void append_quoted(struct writing *writing, struct view text) {
  append(writing, "\"");
  buffer_append_view(writing->to, text);
  append(writing, "\"");
}

static bool was_written(struct writing *writing, const struct schema *schema) {
  for (size_t at = 0; at < writing->count; at++) {
    if (writing->done[at] == schema) return true;
  }
  if (writing->count == writing->capacity) {
    writing->capacity = writing->capacity == 0 ? 16 : writing->capacity * 2;
    const struct schema **moved = allocate(writing->capacity, sizeof *moved);
    for (size_t at = 0; at < writing->count; at++) moved[at] = writing->done[at];
    free(writing->done);
    writing->done = moved;
  }
  writing->done[writing->count++] = schema;
  return false;
}

static void write_schema(struct writing *writing, const struct schema *schema);

static void write_parts(struct writing *writing, const struct schema *schema) {
  for (size_t at = 0; at < schema->count; at++) {
    const struct part *part = &schema->parts[at];
    if (at > 0) append(writing, ",");
    if (schema->type == SCHEMA_ENUM) append_quoted(writing, part->name);
    else if (schema->type == SCHEMA_UNION) write_schema(writing, part->schema);
    else {
      append(writing, "{\"name\":");
      append_quoted(writing, part->name);
      append(writing, ",\"type\":");
      write_schema(writing, part->schema);
      append(writing, "}");
    }
  }
}

static void write_named(struct writing *writing, const struct schema *schema) {
  char size[48];
  append(writing, "{\"name\":");
  append_quoted(writing, schema->name);
  if (schema->type == SCHEMA_FIXED) {
    snprintf(size, sizeof size, ",\"type\":\"fixed\",\"size\":%u}", (unsigned)schema->size);
    return append(writing, size);
  }
  append(writing, schema->type == SCHEMA_RECORD ? ",\"type\":\"record\",\"fields\":[" : ",\"type\":\"enum\",\"symbols\":[");
  write_parts(writing, schema);
  append(writing, "]}");
}

static void write_schema(struct writing *writing, const struct schema *schema) {
  switch (schema->type) {
    case SCHEMA_RECORD:
    case SCHEMA_ENUM:
    case SCHEMA_FIXED:
      if (was_written(writing, schema)) append_quoted(writing, schema->name);
      else write_named(writing, schema);
      return;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
      append(writing, schema->type == SCHEMA_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
      write_schema(writing, schema->parts[0].schema);
      return append(writing, "}");
    case SCHEMA_UNION:
      append(writing, "[");
      write_parts(writing, schema);
      return append(writing, "]");
    default: append_quoted(writing, schema_word(schema));
  }
}

void canonical_form(const struct schema *schema, struct buffer *to) {
  struct writing writing = {.to = to};
  write_schema(&writing, schema);
  free(writing.done);
}
