/*
 * The records of frames (spec/schemas), and metadata. Decoding is strict: false means BAD_RECORD. Texts and bytes of a decoded
 * record point into its input.
 */
#ifndef PEER_RECORDS_H
#define PEER_RECORDS_H

#include "wire.h"

enum { HELLO_NAMES_MAX = 64, NAME_BYTES_MAX = 64, METADATA_KEY_BYTES_MAX = 255 };

struct name_list {
  size_t count;
  struct view name[HELLO_NAMES_MAX];
};

struct hello {
  int32_t version_min, version_max;
  struct name_list capabilities;
  struct limits limits;
  struct name_list compression;
  bool has_auth;
  struct view scheme, credentials;
  struct view software;
  struct view instance;
  struct name_list extensions;
  struct view extension_values[HELLO_NAMES_MAX];
};

/* Fingerprints are FINGERPRINT_BYTES long, or empty for null. */
struct method_record {
  enum role role;
  struct view name;
  enum kind kind;
  struct view request, response, errors;
};

struct schema_record {
  struct view fingerprint;
  bool gives;
  struct view text;
};

struct failure_record {
  int32_t code;
  enum started started;
  struct view text;
  int32_t retry_after_ms; /* -1: null */
  bool elsewhere;
  bool has_detail;
  struct view detail;
};

/* CANCEL and CLOSE. */
struct code_record {
  int32_t code;
  struct view text;
};

struct drain_record {
  struct view text;
  int32_t grace_ms;
};

bool hello_decode(struct view payload, struct hello *hello);
bool method_decode(struct view payload, struct method_record *method);
bool schema_decode(struct view message, struct schema_record *schema);
bool failure_decode(struct view body, struct failure_record *failure);
bool cancel_decode(struct view payload, struct code_record *cancel);
bool close_decode(struct view payload, struct code_record *close);
bool drain_decode(struct view payload, struct drain_record *drain);

void hello_encode(struct buffer *to, const struct hello *hello);
void method_encode(struct buffer *to, const struct method_record *method);
void schema_encode(struct buffer *to, const struct schema_record *schema);
void failure_encode(struct buffer *to, const struct failure_record *failure);
void code_encode(struct buffer *to, const struct code_record *record);
void drain_encode(struct buffer *to, const struct drain_record *drain);

bool hello_lists(const struct name_list *list, const char *name);

/* OK, INVALID_ARGUMENT or RESOURCE_EXHAUSTED, by 3.6. */
enum failure_code metadata_judge(struct view metadata, int64_t entries_max);

#endif
