/* See resolve.h. */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#include "value.h"

enum { PAIRS_MAX = 4096 };

struct pair {
  const struct schema *reader, *writer;
};

struct grading {
  bool lenient;
  struct buffer *path;
  /* Pairs of named types that are graded, or being graded: their own parts may refer to them again. */
  struct pair *pairs;
  size_t count;
};

static bool grade(struct grading *grading, const struct schema *reader, const struct schema *writer);

static bool is_promoted(enum schema_type reader, enum schema_type writer) {
  if (reader == writer) return true;
  bool is_number = writer == SCHEMA_INT || writer == SCHEMA_LONG || writer == SCHEMA_FLOAT;
  if (is_number) return reader > writer && reader <= SCHEMA_DOUBLE;
  return (reader == SCHEMA_STRING && writer == SCHEMA_BYTES) || (reader == SCHEMA_BYTES && writer == SCHEMA_STRING);
}

static const struct part *part_named(const struct schema *schema, struct view name) {
  for (size_t at = 0; at < schema->count; at++) {
    if (view_equals(schema->parts[at].name, name)) return &schema->parts[at];
  }
  return NULL;
}

/* Adds `.field` to the path while the field is graded; it stays if the field is breaking. */
static bool grade_field(struct grading *grading, const struct part *field, const struct schema *writer) {
  size_t before = grading->path->length;
  buffer_append_byte(grading->path, '.');
  buffer_append_view(grading->path, field->name);
  const struct part *written = part_named(writer, field->name);
  bool good = written == NULL ? field->otherwise != NULL || grading->lenient : grade(grading, field->schema, written->schema);
  if (good) grading->path->length = before;
  return good;
}

static bool grade_named(struct grading *grading, const struct schema *reader, const struct schema *writer) {
  for (size_t at = 0; at < grading->count; at++) {
    if (grading->pairs[at].reader == reader && grading->pairs[at].writer == writer) return true;
  }
  if (grading->count == PAIRS_MAX) return false;
  if (grading->pairs == NULL) grading->pairs = allocate(PAIRS_MAX, sizeof(struct pair));
  grading->pairs[grading->count++] = (struct pair){reader, writer};
  if (grading->path->length == 0) buffer_append_view(grading->path, last_part(reader->name));
  if (!grading->lenient && !view_equals(last_part(reader->name), last_part(writer->name))) return false;
  if (reader->type == SCHEMA_FIXED) return reader->size == writer->size;
  for (size_t at = 0; reader->type == SCHEMA_RECORD && at < reader->count; at++) {
    if (!grade_field(grading, &reader->parts[at], writer)) return false;
  }
  bool knows_all = reader->type == SCHEMA_RECORD || reader->otherwise.length > 0;
  for (size_t at = 0; !knows_all && at < writer->count; at++) {
    if (part_named(reader, writer->parts[at].name) == NULL) return false;
  }
  return true;
}

/* The branch of a reader's union that accepts what this writer writes; -1: none does. */
static long branch_for(struct grading *grading, const struct schema *reader, const struct schema *writer) {
  size_t before = grading->path->length;
  for (size_t at = 0; at < reader->count; at++) {
    size_t pairs = grading->count;
    if (grade(grading, reader->parts[at].schema, writer)) return (long)at;
    /* Pairs that were assumed good during a failed attempt may not be good. */
    grading->count = pairs;
    grading->path->length = before;
  }
  return -1;
}

static bool grade(struct grading *grading, const struct schema *reader, const struct schema *writer) {
  if (writer->type == SCHEMA_UNION) {
    for (size_t at = 0; at < writer->count; at++) {
      if (!grade(grading, reader, writer->parts[at].schema)) return false;
    }
    return true;
  }
  if (reader->type == SCHEMA_UNION) return branch_for(grading, reader, writer) >= 0;
  if (reader->type < SCHEMA_PRIMITIVES || writer->type < SCHEMA_PRIMITIVES) return is_promoted(reader->type, writer->type);
  if (reader->type != writer->type) return false;
  bool is_list = reader->type == SCHEMA_ARRAY || reader->type == SCHEMA_MAP;
  return is_list ? grade(grading, reader->parts[0].schema, writer->parts[0].schema) : grade_named(grading, reader, writer);
}

bool resolve_grade(const struct schema *reader, const struct schema *writer, bool lenient, struct buffer *path) {
  struct grading grading = {.lenient = lenient, .path = path};
  path->length = 0;
  bool good = grade(&grading, reader, writer);
  free(grading.pairs);
  return good;
}

static bool resolve(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to);

static void write_double(struct buffer *to, double value, bool is_double) {
  float narrow = (float)value;
  if (is_double) buffer_append(to, &value, sizeof value);
  else buffer_append(to, &narrow, sizeof narrow);
}

static void resolve_primitive(struct value_reader *from, enum schema_type reader, enum schema_type writer, struct buffer *to) {
  struct reader *bytes = &from->bytes;
  if (writer == SCHEMA_FLOAT) {
    struct view raw = read_fixed(bytes, 4);
    float value = 0;
    if (raw.length == 4) memcpy(&value, raw.at, sizeof value);
    return write_double(to, value, true);
  }
  if (writer == SCHEMA_BYTES || writer == SCHEMA_STRING) {
    return write_bytes(to, reader == SCHEMA_STRING ? read_string(bytes) : read_bytes(bytes));
  }
  int64_t value = writer == SCHEMA_INT ? read_int(bytes) : read_long(bytes);
  if (reader == SCHEMA_LONG) write_long(to, value);
  else write_double(to, (double)value, reader == SCHEMA_DOUBLE);
}

/* The writer's fields in its order, each kept until the reader's order needs it. */
static bool resolve_record(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to) {
  struct buffer *fields = allocate(reader->count, sizeof *fields);
  bool *come = allocate(reader->count, sizeof *come), good = true;
  for (size_t at = 0; good && at < writer->count; at++) {
    const struct part *part = part_named(reader, writer->parts[at].name);
    size_t index = part == NULL ? 0 : (size_t)(part - reader->parts);
    if (part == NULL) good = value_read(from, writer->parts[at].schema);
    else come[index] = good = resolve(from, part->schema, writer->parts[at].schema, &fields[index]);
  }
  for (size_t at = 0; at < reader->count; at++) {
    const struct part *part = &reader->parts[at];
    if (good && come[at]) buffer_append_view(to, view_of_buffer(&fields[at]));
    else good = good && part->otherwise != NULL && value_of_json(part->schema, part->otherwise, to);
    buffer_free(&fields[at]);
  }
  free(fields);
  free(come);
  return good;
}

static bool resolve_symbol(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to) {
  if (writer->count == 0) return false;
  struct view symbol = writer->parts[read_index(&from->bytes, (uint32_t)writer->count)].name;
  const struct part *part = part_named(reader, symbol);
  if (part == NULL) part = part_named(reader, reader->otherwise);
  if (part == NULL) return false;
  write_long(to, part - reader->parts);
  return true;
}

static bool resolve_list(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to) {
  const struct schema *of = writer->parts[0].schema;
  bool is_map = writer->type == SCHEMA_MAP, good = true;
  struct blocks blocks = {0};
  /* One block per item: their number is not known before they are read. */
  while (good && read_item(&from->bytes, &blocks, is_map || !of->is_empty ? 1 : 0)) {
    write_long(to, 1);
    if (is_map) write_bytes(to, read_string(&from->bytes));
    good = resolve(from, reader->parts[0].schema, of, to);
  }
  write_long(to, 0);
  return good;
}

static bool resolve_value(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to) {
  struct reader *bytes = &from->bytes;
  if (writer->type == SCHEMA_UNION) {
    return resolve(from, reader, writer->parts[read_index(bytes, (uint32_t)writer->count)].schema, to);
  }
  if (reader->type == SCHEMA_UNION) {
    struct buffer path = {0};
    struct grading grading = {.path = &path};
    long branch = branch_for(&grading, reader, writer);
    free(grading.pairs);
    buffer_free(&path);
    if (branch < 0) return false;
    write_long(to, branch);
    return resolve(from, reader->parts[branch].schema, writer, to);
  }
  switch (writer->type) {
    case SCHEMA_RECORD: return resolve_record(from, reader, writer, to);
    case SCHEMA_ENUM: return resolve_symbol(from, reader, writer, to);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP: return resolve_list(from, reader, writer, to);
    default: break;
  }
  if (reader->type != writer->type) {
    resolve_primitive(from, reader->type, writer->type, to);
    return !bytes->bad;
  }
  /* Copied unchanged. */
  const uint8_t *begin = bytes->at;
  if (!value_read(from, writer)) return false;
  buffer_append(to, begin, (size_t)(bytes->at - begin));
  return true;
}

static bool resolve(struct value_reader *from, const struct schema *reader, const struct schema *writer, struct buffer *to) {
  if (!value_enter(from, writer)) return false;
  bool good = resolve_value(from, reader, writer, to);
  from->depth--;
  return good && !from->bytes.bad;
}

bool resolve_message(const struct schema *reader, const struct schema *writer, struct view message, struct buffer *to) {
  struct value_reader from = {.bytes = reader_of(message)};
  return resolve(&from, reader, writer, to) && read_all(&from.bytes);
}
