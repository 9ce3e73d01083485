/**
 * From a target to a connection that works. This channel holds one connection: opened with the first call (or `ready()`),
 * opened anew when it broke and somebody calls. Calls made while it opens wait in a bounded queue with their deadlines
 * running. After a failed attempt calls fail at once until the backoff has passed, so that a dead server is not besieged.
 *
 *   idle --call--> connecting --socket--> connected --lost, draining--> idle
 *                      |  ^
 *               failed v  | the backoff has passed and somebody calls
 *                    backoff
 */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { RpcError } from '../base/errors.js';
import { SOFTWARE } from '../base/version.js';
import type { Compressor } from '../compression/compressor.js';
import { CallQueue } from '../connection/call-queue.js';
import type { Reject, Resolve } from '../connection/call-table.js';
import { Connection } from '../connection/connection.js';
import { DeadlineTimer } from '../connection/deadline-timer.js';
import type { Peer } from '../connection/peer.js';
import { type CallExtras, PendingCall } from '../connection/pending-call.js';
import {
  compressorsFor,
  type EndpointOptions,
  type EndpointSettings,
  graceMsOf,
  settingsOf,
} from '../connection/settings.js';
import type { Transport } from '../connection/transport.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { Backoff } from './backoff.js';
import { dial, nameOf } from './dial.js';
import { parseTarget, type Target } from './target.js';

export interface ChannelOptions extends EndpointOptions {
  /**
   * For a `tls://` target: options of `tls.connect`, such as `ca`, `cert`, `key` and `servername`. The server's certificate is
   * verified unless `rejectUnauthorized: false` says otherwise.
   */
  readonly tls?: TlsOptions;
  /** Deadline of calls that name none, in milliseconds. Default `limits.deadlineMsDefault` (30,000). */
  readonly deadlineMs?: number;
  /**
   * Opens a transport to the target, such as `tcp://host:port`, within `connectMsMax` milliseconds; default: a socket. For tests and
   * simulations.
   */
  readonly dial?: (target: string, connectMsMax: number) => Promise<Transport>;
}

type ChannelState = 'idle' | 'connecting' | 'connected' | 'backoff' | 'closed';

export class Channel {
  /** The deadline of calls that name none, in milliseconds. */
  readonly deadlineMsDefault: number;
  private readonly target: Target;
  private readonly options: ChannelOptions;
  private readonly settings: EndpointSettings;
  private readonly backoff: Backoff;
  private readonly waiting: CallQueue;
  private readonly timer: DeadlineTimer;
  private compressors: readonly Compressor[] = [];
  /** Settings of the channel and of the methods called so far: their codecs are loaded before the next connection opens. */
  private readonly compressions = new Set<CompressionName>();
  private state: ChannelState = 'idle';
  /** Takes calls. */
  private connection: Connection | null = null;
  /** Every connection whose socket is not gone, the draining ones included. */
  private readonly connections = new Set<Connection>();
  private readonly greetingWaiters: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void }[] =
    [];
  private attempt: Promise<void> | null = null;
  private failure: RpcError | null = null;
  private retryAt = 0;
  private closing: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong. */
  constructor(target: string, options: ChannelOptions = {}) {
    this.target = parseTarget(target);
    this.options = options;
    this.settings = settingsOf(options);
    const { limits, clock, random, compression } = this.settings;
    this.deadlineMsDefault = options.deadlineMs ?? limits.deadlineMsDefault;
    if (!(this.deadlineMsDefault > 0)) {
      throw new RpcError('INVALID_ARGUMENT', `deadlineMs is ${String(options.deadlineMs)}, but must be more than 0`);
    }
    if (compression !== 'off') this.compressions.add(compression);
    this.backoff = new Backoff(random);
    this.waiting = new CallQueue(limits.callsQueuedMax, `a connection to ${nameOf(this.target)}`);
    this.timer = new DeadlineTimer(clock, (now) => this.waiting.sweep(now));
  }

  /** Who answers at the moment; null without a connection. */
  get peer(): Peer | null {
    return this.connection?.peer ?? null;
  }

  /** Resolves when the peer has said HELLO. Rejects with the `RpcError` of the attempt that failed. */
  async ready(): Promise<void> {
    if (this.state === 'closed') throw this.closedError();
    if (this.connection === null) await this.connect();
    if (this.connection?.state !== 'greeting') return;
    await new Promise<void>((resolve, reject) => this.greetingWaiters.push({ resolve, reject }));
  }

  /** Says that methods with this compression will be called, before the first connection opens. */
  expectCompression(compression: CompressionName | undefined): void {
    if (compression !== undefined && compression !== 'off') this.compressions.add(compression);
  }

  /** As `Connection.call`, over whatever connection there is. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    const { connection } = this;
    if (connection !== null) return connection.call(spec, request, deadlineMs, extras);
    return new Promise((resolve, reject) => {
      const deadlineAt = this.settings.clock.now() + deadlineMs;
      this.callLater(new PendingCall(spec, request, deadlineAt, extras, resolve, reject));
    });
  }

  /** As `call`, with `resolve` and `reject` in place of a promise. */
  start(
    spec: MethodSpec,
    request: unknown,
    deadlineMs: number,
    extras: CallExtras,
    resolve: Resolve,
    reject: Reject,
  ): void {
    const call = new PendingCall(spec, request, this.settings.clock.now() + deadlineMs, extras, resolve, reject);
    if (this.connection === null) this.callLater(call);
    else this.connection.resume(call);
  }

  /** Makes no new calls, lets those in flight finish, then closes. What is left after `graceMs` (default 20,000) is cancelled. */
  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    const graceMs = graceMsOf(options);
    this.closing ??= this.beginClosing(graceMs);
    await this.closing.promise;
  }

  private beginClosing(graceMs: number): NonNullable<Channel['closing']> {
    let resolve: () => void = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.state = 'closed';
    this.connection = null;
    this.timer.stop();
    this.waiting.failAll(() => this.closedError());
    for (const connection of this.connections) connection.drain('the channel closes', graceMs);
    if (this.connections.size === 0) resolve();
    return { promise, resolve };
  }

  private callLater(call: PendingCall): void {
    if (this.state === 'closed') {
      call.fail(this.closedError());
      return;
    }
    if (this.state === 'backoff' && this.settings.clock.now() < this.retryAt) {
      call.fail(this.backoffError());
      return;
    }
    if (Number.isNaN(call.deadlineAt)) {
      call.fail(new RpcError('INVALID_ARGUMENT', 'deadlineMs is not a number'));
      return;
    }
    if (!(call.deadlineAt > this.settings.clock.now())) {
      call.fail(new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed before the call was sent'));
      return;
    }
    if (call.extras?.signal?.aborted) {
      call.fail(new RpcError('CANCELLED', 'the caller cancelled the call', { cause: call.extras.signal.reason }));
      return;
    }
    this.waiting.push(call);
    this.timer.watch(call.deadlineAt);
    // The failure of the attempt reaches every waiting call.
    if (this.state !== 'connecting') this.connect().catch(() => {});
  }

  private connect(): Promise<void> {
    this.attempt ??= this.open().finally(() => {
      this.attempt = null;
    });
    return this.attempt;
  }

  private async open(): Promise<void> {
    this.state = 'connecting';
    const { clock, limits } = this.settings;
    const startedAt = clock.now();
    try {
      this.compressors = await compressorsFor(this.compressions);
      const transport = await (this.options.dial?.(nameOf(this.target), limits.connectMsMax) ?? this.dial());
      if ((this.state as ChannelState) === 'closed') {
        transport.destroy();
        throw this.closedError();
      }
      this.adopt(transport, Math.max(1, limits.connectMsMax - (clock.now() - startedAt)));
    } catch (error) {
      const failure = error instanceof RpcError ? error : new RpcError('UNAVAILABLE', String(error), { cause: error });
      this.onAttemptFailed(failure);
      throw failure;
    }
  }

  private dial(): Promise<Transport> {
    const { clock, limits } = this.settings;
    const { tls } = this.options;
    return dial(this.target, { clock, connectMsMax: limits.connectMsMax, ...(tls === undefined ? {} : { tls }) });
  }

  private adopt(transport: Transport, handshakeMs: number): void {
    const { limits, clock, random, compression, identity } = this.settings;
    const connection = new Connection({
      transport,
      side: 'dialing',
      clock,
      random,
      limits,
      handshakeMs,
      host: null,
      compression,
      compressors: this.compressors,
      compressionBytesMin: limits.compressionBytesMin,
      software: SOFTWARE,
      instance: identity.instance,
      schemas: identity.schemas,
      observer: {
        onOpen: () => {
          this.backoff.reset();
          for (const waiter of this.greetingWaiters.splice(0)) waiter.resolve();
        },
        onRetired: (retired, reason) => this.leave(retired, reason),
        onClosed: (closed, reason) => this.onConnectionClosed(closed, reason),
      },
    });
    this.connections.add(connection);
    this.connection = connection;
    this.state = 'connected';
    // Calls need not wait for the peer's HELLO: they follow ours.
    for (let call = this.waiting.shift(); call !== undefined; call = this.waiting.shift()) connection.resume(call);
  }

  /** The connection takes no new calls; it ends, if there is a `reason` for that. */
  private leave(connection: Connection, reason: RpcError | null): void {
    if (this.connection !== connection) return;
    this.connection = null;
    if (this.state === 'closed') return;
    this.state = 'idle';
    // A peer that never said HELLO counts as a failed attempt: the next one waits.
    if (reason !== null && !greeted(connection)) this.onAttemptFailed(reason);
  }

  private onConnectionClosed(connection: Connection, reason: RpcError): void {
    this.connections.delete(connection);
    this.leave(connection, reason);
    if (!greeted(connection)) for (const waiter of this.greetingWaiters.splice(0)) waiter.reject(reason);
    if (this.closing !== null && this.connections.size === 0) this.closing.resolve();
  }

  private onAttemptFailed(failure: RpcError): void {
    if (this.state !== 'closed') {
      this.state = 'backoff';
      this.failure = failure;
      this.retryAt = this.settings.clock.now() + this.backoff.nextMs();
    }
    this.waiting.failAll(() => new RpcError(failure.code, failure.message, { cause: failure.cause }));
  }

  private backoffError(): RpcError {
    const { message, cause } = this.failure as RpcError;
    return new RpcError('UNAVAILABLE', message, { cause });
  }

  private closedError(): RpcError {
    return new RpcError('UNAVAILABLE', `the channel to ${nameOf(this.target)} was closed by this side`);
  }
}

/** Whether the peer has said HELLO. */
function greeted(connection: Connection): boolean {
  return connection.peer.instance !== '';
}
