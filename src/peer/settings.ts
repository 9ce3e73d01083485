/**
 * The settings that all connections of one channel or server share, made from the options of `connect` and `Server`: limits checked and
 * completed, compression codecs loaded, and the process that peers see.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import { defaultLimits, type Limits } from '../base/limits.js';
import { allOfKind, type OptionKinds, readOptions, shown } from '../base/options.js';
import { isKeyOf } from '../base/tables.js';
import type { Compressor } from '../compression/compressor.js';
import { loadCompressors } from '../compression/load.js';
import { SchemaCache } from '../connection/methods/schema-exchange.js';
import { busyPollMsOf, type Polling, pollingOn } from '../transport/busy-poller.js';
import { type FrameChecksums, frameChecksums } from '../wire/frame-checksums.js';
import type { CompressionName } from '../wire/message-codec.js';
import { describeLimitOutOfRange } from '../wire/records/hello.js';

/** Name and version of this software, sent in HELLO. A test compares it with package.json. */
export const SOFTWARE = 'trunkline/0.1.0';

/** What one process is to its peers, shared by all of its connections. */
export class ProcessIdentity {
  /** Schemas that peers sent, by fingerprint. */
  readonly schemas: SchemaCache = new SchemaCache();

  constructor(
    /** 16 bytes that tell it from other processes, in every HELLO that it sends. */
    readonly instance: Buffer,
  ) {}
}

const thisProcess: ProcessIdentity = new ProcessIdentity(randomBytes(16));

/** Options of both `connect` and `Server`. */
export interface EndpointOptions {
  /** Changes single limits; the others keep their defaults (`defaultLimits`). */
  readonly limits?: Partial<Limits>;
  /**
   * Compression of messages of at least `limits.compressionBytesMin` bytes, to peers that accept it. `lz4` needs the package lz4-napi.
   * Default `off`. A method's own setting has precedence.
   */
  readonly compression?: CompressionName;
  /**
   * Busy polling, in microseconds, up to 1,000,000: for this time after the last bytes of a connection, and while its calls have no answer
   * (`limits.busyPollCallsMsMax`), the event loop polls its sockets instead of sleeping. It uses a whole core, and saves the time that
   * the system takes to wake a sleeping process, which is most of the latency of a lone call. Default 0: no busy polling.
   */
  readonly busyPollUs?: number;
  /**
   * Each frame carries a CRC-32 of its header and payload, if the peer wants that too. A damaged frame closes the connection before any of
   * it is used. For networks whose own checks are not enough; it does not protect against attackers, TLS does. Default false.
   */
  readonly checksums?: boolean;
  /** The source of time. Default: the system's clock. For tests and simulations. */
  readonly clock?: Clock;
  /** Random numbers from 0 to below 1, for jitter. Default Math.random. For tests and simulations. */
  readonly random?: () => number;
  /** @internal The process that peers see; default this process. Simulations play several. */
  readonly identity?: ProcessIdentity;
}

export const endpointOptionKinds: OptionKinds<EndpointOptions> = {
  limits: 'checked',
  compression: 'checked',
  busyPollUs: 'checked',
  checksums: 'checked',
  clock: 'object',
  random: 'function',
  identity: 'object',
};

/** Completes and checks limits. Throws an `RpcError` (INVALID_ARGUMENT) that names the wrong one. */
export function completeLimits(options?: Partial<Limits>): Limits {
  const given = readOptions<Partial<Limits>>('limits.', options, allOfKind(defaultLimits, 'number'));
  const limits: { -readonly [N in keyof Limits]: Limits[N] } = { ...defaultLimits };
  const entries: [string, number | undefined][] = Object.entries(given);
  for (const [name, value] of entries) {
    if (value === undefined || !isKeyOf(name, defaultLimits)) continue;
    if (!(value >= 0)) {
      throw new RpcError('INVALID_ARGUMENT', `limits.${name} is ${shown(value)}, but must be a number of at least 0`);
    }
    limits[name] = value;
  }
  // Handlers follow calls unless they are set by themselves.
  if (given.callsInFlightMax !== undefined && given.handlersMax === undefined) {
    limits.handlersMax = given.callsInFlightMax;
  }
  // A window that is set larger than it would grow to does not grow.
  if (given.streamWindowBytesMax === undefined) {
    limits.streamWindowBytesMax = Math.max(limits.streamWindowBytesMax, limits.streamWindowBytes);
  }
  const wrong = describeLimitOutOfRange(limits) ?? describeWrongBounds(limits);
  if (wrong !== null) throw new RpcError('INVALID_ARGUMENT', `limits: ${wrong}`);
  return limits;
}

/** A socket emits 'drain' only after it held at least its high-water mark: with less, there is nothing to wait for. */
const SOFT_BYTES_MIN = 64 * 1024;

/** More credit than this the protocol cannot express. */
const WINDOW_BYTES_MAX = 0x7fff_ffff;

function describeWrongBounds(limits: Limits): string | null {
  const { writeQueueBytesSoft: soft, writeQueueBytesHard: hard } = limits;
  const { streamWindowBytes: window, streamWindowBytesMax: windowMax } = limits;
  if (soft < SOFT_BYTES_MIN) return `the limit writeQueueBytesSoft is ${soft}, but must be at least ${SOFT_BYTES_MIN}`;
  if (hard < soft) return `the limit writeQueueBytesHard is ${hard}, but must be at least writeQueueBytesSoft, ${soft}`;
  if (!(windowMax >= window && windowMax <= WINDOW_BYTES_MAX)) {
    return `the limit streamWindowBytesMax is ${windowMax}, but must be from streamWindowBytes, ${window}, to ${WINDOW_BYTES_MAX}`;
  }
  return null;
}

/** What every connection of one channel or server shares. */
export interface EndpointSettings {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly compression: CompressionName;
  /** Null: frames have none. */
  readonly checksums: FrameChecksums | null;
  readonly identity: ProcessIdentity;
  /** Null: the event loop sleeps while nothing comes. */
  readonly polling: Polling | null;
}

export function settingsOf(options: EndpointOptions): EndpointSettings {
  const { compression = 'off', checksums = false } = options;
  if (compression !== 'off' && compression !== 'lz4' && compression !== 'gzip') {
    throw new RpcError('INVALID_ARGUMENT', `compression is ${shown(compression)}, but must be 'lz4', 'gzip' or 'off'`);
  }
  if (typeof checksums !== 'boolean') {
    throw new RpcError('INVALID_ARGUMENT', `checksums is ${shown(checksums)}, but must be true or false`);
  }
  const limits = completeLimits(options.limits);
  const clock = options.clock ?? systemClock;
  return {
    limits,
    clock,
    random: options.random ?? Math.random,
    compression,
    checksums: checksums ? frameChecksums() : null,
    identity: options.identity ?? thisProcess,
    polling: pollingOn(clock, busyPollMsOf(options), limits.busyPollCallsMsMax),
  };
}

/** Time that a drain leaves to what is running, when nothing else is said. */
const GRACE_MS = 20_000;

/** Options of `Server.drain` and `ClientChannel.close`. */
export interface GraceOptions {
  /** Milliseconds that running calls have to finish; Infinity: as long as they take. Default 20,000. */
  readonly graceMs?: number;
}

/** The grace that `options` give, in whole milliseconds. `place` is what takes them. Throws an `RpcError` (INVALID_ARGUMENT). */
export function graceMsOf(place: string, options: GraceOptions | undefined): number {
  const { graceMs = GRACE_MS } = readOptions<GraceOptions>(place, options, { graceMs: 'checked' });
  if (typeof graceMs !== 'number' || !(graceMs >= 0)) {
    throw new RpcError('INVALID_ARGUMENT', `graceMs is ${shown(graceMs)}, but must be a number of at least 0`);
  }
  return Math.ceil(graceMs);
}

/** The codecs that these settings ask for, loaded. Rejects with an `RpcError` that names a package that is missing. */
export function compressorsFor(settings: Iterable<CompressionName | undefined>): Promise<readonly Compressor[]> {
  const names: CompressionName[] = [];
  for (const name of settings) if (name !== undefined) names.push(name);
  return loadCompressors(names);
}
