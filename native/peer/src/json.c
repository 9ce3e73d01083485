/* See json.h. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 256, FILE_BYTES_MAX = 8 * 1024 * 1024, NODES_A_BLOCK = 512 };

struct block {
  struct block *next;
  size_t used;
  struct json nodes[NODES_A_BLOCK];
};

/* Strings are unescaped in place, which never makes them longer. */
struct parser {
  struct json_file *file;
  uint8_t *at;
  uint8_t *end;
};

static struct json *parse(struct parser *parser, int depth);

static struct json *new_node(struct json_file *file, enum json_type type) {
  struct block *block = file->blocks;
  if (block == NULL || block->used == NODES_A_BLOCK) {
    block = allocate(1, sizeof *block);
    block->next = file->blocks;
    file->blocks = block;
  }
  struct json *node = &block->nodes[block->used++];
  node->type = type;
  return node;
}

static void skip_space(struct parser *parser) {
  while (parser->at < parser->end && memchr(" \t\r\n", *parser->at, 4) != NULL) parser->at++;
}

static bool accept(struct parser *parser, const char *text) {
  size_t length = strlen(text);
  skip_space(parser);
  if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, text, length) != 0) return false;
  parser->at += length;
  return true;
}

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

static long code_unit(struct parser *parser) {
  if (parser->end - parser->at < 4) return -1;
  long unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(*parser->at++);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static bool unescape_unicode(struct parser *parser, uint8_t **to) {
  long code = code_unit(parser);
  if (code >= 0xd800 && code < 0xdc00 && accept(parser, "\\u")) {
    long low = code_unit(parser);
    if (low < 0xdc00 || low > 0xdfff) return false;
    code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
  }
  if (code < 0 || (code >= 0xd800 && code <= 0xdfff)) return false;
  uint8_t *at = *to;
  if (code < 0x80) *at++ = (uint8_t)code;
  else if (code < 0x800) {
    *at++ = (uint8_t)(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    *at++ = (uint8_t)(0xe0 | code >> 12);
    *at++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
  } else {
    *at++ = (uint8_t)(0xf0 | code >> 18);
    *at++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    *at++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
  }
  if (code >= 0x80) *at++ = (uint8_t)(0x80 | (code & 0x3f));
  *to = at;
  return true;
}

/* Starts after the opening quote. */
static bool parse_text(struct parser *parser, struct view *text) {
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  uint8_t *to = parser->at;
  text->at = to;
  while (parser->at < parser->end) {
    uint8_t byte = *parser->at++;
    if (byte == '"') {
      text->length = (size_t)(to - text->at);
      return true;
    }
    if (byte < 0x20) return false;
    if (byte != '\\') {
      *to++ = byte;
      continue;
    }
    if (parser->at == parser->end) return false;
    uint8_t escape = *parser->at++;
    if (escape == 'u') {
      if (!unescape_unicode(parser, &to)) return false;
      continue;
    }
    const char *known = NULL;
    for (const char *pair = escapes; *pair != 0; pair += 2) {
      if ((uint8_t)*pair == escape) known = pair;
    }
    if (known == NULL) return false;
    *to++ = (uint8_t)known[1];
  }
  return false;
}

static struct json *parse_number(struct parser *parser) {
  struct json *node = new_node(parser->file, JSON_NUMBER);
  bool negative = accept(parser, "-");
  int digits = 0;
  for (; parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9'; digits++) {
    if (digits == 18) return NULL;
    node->number = node->number * 10 + (*parser->at++ - '0');
  }
  if (negative) node->number = -node->number;
  return digits > 0 ? node : NULL;
}

/* Starts after the opening bracket. */
static struct json *parse_list(struct parser *parser, enum json_type type, int depth) {
  struct json *node = new_node(parser->file, type), **to = &node->first;
  const char *close = type == JSON_ARRAY ? "]" : "}";
  if (accept(parser, close)) return node;
  do {
    struct view key = {0};
    if (type == JSON_OBJECT && !(accept(parser, "\"") && parse_text(parser, &key) && accept(parser, ":"))) return NULL;
    struct json *item = parse(parser, depth + 1);
    if (item == NULL) return NULL;
    item->key = key;
    *to = item;
    to = &item->next;
  } while (accept(parser, ","));
  return accept(parser, close) ? node : NULL;
}

static struct json *parse(struct parser *parser, int depth) {
  if (depth > DEPTH_MAX) return NULL;
  if (accept(parser, "null")) return new_node(parser->file, JSON_NULL);
  if (accept(parser, "{")) return parse_list(parser, JSON_OBJECT, depth);
  if (accept(parser, "[")) return parse_list(parser, JSON_ARRAY, depth);
  if (accept(parser, "\"")) {
    struct json *node = new_node(parser->file, JSON_STRING);
    return parse_text(parser, &node->text) ? node : NULL;
  }
  bool yes = accept(parser, "true");
  if (!yes && !accept(parser, "false")) return parse_number(parser);
  struct json *node = new_node(parser->file, JSON_BOOLEAN);
  node->number = yes;
  return node;
}

static bool read_file(struct buffer *text, const char *path) {
  FILE *from = fopen(path, "rb");
  if (from == NULL) return false;
  size_t came;
  do {
    came = fread(buffer_reserve(text, 65536), 1, 65536, from);
    text->length += came;
  } while (came > 0 && text->length <= FILE_BYTES_MAX);
  bool good = ferror(from) == 0 && text->length <= FILE_BYTES_MAX;
  fclose(from);
  return good;
}

static bool parse_all(struct json_file *file) {
  struct parser parser = {file, file->text.at, file->text.at + file->text.length};
  file->root = parse(&parser, 0);
  skip_space(&parser);
  if (file->root != NULL && parser.at == parser.end) return true;
  json_free(file);
  return false;
}

bool json_parse(struct json_file *file, struct view text) {
  *file = (struct json_file){0};
  buffer_append_view(&file->text, text);
  return parse_all(file);
}

bool json_read(struct json_file *file, const char *path) {
  *file = (struct json_file){0};
  if (read_file(&file->text, path) && parse_all(file)) return true;
  fprintf(stderr, "peer: %s cannot be read\n", path);
  json_free(file);
  return false;
}

void json_free(struct json_file *file) {
  for (struct block *block = file->blocks, *next; block != NULL; block = next) {
    next = block->next;
    free(block);
  }
  buffer_free(&file->text);
  *file = (struct json_file){0};
}

static const struct json *find(const struct json *object, struct view key) {
  if (object == NULL || object->type != JSON_OBJECT) return NULL;
  for (const struct json *member = object->first; member != NULL; member = member->next) {
    if (view_equals(member->key, key)) return member;
  }
  return NULL;
}

const struct json *json_get(const struct json *object, const char *key) {
  const struct json *member = find(object, view_of(key));
  return member == NULL || member->type == JSON_NULL ? NULL : member;
}

const struct json *json_member(const struct json *object, struct view key) { return find(object, key); }

bool json_has(const struct json *object, const char *key) { return find(object, view_of(key)) != NULL; }

struct view json_text(const struct json *object, const char *key) {
  const struct json *member = json_get(object, key);
  return member == NULL || member->type != JSON_STRING ? (struct view){0} : member->text;
}

int64_t json_number(const struct json *object, const char *key, int64_t otherwise) {
  const struct json *member = json_get(object, key);
  return member == NULL || member->type != JSON_NUMBER ? otherwise : member->number;
}

bool json_true(const struct json *object, const char *key) {
  const struct json *member = json_get(object, key);
  return member != NULL && member->type == JSON_BOOLEAN && member->number == 1;
}

const struct json *json_items(const struct json *object, const char *key) {
  const struct json *member = json_get(object, key);
  return member == NULL ? NULL : member->first;
}

size_t json_count(const struct json *list) {
  size_t count = 0;
  for (const struct json *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) count++;
  return count;
}

bool json_lists(const struct json *list, const char *text) {
  for (const struct json *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
    if (view_is(item->text, text)) return true;
  }
  return false;
}

static void print_text(struct view text, struct buffer *to) {
  buffer_append_byte(to, '"');
  for (size_t at = 0; at < text.length; at++) {
    if (text.at[at] == '"' || text.at[at] == '\\') buffer_append_byte(to, '\\');
    buffer_append_byte(to, text.at[at]);
  }
  buffer_append_byte(to, '"');
}

void json_print(const struct json *value, struct buffer *to) {
  char number[24];
  bool is_object = value->type == JSON_OBJECT;
  switch (value->type) {
    case JSON_NULL: return buffer_append_view(to, view_of("null"));
    case JSON_BOOLEAN: return buffer_append_view(to, view_of(value->number ? "true" : "false"));
    case JSON_STRING: return print_text(value->text, to);
    case JSON_NUMBER:
      snprintf(number, sizeof number, "%lld", (long long)value->number);
      return buffer_append_view(to, view_of(number));
    default: break;
  }
  buffer_append_byte(to, is_object ? '{' : '[');
  for (const struct json *item = value->first; item != NULL; item = item->next) {
    if (item != value->first) buffer_append_byte(to, ',');
    if (is_object) {
      print_text(item->key, to);
      buffer_append_byte(to, ':');
    }
    json_print(item, to);
  }
  buffer_append_byte(to, is_object ? '}' : ']');
}
