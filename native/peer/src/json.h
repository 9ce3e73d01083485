/*
 * A small JSON reader for the vectors and for schemas, also those of a peer: whole numbers only, depth and size bounded. What is read
 * is kept until json_free.
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
/* The same for a text, which is copied; without the line. */
bool json_parse(struct json_file *file, struct view text);
void json_free(struct json_file *file);

/* A member, or NULL where there is none or it is null. */
const struct json *json_get(const struct json *object, const char *key);
/* A member also where it is null; NULL: there is none. */
const struct json *json_member(const struct json *object, struct view key);
bool json_has(const struct json *object, const char *key);
struct view json_text(const struct json *object, const char *key);
int64_t json_number(const struct json *object, const char *key, int64_t otherwise);
bool json_true(const struct json *object, const char *key);
/* The first of the items; their `next` lead on. NULL where there are none. */
const struct json *json_items(const struct json *object, const char *key);
size_t json_count(const struct json *list);
/* Without spaces, and with texts as they stand in no need of escapes but those of quotes and backslashes. */
void json_print(const struct json *value, struct buffer *to);
bool json_lists(const struct json *list, const char *text);

#endif
