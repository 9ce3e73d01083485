/*
 * The state of the peer's calls, shared by callee.c (frames), callee_methods.c (METHOD and the grading of schemas) and callee_run.c
 * (handlers, and the end of a call). No other file includes this.
 */
#ifndef PEER_CALLEE_SLOTS_H
#define PEER_CALLEE_SLOTS_H

#include "exchange.h"
#include "handlers.h"

enum { HELD_BYTES_MAX = 64 << 20 };

/* PENDING: schemas are still to arrive (6.4). */
enum fit { UNDECLARED, FITS, UNKNOWN_METHOD, OTHER_KIND, PENDING, BREAKING };

struct fingerprint {
  bool is_null;
  uint8_t bytes[FINGERPRINT_BYTES];
};

struct method {
  enum fit fit;
  enum kind kind;
  const struct handler *handler;
  /* The caller's fingerprints. */
  struct fingerprint request, response;
  /* The caller's schema of requests if it differs from this side's. */
  const struct schema *writer;
  /* The path of the first offending field of a BREAKING method. */
  struct buffer path;
};

enum state { FREE, ASSEMBLING, RECEIVING, RUNNING };

struct slot {
  enum state state;
  /* A handler was started. */
  bool started;
  /* The generation of the live call, or of the last one; 0: there was none. */
  uint16_t generation;
  uint16_t method;
  uint8_t flags;
  /*
   * After the end of the call: whether its request was incomplete; whether a late END and CANCEL have arrived; whether CANCEL is free; the
   * credit that was left.
   */
  bool rest, late_end, late_cancel, free_cancel;
  int64_t credit;
  struct buffer request;
  struct buffer metadata;
  struct work work;
  /* This call's part of `callee->held`. */
  size_t held;
  double begun, due, deadline;
};

struct callee {
  struct link *link;
  struct exchange *exchange;
  struct method *methods;
  struct slot *slots;
  /* Slots from `slots_used` on have never had a call. */
  uint32_t slot_count, slots_used, live, streams;
  size_t held;
  /* Requests of ONEWAY calls that wait for schemas, whose slots are free. The `cost` of an item is the number of its method. */
  struct items oneways;
  /* When the earliest deadline or late answer is due. */
  double due;
};

static inline uint32_t callee_call(const struct callee *callee, uint32_t index) {
  return call_number(callee->link->is_dialler, callee->slots[index].generation, index);
}

#endif
