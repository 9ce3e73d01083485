/**
 * Every limit of the engine: its name with the unit as last word, its default, and where the figure comes from.
 * A limit is a setting: `new Server({ limits: { messageBytesMax: 8 << 20 } })`, likewise for `connect`.
 *
 * How errors name a limit is decided here and nowhere else: `limitOf`, `peerLimitOf` and `describeLimit`.
 */

/** Announced to the peer in HELLO: limits for what the peer sends. */
export interface AnnouncedLimits {
  /** Longest frame, without its 12-byte header. Default 65,536 bytes. */
  readonly frameBytesMax: number;
  /** Longest message, after decompression too. Default 4 MiB (gRPC's default). */
  readonly messageBytesMax: number;
  /** Calls that the peer may have open at once. Default 1,000 (Go's net/http2 250, Envoy 1,024). */
  readonly callsInFlightMax: number;
  /** Metadata of one message, encoded. Default 16,384 bytes (Kestrel, Helidon). */
  readonly metadataBytesMax: number;
  /** Entries in the metadata of one message. Default 100 (Kestrel). */
  readonly metadataEntriesMax: number;
  /** Methods that the peer may declare on one connection. Default 1,024. */
  readonly methodsMax: number;
  /** Bytes of one stream that the peer may send ahead of the application that reads it; an item costs 12 and its own. Default 262,144. */
  readonly streamWindowBytes: number;
  /** Mean time between two PING frames that is accepted. Default 5,000 ms. */
  readonly pingIntervalMsMin: number;
}

/** Limits that stay on this side. */
export interface LocalLimits {
  /** Handlers that run at once for one connection, cancelled ones included until they end. Default: callsInFlightMax. */
  readonly handlersMax: number;
  /**
   * Handlers that run at once for all connections of a server, counted likewise; calls beyond it wait. Set it to what the handlers
   * have to share, such as connections to a database. At least 1. Default 10,000: ten connections' handlersMax.
   */
  readonly executingMax: number;
  /**
   * Connections of a server; one more is closed as it opens, with a text that says so. Default Infinity: only the
   * process's file descriptors bound them, and running out of those breaks no connection. 10 to 20 KiB each, idle.
   */
  readonly connectionsMax: number;
  /** Calls of all connections that wait for a handler; beyond it the call with the latest deadline is refused. Default 8,192. */
  readonly admissionQueueCallsMax: number;
  /** Bytes of those calls, each counted with 512 of its own. Default 16 MiB. */
  readonly admissionQueueBytesMax: number;
  /** Calls that wait here for a free slot, a connection or room in the write queue. Default 1,024. */
  readonly callsQueuedMax: number;
  /** Bytes of the requests that wait for a connection. Default 16 MiB. */
  readonly callsQueuedBytesMax: number;
  /** Bytes of unsent frames from which callers and answers wait. At least 65,536. Default 1 MiB. */
  readonly writeQueueBytesSoft: number;
  /** Bytes of unsent frames at which the connection is given up, and of long messages from which more wait. Default 16 MiB. */
  readonly writeQueueBytesHard: number;
  /**
   * Bytes to which that window grows while the way is long and the application fast. At least streamWindowBytes. Default 2 MiB, or
   * streamWindowBytes when that is more: 1 Gb/s at 16 ms.
   */
  readonly streamWindowBytesMax: number;
  /** Bytes held for messages that have arrived in part, or wait for a schema. Default 64 MiB. */
  readonly assemblyBytesMax: number;
  /** A peer that reads nothing for this long while bytes wait for it is closed. Default 15,000 ms (Helidon). */
  readonly stallMsMax: number;
  /** Times that a call which provably did not start is sent again, after a drain or on a lost connection. Default 5. */
  readonly resendsMax: number;
  /** After the peer's DRAIN, calls wait this long for a server to connect to before they fail. Default 10,000 ms. */
  readonly drainReconnectMsMax: number;
  /** Time from the start of dialling until the peer's HELLO was read. Default 5,000 ms. */
  readonly connectMsMax: number;
  /** Time an accepted socket has until its HELLO was read. Default 10,000 ms (Kestrel). */
  readonly handshakeMsMax: number;
  /** Deadline of a call that names none. Default 30,000 ms. */
  readonly deadlineMsDefault: number;
  /** Silence after which a PING asks whether the peer is alive, jittered by 10 %. Default 20,000 ms. */
  readonly keepaliveMs: number;
  /** Time the peer has to send anything after that PING. Default 10,000 ms. */
  readonly keepaliveTimeoutMs: number;
  /** Cancels, refusals and late frames tolerated beyond the calls that ended normally. Default 200 (nghttp2: 1,000, then 33/s). */
  readonly resetsBurstMax: number;
  /** Refill of that budget. Default 33 per second (nghttp2). */
  readonly resetsPerSecondMax: number;
  /**
   * With `busyPollUs`: how long a connection with unanswered calls is polled after its last bytes, if that is longer than
   * `busyPollUs`. So a call that takes an hour does not keep a core busy for an hour. Default 10 ms: for slower answers, the 0.1 ms
   * of a wake-up is less than 1 %.
   */
  readonly busyPollCallsMsMax: number;
  /** Message from which compression, where it is on, is tried. Default 4,096 bytes (at 1 Gb/s LZ4 pays from 4 to 16 KiB). */
  readonly compressionBytesMin: number;
}

export type Limits = AnnouncedLimits & LocalLimits;

export const defaultLimits: Limits = {
  frameBytesMax: 64 * 1024,
  messageBytesMax: 4 * 1024 * 1024,
  callsInFlightMax: 1_000,
  metadataBytesMax: 16 * 1024,
  metadataEntriesMax: 100,
  methodsMax: 1_024,
  streamWindowBytes: 256 * 1024,
  pingIntervalMsMin: 5_000,
  handlersMax: 1_000,
  executingMax: 10_000,
  connectionsMax: Infinity,
  admissionQueueCallsMax: 8_192,
  admissionQueueBytesMax: 16 * 1024 * 1024,
  callsQueuedMax: 1_024,
  callsQueuedBytesMax: 16 * 1024 * 1024,
  writeQueueBytesSoft: 1024 * 1024,
  writeQueueBytesHard: 16 * 1024 * 1024,
  streamWindowBytesMax: 2 * 1024 * 1024,
  assemblyBytesMax: 64 * 1024 * 1024,
  stallMsMax: 15_000,
  resendsMax: 5,
  drainReconnectMsMax: 10_000,
  connectMsMax: 5_000,
  handshakeMsMax: 10_000,
  deadlineMsDefault: 30_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  resetsBurstMax: 200,
  resetsPerSecondMax: 33,
  busyPollCallsMsMax: 10,
  compressionBytesMin: 4 * 1024,
};

/** What every peer accepts, and what a side keeps to until it has read the peer's HELLO. Nobody may announce less. */
export const minimumLimits: AnnouncedLimits = {
  frameBytesMax: 16 * 1024,
  messageBytesMax: 64 * 1024,
  callsInFlightMax: 16,
  metadataBytesMax: 4 * 1024,
  metadataEntriesMax: 16,
  methodsMax: 64,
  streamWindowBytes: 64 * 1024,
  pingIntervalMsMin: 0,
};

/** The limit behind a failure: its name with the unit as last word, its value, and the option that changes it. */
export interface LimitHit {
  readonly name: string;
  readonly value: number;
  readonly setting: string;
}

/** One of this side's own limits, as errors name it. */
export function limitOf<N extends keyof Limits>(limits: Pick<Limits, N>, name: N): LimitHit {
  return { name, value: limits[name], setting: `limits.${name}` };
}

/** One of the limits that the peer announced, as errors name it: only the peer can change it. */
export function peerLimitOf<N extends keyof AnnouncedLimits>(limits: Pick<AnnouncedLimits, N>, name: N): LimitHit {
  return { name, value: limits[name], setting: `limits.${name} of the peer` };
}

/** What went wrong, followed by the limit's name, value and setting. */
export function describeLimit(what: string, { name, value, setting }: LimitHit): string {
  return `${what}: the limit ${name} is ${value} (setting: ${setting})`;
}
