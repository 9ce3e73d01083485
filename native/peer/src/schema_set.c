/* See schema_set.h. A set owns all memory by its pages, so a schema that was read halfway needs no cleanup of its own. */
#include "schema_set.h"

#include <stdlib.h>
#include <string.h>

#include "canonical_form.h"
#include "sha256.h"

enum { DEPTH_MAX = 64, COUNT_MAX = 10000, FIXED_BYTES_MAX = 16777216 };

struct schema_page {
  struct schema_page *next;
  void *memory;
  struct json_file file;
};

/* One schema that is being read. */
struct reading {
  struct schema_set *set;
  struct schema **named;
  size_t named_count, count;
};

static void *keep(struct schema_set *set, void *memory) {
  struct schema_page *page = allocate(1, sizeof *page);
  *page = (struct schema_page){.next = set->pages, .memory = memory};
  set->pages = page;
  return memory;
}

void schema_set_free(struct schema_set *set) {
  for (struct schema_page *page = set->pages, *next; page != NULL; page = next) {
    next = page->next;
    free(page->memory);
    json_free(&page->file);
    free(page);
  }
  set->pages = NULL;
}

/* The part before the last dot. */
static struct view space_of(struct view name) {
  size_t rest = last_part(name).length;
  return (struct view){name.at, rest == name.length ? 0 : name.length - rest - 1};
}

static struct view full_name(struct reading *reading, struct view name, struct view space) {
  if (space.length == 0 || space_of(name).length > 0) return name;
  struct buffer full = {0};
  buffer_append_view(&full, space);
  buffer_append_byte(&full, '.');
  buffer_append_view(&full, name);
  keep(reading->set, full.at);
  return view_of_buffer(&full);
}

static struct schema *find_named(const struct reading *reading, struct view name) {
  for (size_t at = 0; at < reading->named_count; at++) {
    if (view_equals(reading->named[at]->name, name)) return reading->named[at];
  }
  return NULL;
}

static bool is_name(struct view name) {
  bool begins = true;
  for (size_t at = 0; at < name.length; at++) {
    uint8_t byte = name.at[at];
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    if (!is_letter && (begins || ((byte < '0' || byte > '9') && byte != '.'))) return false;
    begins = byte == '.';
  }
  return !begins;
}

static int compare_names(const void *a, const void *b) {
  const struct view *left = a, *right = b;
  size_t least = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->at, right->at, least);
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static bool names_differ(const struct schema *schema) {
  struct view *names = allocate(schema->count, sizeof *names);
  for (size_t at = 0; at < schema->count; at++) names[at] = schema->parts[at].name;
  qsort(names, schema->count, sizeof *names, compare_names);
  bool good = true;
  for (size_t at = 1; at < schema->count; at++) good = good && !view_equals(names[at - 1], names[at]);
  free(names);
  return good;
}

static bool spend(struct reading *reading, size_t count) {
  reading->count += count;
  return reading->count <= COUNT_MAX;
}

static struct schema *read_schema(struct reading *reading, const struct json *given, struct view space, int depth);

static struct schema *new_schema(struct reading *reading, enum schema_type type, size_t parts) {
  struct schema *schema = keep(reading->set, allocate(1, sizeof *schema));
  *schema = (struct schema){.type = type, .count = parts};
  schema->parts = parts == 0 ? NULL : keep(reading->set, allocate(parts, sizeof *schema->parts));
  return schema;
}

static struct schema *read_word(struct reading *reading, struct view word, struct view space) {
  for (int type = 0; type < SCHEMA_PRIMITIVES; type++) {
    if (!view_is(word, schema_words[type])) continue;
    struct schema *schema = new_schema(reading, (enum schema_type)type, 0);
    schema->is_empty = type == SCHEMA_NULL;
    return schema;
  }
  struct schema *near = find_named(reading, full_name(reading, word, space));
  return near != NULL ? near : find_named(reading, word);
}

static bool read_fields(struct reading *reading, struct schema *record, const struct json *fields, int depth) {
  size_t at = 0;
  record->is_empty = true;
  for (const struct json *field = fields->first; field != NULL; field = field->next, at++) {
    struct part *part = &record->parts[at];
    const struct json *type = json_get(field, "type");
    *part = (struct part){.name = json_text(field, "name"), .otherwise = json_member(field, view_of("default"))};
    if (type == NULL || !is_name(part->name)) return false;
    part->schema = read_schema(reading, type, space_of(record->name), depth + 1);
    if (part->schema == NULL) return false;
    record->is_empty = record->is_empty && part->schema->is_empty;
  }
  return names_differ(record);
}

static bool read_symbols(struct schema *schema, const struct json *symbols) {
  size_t at = 0;
  for (const struct json *symbol = symbols->first; symbol != NULL; symbol = symbol->next, at++) {
    schema->parts[at].name = symbol->text;
    if (symbol->type != JSON_STRING || !is_name(symbol->text)) return false;
  }
  return names_differ(schema);
}

static struct schema *read_named(struct reading *reading, const struct json *given, enum schema_type type, struct view space, int depth) {
  const struct json *list = json_get(given, type == SCHEMA_RECORD ? "fields" : "symbols");
  bool has_list = type != SCHEMA_FIXED;
  if (has_list && (list == NULL || list->type != JSON_ARRAY)) return NULL;
  size_t count = has_list ? json_count(list) : 0;
  if (!spend(reading, count)) return NULL;
  struct view name = json_text(given, "name"), own_space = json_text(given, "namespace");
  struct schema *schema = new_schema(reading, type, count);
  schema->name = full_name(reading, name, json_has(given, "namespace") ? own_space : space);
  if (!is_name(schema->name) || find_named(reading, schema->name) != NULL) return NULL;
  /* Before its fields, which may refer to it. */
  reading->named[reading->named_count++] = schema;
  if (type == SCHEMA_RECORD) return read_fields(reading, schema, list, depth) ? schema : NULL;
  if (type == SCHEMA_ENUM) {
    schema->otherwise = json_text(given, "default");
    return read_symbols(schema, list) ? schema : NULL;
  }
  int64_t size = json_number(given, "size", -1);
  if (size < 0 || size > FIXED_BYTES_MAX) return NULL;
  schema->size = (uint32_t)size;
  schema->is_empty = size == 0;
  return schema;
}

static struct schema *read_union(struct reading *reading, const struct json *given, struct view space, int depth) {
  size_t count = json_count(given), at = 0;
  if (count == 0 || !spend(reading, count)) return NULL;
  struct schema *schema = new_schema(reading, SCHEMA_UNION, count);
  for (const struct json *branch = given->first; branch != NULL; branch = branch->next, at++) {
    struct schema *of = read_schema(reading, branch, space, depth + 1);
    if (of == NULL || of->type == SCHEMA_UNION) return NULL;
    schema->parts[at] = (struct part){.name = schema_word(of), .schema = of};
  }
  return names_differ(schema) ? schema : NULL;
}

static struct schema *read_list(struct reading *reading, const struct json *given, enum schema_type type, struct view space, int depth) {
  const struct json *items = json_get(given, type == SCHEMA_ARRAY ? "items" : "values");
  struct schema *schema = new_schema(reading, type, 1);
  schema->parts[0].schema = items == NULL ? NULL : read_schema(reading, items, space, depth + 1);
  return schema->parts[0].schema == NULL ? NULL : schema;
}

static struct schema *read_schema(struct reading *reading, const struct json *given, struct view space, int depth) {
  if (depth >= DEPTH_MAX || !spend(reading, 1)) return NULL;
  if (given->type == JSON_STRING) return read_word(reading, given->text, space);
  if (given->type == JSON_ARRAY) return read_union(reading, given, space, depth);
  const struct json *type = json_get(given, "type");
  if (type == NULL) return NULL;
  /* {"type": {...}} and {"type": "string"} add nothing to their content. */
  if (type->type != JSON_STRING) return read_schema(reading, type, space, depth + 1);
  for (int named = SCHEMA_RECORD; named <= SCHEMA_MAP; named++) {
    bool is_error = named == SCHEMA_RECORD && view_is(type->text, "error");
    if (!is_error && !view_is(type->text, schema_words[named])) continue;
    enum schema_type found = (enum schema_type)named;
    return found >= SCHEMA_ARRAY ? read_list(reading, given, found, space, depth) : read_named(reading, given, found, space, depth);
  }
  return read_word(reading, type->text, space);
}

const struct schema *schema_of_json(struct schema_set *set, const struct json *given) {
  struct reading reading = {.set = set, .named = allocate(COUNT_MAX, sizeof(struct schema *))};
  struct schema *schema = read_schema(&reading, given, (struct view){0}, 0);
  if (schema != NULL) {
    /* The root may be a type that is also used elsewhere. */
    struct schema *root = keep(set, allocate(1, sizeof *root));
    struct buffer text = {0};
    *root = *schema;
    canonical_form(schema, &text);
    root->text = view_of_buffer(&text);
    keep(set, text.at);
    sha256(root->text, root->fingerprint);
    schema = root;
  }
  free(reading.named);
  return schema;
}

const struct schema *schema_parse(struct schema_set *set, struct view text) {
  struct json_file file;
  if (!json_parse(&file, text)) return NULL;
  keep(set, NULL);
  set->pages->file = file;
  return schema_of_json(set, file.root);
}
