/* See outcomes.h. */
#include "outcomes.h"

#include "views.h"

void made_hear(struct made *made, const struct answer *answer) {
  struct buffer item = {0};
  uint32_t cost;
  made->is_done = true;
  made->code = answer->code;
  made->started = answer->started;
  buffer_append_view(&made->body, answer->body);
  buffer_append_view(&made->metadata, answer->metadata);
  while (answer->left != NULL && items_take(answer->left, &item, &cost)) items_add(&made->items, view_of_buffer(&item), 0);
  buffer_free(&item);
}

static bool same_failure(const struct made *made, const struct json *expected) {
  if (expected == NULL) return made->code == OK;
  return view_is(json_text(expected, "code"), name_of(failure_names, made->code)) &&
      view_is(json_text(expected, "started"), name_of(started_names, made->started));
}

static bool same_value(const struct made *made, const struct json *expected) {
  struct buffer found = {0}, wanted = {0};
  json_print(expected, &wanted);
  bool same = made->response != NULL && value_to_json(made->response, view_of_buffer(&made->body), &found) &&
      view_equals(view_of_buffer(&found), view_of_buffer(&wanted));
  buffer_free(&found);
  buffer_free(&wanted);
  return same;
}

/* `bytes_from`: from this item on only the bytes are compared, not how they are split. */
static void append_items(const struct items *items, size_t bytes_from, struct buffer *to) {
  size_t at = items->taken;
  for (size_t index = 0; index < items->count; index++) {
    const uint8_t *head = items->bytes.at + at;
    size_t length = load_u32(head);
    if (index < bytes_from) buffer_append(to, head, 4);
    buffer_append(to, head + 8, length);
    at += 8 + length;
  }
}

static bool same_items(const struct made *made, const struct json *expected) {
  struct items wanted = {0};
  struct buffer item = {0}, a = {0}, b = {0};
  bool good = true;
  for (const struct json *one = expected->first; good && one != NULL; one = one->next) {
    item.length = 0;
    good = view_bytes(one, &item);
    items_add(&wanted, view_of_buffer(&item), 0);
  }
  size_t bytes_from = made->kind == BLOB ? 1 : SIZE_MAX;
  append_items(&made->items, bytes_from, &a);
  append_items(&wanted, bytes_from, &b);
  good = good && view_equals(view_of_buffer(&a), view_of_buffer(&b));
  buffer_free(&item);
  buffer_free(&a);
  buffer_free(&b);
  items_free(&wanted);
  return good;
}

static bool same_metadata(const struct made *made, const struct json *expected) {
  struct buffer found = {0}, wanted = {0};
  bool same = view_metadata(expected, &wanted);
  if (made->metadata.length > 0) canonical_metadata(view_of_buffer(&made->metadata), &found);
  same = same && view_equals(view_of_buffer(&found), view_of_buffer(&wanted));
  buffer_free(&found);
  buffer_free(&wanted);
  return same;
}

static bool same_response(const struct made *made, const struct json *expected) {
  struct buffer wanted = {0};
  bool same = view_bytes(expected, &wanted) && view_equals(view_of_buffer(&made->body), view_of_buffer(&wanted));
  buffer_free(&wanted);
  return same;
}

const char *made_differs(const struct made *made, const struct json *expected) {
  const struct json *items = json_get(expected, "items"), *value = json_member(expected, view_of("value"));
  const struct json *metadata = json_get(expected, "metadata"), *response = json_get(expected, "response");
  if (items != NULL && !same_items(made, items)) return "other items";
  if (!made->is_done) return "the call has not ended";
  if (!same_failure(made, json_get(expected, "failure"))) return "the call has ended otherwise";
  if (response != NULL && !same_response(made, response)) return "another response";
  if (value != NULL && !same_value(made, value)) return "another value";
  return metadata != NULL && !same_metadata(made, metadata) ? "other metadata" : NULL;
}

void made_free(struct made *made) {
  items_free(&made->items);
  buffer_free(&made->body);
  buffer_free(&made->metadata);
}
