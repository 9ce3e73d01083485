/* See exchange.h. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "records.h"
#include "sha256.h"

enum { FOREIGN_MAX = 64, OWN_MAX = 256 };

struct own {
  const struct schema *schema;
  bool is_given;
};

struct foreign {
  uint8_t fingerprint[FINGERPRINT_BYTES];
  bool has_come;
  const struct schema *schema;
};

struct exchange {
  struct link *link;
  struct own own[OWN_MAX];
  struct foreign foreign[FOREIGN_MAX];
  size_t own_count, foreign_count;
  struct schema_set schemas;
  /* SCHEMA in several frames. */
  struct buffer message;
};

struct exchange *exchange_new(struct link *link) {
  struct exchange *exchange = allocate(1, sizeof *exchange);
  exchange->link = link;
  return exchange;
}

void exchange_free(struct exchange *exchange) {
  schema_set_free(&exchange->schemas);
  buffer_free(&exchange->message);
  free(exchange);
}

static struct own *find_own(struct exchange *exchange, struct view fingerprint) {
  for (size_t at = 0; at < exchange->own_count; at++) {
    if (view_equals(schema_fingerprint(exchange->own[at].schema), fingerprint)) return &exchange->own[at];
  }
  return NULL;
}

static struct foreign *find_foreign(struct exchange *exchange, struct view fingerprint) {
  for (size_t at = 0; at < exchange->foreign_count; at++) {
    if (view_equals((struct view){exchange->foreign[at].fingerprint, FINGERPRINT_BYTES}, fingerprint)) return &exchange->foreign[at];
  }
  return NULL;
}

void exchange_name(struct exchange *exchange, const struct schema *own) {
  if (own == NULL || find_own(exchange, schema_fingerprint(own)) != NULL || exchange->own_count == OWN_MAX) return;
  exchange->own[exchange->own_count++].schema = own;
}

static void send_schema(struct exchange *exchange, const struct schema_record *record) {
  struct buffer message = {0};
  schema_encode(&message, record);
  message_send(exchange->link, &(struct frame){.type = SCHEMA}, view_of_buffer(&message));
  buffer_free(&message);
}

bool exchange_want(struct exchange *exchange, struct view fingerprint, const struct schema **schema) {
  struct foreign *foreign = find_foreign(exchange, fingerprint);
  *schema = NULL;
  if (foreign != NULL) {
    *schema = foreign->schema;
    return foreign->has_come;
  }
  /* A schema beyond the limit is treated as one that the peer does not give. */
  if (exchange->foreign_count == FOREIGN_MAX) return true;
  foreign = &exchange->foreign[exchange->foreign_count++];
  memcpy(foreign->fingerprint, fingerprint.at, FINGERPRINT_BYTES);
  send_schema(exchange, &(struct schema_record){.fingerprint = fingerprint});
  return false;
}

/* Gives the peer a schema that it may ask for, once. Anything else is answered as unknown and takes one from its budget. */
static void give(struct exchange *exchange, struct view fingerprint) {
  struct own *own = find_own(exchange, fingerprint);
  bool gives = own != NULL && !own->is_given;
  bool fits = gives && own->schema->text.length <= SCHEMA_TEXT_BYTES_MAX;
  send_schema(exchange, &(struct schema_record){fingerprint, true, fits ? own->schema->text : view_of("")});
  if (gives) own->is_given = true;
  else link_spend(exchange->link);
}

static bool take(struct exchange *exchange, const struct schema_record *record) {
  struct foreign *foreign = find_foreign(exchange, record->fingerprint);
  uint8_t digest[FINGERPRINT_BYTES];
  sha256(record->text, digest);
  if (foreign == NULL || foreign->has_come) {
    link_close(exchange->link, PROTOCOL, "a schema that was not asked for");
    return false;
  }
  bool is_given = record->text.length > 0;
  if (is_given && memcmp(digest, foreign->fingerprint, sizeof digest) != 0) {
    link_close(exchange->link, PROTOCOL, "a schema that is not the one of its fingerprint");
    return false;
  }
  foreign->has_come = true;
  foreign->schema = is_given ? schema_parse(&exchange->schemas, record->text) : NULL;
  return true;
}

bool exchange_frame(struct exchange *exchange, const struct frame *frame) {
  struct link *link = exchange->link;
  struct buffer *message = &exchange->message;
  if (message->length + frame->body.length > SCHEMA_MESSAGE_BYTES_MAX) {
    link_close(link, PROTOCOL, "a schema is too long");
    return false;
  }
  buffer_append_view(message, frame->body);
  if (frame->flags & MORE) return false;
  struct schema_record record;
  bool came = false;
  if (!schema_decode(view_of_buffer(message), &record)) link_close(link, BAD_RECORD, "SCHEMA is malformed");
  else if (record.gives) came = take(exchange, &record);
  else give(exchange, record.fingerprint);
  message->length = 0;
  return came;
}
