/**
 * From a target to an answer. A channel looks up endpoints with its resolver, keeps connections to them, picks one for each call, and
 * retries calls that failed.
 *
 *   call --> picker --> pool --> connection --> answer
 *              |                     |
 *         none is up         failed, and may be retried: it never started, was refused, or is idempotent
 *              v                     v
 *        CallQueue <---- Retries: at once, after a wait, or not at all
 *
 *   open --close()--> closed: new calls fail, those in flight finish within the grace
 *
 * A channel opens no connection before the first call (or `ready()`). A single endpoint is connected again when there is a call; of several
 * endpoints all are kept connected. While no endpoint is up, calls wait in a bounded queue, their deadlines running, as long as an
 * attempt to connect is under way. When all attempts have failed, calls fail at once until a backoff has passed, unless they
 * `waitForReady`.
 */
import type { ServiceDefinition } from '../avro/service/service.js';
import type { Attempt } from '../base/codes.js';
import { RpcError } from '../base/errors.js';
import { readOptions } from '../base/options.js';
import { SweepTimer } from '../base/sweep-timer.js';
import { LedgerSetting } from '../connection/calls/call-marks.js';
import { CallQueue } from '../connection/calls/call-queue.js';
import type { Reject, Resolve, RetryReason } from '../connection/calls/pending-call.js';
import { abortError, type CallExtras, expiredUnsent, PendingCall } from '../connection/calls/pending-call.js';
import type { Resolver } from '../discovery/resolver/resolver.js';
import { resolverFor } from '../discovery/targets.js';
import { ConnectionSet, type DrainReport } from '../peer/connection-set.js';
import { peerOf } from '../peer/peer.js';
import type { Peer } from '../peer/public-types.js';
import { type Handlers, ServiceHost } from '../peer/service-host.js';
import { type EndpointSettings, type GraceOptions, graceMsOf, settingsOf } from '../peer/settings.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { balancerOf, type ChannelOptions, channelOptionKinds, deadlineMsOf, ledgerOf } from './channel-options.js';
import { Connector } from './connector.js';
import { DelayedCalls } from './delayed-calls.js';
import type { ChannelDescription } from './description.js';
import { EndpointSet, type EndpointSetOwner } from './endpoint-set.js';
import { type Hedger, Hedging } from './hedging.js';
import { poolSettingsOf } from './pool-options.js';
import { ProcessHold } from './process-hold.js';
import { Retries } from './retries.js';

/** How often the retry budget learns how many calls were made: a mask of the running count. */
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
  /** Calls that wait for the backoff before a retry. */
  private readonly delayed: DelayedCalls;
  private readonly readyWaiters: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void }[] = [];
  private callsMade = 0;
  private state: 'open' | 'closed' = 'open';
  /** Whether the application wants the process alive as long as the channel is open; null: it has not said. */
  private asked: boolean | null = null;
  /** The HELLO of a peer was read before. */
  private known = false;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong. */
  constructor(target: string | readonly string[] | Resolver, given?: ChannelOptions) {
    const options = readOptions('connect', given, channelOptionKinds);
    const resolver = resolverFor(target);
    this.target = resolver.name;
    const settings = settingsOf(options);
    this.settings = settings;
    const { limits, clock, random } = settings;
    this.ledgers = new LedgerSetting(clock, ledgerOf(options));
    this.deadlineMsDefault = deadlineMsOf(options, limits.deadlineMsDefault);
    this.waitForReady = options.waitForReady ?? false;
    this.host = new ServiceHost(options);
    this.connections = new ConnectionSet(clock, 'the channel closes', false);
    const { host, connections } = this;
    const { tls, dial, retry = {}, hedging = false, ejection = {} } = options;
    const onRetryable = this.onRetryable.bind(this);
    this.connector = new Connector({ settings, host, connections, tls, dial, onRetryable });
    this.retries = new Retries(retry, limits.resendsMax, clock, random);
    this.hedging = hedging === false ? null : new Hedging(hedging, clock, this);
    this.delayed = new DelayedCalls(clock, this.dispatchNow);
    const awaited = `a connection to ${this.target}`;
    this.waiting = new CallQueue(
      limits.callsQueuedMax,
      awaited,
      () => 'network',
      limits.callsQueuedBytesMax,
      () => this.endpoints.lastFailure,
    );
    this.timer = new SweepTimer(clock, (now) => this.waiting.sweep(now));
    this.hold = new ProcessHold(clock, () => this.awaited);
    const pool = poolSettingsOf(options.pool);
    const balancer = balancerOf(options);
    const { connector } = this;
    this.endpoints = new EndpointSet({ resolver, settings, pool, balancer, ejection, connector }, this);
  }

  /** As `ClientChannel.peer`. */
  get peer(): Peer | null {
    for (const connection of this.endpoints.ready()) return peerOf(connection);
    return null;
  }

  /** As `ClientChannel.ready`. */
  async ready(): Promise<void> {
    if (this.state === 'closed') throw this.closedError();
    for (const { peer } of this.endpoints.ready()) if (peer.instance !== '') return;
    await new Promise<void>((resolve, reject) => {
      this.readyWaiters.push({ resolve, reject });
      this.hold.begin();
      this.endpoints.wake();
      // Without an endpoint there is no attempt that could fail.
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
      state: this.state === 'closed' ? 'closed' : best,
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
    this.holdProcess();
  }

  /** Throws an `RpcError` (INVALID_ARGUMENT) as `ServiceHost.remove` does. */
  stopServing(service: ServiceDefinition): void {
    this.host.remove(service);
  }

  /** Says that methods with this compression will be called, before the first connection opens. */
  expectCompression(compression: CompressionName | undefined): void {
    this.connector.expectCompression(compression);
  }

  /** As `Caller.call`, at the endpoint that the picker chooses. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    const { picker } = this.endpoints;
    const { hedging } = this;
    if (picker !== null && hedging === null) {
      if ((++this.callsMade & NOTE_EVERY) === 0) this.retries.note(this.callsMade);
      return picker.pick(extras?.key, undefined).take().caller.call(spec, request, deadlineMs, extras);
    }
    const deadlineAt = this.settings.clock.now() + deadlineMs;
    if (hedging?.covers(spec, extras)) return hedging.call(spec, request, deadlineAt, extras);
    return new Promise((resolve) => {
      this.dispatch(new PendingCall(spec, request, deadlineAt, extras, resolve, null));
    });
  }

  /** As `call`, with `resolve` and `reject` instead of a promise. */
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
  async close(options?: GraceOptions): Promise<DrainReport> {
    const graceMs = graceMsOf('close', options);
    this.state = 'closed';
    this.endpoints.stop();
    this.timer.stop();
    this.hold.end();
    this.hold.pin(false);
    this.waiting.failAll(() => this.closedError());
    this.delayed.failAll(() => this.closedError());
    for (const waiter of this.readyWaiters.splice(0)) waiter.reject(this.closedError());
    return this.connections.drain(graceMs);
  }

  /** As `ClientChannel.ref` (true) and `unref` (false). */
  keepProcess(asked: boolean): void {
    this.asked = asked;
    this.holdProcess();
  }

  /** Calls in flight and waiting ones keep the process alive in any case. */
  private holdProcess(): void {
    if (this.state === 'closed') return;
    const holds = this.asked ?? (this.known && !this.host.empty);
    this.hold.pin(holds);
    this.connections.keepProcess(holds);
  }

  // EndpointSetOwner: what the endpoints ask and tell.

  get wantsConnection(): boolean {
    // A channel that serves its peers connects again once it has been connected.
    return this.awaited || (this.known && !this.host.empty);
  }

  private get awaited(): boolean {
    return this.waiting.length > 0 || this.readyWaiters.length > 0;
  }

  onReady(): void {
    // Each waiting call once: if it fails the endpoint again, it waits for the next one.
    for (let left = this.waiting.length; left > 0; left--) {
      const call = this.waiting.shift();
      call?.inContext(this.dispatchNow);
    }
    if (!this.awaited) this.hold.end();
  }

  onGreeted(): void {
    if (!this.known) {
      this.known = true;
      this.holdProcess();
    }
    for (const waiter of this.readyWaiters.splice(0)) waiter.resolve();
    if (!this.awaited) this.hold.end();
  }

  onFailed(failure: RpcError): void {
    if (this.endpoints.hopeful) return;
    this.waiting.failSome((call) => (this.isPatient(call) ? null : again(failure)));
    for (const waiter of this.readyWaiters.splice(0)) waiter.reject(again(failure));
    if (!this.awaited) this.hold.end();
  }

  /** An attempt of a call failed, and the call may be sent again. */
  private onRetryable(call: PendingCall, failure: RpcError, reason: RetryReason): void {
    const addresses = failure.attempts.map(({ endpoint }) => endpoint);
    const elsewhere = this.endpoints.hasOther(addresses);
    const next = this.state === 'closed' ? null : this.retries.decide(call, failure, reason, this.callsMade, elsewhere);
    if (next === null) call.fail(failure);
    else if (next.waitMs <= 0) call.nextAttempt(next.as).inContext(this.dispatchNow);
    else this.delayed.add(call.nextAttempt(next.as), next.waitMs, failure);
  }

  // Hedger, and all calls but the usual ones.

  /** Gives the call to an endpoint and returns its address, or '' when the call waits for an endpoint. */
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

  private readonly dispatchNow = (call: PendingCall): void => {
    this.dispatch(call);
  };

  withdraw(): boolean {
    return this.retries.withdraw(this.callsMade);
  }

  private callLater(call: PendingCall): void {
    if (this.state === 'closed') {
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

/** A failure that many calls share, as an error of one call. */
function again({ code, message, cause, late, peer }: RpcError): RpcError {
  return new RpcError(code, message, { cause, late, peer });
}
