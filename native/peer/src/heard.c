/* See heard.h. */
#include "heard.h"

#include <stdlib.h>

#include "records.h"

static void push(struct owned_frame **list, size_t *count, size_t *capacity, struct owned_frame frame) {
  if (*count == *capacity) {
    size_t more = *capacity == 0 ? 16 : *capacity * 2;
    struct owned_frame *moved = allocate(more, sizeof *moved);
    for (size_t at = 0; at < *count; at++) moved[at] = (*list)[at];
    free(*list);
    *list = moved;
    *capacity = more;
  }
  (*list)[(*count)++] = frame;
}

/* The message that this frame continues, or -1. */
static long partial_of(const struct heard *heard, const struct frame *frame) {
  for (size_t at = 0; at < heard->partial_count; at++) {
    const struct frame *begun = &heard->partial[at].frame;
    if (begun->type == frame->type && begun->call == frame->call) return (long)at;
  }
  return -1;
}

void heard_add(struct heard *heard, struct owned_frame frame) {
  bool goes_on = frame.frame.flags & MORE;
  long at = partial_of(heard, &frame.frame);
  if (at < 0) {
    frame.frame.flags &= (uint8_t)~MORE;
    if (goes_on) push(&heard->partial, &heard->partial_count, &heard->partial_capacity, frame);
    else push(&heard->frames, &heard->count, &heard->capacity, frame);
    return;
  }
  struct owned_frame *message = &heard->partial[at];
  buffer_append(&message->body, frame.body.at, frame.body.length);
  owned_free(&frame);
  if (goes_on) return;
  push(&heard->frames, &heard->count, &heard->capacity, *message);
  *message = heard->partial[--heard->partial_count];
}

bool heard_views(struct heard *heard, const struct json *views) {
  for (const struct json *view = views; view != NULL; view = view->next) {
    struct owned_frame owned;
    if (!view_frame(view, &owned)) {
      owned_free(&owned);
      return false;
    }
    heard_add(heard, owned);
  }
  return true;
}

void heard_free(struct heard *heard) {
  for (size_t at = 0; at < heard->count; at++) owned_free(&heard->frames[at]);
  for (size_t at = 0; at < heard->partial_count; at++) owned_free(&heard->partial[at]);
  free(heard->frames);
  free(heard->partial);
}

static bool same_names(const struct name_list *a, const struct name_list *b) {
  if (a->count != b->count) return false;
  for (size_t at = 0; at < a->count; at++) {
    if (!view_equals(a->name[at], b->name[at])) return false;
  }
  return true;
}

static bool same_hello(struct view a, struct view b) {
  struct hello found, expected;
  if (!hello_decode(a, &found) || !hello_decode(b, &expected)) return false;
  for (int limit = 0; limit < LIMITS; limit++) {
    if (found.limits.value[limit] != expected.limits.value[limit]) return false;
  }
  return same_names(&found.capabilities, &expected.capabilities) && same_names(&found.compression, &expected.compression);
}

static bool same_failure(struct view a, struct view b) {
  struct failure_record found, expected;
  if (!failure_decode(a, &found) || !failure_decode(b, &expected)) return false;
  return found.code == expected.code && found.started == expected.started && found.retry_after_ms == expected.retry_after_ms &&
         found.elsewhere == expected.elsewhere && found.has_detail == expected.has_detail && view_equals(found.detail, expected.detail);
}

static bool same_close(struct view a, struct view b, const struct json *or_codes) {
  struct code_record found, expected;
  if (!close_decode(a, &found) || !close_decode(b, &expected)) return false;
  return found.code == expected.code || json_lists(or_codes, name_of(close_names, found.code));
}

static bool same_cancel(struct view a, struct view b) {
  struct code_record found, expected;
  return cancel_decode(a, &found) && cancel_decode(b, &expected) && found.code == expected.code;
}

static bool same_drain(struct view a, struct view b) {
  struct drain_record found, expected;
  return drain_decode(a, &found) && drain_decode(b, &expected) && found.grace_ms == expected.grace_ms;
}

static bool same_body(uint8_t type, struct view found, struct view expected, const struct json *or_codes) {
  switch (type) {
    case HELLO: return same_hello(found, expected);
    case FAILURE: return same_failure(found, expected);
    case CANCEL: return same_cancel(found, expected);
    case CLOSE: return same_close(found, expected, or_codes);
    case DRAIN: return same_drain(found, expected);
    case PING: return true;
    default: return view_equals(found, expected);
  }
}

const char *frame_differs(struct owned_frame *found, struct owned_frame *expected, const struct json *or_codes) {
  const struct frame *a = owned_view(found), *b = owned_view(expected);
  if (a->type != b->type) return "another type";
  if (a->flags != b->flags) return "other flags";
  if (a->call != b->call) return "another call number";
  if (a->method != b->method) return "another method number";
  if (a->flags & DEADLINE && (a->deadline > b->deadline || a->deadline <= 0.9 * b->deadline)) return "another deadline";
  if (!view_equals(a->metadata, b->metadata)) return "other metadata";
  return same_body(a->type, a->body, b->body, or_codes) ? NULL : "another body";
}
