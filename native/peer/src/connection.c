/* See connection.h. */
#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "callee.h"
#include "callee_methods.h"
#include "callee_run.h"
#include "caller.h"
#include "caller_answers.h"
#include "exchange.h"
#include "sha256.h"

enum {
  READ_BYTES = 262144,
  READS_A_TURN = 4,
  WRITES_A_TURN = 4,
  UNSENT_BYTES_PAUSE = 1 << 20,
  FLUSH_BYTES_MIN = 1024,
  FLUSH_BYTES_MAX = 8192,
  HANDSHAKE_MS = 10000,
  STALL_MS = 15000,
  PINGS_AT_ONCE = 5
};

static void send_hello(struct connection *connection) {
  uint8_t instance[16];
  /* Any bytes that differ between processes. */
  uint8_t digest[32];
  uint64_t seed[2] = {(uint64_t)getpid(), (uint64_t)time(NULL)};
  sha256((struct view){(const uint8_t *)seed, sizeof seed}, digest);
  for (int i = 0; i < 16; i++) instance[i] = digest[i];
  struct hello hello = {.version_min = 1, .version_max = 1, .limits = connection->link.settings.limits};
  hello.software = view_of("trunkline-peer-c/1");
  hello.instance = (struct view){instance, sizeof instance};
  if (connection->link.settings.lz4) hello.compression.name[hello.compression.count++] = view_of("lz4");
  if (connection->link.settings.checksum) hello.capabilities.name[hello.capabilities.count++] = view_of("checksum");
  struct buffer payload = {0};
  hello_encode(&payload, &hello);
  link_send(&connection->link, &(struct frame){.type = HELLO, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
}

struct connection *connection_open(int fd, bool is_dialler, const struct settings *settings, double now) {
  struct connection *connection = allocate(1, sizeof *connection);
  *connection = (struct connection){
      .fd = fd,
      .decoder = {.limits = settings->limits},
      .greet_by = now + HANDSHAKE_MS,
      .stalled_since = now,
      .flush_at = FLUSH_BYTES_MIN,
      .pings = {PINGS_AT_ONCE, PINGS_AT_ONCE, now},
  };
  struct link *link = &connection->link;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  link_open(link, is_dialler, settings, now);
  connection->exchange = exchange_new(link);
  connection->callee = callee_new(link, connection->exchange);
  connection->caller = caller_new(link, connection->exchange);
  send_hello(connection);
  return connection;
}

void connection_free(struct connection *connection) {
  close(connection->fd);
  callee_free(connection->callee);
  caller_free(connection->caller);
  exchange_free(connection->exchange);
  buffer_free(&connection->input);
  link_free(&connection->link);
  free(connection);
}

/* Ends this side's live calls once something has closed the link, which no layer below can do itself. */
static void end_calls_if_closing(struct connection *connection) {
  if (connection->link.closing) caller_lost(connection->caller, STARTED_MAYBE);
}

void connection_close(struct connection *connection, enum close_code code, const char *text) {
  link_close(&connection->link, code, text);
  end_calls_if_closing(connection);
}

static void send_ping(struct connection *connection) {
  static const uint8_t opaque[8] = "drained?";
  connection->ping_sent = true;
  link_send(&connection->link, &(struct frame){.type = PING, .body = {opaque, sizeof opaque}});
}

void connection_drain(struct connection *connection, const char *text, int32_t grace_ms) {
  if (connection->link.drain_sent || connection->link.closing) return;
  connection->link.drain_sent = connection->pong_due = true;
  connection->drain_by = connection->link.now + grace_ms;
  struct buffer payload = {0};
  drain_encode(&payload, &(struct drain_record){view_of(text), grace_ms});
  link_send(&connection->link, &(struct frame){.type = DRAIN, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
  /* Its PONG proves that the peer has read DRAIN, so every call that crossed DRAIN was read here. */
  if (connection->hello_read) send_ping(connection);
}

/* After DRAIN: closes once no call is live, or when the grace is over. */
static void go_on_draining(struct connection *connection) {
  if (!connection->link.drain_sent || connection->link.closing) return;
  bool is_idle = callee_is_idle(connection->callee) && caller_is_idle(connection->caller);
  if (is_idle && !connection->pong_due) return connection_close(connection, NONE, "drained");
  if (connection->link.now < connection->drain_by) return;
  callee_end_all(connection->callee);
  connection_close(connection, SHUTDOWN, "the grace of the drain is over");
}

static void on_hello(struct connection *connection, const struct frame *frame) {
  struct hello hello = {0};
  if (connection->hello_read) return connection_close(connection, PROTOCOL, "a second HELLO");
  if (!hello_decode(frame->body, &hello)) return connection_close(connection, BAD_RECORD, "HELLO is malformed");
  if (hello.version_min > 1) return connection_close(connection, VERSION, "version 1 is spoken here");
  connection->hello_read = true;
  int64_t more = hello.limits.value[STREAM_WINDOW_BYTES] - connection->link.peer.value[STREAM_WINDOW_BYTES];
  connection->link.peer = hello.limits;
  connection->link.peer_lists_lz4 = connection->link.settings.lz4 && hello_lists(&hello.compression, "lz4");
  caller_greeted(connection->caller, more);
  connection->decoder.checksum = connection->link.checksum =
      connection->link.settings.checksum && hello_lists(&hello.capabilities, "checksum");
  if (connection->link.drain_sent) send_ping(connection);
}

static void on_method(struct connection *connection, const struct frame *frame) {
  struct method_record method;
  if (!method_decode(frame->body, &method)) return connection_close(connection, BAD_RECORD, "METHOD is malformed");
  if (method.role == DECLARE) callee_declare(connection->callee, frame->method, &method);
  else caller_answered(connection->caller, frame->method, &method);
}

static void on_schema(struct connection *connection, const struct frame *frame) {
  if (!exchange_frame(connection->exchange, frame)) return;
  callee_schema(connection->callee);
  caller_schema(connection->caller);
}

static void on_ping(struct connection *connection, const struct frame *frame) {
  int64_t interval = connection->link.settings.limits.value[PING_INTERVAL_MS_MIN];
  if (interval > 0 && !bucket_take(&connection->pings, connection->link.now, 1 / (double)interval)) {
    return connection_close(connection, FLOOD, "too many PING");
  }
  link_send(&connection->link, &(struct frame){.type = PONG, .body = frame->body});
}

static void on_pong(struct connection *connection, const struct frame *frame) {
  bool answers = connection->ping_sent && view_equals(frame->body, (struct view){(const uint8_t *)"drained?", 8});
  if (!answers) return connection_close(connection, PROTOCOL, "a PONG that answers nothing");
  connection->ping_sent = connection->pong_due = false;
}

static void on_drain(struct connection *connection, const struct frame *frame) {
  struct drain_record drain;
  if (connection->link.drain_read) return connection_close(connection, PROTOCOL, "a second DRAIN");
  if (!drain_decode(frame->body, &drain)) return connection_close(connection, BAD_RECORD, "DRAIN is malformed");
  connection->link.drain_read = true;
}

/* A peer that closes with one of these has run no call (8.1). */
static bool has_run_none(int32_t code) {
  return code == BAD_PREFACE || code == VERSION || code == AUTH || code == HANDSHAKE_TIMEOUT || code == BUSY;
}

static void on_close(struct connection *connection, const struct frame *frame) {
  struct code_record record;
  if (!close_decode(frame->body, &record)) return connection_close(connection, BAD_RECORD, "CLOSE is malformed");
  connection->link.closing = true;
  connection->link.closed_with = (enum close_code)record.code;
  connection->link.close_by = connection->link.now;
  connection->link.output.length = connection->link.output_sent;
  caller_lost(connection->caller, has_run_none(record.code) ? STARTED_NO : STARTED_MAYBE);
}

/* A call frame belongs to the side that opened the call; REQUEST, CANCEL and RESPONSE, FAILURE go one way only. */
static void on_call_frame(struct connection *connection, const struct frame *frame) {
  bool is_ours = call_by_acceptor(frame->call) != connection->link.is_dialler;
  bool of_caller = frame->type == REQUEST || frame->type == CANCEL, of_callee = frame->type == RESPONSE || frame->type == FAILURE;
  if (is_ours ? of_caller : of_callee) connection_close(connection, CALL_NUMBER, "the wrong side opened this call");
  else if (is_ours) caller_frame(connection->caller, frame);
  else callee_frame(connection->callee, frame);
}

static void on_frame(struct connection *connection, const struct frame *frame) {
  bool greets = frame->type == HELLO || frame->type == CLOSE;
  if (!connection->hello_read && !greets) return connection_close(connection, PROTOCOL, "a frame came before HELLO");
  switch (frame->type) {
    case HELLO: return on_hello(connection, frame);
    case METHOD: return on_method(connection, frame);
    case SCHEMA: return on_schema(connection, frame);
    case PING: return on_ping(connection, frame);
    case PONG: return on_pong(connection, frame);
    case DRAIN: return on_drain(connection, frame);
    case CLOSE: return on_close(connection, frame);
    default: on_call_frame(connection, frame);
  }
}

/* Writes as much of the output as the socket takes. */
static void flush(struct connection *connection) {
  struct buffer *output = &connection->link.output;
  connection->is_blocked = false;
  while (connection->link.output_sent < output->length) {
    ssize_t sent = send(connection->fd, output->at + connection->link.output_sent, output->length - connection->link.output_sent, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) connection->finished = true;
      connection->is_blocked = true;
      break;
    }
    connection->link.output_sent += (size_t)sent;
    connection->stalled_since = connection->link.now;
  }
  if (connection->link.output_sent == output->length) {
    output->length = connection->link.output_sent = 0;
    connection->stalled_since = connection->link.now;
    if (connection->link.closing && !connection->ended) {
      connection->ended = true;
      shutdown(connection->fd, SHUT_WR);
    }
  } else if (connection->link.output_sent > UNSENT_BYTES_PAUSE) {
    buffer_consume(output, connection->link.output_sent);
    connection->link.output_sent = 0;
  }
  if (connection->link.closing && connection->ended && connection->peer_ended) connection->finished = true;
}

static void decode_input(struct connection *connection) {
  size_t used = 0;
  /* Decodes no further while the peer does not read the answers. */
  while (!connection->link.closing && link_unsent(&connection->link) <= UNSENT_BYTES_PAUSE) {
    struct frame frame;
    size_t step;
    struct view input = {connection->input.at + used, connection->input.length - used};
    enum decoded decoded = frame_decode(&connection->decoder, input, &step, &frame);
    used += step;
    if (decoded == DECODE_MORE) break;
    if (decoded == DECODE_FRAME) {
      on_frame(connection, &frame);
      end_calls_if_closing(connection);
    } else {
      connection_close(connection, connection->decoder.error, name_of(close_names, connection->decoder.error));
    }
    /* Gives the peer something to work on while the rest is decoded. */
    if (link_unsent(&connection->link) >= connection->flush_at && !connection->is_blocked) {
      flush(connection);
      if (connection->flush_at < FLUSH_BYTES_MAX) connection->flush_at *= 2;
    }
  }
  if (connection->link.closing) used = connection->input.length;
  buffer_consume(&connection->input, used);
}

/* Handles the input and lets streams send, until too many bytes are unsent. */
static void work(struct connection *connection) {
  decode_input(connection);
  bool callee_has_more = callee_stream(connection->callee), caller_has_more = caller_stream(connection->caller);
  connection->has_more = callee_has_more || caller_has_more;
  end_calls_if_closing(connection);
  go_on_draining(connection);
}

static void on_input_end(struct connection *connection) {
  connection->peer_ended = true;
  if (connection->link.closing) return;
  bool inside = connection->input.length > 0 || connection->decoder.skip_left > 0 || connection->decoder.preface_read < PREFACE_BYTES;
  if (inside || !connection->hello_read) return connection_close(connection, TRUNCATED, "the stream ended inside a frame");
  caller_lost(connection->caller, STARTED_MAYBE);
  callee_peer_ended(connection->callee);
}

void connection_read(struct connection *connection, double now) {
  connection->link.now = now;
  connection->flush_at = FLUSH_BYTES_MIN;
  for (int turn = 0; turn < READS_A_TURN && connection_wants_input(connection); turn++) {
    /* Input that waited for the peer to read. */
    if (connection->input.length > 0) decode_input(connection);
    uint8_t *to = buffer_reserve(&connection->input, READ_BYTES);
    ssize_t come = recv(connection->fd, to, READ_BYTES, 0);
    if (come < 0) {
      if (errno != EAGAIN && errno != EINTR) connection->finished = true;
      break;
    }
    if (come == 0) {
      on_input_end(connection);
      break;
    }
    connection->input.length += (size_t)come;
    work(connection);
    if (come < READ_BYTES) break;
  }
  if (connection->finished) caller_lost(connection->caller, STARTED_MAYBE);
}

void connection_write(struct connection *connection) {
  flush(connection);
  for (int turn = 0; turn < WRITES_A_TURN && link_unsent(&connection->link) == 0 && !connection->finished; turn++) {
    work(connection);
    if (link_unsent(&connection->link) == 0) break;
    flush(connection);
  }
}

void connection_tick(struct connection *connection, double now) {
  connection->link.now = now;
  if (connection->link.closing) {
    if (now >= connection->link.close_by) connection->finished = true;
    return;
  }
  if (!connection->hello_read && now >= connection->greet_by) connection_close(connection, HANDSHAKE_TIMEOUT, "no HELLO came");
  callee_tick(connection->callee, now);
  end_calls_if_closing(connection);
  caller_tick(connection->caller, now);
  go_on_draining(connection);
  if (connection->peer_ended && callee_is_idle(connection->callee)) connection_close(connection, NONE, "the peer has ended");
  if (connection_wants_output(connection) && now - connection->stalled_since > STALL_MS) {
    connection_close(connection, STALLED, "the peer does not read");
  }
}

bool connection_wants_input(const struct connection *connection) {
  bool full = link_unsent(&connection->link) > UNSENT_BYTES_PAUSE && !connection->link.closing;
  return !connection->peer_ended && !connection->finished && !full;
}

bool connection_wants_output(const struct connection *connection) {
  return link_unsent(&connection->link) > 0 || (connection->has_more && !connection->link.closing);
}
