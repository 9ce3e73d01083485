/*
 * A closed loop of the benchmark's call: `in_flight` calls are always in flight over all connections; each answer is decoded and
 * checked, and starts the next call. The server is measured: this side's own CPU time shows how far the load is from being the
 * limit.
 */
#ifndef PEER_LOAD_H
#define PEER_LOAD_H

#include "loop.h"

/* Latencies in nanoseconds are counted in buckets of an eighth of a power of two. */
enum { LATENCY_BUCKETS = 320, BUCKETS_A_DOUBLING = 8 };

struct load_counts {
  uint64_t answered, wrong, failed;
  uint64_t latencies[LATENCY_BUCKETS];
  /* The text of the first failure. */
  char failure[128];
};

struct load;

/*
 * Dials; calls start on each connection once its peer's HELLO says how many there may be. If one cannot be opened, a line on
 * stderr says so, and the loop has fewer connections.
 */
struct load *load_open(struct loop *loop, const char *host, const char *port, unsigned in_flight, unsigned connections);
/* Whether all connections have begun. */
bool load_begin(struct load *load);
const struct load_counts *load_counts(const struct load *load);
unsigned load_live(const struct load *load);
/* No more calls are made. */
void load_stop(struct load *load);
void load_close(struct load *load);
/* Call it after loop_free. */
void load_free(struct load *load);

double load_quantile(const struct load_counts *counts, double share);
/* This process's CPU time. */
double cpu_seconds(void);

#endif
