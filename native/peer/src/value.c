/* See value.h. */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 64, WITHOUT_BYTES_MAX = 65536 };

static void print(struct value_reader *reader, const char *text) {
  if (reader->json != NULL) buffer_append_view(reader->json, view_of(text));
}

static void print_text(struct value_reader *reader, struct view text) {
  char escaped[8];
  print(reader, "\"");
  for (size_t at = 0; reader->json != NULL && at < text.length; at++) {
    uint8_t byte = text.at[at];
    bool is_plain = byte >= 0x20 && byte != '"' && byte != '\\';
    if (is_plain) buffer_append_byte(reader->json, byte);
    else {
      snprintf(escaped, sizeof escaped, byte < 0x20 ? "\\u%04x" : "\\%c", byte);
      print(reader, escaped);
    }
  }
  print(reader, "\"");
}

/* Bytes and fixed: one character per byte. */
static void print_bytes(struct value_reader *reader, struct view bytes) {
  char escaped[8];
  print(reader, "\"");
  for (size_t at = 0; reader->json != NULL && at < bytes.length; at++) {
    snprintf(escaped, sizeof escaped, "\\u%04x", bytes.at[at]);
    print(reader, escaped);
  }
  print(reader, "\"");
}

static void print_number(struct value_reader *reader, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  print(reader, text);
}

static void read_real(struct value_reader *reader, bool is_double) {
  struct view bytes = read_fixed(&reader->bytes, is_double ? 8 : 4);
  if (reader->bytes.bad) return;
  char text[32];
  double value;
  if (is_double) {
    uint64_t bits = (uint64_t)load_u32(bytes.at) | (uint64_t)load_u32(bytes.at + 4) << 32;
    memcpy(&value, &bits, sizeof value);
  } else {
    float narrow;
    uint32_t bits = load_u32(bytes.at);
    memcpy(&narrow, &bits, sizeof narrow);
    value = narrow;
  }
  snprintf(text, sizeof text, "%.17g", value);
  print(reader, text);
}

bool value_enter(struct value_reader *reader, const struct schema *schema) {
  if (reader->depth >= DEPTH_MAX || (schema->is_empty && ++reader->without_bytes > WITHOUT_BYTES_MAX)) reader->bytes.bad = true;
  if (reader->bytes.bad) return false;
  reader->depth++;
  return true;
}

static void read_record(struct value_reader *reader, const struct schema *schema) {
  print(reader, "{");
  for (size_t at = 0; at < schema->count && !reader->bytes.bad; at++) {
    if (at > 0) print(reader, ",");
    print_text(reader, schema->parts[at].name);
    print(reader, ":");
    value_read(reader, schema->parts[at].schema);
  }
  print(reader, "}");
}

static void read_list(struct value_reader *reader, const struct schema *schema) {
  const struct schema *of = schema->parts[0].schema;
  bool is_map = schema->type == SCHEMA_MAP, is_first = true;
  struct blocks blocks = {0};
  print(reader, is_map ? "{" : "[");
  while (read_item(&reader->bytes, &blocks, is_map || !of->is_empty ? 1 : 0)) {
    if (!is_first) print(reader, ",");
    is_first = false;
    if (is_map) {
      print_text(reader, read_string(&reader->bytes));
      print(reader, ":");
    }
    value_read(reader, of);
  }
  print(reader, is_map ? "}" : "]");
}

static void read_union(struct value_reader *reader, const struct schema *schema) {
  const struct schema *of = schema->parts[read_index(&reader->bytes, (uint32_t)schema->count)].schema;
  bool is_null = of->type == SCHEMA_NULL;
  if (!is_null) {
    print(reader, "{");
    print_text(reader, schema_word(of));
    print(reader, ":");
  }
  value_read(reader, of);
  if (!is_null) print(reader, "}");
}

bool value_read(struct value_reader *reader, const struct schema *schema) {
  struct reader *bytes = &reader->bytes;
  if (!value_enter(reader, schema)) return false;
  switch (schema->type) {
    case SCHEMA_NULL: print(reader, "null"); break;
    case SCHEMA_BOOLEAN: print(reader, read_boolean(bytes) ? "true" : "false"); break;
    case SCHEMA_INT: print_number(reader, read_int(bytes)); break;
    case SCHEMA_LONG: print_number(reader, read_long(bytes)); break;
    case SCHEMA_FLOAT: read_real(reader, false); break;
    case SCHEMA_DOUBLE: read_real(reader, true); break;
    case SCHEMA_BYTES: print_bytes(reader, read_bytes(bytes)); break;
    case SCHEMA_STRING: print_text(reader, read_string(bytes)); break;
    case SCHEMA_RECORD: read_record(reader, schema); break;
    case SCHEMA_ENUM:
      if (schema->count == 0) bytes->bad = true;
      else print_text(reader, schema->parts[read_index(bytes, (uint32_t)schema->count)].name);
      break;
    case SCHEMA_FIXED: print_bytes(reader, read_fixed(bytes, schema->size)); break;
    case SCHEMA_UNION: read_union(reader, schema); break;
    default: read_list(reader, schema);
  }
  reader->depth--;
  return !bytes->bad;
}

bool value_to_json(const struct schema *schema, struct view bytes, struct buffer *json) {
  struct value_reader reader = {.bytes = reader_of(bytes), .json = json};
  return value_read(&reader, schema) && read_all(&reader.bytes);
}

bool value_fits(const struct schema *schema, struct view bytes) { return value_to_json(schema, bytes, NULL); }

static bool write_real(const struct json *value, bool is_double, struct buffer *bytes) {
  if (value->type != JSON_NUMBER) return false;
  double wide = (double)value->number;
  float narrow = (float)wide;
  if (is_double) buffer_append(bytes, &wide, sizeof wide);
  else buffer_append(bytes, &narrow, sizeof narrow);
  return true;
}

static bool write_record(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  if (value->type != JSON_OBJECT) return false;
  for (size_t at = 0; at < schema->count; at++) {
    const struct part *part = &schema->parts[at];
    const struct json *of = json_member(value, part->name);
    if (of == NULL) of = part->otherwise;
    if (of == NULL || !value_of_json(part->schema, of, bytes)) return false;
  }
  return true;
}

static bool write_list(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  bool is_map = schema->type == SCHEMA_MAP;
  if (value->type != (is_map ? JSON_OBJECT : JSON_ARRAY)) return false;
  if (value->first != NULL) write_long(bytes, (int64_t)json_count(value));
  for (const struct json *item = value->first; item != NULL; item = item->next) {
    if (is_map) write_bytes(bytes, item->key);
    if (!value_of_json(schema->parts[0].schema, item, bytes)) return false;
  }
  write_long(bytes, 0);
  return true;
}

/* The first branch that accepts the value, or the named one. A default belongs to the first branch, without a name. */
static bool write_union(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  bool is_named = value->type == JSON_OBJECT && value->first != NULL && value->first->next == NULL;
  size_t begin = bytes->length;
  for (int named = is_named ? 1 : 0; named >= 0; named--) {
    for (size_t at = 0; at < schema->count; at++) {
      if (named && !view_equals(value->first->key, schema->parts[at].name)) continue;
      bytes->length = begin;
      write_long(bytes, (int64_t)at);
      if (value_of_json(schema->parts[at].schema, named ? value->first : value, bytes)) return true;
    }
  }
  return false;
}

static bool write_symbol(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  for (size_t at = 0; at < schema->count; at++) {
    if (value->type != JSON_STRING || !view_equals(value->text, schema->parts[at].name)) continue;
    write_long(bytes, (int64_t)at);
    return true;
  }
  return false;
}

/* One character per byte, as in Avro's JSON; characters from 0x80 take two bytes of UTF-8. */
static bool write_characters(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  struct buffer raw = {0};
  bool good = value->type == JSON_STRING;
  for (size_t at = 0; good && at < value->text.length; at++) {
    uint8_t byte = value->text.at[at];
    good = byte < 0x80 || (byte <= 0xc3 && at + 1 < value->text.length);
    if (good && byte >= 0x80) byte = (uint8_t)(byte << 6 | (value->text.at[++at] & 0x3f));
    if (good) buffer_append_byte(&raw, byte);
  }
  if (schema->type == SCHEMA_FIXED) good = good && raw.length == schema->size;
  if (good && schema->type == SCHEMA_BYTES) write_bytes(bytes, view_of_buffer(&raw));
  else if (good) buffer_append_view(bytes, view_of_buffer(&raw));
  buffer_free(&raw);
  return good;
}

bool value_of_json(const struct schema *schema, const struct json *value, struct buffer *bytes) {
  bool is_number = value->type == JSON_NUMBER, is_text = value->type == JSON_STRING;
  switch (schema->type) {
    case SCHEMA_NULL: return value->type == JSON_NULL;
    case SCHEMA_BOOLEAN:
      buffer_append_byte(bytes, value->number == 1);
      return value->type == JSON_BOOLEAN;
    case SCHEMA_INT:
    case SCHEMA_LONG:
      write_long(bytes, value->number);
      return is_number && (schema->type == SCHEMA_LONG || (value->number >= INT32_MIN && value->number <= INT32_MAX));
    case SCHEMA_FLOAT: return write_real(value, false, bytes);
    case SCHEMA_DOUBLE: return write_real(value, true, bytes);
    case SCHEMA_STRING:
      write_bytes(bytes, value->text);
      return is_text;
    case SCHEMA_BYTES:
    case SCHEMA_FIXED: return write_characters(schema, value, bytes);
    case SCHEMA_RECORD: return write_record(schema, value, bytes);
    case SCHEMA_ENUM: return write_symbol(schema, value, bytes);
    case SCHEMA_UNION: return write_union(schema, value, bytes);
    default: return write_list(schema, value, bytes);
  }
}
