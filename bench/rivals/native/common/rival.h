/*
 * What the native rivals share: how they are started (`serve WORKLOAD`, `drive WORKLOAD IN_FLIGHT PORT`, `version`), the orders that
 * come on stdin, and what they count. README.md describes the lines. Counters may be raised from any thread.
 */
#ifndef RIVAL_H
#define RIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum workload { WORKLOAD_UNARY, WORKLOAD_BLOB, WORKLOAD_STREAM };

enum {
  BLOB_BYTES = 64 * 1024,
  /* Every so many answers of a caller, and items of a stream, one is compared in full. */
  ANSWERS_PER_FULL_CHECK = 1024,
};

struct role {
  bool serves;
  enum workload workload;
  /* Of a driver only. */
  unsigned in_flight;
  uint16_t port;
};

/* Reads the arguments. Prints `version` and ends the process where that was asked for; ends it with 2 when they make no sense. */
struct role rival_role(int argc, char **argv, const char *version);

/* Prints the first line and starts the thread that obeys stdin; that thread ends the process. */
void rival_ready(uint16_t port);

void rival_done(uint64_t calls);
void rival_wrong(uint64_t answers);
/* Counts a call that failed and keeps the text of the first. */
void rival_failed(const char *text);
/* Sleeps until the orders end the process. */
void rival_rest(void) __attribute__((noreturn));
/* For what cannot go on: prints to stderr and ends the process with 1. */
void rival_die(const char *what) __attribute__((noreturn));

/* The blob of a caller: each has its own, so that an answer to the wrong caller shows. */
void rival_fill_blob(uint8_t *blob, unsigned caller);

#ifdef __cplusplus
}
#endif
#endif
