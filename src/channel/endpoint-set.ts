/**
 * The endpoints of a channel and who of them takes the next call. What the resolver pushes becomes pools; who is up, ejected or
 * leaving becomes a picker: an immutable snapshot, thrown away with every change and made anew for the call that
 * needs it.
 *
 *   resolver --onEndpoints--> pools --up, of the first priority, not ejected--> picker --take()--> connection
 *
 * An endpoint that the resolver names no more goes only when another is ready, so an empty or a broken list alone
 * ends nothing that works. Used by `Channel`.
 */
import { RpcError } from '../base/errors.js';
import { SweepTimer } from '../base/sweep-timer.js';
import type { PendingCall, RetryReason } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import { type Endpoint, isWeight, type Resolver } from '../discovery/resolver/resolver.js';
import type { EndpointSettings } from '../peer/settings.js';
import { Ejection, type EjectionOptions } from '../resilience/ejection.js';
import type { Balancer, Picker } from '../resilience/picker.js';
import type { Connector } from './connector.js';
import type { EndpointDescription } from './description.js';
import { EndpointPool, type PoolOwner } from './endpoint-pool.js';
import type { PoolSettings } from './pool-options.js';

/** What the set tells the channel. */
export interface EndpointSetOwner {
  /** A connection is wanted without a call: the channel serves its peers. */
  readonly serving: boolean;
  /** Somebody waits for a connection. */
  readonly awaited: boolean;
  /** An endpoint takes calls. */
  onReady(): void;
  /** A peer has said HELLO. */
  onGreeted(): void;
  /** An attempt failed, or the endpoints could not be found; nobody is left to wait for, unless `hopeful`. */
  onFailed(failure: RpcError): void;
  onRetryable(call: PendingCall, failure: RpcError, reason: RetryReason): void;
  onClosed(connection: Connection): void;
  onHandlersEnded(connection: Connection): void;
}

export interface EndpointSetOptions {
  readonly resolver: Resolver;
  readonly settings: EndpointSettings;
  readonly pool: PoolSettings;
  readonly balancer: Balancer;
  readonly ejection: EjectionOptions | false;
  readonly connector: Connector;
}

/** For the only endpoint there is. */
class SolePicker implements Picker<EndpointPool> {
  constructor(private readonly pool: EndpointPool) {}

  pick(): EndpointPool {
    return this.pool;
  }
}

export class EndpointSet implements PoolOwner {
  /** Null: nobody takes calls, or it must be made anew (`current`). */
  picker: Picker<EndpointPool> | null = null;
  /** Why the endpoints could not be found the last time. */
  resolverFailure: RpcError | null = null;
  private stale = false;
  /** Whom the picker, if it is not stale, chooses from. */
  private candidates: readonly EndpointPool[] = [];
  private readonly pools = new Map<string, EndpointPool>();
  /** Null: nobody is ejected. */
  private readonly ejection: Ejection<EndpointPool> | null;
  private readonly ejectionTimer: SweepTimer;
  /** The resolver has said something. */
  private resolved = false;
  private phase: 'new' | 'started' | 'stopped' = 'new';

  /** Throws an `RpcError` (INVALID_ARGUMENT) for options of the ejection that are wrong. */
  constructor(
    private readonly options: EndpointSetOptions,
    private readonly owner: EndpointSetOwner,
  ) {
    const { clock, random } = options.settings;
    this.ejection = options.ejection === false ? null : new Ejection(options.ejection, random);
    this.ejectionTimer = new SweepTimer(clock, () => this.onEjectionTime());
  }

  /** The picker for a call; null when nobody takes calls. */
  current(): Picker<EndpointPool> | null {
    if (this.stale) this.renew();
    return this.picker;
  }

  /** The connections of all endpoints that are up. */
  *ready(): Iterable<Connection> {
    for (const pool of this.pools.values()) if (pool.first !== null) yield pool.first;
  }

  /** A call may wait: an attempt goes on or may be made now, or the endpoints are being looked up. */
  get hopeful(): boolean {
    if (this.phase === 'new' || (!this.resolved && this.resolverFailure === null)) return true;
    for (const pool of this.pools.values()) if (pool.isReady || pool.hopeful || pool.retryInMs === 0) return true;
    return false;
  }

  /** The resolver has named nobody. */
  get empty(): boolean {
    return this.resolved && this.pools.size === 0;
  }

  /** Whether another endpoint than these takes calls: a call that failed there may be made at once. */
  hasOther(addresses: readonly string[]): boolean {
    this.current();
    return this.candidates.some(({ address }) => !addresses.includes(address));
  }

  /** Why nobody takes calls. */
  get failure(): RpcError {
    for (const { failure } of this.pools.values()) if (failure !== null) return failure;
    const { name } = this.options.resolver;
    return this.resolverFailure ?? new RpcError('UNAVAILABLE', `${name} names no endpoint`);
  }

  /** Looks for endpoints, and makes attempts, now or as soon as a backoff has passed. */
  wake(): void {
    this.start();
    this.refresh();
    for (const pool of this.pools.values()) if (!pool.isReady && !pool.leaving) pool.connect();
  }

  /** Looks again for endpoints that could not be found. */
  refresh(): void {
    if (this.resolverFailure !== null) this.options.resolver.refresh();
  }

  /** Ends all attempts; connections are left to whoever ends them. For good. */
  stop(): void {
    this.phase = 'stopped';
    this.picker = null;
    this.stale = false;
    this.options.resolver.stop();
    this.ejectionTimer.stop();
    for (const pool of this.pools.values()) pool.stop();
  }

  describe(): EndpointDescription[] {
    const now = this.options.settings.clock.now();
    return Array.from(this.pools.values(), (pool) => ({
      address: pool.address,
      weight: pool.weight,
      priority: pool.priority,
      state: pool.state,
      ejected: this.ejection?.isEjected(pool) ?? false,
      leaving: pool.leaving,
      connections: pool.describeConnections(),
      inFlight: pool.load,
      latencyMs: pool.stats.latencyMs(now),
      answered: pool.stats.answered,
      failed: pool.stats.failed,
      failuresInRow: pool.stats.failuresInRow,
      failure: pool.failure?.message ?? null,
      retryInMs: pool.retryInMs,
    }));
  }

  // PoolOwner: what the pools ask and tell.

  get sole(): boolean {
    return this.pools.size === 1;
  }

  get wanted(): boolean {
    return this.pools.size > 1 || this.owner.awaited || this.owner.serving;
  }

  onReady(ready: EndpointPool): void {
    this.change();
    if (!ready.leaving) for (const pool of this.pools.values()) if (pool.leaving) this.remove(pool);
    this.owner.onReady();
  }

  onGreeted(): void {
    this.owner.onGreeted();
  }

  onUnready(pool: EndpointPool): void {
    this.change();
    if (pool.leaving) this.remove(pool);
    this.options.resolver.refresh();
  }

  onAttemptFailed(pool: EndpointPool, failure: RpcError): void {
    // Nobody names it and it is gone: that is all.
    if (pool.leaving && !pool.isReady) this.remove(pool);
    this.options.resolver.refresh();
    this.owner.onFailed(failure);
  }

  onRetryable(call: PendingCall, failure: RpcError, reason: RetryReason): void {
    this.owner.onRetryable(call, failure, reason);
  }

  onClosed(connection: Connection): void {
    this.owner.onClosed(connection);
  }

  onHandlersEnded(connection: Connection): void {
    this.owner.onHandlersEnded(connection);
  }

  private start(): void {
    if (this.phase !== 'new') return;
    this.phase = 'started';
    const { resolver, settings } = this.options;
    try {
      resolver.start({
        clock: settings.clock,
        random: settings.random,
        onEndpoints: (endpoints) => this.update(endpoints),
        onError: (error) => this.onResolverError(error),
      });
    } catch (error) {
      // One that another channel uses, for instance: every call is to learn of it, not only the first.
      const text = `the resolver of ${resolver.name} failed: ${String(error)}`;
      this.onResolverError(error instanceof RpcError ? error : new RpcError('UNAVAILABLE', text, { cause: error }));
    }
  }

  private onResolverError(error: RpcError): void {
    if (this.phase === 'stopped') return;
    this.resolverFailure = error;
    if (this.pools.size === 0) this.owner.onFailed(error);
  }

  /** The resolver's whole new list. */
  private update(endpoints: readonly Endpoint[]): void {
    if (this.phase === 'stopped') return;
    this.resolved = true;
    this.resolverFailure = null;
    const named = new Map<string, Endpoint>();
    for (const endpoint of endpoints) {
      const wrong = wrongIn(endpoint);
      if (wrong === null) named.set(keyOf(endpoint), endpoint);
      else this.resolverFailure = wrong;
    }
    for (const [key, pool] of this.pools) pool.update(named.get(key));
    for (const [key, endpoint] of named) if (!this.pools.has(key)) this.add(key, endpoint);
    this.change();
    const pools = [...this.pools.values()];
    const replaced = pools.some(({ isReady, leaving }) => isReady && !leaving);
    for (const pool of pools) {
      if (pool.leaving && (replaced || !pool.isReady)) this.remove(pool);
      else if (!pool.isReady && !pool.leaving && this.wanted) pool.connect();
    }
    if (this.pools.size === 0) this.owner.onFailed(this.failure);
  }

  private add(key: string, endpoint: Endpoint): void {
    const { settings, pool: poolSettings, connector } = this.options;
    const pool = new EndpointPool(endpoint, settings, poolSettings, connector, this);
    if (this.ejection !== null) pool.stats.onFailed = () => this.onCallFailed();
    this.pools.set(key, pool);
  }

  private remove(pool: EndpointPool): void {
    this.pools.delete(keyOf(pool.endpoint));
    this.ejection?.forget(pool);
    pool.close();
    this.change();
  }

  /** The snapshot is thrown away; the next call that needs one makes it. */
  private change(): void {
    if (this.phase === 'stopped') return;
    this.picker = null;
    this.stale = true;
  }

  private renew(): void {
    this.stale = false;
    const members = this.members();
    // Of fewer endpoints fewer may be ejected, and one that comes back may have been for long enough.
    this.judge(members);
    const left = members.filter((pool) => this.ejection?.isEjected(pool) !== true);
    const candidates = left.length > 0 ? left : members;
    this.candidates = candidates;
    const [only] = candidates;
    if (only === undefined) return;
    const { balancer, settings } = this.options;
    this.picker = candidates.length === 1 ? new SolePicker(only) : balancer(candidates, settings);
  }

  /** Those that are up, of the first priority that has any. Those that leave count only while there is nobody else. */
  private members(): EndpointPool[] {
    const up = [...this.pools.values()].filter(({ isReady }) => isReady);
    const staying = up.filter(({ leaving }) => !leaving);
    const usable = staying.length > 0 ? staying : up;
    const priority = Math.min(...usable.map((pool) => pool.priority));
    return usable.filter((pool) => pool.priority === priority);
  }

  private onCallFailed(): void {
    if (this.pools.size > 1 && this.judge(this.members())) this.change();
  }

  /** Returns when to judge again, though nothing fails until then. */
  private onEjectionTime(): number {
    if (this.judge(this.members())) this.change();
    return this.ejection?.nextAt ?? Infinity;
  }

  /** Ejects and takes back. True: others than before are ejected. */
  private judge(members: readonly EndpointPool[]): boolean {
    const { ejection } = this;
    if (ejection === null || this.phase === 'stopped') return false;
    const changed = ejection.judge(members, this.options.settings.clock.now());
    this.ejectionTimer.watch(ejection.nextAt);
    return changed;
  }
}

/** Endpoints that differ in this are not the same. */
function keyOf({ address, serverName }: Endpoint): string {
  return serverName === undefined ? address : `${address} ${serverName}`;
}

/** Why an endpoint is left out: balancers would choke on it, and then calls wait for nobody. Null: nothing is wrong. */
function wrongIn({ address, weight = 1, priority = 0 }: Endpoint): RpcError | null {
  if (isWeight(weight) && Number.isFinite(priority)) return null;
  const text = `the resolver gave ${address} the weight ${weight} and the priority ${priority}: it is left out`;
  return new RpcError('INVALID_ARGUMENT', text);
}
