/*
 * The Node-API side of the addon: the functions of src/base/native.ts, each for a whole batch in one call. It keeps no state, so
 * any number of threads can use it.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>

#include "crc32.h"

/* The version of the functions' meaning: a loader that expects another version does not use the addon. */
#define VERSION 1

enum { TYPE_AT = 8, FLAGS_AT = 9, OPTIONAL_TYPE_MIN = 128, CHECKSUM_FLAG = 0x40 };

struct range {
  uint8_t *bytes;
  size_t start, end;
};

/* The arguments (bytes, start, end). False: an error was thrown. */
static bool get_range(napi_env env, napi_callback_info info, struct range *range) {
  napi_value arguments[3];
  size_t count = 3, length;
  uint32_t start, end;
  napi_typedarray_type type;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 3 ||
      napi_get_typedarray_info(env, arguments[0], &type, &length, (void **)&range->bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_uint32(env, arguments[1], &start) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &end) != napi_ok || start > end || end > length) {
    napi_throw_type_error(env, NULL, "expected a Uint8Array, and where to begin and to end in it");
    return false;
  }
  range->start = start;
  range->end = end;
  return true;
}

static uint32_t load_u32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store_u32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/*
 * Processes whole frames: writes the checksum of each that has one, or verifies it. Returns the offset of the first frame that is
 * incomplete or damaged.
 */
static size_t walk(const struct range *range, bool fill) {
  size_t at = range->start;
  while (range->end - at >= HEADER_BYTES) {
    uint8_t *frame = range->bytes + at;
    size_t length = load_u32(frame);
    if (length > range->end - at - HEADER_BYTES) break;
    if (frame[FLAGS_AT] & CHECKSUM_FLAG && frame[TYPE_AT] < OPTIONAL_TYPE_MIN) {
      if (length < CHECKSUM_BYTES) break;
      uint32_t sum = crc32_frame(frame, length - CHECKSUM_BYTES);
      if (fill) store_u32(frame + HEADER_BYTES, sum);
      else if (load_u32(frame + HEADER_BYTES) != sum) break;
    }
    at += HEADER_BYTES + length;
  }
  return at;
}

static napi_value fill(napi_env env, napi_callback_info info) {
  struct range range;
  if (get_range(env, info, &range)) walk(&range, true);
  return NULL;
}

static napi_value verify(napi_env env, napi_callback_info info) {
  struct range range;
  napi_value result = NULL;
  if (get_range(env, info, &range)) napi_create_uint32(env, (uint32_t)walk(&range, false), &result);
  return result;
}

static napi_value add(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result = NULL;
  size_t count = 2, length;
  uint32_t sum;
  napi_typedarray_type type;
  uint8_t *bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_uint32(env, arguments[0], &sum) != napi_ok ||
      napi_get_typedarray_info(env, arguments[1], &type, &length, (void **)&bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    napi_throw_type_error(env, NULL, "expected a sum and a Uint8Array");
    return NULL;
  }
  napi_create_uint32(env, crc32_add(sum, bytes, length), &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value version, name;
  napi_property_descriptor properties[] = {
      {"version", NULL, NULL, NULL, NULL, NULL, napi_enumerable, NULL},
      {"kernel", NULL, NULL, NULL, NULL, NULL, napi_enumerable, NULL},
      {"fill", NULL, fill, NULL, NULL, NULL, napi_enumerable, NULL},
      {"verify", NULL, verify, NULL, NULL, NULL, napi_enumerable, NULL},
      {"add", NULL, add, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  if (napi_create_uint32(env, VERSION, &version) != napi_ok ||
      napi_create_string_utf8(env, crc32_kernel, NAPI_AUTO_LENGTH, &name) != napi_ok) {
    return NULL;
  }
  properties[0].value = version;
  properties[1].value = name;
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
