/* See records.h. */
#include "records.h"

#include "avro.h"

static bool name_fits(struct view name) { return name.length >= 1 && name.length <= NAME_BYTES_MAX; }

static void decode_names(struct reader *reader, struct name_list *names) {
  struct blocks blocks = {0};
  names->count = 0;
  while (read_item(reader, &blocks, 1)) {
    struct view name = read_string(reader);
    if (names->count == HELLO_NAMES_MAX || !name_fits(name)) reader->bad = true;
    else names->name[names->count++] = name;
  }
}

static void decode_extensions(struct reader *reader, struct hello *hello) {
  struct name_list *keys = &hello->extensions;
  struct blocks blocks = {0};
  keys->count = 0;
  while (read_item(reader, &blocks, 2)) {
    struct view key = read_string(reader), value = read_bytes(reader);
    for (size_t before = 0; before < keys->count; before++) {
      if (view_equals(keys->name[before], key)) reader->bad = true;
    }
    if (keys->count == HELLO_NAMES_MAX || !name_fits(key)) reader->bad = true;
    if (reader->bad) return;
    hello->extension_values[keys->count] = value;
    keys->name[keys->count++] = key;
  }
}

bool hello_decode(struct view payload, struct hello *hello) {
  struct reader reader = reader_of(payload);
  hello->version_min = read_int(&reader);
  hello->version_max = read_int(&reader);
  decode_names(&reader, &hello->capabilities);
  for (int limit = 0; limit < LIMITS; limit++) {
    int64_t value = limit == MESSAGE_BYTES_MAX ? read_long(&reader) : read_int(&reader);
    if (value < limits_least.value[limit] || value > limits_most.value[limit]) reader.bad = true;
    hello->limits.value[limit] = value;
  }
  decode_names(&reader, &hello->compression);
  hello->has_auth = read_index(&reader, 2) == 1;
  if (hello->has_auth) {
    hello->scheme = read_string(&reader);
    hello->credentials = read_bytes(&reader);
    if (!name_fits(hello->scheme)) reader.bad = true;
  }
  hello->software = read_string(&reader);
  hello->instance = read_fixed(&reader, 16);
  decode_extensions(&reader, hello);
  return read_all(&reader) && hello->version_min >= 1 && hello->version_min <= hello->version_max;
}

static struct view decode_fingerprint(struct reader *reader) {
  return read_index(reader, 2) == 1 ? read_fixed(reader, FINGERPRINT_BYTES) : (struct view){NULL, 0};
}

bool method_decode(struct view payload, struct method_record *method) {
  struct reader reader = reader_of(payload);
  method->role = read_index(&reader, 2);
  method->name = read_string(&reader);
  method->kind = read_index(&reader, 6);
  method->request = decode_fingerprint(&reader);
  method->response = decode_fingerprint(&reader);
  method->errors = decode_fingerprint(&reader);
  return read_all(&reader);
}

bool schema_decode(struct view message, struct schema_record *schema) {
  struct reader reader = reader_of(message);
  schema->fingerprint = read_fixed(&reader, FINGERPRINT_BYTES);
  schema->gives = read_index(&reader, 2) == 1;
  schema->text = schema->gives ? read_string(&reader) : (struct view){NULL, 0};
  return read_all(&reader);
}

bool failure_decode(struct view body, struct failure_record *failure) {
  struct reader reader = reader_of(body);
  failure->code = read_int(&reader);
  failure->started = read_index(&reader, 3);
  failure->text = read_string(&reader);
  failure->retry_after_ms = -1;
  if (read_index(&reader, 2) == 1) {
    failure->retry_after_ms = read_int(&reader);
    if (failure->retry_after_ms < 0) reader.bad = true;
  }
  failure->elsewhere = read_boolean(&reader);
  failure->has_detail = read_index(&reader, 2) == 1;
  failure->detail = failure->has_detail ? read_bytes(&reader) : (struct view){NULL, 0};
  return read_all(&reader) && failure->code >= 1;
}

static bool code_decode(struct view payload, struct code_record *record) {
  struct reader reader = reader_of(payload);
  record->code = read_int(&reader);
  record->text = read_string(&reader);
  return read_all(&reader);
}

bool cancel_decode(struct view payload, struct code_record *cancel) {
  return code_decode(payload, cancel) && (cancel->code == CANCELLED || cancel->code == DEADLINE_EXCEEDED);
}

bool close_decode(struct view payload, struct code_record *close) { return code_decode(payload, close) && close->code >= 0; }

bool drain_decode(struct view payload, struct drain_record *drain) {
  struct reader reader = reader_of(payload);
  drain->text = read_string(&reader);
  drain->grace_ms = read_int(&reader);
  return read_all(&reader) && drain->grace_ms >= 0;
}

/* One block without a size, as a writer should. */
static void encode_names(struct buffer *to, const struct name_list *names, const struct view *values) {
  if (names->count > 0) write_long(to, (int64_t)names->count);
  for (size_t at = 0; at < names->count; at++) {
    write_bytes(to, names->name[at]);
    if (values != NULL) write_bytes(to, values[at]);
  }
  write_long(to, 0);
}

void hello_encode(struct buffer *to, const struct hello *hello) {
  write_long(to, hello->version_min);
  write_long(to, hello->version_max);
  encode_names(to, &hello->capabilities, NULL);
  for (int limit = 0; limit < LIMITS; limit++) write_long(to, hello->limits.value[limit]);
  encode_names(to, &hello->compression, NULL);
  write_long(to, hello->has_auth);
  if (hello->has_auth) {
    write_bytes(to, hello->scheme);
    write_bytes(to, hello->credentials);
  }
  write_bytes(to, hello->software);
  buffer_append_view(to, hello->instance);
  encode_names(to, &hello->extensions, hello->extension_values);
}

static void encode_fingerprint(struct buffer *to, struct view fingerprint) {
  write_long(to, fingerprint.length > 0);
  buffer_append_view(to, fingerprint);
}

void method_encode(struct buffer *to, const struct method_record *method) {
  write_long(to, method->role);
  write_bytes(to, method->name);
  write_long(to, method->kind);
  encode_fingerprint(to, method->request);
  encode_fingerprint(to, method->response);
  encode_fingerprint(to, method->errors);
}

void schema_encode(struct buffer *to, const struct schema_record *schema) {
  buffer_append_view(to, schema->fingerprint);
  write_long(to, schema->gives);
  if (schema->gives) write_bytes(to, schema->text);
}

void failure_encode(struct buffer *to, const struct failure_record *failure) {
  write_long(to, failure->code);
  write_long(to, failure->started);
  write_bytes(to, failure->text);
  write_long(to, failure->retry_after_ms >= 0);
  if (failure->retry_after_ms >= 0) write_long(to, failure->retry_after_ms);
  buffer_append_byte(to, failure->elsewhere);
  write_long(to, failure->has_detail);
  if (failure->has_detail) write_bytes(to, failure->detail);
}

void code_encode(struct buffer *to, const struct code_record *record) {
  write_long(to, record->code);
  write_bytes(to, record->text);
}

void drain_encode(struct buffer *to, const struct drain_record *drain) {
  write_bytes(to, drain->text);
  write_long(to, drain->grace_ms);
}

bool hello_lists(const struct name_list *list, const char *name) {
  for (size_t at = 0; at < list->count; at++) {
    if (view_is(list->name[at], name)) return true;
  }
  return false;
}

static bool key_fits(struct view key) {
  if (key.length < 1 || key.length > METADATA_KEY_BYTES_MAX) return false;
  for (size_t at = 0; at < key.length; at++) {
    if (key.at[at] == 0) return false;
  }
  return true;
}

/* Whether an entry before this one has its key. The entries before it were read, so they can be read again. */
static bool key_is_known(struct view metadata, struct view key) {
  struct reader again = reader_of(metadata);
  struct blocks blocks = {0};
  while (read_item(&again, &blocks, 3)) {
    struct view before = read_bytes(&again);
    if (before.at == key.at) return false;
    if (view_equals(before, key)) return true;
    read_index(&again, 2);
    read_bytes(&again);
  }
  return false;
}

enum failure_code metadata_judge(struct view metadata, int64_t entries_max) {
  struct reader reader = reader_of(metadata);
  struct blocks blocks = {0};
  for (int64_t entries = 1; read_item(&reader, &blocks, 3); entries++) {
    if (entries > entries_max) return RESOURCE_EXHAUSTED;
    struct view key = read_string(&reader);
    if (read_index(&reader, 2) == 0) read_string(&reader);
    else read_bytes(&reader);
    if (reader.bad || !key_fits(key) || key_is_known(metadata, key)) return INVALID_ARGUMENT;
  }
  return read_all(&reader) ? OK : INVALID_ARGUMENT;
}
