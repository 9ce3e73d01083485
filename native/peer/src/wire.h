/*
 * Numbers and names of the wire (chapters 10 and 11 of spec/protocol.md), and lookups from names, for the vectors.
 */
#ifndef PEER_WIRE_H
#define PEER_WIRE_H

#include "bytes.h"

enum { PREFACE_BYTES = 8, HEADER_BYTES = 12, HELLO_BYTES_MAX = 16384, FINGERPRINT_BYTES = 32 };
enum { SCHEMA_TEXT_BYTES_MAX = 262144, SCHEMA_MESSAGE_BYTES_MAX = 262180 };

extern const uint8_t preface[PREFACE_BYTES];

enum frame_type {
  HELLO = 1,
  METHOD,
  SCHEMA,
  REQUEST,
  RESPONSE,
  ITEM,
  END,
  FAILURE,
  CANCEL,
  CREDIT,
  PING,
  PONG,
  DRAIN,
  CLOSE,
  OPTIONAL_FROM = 128
};

enum flag { MORE = 0x01, COMPRESSED = 0x02, METADATA = 0x04, DEADLINE = 0x08, ONEWAY = 0x10, LEDGER = 0x20, CHECKSUM = 0x40 };

enum close_code {
  NONE,
  BAD_PREFACE,
  VERSION,
  FRAME_SIZE,
  FRAME_TYPE,
  FLAGS,
  PROTOCOL,
  CALL_NUMBER,
  FLOW_CONTROL,
  FLOOD,
  HANDSHAKE_TIMEOUT,
  KEEPALIVE_TIMEOUT,
  STALLED,
  WRITE_QUEUE,
  BAD_CHECKSUM,
  TRUNCATED,
  BAD_RECORD,
  INTERNAL_CLOSE,
  AUTH,
  SHUTDOWN,
  BUSY
};

enum failure_code {
  OK = 0,
  CANCELLED,
  UNKNOWN,
  INVALID_ARGUMENT,
  DEADLINE_EXCEEDED,
  NOT_FOUND,
  ALREADY_EXISTS,
  PERMISSION_DENIED,
  RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION,
  ABORTED,
  OUT_OF_RANGE,
  UNIMPLEMENTED,
  INTERNAL,
  UNAVAILABLE
};

enum started { STARTED_NO, STARTED_MAYBE, STARTED_YES };
enum role { DECLARE, ANSWER };
enum kind { UNARY, SERVER_STREAM, CLIENT_STREAM, DUPLEX, ONEWAY_KIND, BLOB };

enum limit_name {
  FRAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  CALLS_IN_FLIGHT_MAX,
  METADATA_BYTES_MAX,
  METADATA_ENTRIES_MAX,
  METHODS_MAX,
  STREAM_WINDOW_BYTES,
  PING_INTERVAL_MS_MIN,
  LIMITS
};

struct limits {
  int64_t value[LIMITS];
};

extern const struct limits limits_default, limits_least, limits_most;

struct names {
  const char *const *at;
  int count;
};

/* Positions are the numbers; a hole is NULL. Flags are in the order of their bits. */
extern const struct names frame_names, flag_names, close_names, failure_names, started_names, role_names, kind_names, limit_names;

/* The number of a name, or -1. */
int number_of(struct names names, struct view name);
/* The name of a number, `?` for an unassigned one. */
const char *name_of(struct names names, int64_t number);

/* Call numbers (6.1). */
static inline uint32_t call_number(bool by_acceptor, uint32_t generation, uint32_t slot) {
  return (by_acceptor ? 0x80000000u : 0) | generation << 16 | slot;
}
static inline bool call_by_acceptor(uint32_t call) { return call >> 31 != 0; }
static inline uint32_t call_generation(uint32_t call) { return call >> 16 & 0x7fff; }
static inline uint32_t call_slot(uint32_t call) { return call & 0xffff; }
static inline uint32_t generation_after(uint32_t generation) { return generation == 0x7fff ? 1 : generation + 1; }

#endif
