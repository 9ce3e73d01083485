/*
 * Bytes: a view of bytes owned by other code, and a buffer that grows. Everything else here is built from these two.
 *
 * A view is valid as long as the bytes it points at. A buffer holds `length` bytes; running out of memory ends the program, so
 * code that appends input of a peer must limit it.
 */
#ifndef PEER_BYTES_H
#define PEER_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
  const uint8_t *at;
  size_t length;
};

struct buffer {
  uint8_t *at;
  size_t length;
  size_t capacity;
};

struct view view_of(const char *text);
struct view view_of_buffer(const struct buffer *buffer);
bool view_equals(struct view a, struct view b);
bool view_is(struct view view, const char *text);

void buffer_grow(struct buffer *buffer, size_t more);

/* Makes room for `more` bytes after the length and returns a pointer to it. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more) {
  if (more > buffer->capacity - buffer->length || buffer->at == NULL) buffer_grow(buffer, more);
  return buffer->at + buffer->length;
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
  uint8_t *to = buffer_reserve(buffer, length);
  if (length > 0) memcpy(to, bytes, length);
  buffer->length += length;
}

static inline void buffer_append_view(struct buffer *buffer, struct view view) { buffer_append(buffer, view.at, view.length); }

static inline void buffer_append_byte(struct buffer *buffer, uint8_t byte) {
  *buffer_reserve(buffer, 1) = byte;
  buffer->length++;
}

/* Removes `length` bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_free(struct buffer *buffer);

/* Memory set to zero; ends the program when there is none. */
void *allocate(size_t count, size_t size);

static inline uint32_t load_u16(const uint8_t *at) { return (uint32_t)at[0] | (uint32_t)at[1] << 8; }

static inline uint32_t load_u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void store_u16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static inline void store_u32(uint8_t *at, uint32_t value) {
  store_u16(at, value);
  store_u16(at + 2, value >> 16);
}

#endif
