/* See bytes.h. */
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view view_of(const char *text) { return (struct view){(const uint8_t *)text, strlen(text)}; }

struct view view_of_buffer(const struct buffer *buffer) { return (struct view){buffer->at, buffer->length}; }

bool view_equals(struct view a, struct view b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool view_is(struct view view, const char *text) { return view_equals(view, view_of(text)); }

static void out_of_memory(void) {
  fputs("peer: out of memory\n", stderr);
  exit(70);
}

void buffer_grow(struct buffer *buffer, size_t more) {
  size_t needed = buffer->length + more;
  if (needed < more) out_of_memory();
  size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
  while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
  uint8_t *at = realloc(buffer->at, capacity);
  if (at == NULL) out_of_memory();
  buffer->at = at;
  buffer->capacity = capacity;
}

void buffer_consume(struct buffer *buffer, size_t length) {
  buffer->length -= length;
  if (length > 0 && buffer->length > 0) memmove(buffer->at, buffer->at + length, buffer->length);
}

void buffer_free(struct buffer *buffer) {
  free(buffer->at);
  *buffer = (struct buffer){0};
}

void *allocate(size_t count, size_t size) {
  void *at = calloc(count == 0 ? 1 : count, size);
  if (at == NULL) out_of_memory();
  return at;
}
