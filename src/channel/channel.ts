/**
 * From a target to an answer. A channel finds endpoints by its resolver, keeps connections to them, picks one for each call, and
 * makes calls again that failed and may be.
 *
 *   call --> picker --> pool --> connection --> answer
 *              |                     |
 *        nobody is up         given back: it never started, was refused, or is idempotent
 *              v                     v
 *        CallQueue <---- Retries: at once, after a wait, or not at all
 *
 * A channel opens nothing before the first call (or `ready()`). With one endpoint it connects again when somebody calls; with
 * several it keeps them all connected. While nobody is up, calls wait in a bounded queue with their deadlines running, as long as an
 * attempt goes on; when all have failed, calls fail at once until a backoff has passed, unless they `waitForReady`.
 */
import type { ServiceDefinition } from '../avro/service/service.js';
import type { Attempt } from '../base/attempt.js';
import { RpcError } from '../base/errors.js';
import { SweepTimer } from '../base/sweep-timer.js';
import { LedgerSetting } from '../connection/calls/call-marks.js';
import { CallQueue } from '../connection/calls/call-queue.js';
import type { Reject, Resolve, RetryReason } from '../connection/calls/pending-call.js';
import { abortError, type CallExtras, expiredUnsent, PendingCall } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import type { Resolver } from '../discovery/resolver/resolver.js';
import { resolverFor } from '../discovery/targets.js';
import { ConnectionSet, type DrainReport } from '../peer/connection-set.js';
import { peerOf } from '../peer/peer.js';
import type { Peer } from '../peer/public-types.js';
import { type Handlers, ServiceHost } from '../peer/service-host.js';
import { type EndpointSettings, graceMsOf, settingsOf } from '../peer/settings.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { balancerOf, type ChannelOptions, deadlineMsOf } from './channel-options.js';
import { Connector } from './connector.js';
import { DelayedCalls } from './delayed-calls.js';
import type { ChannelDescription } from './description.js';
import { EndpointSet, type EndpointSetOwner } from './endpoint-set.js';
import { type Hedger, Hedging } from './hedging.js';
import { poolSettingsOf } from './pool-options.js';
import { ProcessHold } from './process-hold.js';
import { Retries } from './retries.js';

/** The retry budget learns of every so many calls: a mask of the running count. */
const NOTE_EVERY = 1023;

export class Channel implements EndpointSetOwner, Hedger {
  /** The deadline of calls that name none, in milliseconds. */
  readonly deadlineMsDefault: number;
  /** Which calls ask for their ledger. */
  readonly ledgers: LedgerSetting;
  /** What the peers may call. */
  private readonly host: ServiceHost;
  private readonly target: string;
  private readonly settings: EndpointSettings;
  private readonly waitForReady: boolean;
  private readonly connector: Connector;
  private readonly endpoints: EndpointSet;
  /** Every connection that is not gone, the draining ones included. */
  private readonly connections: ConnectionSet;
  private readonly retries: Retries;
  /** Null: calls are not hedged. */
  private readonly hedging: Hedging | null;
  /** Calls that no endpoint can take yet. */
  private readonly waiting: CallQueue;
  private readonly timer: SweepTimer;
  private readonly hold: ProcessHold;
  /** Calls that wait before they are made again. */
  private readonly delayed: DelayedCalls;
  private readonly readyWaiters: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void }[] = [];
  private callsMade = 0;
  private closed = false;
  /** A peer has said HELLO before. */
  private known = false;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong. */
  constructor(target: string | readonly string[] | Resolver, options: ChannelOptions = {}) {
    const resolver = resolverFor(target);
    this.target = resolver.name;
    const settings = settingsOf(options);
    this.settings = settings;
    const { limits, clock, random } = settings;
    this.ledgers = new LedgerSetting(clock, options.ledger ?? false);
    this.deadlineMsDefault = deadlineMsOf(options, limits.deadlineMsDefault);
    this.waitForReady = options.waitForReady ?? false;
    this.host = new ServiceHost(options);
    this.connections = new ConnectionSet(clock, 'the channel closes');
    const { host, connections } = this;
    this.connector = new Connector({ settings, host, connections, tls: options.tls, dial: options.dial });
    this.retries = new Retries(options.retry ?? {}, limits.resendsMax, clock, random);
    this.hedging = options.hedging ? new Hedging(options.hedging, clock, this) : null;
    this.delayed = new DelayedCalls(clock, (call) => this.dispatch(call));
    const awaited = `a connection to ${this.target}`;
    this.waiting = new CallQueue(limits.callsQueuedMax, awaited, () => 'network', limits.callsQueuedBytesMax);
    this.timer = new SweepTimer(clock, (now) => this.waiting.sweep(now));
    this.hold = new ProcessHold(clock, () => this.awaited);
    const pool = poolSettingsOf(options.pool);
    const balancer = balancerOf(options);
    const { connector } = this;
    this.endpoints = new EndpointSet(
      { resolver, settings, pool, balancer, ejection: options.ejection ?? {}, connector },
      this,
    );
  }

  /** Who answers at the moment: one of them, when there are several endpoints; null without a connection. */
  get peer(): Peer | null {
    for (const connection of this.endpoints.ready()) return peerOf(connection);
    return null;
  }

  /**
   * Resolves when a peer has said HELLO. Rejects with the `RpcError` of the last attempt when all have failed; attempts are made
   * at once, or when the backoff of the last ones has passed. Rejects also when the target names no endpoint at the moment.
   */
  async ready(): Promise<void> {
    if (this.closed) throw this.closedError();
    for (const { peer } of this.endpoints.ready()) if (peer.instance !== '') return;
    await new Promise<void>((resolve, reject) => {
      this.readyWaiters.push({ resolve, reject });
      this.hold.begin();
      this.endpoints.wake();
      // No attempt would follow, which could tell of its end.
      if (this.endpoints.empty) this.onFailed(this.endpoints.failure);
    });
  }

  /** The state of the channel and of its endpoints now, as plain values. */
  describe(): ChannelDescription {
    const endpoints = this.endpoints.describe();
    const states = endpoints.map(({ state }) => state);
    const best = (['ready', 'connecting', 'backoff'] as const).find((state) => states.includes(state)) ?? 'idle';
    return {
      target: this.target,
      state: this.closed ? 'closed' : best,
      endpoints,
      resolverFailure: this.endpoints.resolverFailure?.message ?? null,
      callsMade: this.callsMade,
      callsWaiting: this.waiting.length,
      retries: {
        made: this.retries.made,
        waiting: this.delayed.length,
        budgetLeft: this.retries.budgetLeft(this.callsMade),
      },
    };
  }

  /** Serves a service to the peers. Throws an `RpcError` (INVALID_ARGUMENT) as `ServiceHost.add` does. */
  serve<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): void {
    this.host.add(service, handlers);
    for (const compression of this.host.compressions()) this.expectCompression(compression);
  }

  /** Says that methods with this compression will be called, before the first connection opens. */
  expectCompression(compression: CompressionName | undefined): void {
    this.connector.expectCompression(compression);
  }

  /** As `Connection.call`, at the endpoint that the picker chooses. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    const { picker } = this.endpoints;
    const { hedging } = this;
    if (picker !== null && hedging === null) {
      if ((++this.callsMade & NOTE_EVERY) === 0) this.retries.note(this.callsMade);
      return picker.pick(extras?.key, undefined).take().caller.call(spec, request, deadlineMs, extras);
    }
    const deadlineAt = this.settings.clock.now() + deadlineMs;
    if (hedging?.covers(spec, extras)) return hedging.call(spec, request, deadlineAt, extras);
    return new Promise((resolve, reject) => {
      this.dispatch(new PendingCall(spec, request, deadlineAt, extras, resolve, reject));
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
    const deadlineAt = this.settings.clock.now() + deadlineMs;
    this.dispatch(new PendingCall(spec, request, deadlineAt, extras, resolve, reject));
  }

  /**
   * Makes no new calls, lets those in flight finish, then closes. What is left after `graceMs` (default 20,000) is cancelled, and the
   * answer says what that was. Called again with a shorter grace, it shortens it.
   */
  async close(options: { readonly graceMs?: number } = {}): Promise<DrainReport> {
    const graceMs = graceMsOf(options);
    this.closed = true;
    this.endpoints.stop();
    this.timer.stop();
    this.hold.end();
    this.waiting.failAll(() => this.closedError());
    this.delayed.failAll(() => this.closedError());
    for (const waiter of this.readyWaiters.splice(0)) waiter.reject(this.closedError());
    return this.connections.drain(graceMs);
  }

  // EndpointSetOwner: what the endpoints ask and tell.

  /** A channel that serves its peers wants a connection again when it has had one. */
  get serving(): boolean {
    return this.known && !this.host.empty;
  }

  get awaited(): boolean {
    return this.waiting.length > 0 || this.readyWaiters.length > 0;
  }

  onReady(): void {
    // Each once: one that makes the endpoint go again waits for the next.
    for (let left = this.waiting.length; left > 0; left--) {
      const call = this.waiting.shift();
      if (call !== undefined) this.dispatch(call);
    }
    if (!this.awaited) this.hold.end();
  }

  onGreeted(): void {
    this.known = true;
    for (const waiter of this.readyWaiters.splice(0)) waiter.resolve();
    if (!this.awaited) this.hold.end();
  }

  onFailed(failure: RpcError): void {
    if (this.endpoints.hopeful) return;
    this.waiting.failSome((call) => (this.isPatient(call) ? null : again(failure)));
    for (const waiter of this.readyWaiters.splice(0)) waiter.reject(again(failure));
    if (!this.awaited) this.hold.end();
  }

  /** A call of a connection failed, and may be made again. */
  onRetryable(call: PendingCall, failure: RpcError, reason: RetryReason): void {
    const addresses = failure.attempts.map(({ endpoint }) => endpoint);
    const elsewhere = this.endpoints.hasOther(addresses);
    const remake = this.closed ? null : this.retries.judge(call, failure, reason, this.callsMade, elsewhere);
    if (remake === null) call.fail(failure);
    else if (remake.waitMs <= 0) this.dispatch(call.nextAttempt(remake.as));
    else this.delayed.add(call.nextAttempt(remake.as), remake.waitMs, failure);
  }

  onClosed(connection: Connection): void {
    this.connections.onClosed(connection);
  }

  onHandlersEnded(connection: Connection): void {
    this.connections.onHandlersEnded(connection);
  }

  // Hedger, and how calls are made that are not the usual ones.

  /** Gives the call to an endpoint and returns that, or lets it wait for one and returns ''. */
  dispatch(call: PendingCall, avoid: readonly Attempt[] = call.attempts): string {
    const picker = this.endpoints.current();
    if (picker === null) {
      this.callLater(call);
      return '';
    }
    if ((++this.callsMade & NOTE_EVERY) === 0) this.retries.note(this.callsMade);
    const pool = picker.pick(call.extras?.key, avoid);
    pool.take().caller.resume(call);
    return pool.address;
  }

  withdraw(): boolean {
    return this.retries.withdraw(this.callsMade);
  }

  private callLater(call: PendingCall): void {
    if (this.closed) {
      call.fail(this.closedError());
      return;
    }
    const patient = this.isPatient(call);
    const refused = this.refusal(call, patient);
    if (refused !== null) {
      call.fail(again(refused));
      return;
    }
    this.waiting.push(call);
    this.timer.watch(call.deadlineAt);
    this.hold.begin();
    this.endpoints.wake();
  }

  /** Why a call is not taken into the queue. */
  private refusal({ deadlineAt, extras }: PendingCall, patient: boolean): RpcError | null {
    if (!patient && !this.endpoints.hopeful) {
      this.endpoints.refresh();
      return this.endpoints.failure;
    }
    if (Number.isNaN(deadlineAt)) return new RpcError('INVALID_ARGUMENT', 'deadlineMs is not a number');
    if (!(deadlineAt > this.settings.clock.now())) return expiredUnsent();
    return extras?.signal?.aborted ? abortError(extras.signal, 'no') : null;
  }

  private isPatient(call: PendingCall): boolean {
    return call.extras?.waitForReady ?? this.waitForReady;
  }

  private closedError(): RpcError {
    return new RpcError('UNAVAILABLE', `the channel to ${this.target} was closed by this side`);
  }
}

/** A failure that many share, for one of them. */
function again({ code, message, cause, late }: RpcError): RpcError {
  return new RpcError(code, message, { cause, late });
}
