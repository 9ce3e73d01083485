/*
 * A small JSON reader for the vectors: whole numbers only, depth and size bounded. What is read is kept until json_free.
 */
#ifndef PEER_JSON_H
#define PEER_JSON_H

#include "bytes.h"

enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
  enum json_type type;
  /* Of a number, or 0 and 1 of a boolean. */
  int64_t number;
  /* Of a string, in UTF-8. */
  struct view text;
  /* In an object. */
  struct view key;
  /* Of an array or object, and beside this one. */
  struct json *first;
  struct json *next;
};

struct json_file {
  struct buffer text;
  struct json *root;
  /* What was allocated, to be freed. */
  void *blocks;
};

/* False, with a line on stderr, when the file cannot be read or is no such JSON. */
bool json_read(struct json_file *file, const char *path);
void json_free(struct json_file *file);

/* A member, or NULL where there is none or it is null. */
const struct json *json_get(const struct json *object, const char *key);
bool json_has(const struct json *object, const char *key);
struct view json_text(const struct json *object, const char *key);
int64_t json_number(const struct json *object, const char *key, int64_t otherwise);
bool json_true(const struct json *object, const char *key);
/* The first of the items; their `next` lead on. NULL where there are none. */
const struct json *json_items(const struct json *object, const char *key);
size_t json_count(const struct json *list);
bool json_lists(const struct json *list, const char *text);

#endif
