/* See wire.h. */
#include "wire.h"

const uint8_t preface[PREFACE_BYTES] = {0x8d, 'T', 'K', 'L', '\r', '\n', 0x1a, '\n'};

#define INT31_MAX 0x7fffffff

const struct limits limits_default = {{65536, 4194304, 1000, 16384, 100, 1024, 262144, 5000}};
const struct limits limits_least = {{16384, 65536, 16, 4096, 16, 64, 65536, 0}};
const struct limits limits_most = {
    {16777216, 0x1fffffffffffff, 65536, INT31_MAX, INT31_MAX, 65536, INT31_MAX, INT31_MAX}};

static const char *const frames[] = {NULL,    "HELLO",  "METHOD", "SCHEMA", "REQUEST", "RESPONSE", "ITEM", "END",
                                     "FAILURE", "CANCEL", "CREDIT", "PING",   "PONG",    "DRAIN",    "CLOSE"};
static const char *const flags[] = {"MORE", "COMPRESSED", "METADATA", "DEADLINE", "ONEWAY", "LEDGER", "CHECKSUM"};
static const char *const closes[] = {
    "NONE",  "BAD_PREFACE",       "VERSION",           "FRAME_SIZE", "FRAME_TYPE",  "FLAGS",    "PROTOCOL",  "CALL_NUMBER", "FLOW_CONTROL",
    "FLOOD", "HANDSHAKE_TIMEOUT", "KEEPALIVE_TIMEOUT", "STALLED",    "WRITE_QUEUE", "CHECKSUM", "TRUNCATED", "BAD_RECORD",  "INTERNAL",
    "AUTH",  "SHUTDOWN",          "BUSY"};
static const char *const failures[] = {NULL,
                                       "CANCELLED",
                                       "UNKNOWN",
                                       "INVALID_ARGUMENT",
                                       "DEADLINE_EXCEEDED",
                                       "NOT_FOUND",
                                       "ALREADY_EXISTS",
                                       "PERMISSION_DENIED",
                                       "RESOURCE_EXHAUSTED",
                                       "FAILED_PRECONDITION",
                                       "ABORTED",
                                       "OUT_OF_RANGE",
                                       "UNIMPLEMENTED",
                                       "INTERNAL",
                                       "UNAVAILABLE",
                                       "DATA_LOSS",
                                       "UNAUTHENTICATED"};
static const char *const starts[] = {"NO", "MAYBE", "YES"};
static const char *const roles[] = {"DECLARE", "ANSWER"};
static const char *const kinds[] = {"UNARY", "SERVER_STREAM", "CLIENT_STREAM", "DUPLEX", "ONEWAY", "BLOB"};
static const char *const limit_texts[] = {"frameBytesMax",      "messageBytesMax", "callsInFlightMax",  "metadataBytesMax",
                                          "metadataEntriesMax", "methodsMax",      "streamWindowBytes", "pingIntervalMsMin"};

#define NAMES(array) {array, (int)(sizeof array / sizeof *array)}
const struct names frame_names = NAMES(frames), flag_names = NAMES(flags), close_names = NAMES(closes),
                   failure_names = NAMES(failures), started_names = NAMES(starts), role_names = NAMES(roles),
                   kind_names = NAMES(kinds), limit_names = NAMES(limit_texts);

int number_of(struct names names, struct view name) {
  for (int number = 0; number < names.count; number++) {
    if (names.at[number] != NULL && view_is(name, names.at[number])) return number;
  }
  return -1;
}

const char *name_of(struct names names, int64_t number) {
  return number < 0 || number >= names.count || names.at[number] == NULL ? "?" : names.at[number];
}
