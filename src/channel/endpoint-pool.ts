/**
 * The connections to one endpoint. The pool opens them, gives each call the connection with the fewest calls, opens one more when all
 * are full, retires those that are idle or old, and waits for its backoff after a failed attempt to connect.
 *
 *   resting --connect()--> dialing --socket open--> greeting --HELLO read--> resting; the connection is ready
 *      ^                      |                        |
 *      +---- failed; the next attempt waits for its backoff              any state --close(), stop()--> closed
 *
 * These are the states of attempts to connect (`AttemptState`); beside them the pool has its ready connections. `state` sums up both.
 *
 * When the server sends DRAIN, another server is expected to follow, perhaps at the same address. So for `limits.drainReconnectMsMax`
 * the pool is `moving`: calls may wait for it through failed attempts, whose backoff stays short, and a connection takes no calls before
 * its HELLO was read. Its socket may have been queued by a listener that was just closing, and what was written to that could not be
 * sent again.
 *
 * A lost connection is replaced after a random part of 100 ms, and calls wait for that: the server may have lost thousands of clients,
 * which should not all come back at once. From the second in a row on, a connection that was lost early without an answer counts as a
 * failed attempt: a server that completes the handshake and then closes would otherwise be dialled in a tight loop.
 *
 * A connection is retired only when its replacement is ready. Used by `EndpointSet`.
 */

import { inFreshContext } from '../base/async-context.js';
import { CancelController } from '../base/cancel-signal.js';
import type { Timer } from '../base/clock.js';
import { RpcError, toRpcError } from '../base/errors.js';
import { type Steps, step } from '../base/state-machine.js';
import type { Connection } from '../connection/connection.js';
import type { Endpoint } from '../discovery/resolver/resolver.js';
import type { EndpointSettings } from '../peer/settings.js';
import { Backoff } from '../resilience/backoff.js';
import { EndpointStats } from '../resilience/endpoint-stats.js';
import type { Candidate } from '../resilience/picker.js';
import type { Connector, PooledConnectionEvents } from './connector.js';
import type { ConnectionDescription, EndpointState } from './description.js';
import type { PoolSettings } from './pool-options.js';
import { PoolUpkeep } from './pool-upkeep.js';

/** Longest backoff, without its jitter, while another server is expected: calls wait for it as well. */
const MOVING_WAIT_MS_MAX = 256;

/** The clients of a server that crashed come back spread over this time: the first wait of the backoff. */
const SPREAD_MS = 100;

/** A connection that lived this long has proven its server, even without a call. */
const PROVEN_MS = 1_000;

/** How far an attempt to connect has come; see the drawing above. `resting`: no attempt is under way. */
type AttemptState = 'resting' | 'dialing' | 'greeting' | 'closed';

const steps: Steps<AttemptState> = {
  resting: ['dialing', 'closed'],
  dialing: ['greeting', 'resting', 'closed'],
  greeting: ['resting', 'closed'],
  closed: [],
};

/** What a pool asks and tells its set. */
export interface PoolOwner {
  /** There is no other endpoint: its connection takes calls at once, before its HELLO was read. */
  readonly sole: boolean;
  /** The endpoint is to be kept connected, or a call waits for it. */
  readonly wanted: boolean;
  /** The endpoint takes calls, or has one more connection that does. */
  onReady(pool: EndpointPool): void;
  /** A connection's HELLO was read. */
  onGreeted(pool: EndpointPool): void;
  /** The endpoint no longer takes calls. */
  onUnready(pool: EndpointPool): void;
  onAttemptFailed(pool: EndpointPool, failure: RpcError): void;
}

export class EndpointPool implements Candidate {
  readonly address: string;
  weight: number;
  priority: number;
  private instance: string | undefined;
  readonly stats = new EndpointStats();
  /** The resolver no longer lists it: it is removed when another endpoint can take its calls. */
  leaving = false;
  /** Why the last attempt failed; null: it did not. */
  failure: RpcError | null = null;
  /** Connections that take calls. */
  private readonly ready: Connection[] = [];
  private attempt: AttemptState = 'resting';
  /** In state `greeting`: the connection whose HELLO is awaited, which takes no calls yet. */
  private greeting: Connection | null = null;
  /** Cancels the attempt that is under way when the pool is closed. */
  private readonly dialing = new CancelController();
  private readonly backoff: Backoff;
  /** The last connection was lost before it had proven its server. */
  private lostEarly = false;
  /** When a connection was last lost without counting as a failed attempt. */
  private lostAt = -Infinity;
  private retryAt = -Infinity;
  private retryTimer: Timer | null = null;
  private movingUntil = -Infinity;
  private spreadUntil = -Infinity;
  private growAt: number;
  private readonly upkeep: PoolUpkeep;
  /** Connections that are too old: the next ones replace them. */
  private readonly old = new Set<Connection>();

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
    this.upkeep = new PoolUpkeep(settings.clock, settings.random, pool, (connection, reason) => {
      if (reason === 'old') this.replace(connection);
      else this.retire(connection, 'it was idle');
    });
  }

  /** Takes over what the resolver says now; undefined: it no longer lists the endpoint. */
  update(endpoint: Endpoint | undefined): void {
    this.leaving = endpoint === undefined;
    if (endpoint === undefined) return;
    if (endpoint.instance !== this.instance) {
      // Another process took its place: the failures were not its own.
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

  /** A call may wait for the endpoint: an attempt is under way, or another server is expected after a drain. */
  get hopeful(): boolean {
    const now = this.settings.clock.now();
    return this.isAttempting || now < this.movingUntil || now < this.spreadUntil;
  }

  private get isAttempting(): boolean {
    return this.attempt === 'dialing' || this.attempt === 'greeting';
  }

  get state(): EndpointState {
    if (this.ready.length > 0) return 'ready';
    const now = this.settings.clock.now();
    if (this.isAttempting || now < this.spreadUntil) return 'connecting';
    return now < this.retryAt ? 'backoff' : 'idle';
  }

  /** Milliseconds until the next attempt may begin; 0: it may begin now. */
  get retryInMs(): number {
    return this.ready.length > 0 || this.isAttempting ? 0 : Math.max(0, this.retryAt - this.settings.clock.now());
  }

  /** The first of its connections that takes calls, or null. */
  get first(): Connection | null {
    return this.ready[0] ?? null;
  }

  /** The connection for the next call: the one with the fewest calls in flight. Only while the pool `isReady`. */
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

  /** Begins an attempt to connect, now or when the backoff has passed. */
  connect(): void {
    if (this.attempt !== 'resting') return;
    const waitMs = this.retryAt - this.settings.clock.now();
    if (waitMs <= 0) {
      // Not in the context of the call that happens to be the first.
      void inFreshContext(() => this.open());
      return;
    }
    this.retryTimer ??= this.settings.clock.setTimer(() => this.onRetryTime(), waitMs);
  }

  /** Takes no more calls, for good; those in flight finish. */
  close(): void {
    this.stop();
    for (let connection = this.first ?? this.greeting; connection !== null; connection = this.first ?? this.greeting) {
      this.retire(connection, 'its endpoint is no longer wanted');
    }
  }

  /** As `close`, but leaves its connections open: the channel's `ConnectionSet` ends them all. */
  stop(): void {
    if (this.attempt === 'closed') return;
    this.transition('closed');
    this.dialing.abort(new RpcError('CANCELLED', 'the connection is no longer wanted'));
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

  private transition(to: AttemptState): void {
    this.attempt = step('an attempt to connect', steps, this.attempt, to);
  }

  private onRetryTime(): void {
    this.retryTimer = null;
    if (this.isWanted) this.connect();
  }

  private get isWanted(): boolean {
    const { length } = this.ready;
    return this.owner.wanted || this.old.size > 0 || (length > 0 && length < this.pool.connectionsMin);
  }

  /** Never rejects. */
  private async open(): Promise<void> {
    this.transition('dialing');
    this.retryTimer?.cancel();
    this.retryTimer = null;
    try {
      const connection = await this.connector.open(this.endpoint, this.stats, this.events, this.dialing);
      if (connection !== null) this.onOpened(connection);
    } catch (error) {
      if (this.attempt === 'closed') return;
      this.transition('resting');
      this.onAttemptFailed(toRpcError(error));
    }
  }

  private onOpened(connection: Connection): void {
    if (this.attempt === 'closed') {
      connection.drain('its endpoint is no longer wanted', Infinity);
      return;
    }
    const moving = this.settings.clock.now() < this.movingUntil;
    // With nowhere else to go, calls need not wait for the peer's HELLO: they follow ours.
    if (this.owner.sole && !moving && this.ready.length === 0) {
      this.use(connection);
      return;
    }
    this.transition('greeting');
    this.greeting = connection;
  }

  private readonly events: PooledConnectionEvents = {
    onOpen: (connection) => this.onGreeted(connection),
    onRetired: (connection, reason) => this.leave(connection, reason),
  };

  private onGreeted(connection: Connection): void {
    if (this.attempt === 'closed') return;
    // `retryAt` stays: it has passed, or another connection was greeted and drained at once meanwhile.
    if (!this.lostEarly) this.backoff.reset();
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
    this.transition('resting');
    this.ready.push(connection);
    this.upkeep.onReady(connection);
    this.owner.onReady(this);
    for (const old of this.old) {
      this.retire(old, 'it was too old and has been replaced');
      break;
    }
    if (this.old.size > 0) this.connect();
  }

  /** Retires the connection once another one is ready. */
  private replace(connection: Connection): void {
    this.old.add(connection);
    this.connect();
  }

  /** Gives the connection no more calls; it closes when those in flight have ended. */
  private retire(connection: Connection, text: string): void {
    // It was up as long as it was wanted.
    this.resetFailures();
    this.forget(connection);
    connection.drain(text, Infinity);
  }

  /** The connection takes no new calls; with a `reason` it ends. */
  private leave(connection: Connection, reason: RpcError | null): void {
    const now = this.settings.clock.now();
    const openedAt = this.upkeep.openedAt(connection);
    const proven = connection.callsFinished > 0 || now - openedAt >= PROVEN_MS;
    // However it ends, a connection that has proven its server clears the failures before it.
    if (proven) this.resetFailures();
    const used = this.forget(connection);
    if (!used || this.attempt === 'closed') return;
    const failure = this.failureOf(connection, reason, now, openedAt, proven);
    if (failure === null && reason !== null && this.ready.length === 0) {
      this.spreadUntil = now + SPREAD_MS * this.settings.random();
      this.retryAt = Math.max(this.retryAt, this.spreadUntil);
    }
    if (this.ready.length === 0) this.owner.onUnready(this);
    if (failure !== null) this.onAttemptFailed(failure);
    else if (this.isWanted) this.connect();
  }

  /** Why the end of the connection counts as a failed attempt; null: it does not. */
  private failureOf(
    connection: Connection,
    reason: RpcError | null,
    now: number,
    openedAt: number,
    proven: boolean,
  ): RpcError | null {
    if (connection.peerDrained) {
      this.movingUntil = now + this.settings.limits.drainReconnectMsMax;
      // The address may still lead to the server that drains, which should not be dialled in a tight loop. Connections that were
      // drained together count as one failure.
      const fresh = connection.callsFinished === 0 && now >= this.retryAt;
      return fresh ? new RpcError('UNAVAILABLE', `${connection.peer} is draining`) : null;
    }
    if (reason !== null && connection.peer.instance === '') return reason;
    if (!proven && this.lostEarly && openedAt > this.lostAt) {
      return reason ?? new RpcError('UNAVAILABLE', `${connection.peer} ended the connection`);
    }
    // Of connections that are lost together the first one counts.
    this.lostEarly = !proven;
    this.lostAt = now;
    return null;
  }

  private resetFailures(): void {
    this.lostEarly = false;
    this.backoff.reset();
  }

  /** Takes the connection out. False: it was not one of the pool's. */
  private forget(connection: Connection): boolean {
    this.upkeep.forget(connection);
    this.old.delete(connection);
    if (this.greeting === connection) {
      this.greeting = null;
      if (this.attempt === 'greeting') this.transition('resting');
      return true;
    }
    const index = this.ready.indexOf(connection);
    if (index < 0) return false;
    this.ready.splice(index, 1);
    return true;
  }

  private onAttemptFailed(failure: RpcError): void {
    if (this.attempt === 'closed') return;
    this.failure = failure;
    const now = this.settings.clock.now();
    this.retryAt = now + this.backoff.nextMs(now < this.movingUntil ? MOVING_WAIT_MS_MAX : undefined);
    if (this.retryAt >= this.movingUntil) this.movingUntil = -Infinity;
    this.spreadUntil = -Infinity;
    this.owner.onAttemptFailed(this, failure);
    if (this.isWanted) this.connect();
  }
}
