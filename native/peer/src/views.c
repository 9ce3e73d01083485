/* See views.h. */
#include "views.h"

#include "avro.h"
#include "records.h"

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool append_hex(struct view hex, struct buffer *to) {
  if (hex.length % 2 != 0) return false;
  for (size_t at = 0; at < hex.length; at += 2) {
    int high = hex_digit(hex.at[at]), low = hex_digit(hex.at[at + 1]);
    if (high < 0 || low < 0) return false;
    buffer_append_byte(to, (uint8_t)(high * 16 + low));
  }
  return true;
}

bool view_bytes(const struct json *hex, struct buffer *to) {
  if (hex == NULL) return true;
  if (hex->type == JSON_STRING) return append_hex(hex->text, to);
  if (hex->type != JSON_ARRAY) return false;
  for (const struct json *piece = hex->first; piece != NULL; piece = piece->next) {
    if (piece->type == JSON_STRING) {
      if (!append_hex(piece->text, to)) return false;
      continue;
    }
    int64_t times = json_number(piece, "times", -1);
    if (times < 0 || times > 1 << 24) return false;
    for (; times > 0; times--) {
      if (!append_hex(json_text(piece, "repeat"), to)) return false;
    }
  }
  return true;
}

/* The bytes of a record's field, kept in `kept`, which is reserved in advance so that it does not move. */
static struct view kept_hex(const struct json *object, const char *key, struct buffer *kept) {
  struct view hex = json_text(object, key);
  size_t begin = kept->length;
  append_hex(hex, kept);
  return (struct view){kept->at + begin, kept->length - begin};
}

static bool name_list(const struct json *array, struct name_list *names) {
  names->count = 0;
  for (const struct json *item = array == NULL ? NULL : array->first; item != NULL; item = item->next) {
    if (names->count == HELLO_NAMES_MAX) return false;
    names->name[names->count++] = item->text;
  }
  return true;
}

bool view_limits(const struct json *object, struct limits *limits) {
  for (const struct json *limit = json_items(object, "limits"); limit != NULL; limit = limit->next) {
    int number = number_of(limit_names, limit->key);
    if (number < 0) return false;
    limits->value[number] = limit->number;
  }
  return true;
}

static bool hello_view(const struct json *record, struct buffer *kept, struct buffer *to) {
  struct hello hello = {
      .version_min = (int32_t)json_number(record, "versionMin", 0),
      .version_max = (int32_t)json_number(record, "versionMax", 0),
      .software = json_text(record, "software"),
      .instance = kept_hex(record, "instance", kept),
  };
  const struct json *auth = json_get(record, "auth");
  hello.has_auth = auth != NULL;
  hello.scheme = json_text(auth, "scheme");
  hello.credentials = kept_hex(auth, "credentials", kept);
  for (const struct json *entry = json_items(record, "extensions"); entry != NULL; entry = entry->next) {
    if (hello.extensions.count == HELLO_NAMES_MAX) return false;
    size_t begin = kept->length;
    if (!append_hex(entry->text, kept)) return false;
    hello.extension_values[hello.extensions.count] = (struct view){kept->at + begin, kept->length - begin};
    hello.extensions.name[hello.extensions.count++] = entry->key;
  }
  bool good = view_limits(record, &hello.limits) && name_list(json_get(record, "capabilities"), &hello.capabilities) &&
              name_list(json_get(record, "compression"), &hello.compression);
  hello_encode(to, &hello);
  return good;
}

static bool method_view(const struct json *record, struct buffer *kept, struct buffer *to) {
  int role = number_of(role_names, json_text(record, "role")), kind = number_of(kind_names, json_text(record, "kind"));
  struct method_record method = {
      .role = (enum role)role,
      .name = json_text(record, "name"),
      .kind = (enum kind)kind,
      .request = kept_hex(record, "request", kept),
      .response = kept_hex(record, "response", kept),
      .errors = kept_hex(record, "errors", kept),
  };
  method_encode(to, &method);
  return role >= 0 && kind >= 0;
}

static bool failure_view(const struct json *record, struct buffer *kept, struct buffer *to) {
  int started = number_of(started_names, json_text(record, "started"));
  struct failure_record failure = {
      .code = (int32_t)json_number(record, "code", 0),
      .started = (enum started)started,
      .text = json_text(record, "text"),
      .retry_after_ms = (int32_t)json_number(record, "retryAfterMs", -1),
      .elsewhere = json_true(record, "elsewhere"),
      .has_detail = json_get(record, "detail") != NULL,
      .detail = kept_hex(record, "detail", kept),
  };
  failure_encode(to, &failure);
  return started >= 0;
}

static bool record_view(int type, const struct json *record, struct buffer *to) {
  struct buffer kept = {0};
  /* More than any record of the vectors needs, so that views of it stay valid. */
  buffer_reserve(&kept, 65536);
  bool good = true;
  if (type == HELLO) good = hello_view(record, &kept, to);
  else if (type == METHOD) good = method_view(record, &kept, to);
  else if (type == FAILURE) good = failure_view(record, &kept, to);
  else if (type == SCHEMA) {
    schema_encode(to, &(struct schema_record){kept_hex(record, "fingerprint", &kept), json_get(record, "schema") != NULL,
                                              json_text(record, "schema")});
  } else if (type == DRAIN) {
    drain_encode(to, &(struct drain_record){json_text(record, "text"), (int32_t)json_number(record, "graceMs", 0)});
  } else if (type == CANCEL || type == CLOSE) {
    code_encode(to, &(struct code_record){(int32_t)json_number(record, "code", 0), json_text(record, "text")});
  } else good = false;
  buffer_free(&kept);
  return good;
}

bool view_metadata(const struct json *entries, struct buffer *to) {
  bool good = true;
  if (json_count(entries) > 0) write_long(to, (int64_t)json_count(entries));
  for (const struct json *entry = entries->first; entry != NULL; entry = entry->next) {
    bool is_text = json_has(entry, "string");
    struct buffer bytes = {0};
    good = good && view_bytes(json_get(entry, "bytes"), &bytes);
    write_bytes(to, json_text(entry, "key"));
    write_long(to, is_text ? 0 : 1);
    write_bytes(to, is_text ? json_text(entry, "string") : view_of_buffer(&bytes));
    buffer_free(&bytes);
  }
  write_long(to, 0);
  return good;
}

static bool flags_view(const struct json *names, uint8_t *flags) {
  for (const struct json *name = names == NULL ? NULL : names->first; name != NULL; name = name->next) {
    int bit = number_of(flag_names, name->text);
    if (bit < 0) return false;
    *flags |= (uint8_t)(1 << bit);
  }
  return true;
}

static bool body_view(const struct json *view, int type, struct buffer *to) {
  const struct json *record = json_get(view, "record");
  if (record != NULL) return record_view(type, record, to);
  if (type == CREDIT) {
    store_u32(buffer_reserve(to, 4), (uint32_t)json_number(view, "bytes", 0));
    to->length += 4;
    return true;
  }
  return view_bytes(json_get(view, type == PING || type == PONG ? "opaque" : "body"), to);
}

bool view_frame(const struct json *view, struct owned_frame *owned) {
  *owned = (struct owned_frame){0};
  struct frame *frame = &owned->frame;
  int type = number_of(frame_names, json_text(view, "type"));
  if (type < 0 || !flags_view(json_get(view, "flags"), &frame->flags)) return false;
  frame->type = (uint8_t)type;
  frame->method = (uint16_t)json_number(view, "method", 0);
  frame->deadline = (uint32_t)json_number(view, "deadlineMs", 0);
  const struct json *call = json_get(view, "call"), *ledger = json_get(view, "ledger");
  if (call != NULL) {
    frame->call = call_number(view_is(json_text(call, "opener"), "acceptor"), (uint32_t)json_number(call, "generation", 0),
                              (uint32_t)json_number(call, "slot", 0));
  }
  frame->ledger[0] = (uint32_t)json_number(ledger, "waiting", 0);
  frame->ledger[1] = (uint32_t)json_number(ledger, "handler", 0);
  frame->ledger[2] = (uint32_t)json_number(ledger, "encoding", 0);
  const struct json *metadata = json_get(view, "metadata");
  return (metadata == NULL || view_metadata(metadata, &owned->metadata)) && body_view(view, type, &owned->body);
}

/* Encodes checked metadata again. */
void canonical_metadata(struct view metadata, struct buffer *to) {
  struct buffer entries = {0};
  struct reader reader = reader_of(metadata);
  struct blocks blocks = {0};
  int64_t count = 0;
  for (; read_item(&reader, &blocks, 3); count++) {
    write_bytes(&entries, read_bytes(&reader));
    write_long(&entries, read_index(&reader, 2));
    write_bytes(&entries, read_bytes(&reader));
  }
  if (count > 0) write_long(to, count);
  buffer_append(to, entries.at, entries.length);
  write_long(to, 0);
  buffer_free(&entries);
}

#define AGAIN(record, decode, encode)            \
  {                                              \
    struct record value = {0};                   \
    good = decode(frame->body, &value);          \
    if (good) encode(&owned->body, &value);      \
    break;                                       \
  }

enum close_code canonical_frame(const struct frame *frame, bool is_message, struct owned_frame *owned) {
  *owned = (struct owned_frame){.frame = *frame};
  if (frame->flags & METADATA) canonical_metadata(frame->metadata, &owned->metadata);
  bool good = true;
  switch (is_message ? 0 : frame->type) {
    case HELLO: AGAIN(hello, hello_decode, hello_encode)
    case METHOD: AGAIN(method_record, method_decode, method_encode)
    case SCHEMA: AGAIN(schema_record, schema_decode, schema_encode)
    case FAILURE: AGAIN(failure_record, failure_decode, failure_encode)
    case CANCEL: AGAIN(code_record, cancel_decode, code_encode)
    case DRAIN: AGAIN(drain_record, drain_decode, drain_encode)
    case CLOSE: AGAIN(code_record, close_decode, code_encode)
    default: buffer_append_view(&owned->body, frame->body);
  }
  return good ? NONE : BAD_RECORD;
}

const struct frame *owned_view(struct owned_frame *owned) {
  owned->frame.metadata = view_of_buffer(&owned->metadata);
  owned->frame.body = view_of_buffer(&owned->body);
  return &owned->frame;
}

void owned_free(struct owned_frame *owned) {
  buffer_free(&owned->metadata);
  buffer_free(&owned->body);
}
