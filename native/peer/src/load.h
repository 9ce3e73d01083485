/*
 * A closed loop of the benchmark's call: so many are always in flight, over so many connections; each answer is decoded and checked,
 * and makes the next call. What is measured is the server: this side's own CPU time says how far it is from being the limit.
 */
#ifndef PEER_LOAD_H
#define PEER_LOAD_H

#include "loop.h"

/* Latencies are counted in steps of an eighth of a power of two, of nanoseconds. */
enum { LATENCY_BUCKETS = 320, BUCKETS_A_DOUBLING = 8 };

struct load_counts {
  uint64_t answered, wrong, failed;
  uint64_t latencies[LATENCY_BUCKETS];
  /* Of the first failure. */
  char failure[128];
};

struct load;

/*
 * Dials; calls begin on each connection once its peer's HELLO says how many there may be. Where one cannot be opened, which a line on
 * stderr says, the loop has fewer connections than were asked for.
 */
struct load *load_open(struct loop *loop, const char *host, const char *port, unsigned in_flight, unsigned connections);
/* Whether all connections have begun. */
bool load_begin(struct load *load);
const struct load_counts *load_counts(const struct load *load);
unsigned load_live(const struct load *load);
/* No more calls are made. */
void load_stop(struct load *load);
void load_close(struct load *load);
/* Behind loop_free. */
void load_free(struct load *load);

double load_quantile(const struct load_counts *counts, double share);
/* This process's CPU time. */
double cpu_seconds(void);

#endif
