/*
 * See vectors.h. Each case is decoded in one chunk, split at every position (at a sample for a long wire) and byte by byte. The
 * result is encoded again with this peer's functions and compared with the encoded views of the case, and then with the wire.
 */
#include "vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "records.h"
#include "sha256.h"
#include "views.h"

/* Longer wires are split near both ends and at regular intervals between. */
enum { ALL_CUTS_BYTES = 512, CUTS_BESIDE = 128, CUT_STEP = 997, PATH_BYTES = 4096 };

struct tally {
  unsigned cases;
  unsigned failed;
  unsigned fingerprints;
  /* Cases of a codec that this peer does not have. */
  unsigned skipped;
};

/* The result of decoding a wire: concatenated canonical frames, and an error. */
struct outcome {
  struct buffer frames;
  bool broken;
  enum close_code close;
  enum failure_code call;
};

struct decoding {
  struct decoder decoder;
  bool in_schema;
  struct outcome *outcome;
};

static bool take_frame(struct decoding *decoding, const struct frame *frame) {
  struct outcome *outcome = decoding->outcome;
  if (frame->prefix_error != OK) {
    outcome->call = frame->prefix_error;
    return false;
  }
  bool is_part = frame->type == SCHEMA && (decoding->in_schema || frame->flags & MORE);
  if (frame->type == SCHEMA) decoding->in_schema = frame->flags & MORE;
  struct owned_frame owned;
  enum close_code code = canonical_frame(frame, is_part, &owned);
  if (code == NONE) frame_encode(&outcome->frames, owned_view(&owned));
  owned_free(&owned);
  if (code == NONE) return true;
  outcome->broken = true;
  outcome->close = code;
  return false;
}

/* Passes all of `wire` to a decoder; `cut_after` says where each chunk ends: at `cut`, or after each byte if that is 0. */
static void decode_wire(const struct json *receiver, struct view wire, size_t cut, struct outcome *outcome) {
  struct decoding decoding = {.outcome = outcome};
  decoding.decoder.limits = limits_default;
  view_limits(receiver, &decoding.decoder.limits);
  decoding.decoder.checksum = json_true(receiver, "checksum");
  decoding.decoder.preface_read = json_true(receiver, "preface") ? 0 : PREFACE_BYTES;
  size_t used = 0, come = 0;
  while (come < wire.length) {
    come = cut == 0 ? come + 1 : come < cut ? cut : wire.length;
    for (;;) {
      struct frame frame;
      size_t step;
      enum decoded decoded = frame_decode(&decoding.decoder, (struct view){wire.at + used, come - used}, &step, &frame);
      used += step;
      if (decoded == DECODE_BROKEN) {
        outcome->broken = true;
        outcome->close = decoding.decoder.error;
        return;
      }
      if (decoded == DECODE_MORE) break;
      if (!take_frame(&decoding, &frame)) return;
    }
  }
  bool inside = used < wire.length || decoding.decoder.preface_read < PREFACE_BYTES || decoding.decoder.skip_left > 0;
  if (json_true(receiver, "ends") && inside) {
    outcome->broken = true;
    outcome->close = TRUNCATED;
  }
}

static bool error_fits(const struct json *error, const struct outcome *outcome) {
  if (error == NULL) return !outcome->broken && outcome->call == OK;
  const struct json *codes = json_get(error, "codes");
  if (view_is(json_text(error, "tier"), "connection")) {
    return outcome->broken && json_lists(codes, name_of(close_names, outcome->close));
  }
  return !outcome->broken && outcome->call != OK && json_lists(codes, name_of(failure_names, outcome->call));
}

static bool cut_fits(const struct json *one, struct view wire, size_t cut, struct view expected, const char *path) {
  struct outcome outcome = {0};
  decode_wire(json_get(one, "receiver"), wire, cut, &outcome);
  bool fits = error_fits(json_get(one, "error"), &outcome) && view_equals(view_of_buffer(&outcome.frames), expected);
  if (!fits) {
    struct view text = json_text(one, "description");
    printf("%s: %.*s: cut at %zu: %s %s, %zu bytes of frames, not %zu\n", path, (int)text.length, text.at, cut,
           outcome.broken ? "CLOSE" : "call error", outcome.broken ? name_of(close_names, outcome.close) : name_of(failure_names,
               outcome.call),
           outcome.frames.length, expected.length);
  }
  buffer_free(&outcome.frames);
  return fits;
}

static bool all_cuts_fit(const struct json *one, struct view wire, struct view expected, const char *path) {
  if (!cut_fits(one, wire, wire.length, expected, path) || !cut_fits(one, wire, 0, expected, path)) return false;
  bool is_long = wire.length > ALL_CUTS_BYTES;
  for (size_t cut = 1; cut < wire.length; cut++) {
    bool beside_end = cut < CUTS_BESIDE || wire.length - cut < CUTS_BESIDE;
    if (is_long && !beside_end && cut % CUT_STEP != 0) continue;
    if (!cut_fits(one, wire, cut, expected, path)) return false;
  }
  return true;
}

static bool encode_views(const struct json *one, struct buffer *to) {
  for (const struct json *view = json_items(one, "frames"); view != NULL; view = view->next) {
    struct owned_frame owned;
    bool good = view_frame(view, &owned);
    if (good) frame_encode(to, owned_view(&owned));
    owned_free(&owned);
    if (!good) return false;
  }
  return true;
}

static void run_case(const struct json *one, const char *path, struct tally *tally) {
  struct buffer wire = {0}, expected = {0};
  bool good = view_bytes(json_get(one, "wire"), &wire) && encode_views(one, &expected);
  if (!good) printf("%s: a case that this peer cannot read\n", path);
  good = good && all_cuts_fit(one, view_of_buffer(&wire), view_of_buffer(&expected), path);
  bool canonical = json_get(one, "error") == NULL && (!json_has(one, "canonical") || json_true(one, "canonical"));
  if (good && canonical) {
    struct view behind = view_of_buffer(&wire);
    if (json_true(json_get(one, "receiver"), "preface")) behind = (struct view){wire.at + PREFACE_BYTES, wire.length - PREFACE_BYTES};
    good = view_equals(behind, view_of_buffer(&expected));
    if (!good) printf("%s: %.*s: encoded otherwise\n", path, (int)json_text(one, "description").length, json_text(one, "description").at);
  }
  tally->cases++;
  if (!good) tally->failed++;
  buffer_free(&wire);
  buffer_free(&expected);
}

static void run_cases(const struct json *root, const char *path, struct tally *tally) {
  for (const struct json *one = json_items(root, "cases"); one != NULL; one = one->next) run_case(one, path, tally);
}

/* A compressed message, in each codec of this peer; another codec is treated as one that the receiver did not list. */
static void run_message(const struct json *one, const char *path, struct tally *tally) {
  const struct json *error = json_get(one, "error"), *accepted = json_get(one, "accepted");
  struct buffer wire = {0}, expected = {0}, found = {0}, again = {0};
  bool good = view_bytes(json_get(one, "wire"), &wire) && view_bytes(json_get(one, "message"), &expected);
  bool is_gzip = wire.length > 0 && wire.at[0] == CODEC_GZIP && json_lists(accepted, "gzip");
  enum failure_code code =
      message_expand(view_of_buffer(&wire), json_lists(accepted, "lz4"), json_number(one, "messageBytesMax", 0), &found);
  if (error != NULL) good = good && code != OK && (is_gzip || json_lists(json_get(error, "codes"), name_of(failure_names, code)));
  else if (is_gzip) good = good && code == INVALID_ARGUMENT;
  else {
    good = good && code == OK && view_equals(view_of_buffer(&found), view_of_buffer(&expected));
    found.length = 0;
    message_compress(view_of_buffer(&expected), &again);
    good = good && message_expand(view_of_buffer(&again), true, INT32_MAX, &found) == OK;
    good = good && view_equals(view_of_buffer(&found), view_of_buffer(&expected));
  }
  if (is_gzip) tally->skipped++;
  tally->cases++;
  if (!good) {
    printf("%s: %.*s\n", path, (int)json_text(one, "description").length, json_text(one, "description").at);
    tally->failed++;
  }
  buffer_free(&wire);
  buffer_free(&expected);
  buffer_free(&found);
  buffer_free(&again);
}

static void run_messages(const struct json *root, const char *path, struct tally *tally) {
  for (const struct json *one = json_items(root, "cases"); one != NULL; one = one->next) run_message(one, path, tally);
}

/* Checks that a text given in a session has its fingerprint, unless the session says that it does not. */
static void check_fingerprint(const struct json *view, bool is_false, const char *path, struct tally *tally) {
  struct owned_frame owned;
  struct schema_record schema = {0};
  bool good = view_frame(view, &owned) && schema_decode(view_of_buffer(&owned.body), &schema);
  if (good && schema.text.length > 0) {
    uint8_t digest[FINGERPRINT_BYTES];
    sha256(schema.text, digest);
    tally->fingerprints++;
    good = view_equals(schema.fingerprint, (struct view){digest, sizeof digest}) != is_false;
  }
  if (!good) {
    printf("%s: the fingerprint of a schema\n", path);
    tally->failed++;
  }
  owned_free(&owned);
}

static void run_session(const struct json *root, const char *path, struct tally *tally) {
  bool is_false = strstr(path, "schema-false") != NULL || strstr(path, "schema-unasked") != NULL;
  for (const struct json *step = json_items(root, "steps"); step != NULL; step = step->next) {
    for (const struct json *view = json_items(step, "frames"); view != NULL; view = view->next) {
      if (!view_is(json_text(view, "type"), "SCHEMA") || json_get(view, "record") == NULL) continue;
      check_fingerprint(view, is_false, path, tally);
    }
  }
}

static bool run_folder(const char *folder, const char *name, void (*run)(const struct json *, const char *, struct tally *),
    struct tally *tally) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  DIR *directory = opendir(path);
  if (directory == NULL) {
    fprintf(stderr, "peer: %s is no folder\n", path);
    return false;
  }
  bool good = true;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strstr(entry->d_name, ".json") == NULL) continue;
    struct json_file file;
    int length = snprintf(path, sizeof path, "%s/%s/%s", folder, name, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof path || !json_read(&file, path)) {
      good = false;
      continue;
    }
    run(file.root, path, tally);
    json_free(&file);
  }
  closedir(directory);
  return good;
}

int vectors_run(const char *folder) {
  struct tally tally = {0};
  bool good = run_folder(folder, "frames", run_cases, &tally);
  good = run_folder(folder, "messages", run_messages, &tally) && good;
  good = run_folder(folder, "sessions", run_session, &tally) && good;
  printf("%u cases, %u of gzip skipped, %u fingerprints, %u failed\n", tally.cases, tally.skipped, tally.fingerprints, tally.failed);
  return good && tally.failed == 0 && tally.cases > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
