/**
 * The connections to one endpoint. It opens them, gives each call the one with the least to do, opens one more when all are
 * full, retires those that are idle or old, and after a failed attempt waits for its backoff.
 *
 *   idle --connect()--> connecting --ready--> ready --the last one lost, draining--> idle
 *                          |  ^
 *                   failed v  | the backoff has passed, and the endpoint is wanted
 *                        backoff
 *
 * A DRAIN says that a server goes and another will come, perhaps at the same address. So for `limits.drainReconnectMsMax` the pool
 * is `moving`: calls may wait for it through failed attempts, which follow one another quickly, and it takes none before the next
 * server's HELLO: a socket may have been queued by a listener that was just closing, and what was written to it could not be sent again.
 *
 * A connection that was lost is followed by another after a random part of 100 ms, for which calls wait: its server may have lost
 * thousands of clients, and they are not to come back in one moment. One that was lost soon and had answered nothing counts as a
 * failed attempt from the second in a row on: a server that says HELLO and goes would else be asked as fast as it does so.
 *
 * A connection is replaced before it is retired: the next one's HELLO comes first. Used by `EndpointSet`.
 */

import { CancelController } from '../base/cancel-signal.js';
import type { Timer } from '../base/clock.js';
import { RpcError, toRpcError } from '../base/errors.js';
import type { PendingCall, RetryReason } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import type { Endpoint } from '../discovery/resolver/resolver.js';
import type { EndpointSettings } from '../peer/settings.js';
import { Backoff } from '../resilience/backoff.js';
import { EndpointStats } from '../resilience/endpoint-stats.js';
import type { Candidate } from '../resilience/picker.js';
import type { Connector } from './connector.js';
import type { ConnectionDescription, EndpointState } from './description.js';
import type { PoolSettings } from './pool-options.js';
import { PoolUpkeep } from './pool-upkeep.js';

/** Longest wait between two attempts while another server is expected, without its jitter: calls wait for it as well. */
const MOVING_WAIT_MS_MAX = 256;

/** The clients of a server that crashed come back over this time, not all at once: the first wait of the backoff. */
const SPREAD_MS = 100;

/** A connection that lived so long has shown that its server can, though nobody called it. */
const PROVEN_MS = 1_000;

/** What a pool tells the channel. */
export interface PoolOwner {
  /** There is no other endpoint: its connection takes calls at once, without a wait for HELLO. */
  readonly sole: boolean;
  /** The endpoint is kept connected, or somebody waits for it. */
  readonly wanted: boolean;
  /** It takes calls from now on, or one more connection does. */
  onReady(pool: EndpointPool): void;
  /** A peer has said HELLO. */
  onGreeted(pool: EndpointPool): void;
  /** It takes no calls any more. */
  onUnready(pool: EndpointPool): void;
  onAttemptFailed(pool: EndpointPool, failure: RpcError): void;
  /** As `ConnectionObserver.onRetryable`. */
  onRetryable(call: PendingCall, failure: RpcError, reason: RetryReason): void;
  onClosed(connection: Connection): void;
  onHandlersEnded(connection: Connection): void;
}

export class EndpointPool implements Candidate {
  readonly address: string;
  weight: number;
  priority: number;
  private instance: string | undefined;
  readonly stats = new EndpointStats();
  /** The resolver does not name it any more: it goes when another can take its calls. */
  leaving = false;
  /** Why the last attempt failed; null: it did not. */
  failure: RpcError | null = null;
  /** Those that take calls. */
  private readonly ready: Connection[] = [];
  /** An attempt goes on: its connection has not said HELLO, and takes no calls yet. */
  private attempting = false;
  private greeting: Connection | null = null;
  private closed = false;
  /** Ends the attempt that is under way when the pool is closed. */
  private readonly dialing = new CancelController();
  private readonly backoff: Backoff;
  /** The last connection was lost before it had proven itself. */
  private lostSoon = false;
  /** When one was lost last that was no failed attempt. */
  private lostAt = -Infinity;
  private retryAt = -Infinity;
  private retryTimer: Timer | null = null;
  private movingUntil = -Infinity;
  private spreadUntil = -Infinity;
  private growAt: number;
  private readonly upkeep: PoolUpkeep;
  /** Old ones, which the next connection replaces. */
  private readonly aged = new Set<Connection>();

  constructor(
    readonly endpoint: Endpoint,
    private readonly settings: EndpointSettings,
    private readonly pool: PoolSettings,
    private readonly connector: Connector,
    private readonly owner: PoolOwner,
  ) {
    this.address = endpoint.address;
    this.weight = endpoint.weight ?? 1;
    this.priority = endpoint.priority ?? 0;
    this.instance = endpoint.instance;
    this.backoff = new Backoff(settings.random);
    this.growAt = pool.connectionsMax > 1 ? pool.callsPerConnection : Infinity;
    this.upkeep = new PoolUpkeep(settings.clock, settings.random, pool, {
      onAged: (connection) => this.replace(connection),
      onIdle: (connection) => this.retire(connection, 'it was idle'),
    });
  }

  /** What the resolver says of it now; undefined: it is not named any more. */
  update(endpoint: Endpoint | undefined): void {
    this.leaving = endpoint === undefined;
    if (endpoint === undefined) return;
    if (endpoint.instance !== this.instance) {
      // The failures were those of another process.
      this.instance = endpoint.instance;
      this.backoff.reset();
      this.retryAt = -Infinity;
    }
    this.weight = endpoint.weight ?? 1;
    this.priority = endpoint.priority ?? 0;
  }

  /** Calls in flight and waiting on its connections. */
  get load(): number {
    let load = 0;
    for (const { callsOut } of this.ready) load += callsOut;
    return load;
  }

  get isReady(): boolean {
    return this.ready.length > 0;
  }

  /** A call may wait for it: an attempt goes on, or the server that drained will be followed by another. */
  get hopeful(): boolean {
    const now = this.settings.clock.now();
    return this.attempting || now < this.movingUntil || now < this.spreadUntil;
  }

  get state(): EndpointState {
    if (this.ready.length > 0) return 'ready';
    const now = this.settings.clock.now();
    if (this.attempting || now < this.spreadUntil) return 'connecting';
    return now < this.retryAt ? 'backoff' : 'idle';
  }

  /** Milliseconds until the next attempt may be made; 0 when it may be made now. */
  get retryInMs(): number {
    return this.ready.length > 0 || this.attempting ? 0 : Math.max(0, this.retryAt - this.settings.clock.now());
  }

  /** The first of its connections that takes calls, or null. */
  get first(): Connection | null {
    return this.ready[0] ?? null;
  }

  /** The connection for the next call: the one with the least to do. Only while the pool `isReady`. */
  take(): Connection {
    const { ready } = this;
    let best = ready[0];
    if (ready.length === 1 && this.growAt === Infinity) return best;
    let least = best.callsOut;
    for (let index = 1; index < ready.length && least > 0; index++) {
      const connection = ready[index];
      const { callsOut } = connection;
      if (callsOut < least) {
        best = connection;
        least = callsOut;
      }
    }
    if (least >= this.growAt && ready.length < this.pool.connectionsMax) this.connect();
    return best;
  }

  /** Makes an attempt, now or when the backoff has passed. */
  connect(): void {
    if (this.closed || this.attempting) return;
    const waitMs = this.retryAt - this.settings.clock.now();
    if (waitMs <= 0) {
      void this.open();
      return;
    }
    this.retryTimer ??= this.settings.clock.setTimer(() => this.onRetryTime(), waitMs);
  }

  /** Takes no more calls; those in flight finish. For good. */
  close(): void {
    this.stop();
    for (let connection = this.first ?? this.greeting; connection !== null; connection = this.first ?? this.greeting) {
      this.retire(connection, 'its endpoint is not wanted any more');
    }
  }

  /** As `close`, but leaves its connections to whoever ends them all. */
  stop(): void {
    this.closed = true;
    this.dialing.abort(new RpcError('CANCELLED', 'nobody wants the connection any more'));
    this.retryTimer?.cancel();
    this.retryTimer = null;
    this.upkeep.stop();
  }

  describeConnections(): ConnectionDescription[] {
    const now = this.settings.clock.now();
    return this.ready.map((connection) => ({
      peer: connection.peer.toString(),
      instance: connection.peer.instance,
      inFlight: connection.callsOut,
      ageMs: now - this.upkeep.openedAt(connection),
    }));
  }

  private onRetryTime(): void {
    this.retryTimer = null;
    if (this.isWanted) this.connect();
  }

  private get isWanted(): boolean {
    const { length } = this.ready;
    return this.owner.wanted || this.aged.size > 0 || (length > 0 && length < this.pool.connectionsMin);
  }

  /** Never rejects. */
  private async open(): Promise<void> {
    this.attempting = true;
    this.retryTimer?.cancel();
    this.retryTimer = null;
    try {
      const connection = await this.connector.open(this.endpoint, this.stats, this.observer, this.dialing);
      if (connection === null) return;
      // Calls need not wait for the peer's HELLO, they follow ours, when there is nowhere else to go.
      const { owner } = this;
      const moving = this.settings.clock.now() < this.movingUntil;
      if (owner.sole && !moving && this.ready.length === 0) this.use(connection);
      else this.greeting = connection;
    } catch (error) {
      this.attempting = false;
      this.onAttemptFailed(toRpcError(error));
    }
  }

  private readonly observer = {
    onOpen: (connection: Connection): void => this.onGreeted(connection),
    onRetired: (connection: Connection, reason: RpcError | null): void => this.leave(connection, reason),
    onRetryable: (call: PendingCall, failure: RpcError, reason: RetryReason): void =>
      this.owner.onRetryable(call, failure, reason),
    onClosed: (connection: Connection): void => this.owner.onClosed(connection),
    onHandlersEnded: (connection: Connection): void => this.owner.onHandlersEnded(connection),
  };

  private onGreeted(connection: Connection): void {
    if (this.closed) return;
    // `retryAt` stays: it has passed, or says that another connection was greeted and drained at once meanwhile.
    if (!this.lostSoon) this.backoff.reset();
    this.failure = null;
    const { callsPerConnection, connectionsMax } = this.pool;
    if (connectionsMax > 1) this.growAt = Math.min(callsPerConnection, connection.peerLimits.callsInFlightMax);
    if (this.greeting === connection) {
      this.greeting = null;
      this.movingUntil = -Infinity;
      this.use(connection);
    }
    this.owner.onGreeted(this);
    if (this.ready.length < this.pool.connectionsMin) this.connect();
  }

  private use(connection: Connection): void {
    this.attempting = false;
    this.ready.push(connection);
    this.upkeep.onReady(connection);
    this.owner.onReady(this);
    for (const old of this.aged) {
      this.retire(old, 'it was old, and has been replaced');
      break;
    }
    if (this.aged.size > 0) this.connect();
  }

  /** Once another is ready. */
  private replace(connection: Connection): void {
    this.aged.add(connection);
    this.connect();
  }

  /** Gives it no more calls; it ends when those in flight have. */
  private retire(connection: Connection, text: string): void {
    // It was not lost as long as it was wanted.
    this.clearBlame();
    this.forget(connection);
    connection.drain(text, Infinity);
  }

  /** The connection takes no new calls; it ends, if there is a `reason` for that. */
  private leave(connection: Connection, reason: RpcError | null): void {
    const now = this.settings.clock.now();
    const openedAt = this.upkeep.openedAt(connection);
    const proven = this.credit(connection);
    const used = this.forget(connection);
    if (!used || this.closed) return;
    let failure: RpcError | null = null;
    if (connection.peerDrained) {
      this.movingUntil = now + this.settings.limits.drainReconnectMsMax;
      // Perhaps the address still leads to the one that drains: it is not asked again and again without a pause. Connections that
      // it drained together are one failure.
      const fresh = connection.callsFinished === 0 && now >= this.retryAt;
      if (fresh) failure = new RpcError('UNAVAILABLE', `${connection.peer} is draining`);
    } else if (reason !== null && connection.peer.instance === '') {
      // A peer that never said HELLO counts as a failed attempt: the next one waits.
      failure = reason;
    } else if (!proven && this.lostSoon && openedAt > this.lostAt) {
      failure = reason ?? new RpcError('UNAVAILABLE', `${connection.peer} ended the connection`);
    } else {
      // Of connections that are lost together the first one counts.
      this.lostSoon = !proven;
      this.lostAt = now;
    }
    if (failure === null && reason !== null && this.ready.length === 0) {
      this.spreadUntil = now + SPREAD_MS * this.settings.random();
      this.retryAt = Math.max(this.retryAt, this.spreadUntil);
    }
    if (this.ready.length === 0) this.owner.onUnready(this);
    if (failure !== null) this.onAttemptFailed(failure);
    else if (this.isWanted) this.connect();
  }

  /** However a connection ends: one that has proven its server clears what those before it were blamed for. True: it has. */
  private credit(connection: Connection): boolean {
    const ageMs = this.settings.clock.now() - this.upkeep.openedAt(connection);
    const proven = connection.callsFinished > 0 || ageMs >= PROVEN_MS;
    if (proven) this.clearBlame();
    return proven;
  }

  private clearBlame(): void {
    this.lostSoon = false;
    this.backoff.reset();
  }

  /** Whether it was one of the pool's. */
  private forget(connection: Connection): boolean {
    this.upkeep.forget(connection);
    this.aged.delete(connection);
    if (this.greeting === connection) {
      this.greeting = null;
      this.attempting = false;
      return true;
    }
    const index = this.ready.indexOf(connection);
    if (index < 0) return false;
    this.ready.splice(index, 1);
    return true;
  }

  private onAttemptFailed(failure: RpcError): void {
    if (this.closed) return;
    this.failure = failure;
    const now = this.settings.clock.now();
    this.retryAt = now + this.backoff.nextMs(now < this.movingUntil ? MOVING_WAIT_MS_MAX : undefined);
    if (this.retryAt >= this.movingUntil) this.movingUntil = -Infinity;
    this.spreadUntil = -Infinity;
    this.owner.onAttemptFailed(this, failure);
    if (this.isWanted) this.connect();
  }
}
