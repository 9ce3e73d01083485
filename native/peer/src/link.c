/* See link.h. */
#include "link.h"

enum { CLOSE_MS = 100, BAD_ENDS_AT_ONCE = 200, BAD_ENDS_A_SECOND = 33 };

void link_open(struct link *link, bool is_dialler, const struct settings *settings, double now) {
  *link = (struct link){
      .is_dialler = is_dialler,
      .settings = *settings,
      .peer = limits_least,
      .now = now,
      .bad_ends = {BAD_ENDS_AT_ONCE, BAD_ENDS_AT_ONCE, now},
  };
  buffer_append(&link->output, preface, PREFACE_BYTES);
}

void link_free(struct link *link) { buffer_free(&link->output); }

void link_send(struct link *link, const struct frame *frame) {
  if (link->closing) return;
  if (!link->checksum || frame->type == HELLO) return frame_encode(&link->output, frame);
  struct frame written = *frame;
  written.flags |= CHECKSUM;
  frame_encode(&link->output, &written);
}

void link_close(struct link *link, enum close_code code, const char *text) {
  if (link->closing) return;
  struct buffer payload = {0};
  code_encode(&payload, &(struct code_record){(int32_t)code, view_of(text)});
  link_send(link, &(struct frame){.type = CLOSE, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
  link->closing = true;
  link->closed_with = code;
  link->close_by = link->now + CLOSE_MS;
}

bool bucket_take(struct bucket *bucket, double now, double per_ms) {
  bucket->left += (now - bucket->refilled_at) * per_ms;
  if (bucket->left > bucket->full) bucket->left = bucket->full;
  bucket->refilled_at = now;
  if (bucket->left < 1) return false;
  bucket->left -= 1;
  return true;
}

void link_spend(struct link *link) {
  if (!bucket_take(&link->bad_ends, link->now, BAD_ENDS_A_SECOND / 1e3)) link_close(link, FLOOD, "too many calls that end badly");
}
