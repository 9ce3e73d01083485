/* See load.h. */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "caller.h"
#include "canonical.h"
#include "clock.h"
#include "handlers.h"
#include "socket.h"

/* The default deadline of the engine's client. */
enum { DEADLINE_MS = 30000 };

struct flight {
  int64_t id;
  double sent_at;
};

struct lane {
  struct load *load;
  struct connection *connection;
  struct flight *flights;
  unsigned in_flight, live;
  bool begun;
  struct buffer request;
};

struct load {
  /* This side serves no methods. */
  struct service service;
  struct lane *lanes;
  unsigned connections;
  struct load_counts counts;
  bool stops;
};

double cpu_seconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* The clock is read once per chunk of answers: the calls of a chunk end, and the next ones start, at that time. */
static void send_call(struct lane *lane, uint32_t slot) {
  struct flight *flight = &lane->flights[slot];
  flight->id = (flight->id + 1) & 0x3fffffff;
  flight->sent_at = lane->connection->link.now;
  struct canonical record = canonical_record(flight->id);
  lane->request.length = 0;
  canonical_encode(&lane->request, &record);
  struct request request = {.message = view_of_buffer(&lane->request), .deadline_ms = DEADLINE_MS};
  if (caller_open(lane->connection->caller, slot, &request) == OK) lane->live++;
}

/* The bits below the highest one place the latency between two powers of two. */
static void count_latency(struct load_counts *counts, double ms) {
  uint64_t ns = ms <= 0 ? 1 : (uint64_t)(ms * 1e6) | 1;
  int doubling = 63 - __builtin_clzll(ns);
  uint64_t part = doubling < 3 ? 0 : ns >> (doubling - 3) & (BUCKETS_A_DOUBLING - 1);
  int bucket = doubling * BUCKETS_A_DOUBLING + (int)part;
  counts->latencies[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

static void hear(void *context, const struct answer *answer) {
  struct lane *lane = context;
  struct load *load = lane->load;
  struct flight *flight = &lane->flights[answer->slot];
  struct canonical record;
  lane->live--;
  if (answer->code == OK) {
    if (!canonical_decode(answer->body, &record) || !canonical_is(&record, flight->id)) load->counts.wrong++;
    load->counts.answered++;
    count_latency(&load->counts, lane->connection->link.now - flight->sent_at);
  } else if (load->counts.failed++ == 0) {
    snprintf(load->counts.failure, sizeof load->counts.failure, "%s: %.*s", name_of(failure_names, answer->code),
        (int)answer->body.length, answer->body.at);
  }
  if (!load->stops) send_call(lane, answer->slot);
}

/* The upper end of the quantile's bucket, in microseconds. */
double load_quantile(const struct load_counts *counts, double share) {
  double before = 0, wanted = share * (double)counts->answered;
  for (int bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    before += (double)counts->latencies[bucket];
    int doubling = bucket / BUCKETS_A_DOUBLING, part = bucket % BUCKETS_A_DOUBLING;
    if (before >= wanted) return ldexp(1 + (part + 1.0) / BUCKETS_A_DOUBLING, doubling) / 1e3;
  }
  return INFINITY;
}

static void open_lane(struct load *load, struct loop *loop, int fd, unsigned share, const struct schema *schema, struct lane *lane) {
  struct settings settings = {.limits = limits_default, .service = &load->service};
  *lane = (struct lane){.load = load, .flights = allocate(share, sizeof(struct flight)), .in_flight = share};
  lane->connection = connection_open(fd, true, &settings, clock_ms());
  caller_listen(lane->connection->caller, hear, lane);
  caller_method(lane->connection->caller, &(struct called){view_of(CANONICAL_METHOD), UNARY, schema, schema});
  loop_add(loop, lane->connection);
}

struct load *load_open(struct loop *loop, const char *host, const char *port, unsigned in_flight, unsigned connections) {
  struct load *load = allocate(1, sizeof *load);
  const struct schema *schema = schema_parse(&load->service.schemas, canonical_schema());
  load->lanes = allocate(connections, sizeof *load->lanes);
  for (; load->connections < connections; load->connections++) {
    unsigned share = in_flight / connections + (load->connections < in_flight % connections ? 1 : 0);
    int fd = socket_dial(host, port);
    if (fd < 0) return load;
    open_lane(load, loop, fd, share, schema, &load->lanes[load->connections]);
  }
  return load;
}

bool load_begin(struct load *load) {
  bool all = true;
  for (unsigned at = 0; at < load->connections; at++) {
    struct lane *lane = &load->lanes[at];
    if (!lane->connection->hello_read) all = false;
    else if (!lane->begun) {
      lane->begun = true;
      lane->connection->link.now = clock_ms();
      for (unsigned slot = 0; slot < lane->in_flight; slot++) send_call(lane, slot);
    }
  }
  return all;
}

const struct load_counts *load_counts(const struct load *load) { return &load->counts; }

unsigned load_live(const struct load *load) {
  unsigned live = 0;
  for (unsigned at = 0; at < load->connections; at++) live += load->lanes[at].live;
  return live;
}

void load_stop(struct load *load) { load->stops = true; }

void load_close(struct load *load) {
  load->stops = true;
  for (unsigned at = 0; at < load->connections; at++) connection_close(load->lanes[at].connection, NONE, "");
}

void load_free(struct load *load) {
  service_free(&load->service);
  for (unsigned at = 0; at < load->connections; at++) {
    free(load->lanes[at].flights);
    buffer_free(&load->lanes[at].request);
  }
  free(load->lanes);
  free(load);
}
