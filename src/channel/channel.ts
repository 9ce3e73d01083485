/**
 * From a target to a connection that works. This channel holds one connection: opened with the first call (or `ready()`),
 * opened anew when it broke and somebody calls. Calls made while it opens wait in a bounded queue with their deadlines
 * running. After a failed attempt calls fail at once until the backoff has passed, so that a dead server is not besieged.
 *
 *   idle --call--> connecting --socket--> connected --lost, draining--> idle
 *                      |  ^
 *               failed v  | the backoff has passed and somebody calls
 *                    backoff
 *
 * A call that certainly did not start, because its server drains or its connection was lost before it was written, comes back
 * here and goes out again on the next connection (`limits.resendsMax`).
 *
 * A DRAIN says that a server goes and another will come, perhaps at the same port. So for `limits.drainReconnectMsMax` the
 * channel is `moving`: calls wait through failed attempts and the backoff between them, and are not sent before the next server's
 * HELLO: a socket may have been queued by a listener that was just closing, and what was written to it could not be
 * sent again.
 */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Timer } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import { SOFTWARE } from '../base/version.js';
import type { Compressor } from '../compression/compressor.js';
import { type LedgerListener, LedgerSetting } from '../connection/call-marks.js';
import { CallQueue } from '../connection/call-queue.js';
import type { Reject, Resolve } from '../connection/call-table.js';
import { Connection } from '../connection/connection.js';
import { DeadlineTimer } from '../connection/deadline-timer.js';
import { expiredUnsent } from '../connection/failures.js';
import { type CallExtras, PendingCall } from '../connection/pending-call.js';
import {
  compressorsFor,
  type EndpointOptions,
  type EndpointSettings,
  graceMsOf,
  settingsOf,
} from '../connection/settings.js';
import type { Transport } from '../connection/transport.js';
import { type Address, formatAddress, parseAddress } from '../discovery/address.js';
import { Backoff } from '../resilience/backoff.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { ConnectionSet, type DrainReport } from './connection-set.js';
import { dial } from './dial.js';
import { makePeer, type Peer } from './peer.js';
import { type HandlerOptions, ServiceHost } from './service-host.js';

export interface ChannelOptions extends EndpointOptions, HandlerOptions {
  /**
   * For a `tls://` target: options of `tls.connect`, such as `ca`, `cert`, `key` and `servername`. The server's certificate is
   * verified unless `rejectUnauthorized: false` says otherwise.
   */
  readonly tls?: TlsOptions;
  /**
   * Every call asks for its ledger (`CallLedger`), unless it says otherwise. With a function it is told of each ledger and the
   * method's name, also of plain calls, whose result has no place for it. Default false.
   */
  readonly ledger?: boolean | LedgerListener;
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
  /** Which calls ask for their ledger. */
  readonly ledgers: LedgerSetting;
  private readonly target: Address;
  private readonly options: ChannelOptions;
  /** What the peer may call. */
  protected readonly host: ServiceHost;
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
  /** Its HELLO is awaited before it takes calls; only while moving. */
  private next: Connection | null = null;
  /** Every connection that is not gone, the draining ones included. */
  private readonly connections: ConnectionSet;
  private readonly readyWaiters: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void }[] = [];
  private failure: RpcError | null = null;
  private retryAt = 0;
  private retryTimer: Timer | null = null;
  private movingUntil = -Infinity;
  /** A peer has said HELLO before. */
  private known = false;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong. */
  constructor(target: string, options: ChannelOptions = {}) {
    this.target = parseAddress(target);
    this.options = options;
    this.settings = settingsOf(options);
    const { limits, clock, random, compression } = this.settings;
    this.ledgers = new LedgerSetting(clock, options.ledger ?? false);
    this.deadlineMsDefault = options.deadlineMs ?? limits.deadlineMsDefault;
    if (!(this.deadlineMsDefault > 0)) {
      throw new RpcError('INVALID_ARGUMENT', `deadlineMs is ${String(options.deadlineMs)}, but must be more than 0`);
    }
    if (compression !== 'off') this.compressions.add(compression);
    this.host = new ServiceHost(options);
    this.backoff = new Backoff(random);
    this.waiting = new CallQueue(
      limits.callsQueuedMax,
      `a connection to ${formatAddress(this.target)}`,
      () => 'network',
    );
    this.connections = new ConnectionSet(clock, 'the channel closes');
    this.timer = new DeadlineTimer(clock, (now) => this.waiting.sweep(now));
  }

  /** Who answers at the moment; null without a connection. */
  get peer(): Peer | null {
    return (this.connection?.peer as Peer | undefined) ?? null;
  }

  /**
   * Resolves when the peer has said HELLO. Rejects with the `RpcError` of the attempt that failed; the attempt is made at once,
   * or when the backoff of the last one has passed.
   */
  async ready(): Promise<void> {
    if (this.state === 'closed') throw this.closedError();
    if (this.connection !== null && greeted(this.connection)) return;
    await new Promise<void>((resolve, reject) => {
      this.readyWaiters.push({ resolve, reject });
      this.connect();
    });
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

  /**
   * Makes no new calls, lets those in flight finish, then closes. What is left after `graceMs` (default 20,000) is cancelled, and the
   * answer says what that was. Called again with a shorter grace, it shortens it.
   */
  async close(options: { readonly graceMs?: number } = {}): Promise<DrainReport> {
    const graceMs = graceMsOf(options);
    this.state = 'closed';
    this.connection = this.next = null;
    this.timer.stop();
    this.retryTimer?.cancel();
    this.waiting.failAll(() => this.closedError());
    for (const waiter of this.readyWaiters.splice(0)) waiter.reject(this.closedError());
    return this.connections.drain(graceMs);
  }

  private callLater(call: PendingCall): void {
    if (this.state === 'closed') {
      call.fail(this.closedError());
      return;
    }
    const now = this.settings.clock.now();
    if (this.state === 'backoff' && now < this.retryAt && now >= this.movingUntil) {
      call.fail(again(this.failure as RpcError));
      return;
    }
    if (Number.isNaN(call.deadlineAt)) {
      call.fail(new RpcError('INVALID_ARGUMENT', 'deadlineMs is not a number'));
      return;
    }
    if (!(call.deadlineAt > now)) {
      call.fail(expiredUnsent());
      return;
    }
    if (call.extras?.signal?.aborted) {
      call.fail(new RpcError('CANCELLED', 'the caller cancelled the call', { cause: call.extras.signal.reason }));
      return;
    }
    this.waiting.push(call);
    this.timer.watch(call.deadlineAt);
    this.connect();
  }

  /** A call of `connection` did not start there. */
  private resend(call: PendingCall, failure: RpcError): void {
    if (this.state === 'closed' || call.resends >= this.settings.limits.resendsMax) call.fail(failure);
    else if (this.connection !== null) this.connection.resume(call.again());
    else this.callLater(call.again());
  }

  /** Makes an attempt, now or when the backoff has passed; its outcome reaches everybody who waits. */
  private connect(): void {
    if (this.state !== 'idle' && this.state !== 'backoff') return;
    const waitMs = this.state === 'idle' ? 0 : this.retryAt - this.settings.clock.now();
    if (waitMs <= 0) {
      void this.open();
      return;
    }
    this.retryTimer ??= this.settings.clock.setTimer(() => this.onRetryTime(), waitMs, true);
  }

  private onRetryTime(): void {
    this.retryTimer = null;
    if (this.wanted) this.connect();
  }

  /** Somebody waits for a connection. A channel that serves its peer wants one again when it has had one. */
  private get wanted(): boolean {
    return this.waiting.length > 0 || this.readyWaiters.length > 0 || (this.known && !this.host.empty);
  }

  /** Never rejects. */
  private async open(): Promise<void> {
    this.state = 'connecting';
    this.retryTimer?.cancel();
    this.retryTimer = null;
    const { clock, limits } = this.settings;
    const startedAt = clock.now();
    try {
      this.compressors = await compressorsFor(this.compressions);
      const transport = await (this.options.dial?.(formatAddress(this.target), limits.connectMsMax) ?? this.dial());
      if ((this.state as ChannelState) === 'closed') {
        transport.destroy();
        return;
      }
      this.adopt(transport, Math.max(1, limits.connectMsMax - (clock.now() - startedAt)));
    } catch (error) {
      const failure = error instanceof RpcError ? error : new RpcError('UNAVAILABLE', String(error), { cause: error });
      this.onAttemptFailed(failure);
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
      host: this.host,
      compression,
      compressors: this.compressors,
      compressionBytesMin: limits.compressionBytesMin,
      software: SOFTWARE,
      instance: identity.instance,
      schemas: identity.schemas,
      observer: {
        onOpen: (opened) => this.onGreeted(opened),
        onRetired: (retired, reason) => this.leave(retired, reason),
        onGivenBack: (call, failure, why) => (why === 'moved' ? this.resend(call, failure) : call.fail(failure)),
        onClosed: (closed) => this.connections.onClosed(closed),
        onHandlersEnded: (closed) => this.connections.onHandlersEnded(closed),
      },
      makePeer,
    });
    this.connections.add(connection);
    // Calls need not wait for the peer's HELLO, they follow ours; see above for those of a channel that moves.
    if (clock.now() < this.movingUntil) this.next = connection;
    else this.use(connection);
  }

  private onGreeted(connection: Connection): void {
    this.backoff.reset();
    this.known = true;
    if (this.next === connection) {
      this.next = null;
      this.movingUntil = -Infinity;
      this.use(connection);
    }
    for (const waiter of this.readyWaiters.splice(0)) waiter.resolve();
  }

  private use(connection: Connection): void {
    this.connection = connection;
    this.state = 'connected';
    for (let call = this.waiting.shift(); call !== undefined; call = this.waiting.shift()) connection.resume(call);
  }

  /** The connection takes no new calls; it ends, if there is a `reason` for that. */
  private leave(connection: Connection, reason: RpcError | null): void {
    if (this.connection !== connection && this.next !== connection) return;
    this.connection = this.next = null;
    this.state = 'idle';
    if (connection.peerDrained) {
      this.movingUntil = this.settings.clock.now() + this.settings.limits.drainReconnectMsMax;
      // Perhaps the target still leads to the one that drains: it is not asked again and again without a pause.
      if (connection.callsFinished === 0)
        this.onAttemptFailed(new RpcError('UNAVAILABLE', `${connection.peer} is draining`));
    } else if (reason !== null && !greeted(connection)) {
      // A peer that never said HELLO counts as a failed attempt: the next one waits.
      this.onAttemptFailed(reason);
    }
    if (this.wanted) this.connect();
  }

  private onAttemptFailed(failure: RpcError): void {
    if (this.state === 'closed') return;
    this.state = 'backoff';
    this.failure = failure;
    this.retryAt = this.settings.clock.now() + this.backoff.nextMs();
    if (this.retryAt >= this.movingUntil) {
      this.movingUntil = -Infinity;
      this.waiting.failAll(() => again(failure));
      for (const waiter of this.readyWaiters.splice(0)) waiter.reject(again(failure));
    }
    if (this.wanted) this.connect();
  }

  private closedError(): RpcError {
    return new RpcError('UNAVAILABLE', `the channel to ${formatAddress(this.target)} was closed by this side`);
  }
}

/** The failure of an attempt, for one of those who waited for it. */
function again({ code, message, cause }: RpcError): RpcError {
  return new RpcError(code, message, { cause });
}

/** Whether the peer has said HELLO. */
function greeted(connection: Connection): boolean {
  return connection.peer.instance !== '';
}
