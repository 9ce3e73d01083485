/* See handlers.h. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "value.h"

static const struct {
  const char *name;
  enum kind kind;
  enum does does;
} standard[] = {
    {"test.Echo/echo", UNARY, DOES_ECHO},
    {"test.Echo/late", UNARY, DOES_ECHO_LATE},
    {"test.Echo/fail", UNARY, DOES_FAIL},
    {"test.Echo/hang", UNARY, DOES_NOTHING_EVER},
    {"test.Echo/grow", UNARY, DOES_GROW},
    {"test.Echo/note", ONEWAY_KIND, DOES_DROP},
    {"test.Echo/count", SERVER_STREAM, DOES_COUNT},
    {"test.Echo/pour", SERVER_STREAM, DOES_POUR},
    {"test.Echo/silent", SERVER_STREAM, DOES_NOTHING_EVER},
    {"test.Echo/concat", CLIENT_STREAM, DOES_CONCAT},
    {"test.Echo/swallow", CLIENT_STREAM, DOES_SWALLOW},
    {"test.Echo/chat", DUPLEX, DOES_CHAT},
    {"test.Echo/mirror", BLOB, DOES_MIRROR},
};
enum { STANDARD = sizeof standard / sizeof *standard };

void service_standard(struct service *service) {
  *service = (struct service){.handlers = allocate(STANDARD + 1, sizeof(struct handler)), .count = STANDARD + 1};
  for (size_t at = 0; at < STANDARD; at++) {
    service->handlers[at] = (struct handler){.name = view_of(standard[at].name), .kind = standard[at].kind, .does = standard[at].does};
  }
  const struct schema *canonical = schema_parse(&service->schemas, canonical_schema());
  service->handlers[STANDARD] =
      (struct handler){.name = view_of(CANONICAL_METHOD), .does = DOES_CANONICAL, .request = canonical, .response = canonical};
}

static bool read_schema(struct service *service, const struct json *method, const char *key, const struct schema **schema) {
  const struct json *given = json_get(method, key);
  *schema = given == NULL ? NULL : schema_of_json(&service->schemas, given);
  return given == NULL || *schema != NULL;
}

bool service_of_session(struct service *service, const struct json *side) {
  const struct json *methods = json_get(side, "methods");
  if (methods == NULL) {
    service_standard(service);
    return true;
  }
  *service = (struct service){.handlers = allocate(json_count(methods), sizeof(struct handler))};
  for (const struct json *method = methods->first; method != NULL; method = method->next) {
    struct handler *handler = &service->handlers[service->count++];
    int kind = number_of(kind_names, json_text(method, "kind"));
    bool answers = view_is(json_text(method, "does"), "answer");
    *handler = (struct handler){.name = json_text(method, "name"), .kind = (enum kind)kind, .value = json_get(method, "value")};
    handler->does = answers ? DOES_ANSWER : DOES_JSON;
    bool good = kind == UNARY && read_schema(service, method, "request", &handler->request) &&
        read_schema(service, method, "response", &handler->response);
    if (!good) return false;
  }
  return true;
}

void service_free(struct service *service) {
  free(service->handlers);
  schema_set_free(&service->schemas);
}

const struct handler *service_find(const struct service *service, struct view name) {
  for (size_t at = 0; at < service->count; at++) {
    if (view_equals(name, service->handlers[at].name)) return &service->handlers[at];
  }
  return NULL;
}

static enum failure_code grow(struct work *work) {
  if (work->request.length != 4) return INVALID_ARGUMENT;
  uint32_t length = load_u32(work->request.at);
  if (length > work->bytes_max) return RESOURCE_EXHAUSTED;
  memset(buffer_reserve(&work->answer, length), 'a', length);
  work->answer.length += length;
  return OK;
}

static enum failure_code echo_canonical(struct work *work) {
  struct canonical record;
  if (!canonical_decode(work->request, &record)) return INVALID_ARGUMENT;
  canonical_encode(&work->answer, &record);
  return OK;
}

/* The request as JSON, in the response's schema, which is a string. */
static enum failure_code answer_json(struct work *work) {
  struct buffer text = {0};
  bool good = value_to_json(work->handler->request, work->request, &text);
  if (good) write_bytes(&work->answer, view_of_buffer(&text));
  buffer_free(&text);
  return good ? OK : INTERNAL;
}

static enum failure_code answer_once(struct work *work) {
  switch (work->handler->does) {
    case DOES_FAIL: return NOT_FOUND;
    case DOES_GROW: return grow(work);
    case DOES_CANONICAL: return echo_canonical(work);
    case DOES_JSON: return answer_json(work);
    case DOES_ANSWER: return value_of_json(work->handler->response, work->handler->value, &work->answer) ? OK : INTERNAL;
    default: buffer_append_view(&work->answer, work->request); return OK;
  }
}

/* The next of `count` items of `size` bytes: each its own number, or all of them 'a'. */
static void send_next(struct work *work, size_t size, uint8_t byte) {
  struct buffer item = {0};
  memset(buffer_reserve(&item, size), byte, size);
  item.length = size;
  stream_push(work->stream, view_of_buffer(&item));
  buffer_free(&item);
  work->done++;
}

static enum step send_items(struct work *work, enum failure_code *failure) {
  bool pours = work->handler->does == DOES_POUR;
  *failure = work->request.length == (pours ? 8 : 1) ? OK : INVALID_ARGUMENT;
  if (*failure != OK) return STEP_FAILS;
  uint32_t count = pours ? load_u32(work->request.at) : work->request.at[0];
  size_t size = pours ? load_u32(work->request.at + 4) : 1;
  if (work->done >= count) return STEP_ENDS;
  *failure = (int64_t)size > work->bytes_max ? RESOURCE_EXHAUSTED : OK;
  if (*failure != OK) return STEP_FAILS;
  send_next(work, size, pours ? 'a' : (uint8_t)work->done);
  return STEP_WAITS;
}

/* Sends one item back for each that arrives, a blob's head first. */
static enum step send_back(struct work *work) {
  if (work->handler->does == DOES_MIRROR && work->done == 0) {
    stream_push(work->stream, work->request);
    work->done = 1;
    return STEP_WAITS;
  }
  if (stream_take(work->stream, &work->answer)) {
    stream_push(work->stream, view_of_buffer(&work->answer));
    return STEP_WAITS;
  }
  return work->stream->in.ended ? STEP_ENDS : STEP_WAITS;
}

static enum step take_items(struct work *work, enum failure_code *failure) {
  bool keeps = work->handler->does == DOES_CONCAT;
  struct buffer item = {0};
  *failure = OK;
  while (*failure == OK && stream_take(work->stream, &item)) {
    if (!keeps) continue;
    if ((int64_t)(work->answer.length + item.length) > work->bytes_max) *failure = RESOURCE_EXHAUSTED;
    else buffer_append_view(&work->answer, view_of_buffer(&item));
  }
  buffer_free(&item);
  if (*failure != OK) return STEP_FAILS;
  return keeps && work->stream->in.ended ? STEP_ANSWERS : STEP_WAITS;
}

enum step handler_step(struct work *work, enum failure_code *failure) {
  switch (work->handler->does) {
    case DOES_NOTHING_EVER: return STEP_WAITS;
    case DOES_COUNT:
    case DOES_POUR: return stream_is_sent(work->stream) ? send_items(work, failure) : STEP_WAITS;
    case DOES_CHAT:
    case DOES_MIRROR: return stream_is_sent(work->stream) ? send_back(work) : STEP_WAITS;
    case DOES_CONCAT:
    case DOES_SWALLOW: return take_items(work, failure);
    default: break;
  }
  *failure = answer_once(work);
  if (*failure == OK && (int64_t)work->answer.length > work->bytes_max) *failure = RESOURCE_EXHAUSTED;
  return *failure == OK ? STEP_ANSWERS : STEP_FAILS;
}
