/*
 * A small JSON reader for the vectors and for schemas, including those of a peer: whole numbers only, with limits on depth and
 * size. The result is kept until json_free.
 */
#ifndef PEER_JSON_H
#define PEER_JSON_H

#include "bytes.h"

enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
  enum json_type type;
  /* The value of a number, or 0 and 1 of a boolean. */
  int64_t number;
  /* The text of a string, in UTF-8. */
  struct view text;
  /* The key of a member of an object. */
  struct view key;
  /* The first item or member of an array or object; the next sibling of this value. */
  struct json *first;
  struct json *next;
};

struct json_file {
  struct buffer text;
  struct json *root;
  /* Allocated memory, for json_free. */
  void *blocks;
};

/* False, with a line on stderr, when the file cannot be read or is not such JSON. */
bool json_read(struct json_file *file, const char *path);
/* The same for a text, which is copied; without the line. */
bool json_parse(struct json_file *file, struct view text);
void json_free(struct json_file *file);

/* A member, or NULL where there is none or it is null. */
const struct json *json_get(const struct json *object, const char *key);
/* A member, even if it is null; NULL: there is none. */
const struct json *json_member(const struct json *object, struct view key);
bool json_has(const struct json *object, const char *key);
struct view json_text(const struct json *object, const char *key);
int64_t json_number(const struct json *object, const char *key, int64_t otherwise);
bool json_true(const struct json *object, const char *key);
/* The first item; `next` leads to the others. NULL where there are none. */
const struct json *json_items(const struct json *object, const char *key);
size_t json_count(const struct json *list);
/* Prints without spaces; the texts must need no escapes except for quotes and backslashes. */
void json_print(const struct json *value, struct buffer *to);
bool json_lists(const struct json *list, const char *text);

#endif
