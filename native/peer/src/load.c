/*
 * `peer load`: see modes.h. So many calls are always in flight; each answer is decoded and checked and makes the next call. What
 * is measured is the server: this side's own CPU per call is printed so that one sees how far it is from being the limit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "caller.h"
#include "canonical.h"
#include "handlers.h"
#include "loop.h"
#include "modes.h"
#include "socket.h"

/* Latencies are counted in steps of an eighth of a power of two of microseconds. */
enum { BUCKETS = 256, BUCKETS_A_DOUBLING = 8, WAIT_MS = 100, PATIENCE_MS = 5000 };

struct load {
  /* Nothing is served. */
  struct service service;
  uint64_t answered, wrong, failed;
  uint64_t latencies[BUCKETS];
  bool stops;
};

struct flight {
  int64_t id;
  double sent_at;
};

struct lane {
  struct load *load;
  struct connection *connection;
  struct flight *flights;
  unsigned in_flight;
  unsigned live;
  bool begun;
  struct buffer request;
};

static double cpu_seconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void send_call(struct lane *lane, uint32_t slot) {
  struct flight *flight = &lane->flights[slot];
  flight->id = (flight->id + 1) & 0x3fffffff;
  flight->sent_at = clock_ms();
  struct canonical record = canonical_record(flight->id);
  lane->request.length = 0;
  canonical_encode(&lane->request, &record);
  struct request request = {.message = view_of_buffer(&lane->request), .deadline_ms = -1};
  if (caller_open(lane->connection->caller, slot, &request) == OK) lane->live++;
}

static void count_latency(struct load *load, double ms) {
  double us = ms * 1e3;
  int bucket = us <= 1 ? 0 : (int)(log2(us) * BUCKETS_A_DOUBLING);
  load->latencies[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static void hear(void *context, const struct answer *answer) {
  struct lane *lane = context;
  struct load *load = lane->load;
  struct flight *flight = &lane->flights[answer->slot];
  struct canonical record;
  lane->live--;
  if (answer->code != OK) {
    if (load->failed++ == 0) printf("%s: %.*s\n", name_of(failure_names, answer->code), (int)answer->body.length, answer->body.at);
  } else {
    if (!canonical_decode(answer->body, &record) || !canonical_is(&record, flight->id)) load->wrong++;
    load->answered++;
    count_latency(load, clock_ms() - flight->sent_at);
  }
  if (!load->stops) send_call(lane, answer->slot);
}

/* The upper end of the bucket in which the quantile lies, in microseconds. */
static double quantile(const struct load *load, double share) {
  double before = 0, wanted = share * (double)load->answered;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    before += (double)load->latencies[bucket];
    if (before >= wanted) return exp2((bucket + 1.0) / BUCKETS_A_DOUBLING);
  }
  return INFINITY;
}

static struct lane *open_lanes(struct load *load, struct loop *loop, const char *host, const char *port, unsigned in_flight,
    unsigned connections) {
  struct settings settings = {.limits = limits_default, .service = &load->service};
  const struct schema *schema = schema_parse(&load->service.schemas, canonical_schema());
  struct lane *lanes = allocate(connections, sizeof *lanes);
  for (unsigned at = 0; at < connections; at++) {
    int fd = socket_dial(host, port);
    if (fd < 0) return lanes;
    struct lane *lane = &lanes[at];
    unsigned share = in_flight / connections + (at < in_flight % connections ? 1 : 0);
    *lane = (struct lane){.load = load, .flights = allocate(share, sizeof(struct flight)), .in_flight = share};
    lane->connection = connection_open(fd, true, &settings, clock_ms());
    caller_listen(lane->connection->caller, hear, lane);
    caller_method(lane->connection->caller, &(struct called){view_of(CANONICAL_METHOD), UNARY, schema, schema});
    loop_add(loop, lane->connection);
  }
  return lanes;
}

/* Calls begin once the peer's HELLO says how many there may be. False while one has not come. */
static bool begin_lanes(struct lane *lanes, unsigned connections) {
  bool all = true;
  for (unsigned at = 0; at < connections; at++) {
    struct lane *lane = &lanes[at];
    if (lane->connection == NULL || !lane->connection->hello_read) all = false;
    else if (!lane->begun) {
      lane->begun = true;
      for (unsigned slot = 0; slot < lane->in_flight; slot++) send_call(lane, slot);
    }
  }
  return all;
}

static unsigned live_calls(const struct lane *lanes, unsigned connections) {
  unsigned live = 0;
  for (unsigned at = 0; at < connections; at++) live += lanes[at].live;
  return live;
}

static void report(const struct load *load, double seconds, double cpu) {
  double calls = load->answered == 0 ? 1 : (double)load->answered;
  printf("calls %llu, failed %llu, wrong %llu\n", (unsigned long long)load->answered, (unsigned long long)load->failed,
         (unsigned long long)load->wrong);
  printf("calls/s %.0f, own CPU %.3f us a call, p50 %.0f us, p99 %.0f us\n",
      calls / seconds, cpu * 1e6 / calls, quantile(load, 0.5), quantile(load, 0.99));
}

int load_run(const char *host, const char *port, unsigned in_flight, double seconds, unsigned connections) {
  struct load load = {0};
  struct loop *loop = loop_new();
  struct lane *lanes = open_lanes(&load, loop, host, port, in_flight, connections);
  double opened = clock_ms();
  while (!begin_lanes(lanes, connections) && clock_ms() - opened < PATIENCE_MS && loop_count(loop) == connections) loop_turn(loop, 1);
  double begun = clock_ms(), cpu = cpu_seconds();
  while (clock_ms() - begun < seconds * 1e3 && live_calls(lanes, connections) > 0 && loop_turn(loop, WAIT_MS)) continue;
  load.stops = true;
  double lasted = (clock_ms() - begun) / 1e3, spent = cpu_seconds() - cpu;
  struct load measured = load;
  while (live_calls(lanes, connections) > 0 && clock_ms() - begun < seconds * 1e3 + PATIENCE_MS) loop_turn(loop, WAIT_MS);
  report(&measured, lasted, spent);
  bool good = load.answered > 0 && load.wrong == 0 && load.failed == 0 && live_calls(lanes, connections) == 0;
  for (unsigned at = 0; at < connections; at++) {
    if (lanes[at].connection != NULL) connection_close(lanes[at].connection, NONE, "");
  }
  while (loop_count(loop) > 0 && loop_turn(loop, WAIT_MS)) continue;
  loop_free(loop);
  service_free(&load.service);
  for (unsigned at = 0; at < connections; at++) {
    free(lanes[at].flights);
    buffer_free(&lanes[at].request);
  }
  free(lanes);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
