/**
 * The endpoints of a channel, and which of them takes the next call. Each endpoint that the resolver lists has a pool of connections.
 * The picker is an immutable snapshot of the endpoints that may be picked: every change discards it, and the next call builds a new one.
 *
 *   resolver --onEndpoints--> pools --up, of the first priority, not ejected--> picker --take()--> connection
 *
 *   new --first call, ready()--> started --channel closes--> stopped
 *
 * An endpoint that the resolver no longer lists is removed only when another one is ready, so an empty or broken list alone ends nothing
 * that works. Used by `Channel`.
 */
import { inFreshContext } from '../base/async-context.js';
import { RpcError } from '../base/errors.js';
import { type Steps, step } from '../base/state-machine.js';
import { SweepTimer } from '../base/sweep-timer.js';
import type { Connection } from '../connection/connection.js';
import { type Endpoint, isWeight, type Resolver } from '../discovery/resolver/resolver.js';
import type { EndpointSettings } from '../peer/settings.js';
import { Ejection, type EjectionOptions } from '../resilience/ejection.js';
import type { Balancer, Picker } from '../resilience/picker.js';
import type { Connector } from './connector.js';
import type { EndpointDescription } from './description.js';
import { EndpointPool, type PoolOwner } from './endpoint-pool.js';
import type { PoolSettings } from './pool-options.js';

/** What the set asks and tells its channel. */
export interface EndpointSetOwner {
  /** A connection is wanted even with a single endpoint: calls wait, or the channel serves its peers. */
  readonly wantsConnection: boolean;
  /** An endpoint takes calls. */
  onReady(): void;
  /** The HELLO of a peer was read. */
  onGreeted(): void;
  /** An attempt failed, or the endpoints could not be looked up. Unless the set is `hopeful`, waiting for it is pointless. */
  onFailed(failure: RpcError): void;
}

export interface EndpointSetOptions {
  readonly resolver: Resolver;
  readonly settings: EndpointSettings;
  readonly pool: PoolSettings;
  readonly balancer: Balancer;
  readonly ejection: EjectionOptions | false;
  readonly connector: Connector;
}

/** Picks the only endpoint there is. */
class SolePicker implements Picker<EndpointPool> {
  constructor(private readonly pool: EndpointPool) {}

  pick(): EndpointPool {
    return this.pool;
  }
}

type Phase = 'new' | 'started' | 'stopped';

const steps: Steps<Phase> = { new: ['started', 'stopped'], started: ['stopped'], stopped: [] };

export class EndpointSet implements PoolOwner {
  /** Null: no endpoint takes calls, or the picker must be built again (`current`). */
  picker: Picker<EndpointPool> | null = null;
  /** Why the last look-up of the endpoints failed; null: it did not. */
  resolverFailure: RpcError | null = null;
  private stale = false;
  /** What the picker, unless it is stale, chooses from. */
  private candidates: readonly EndpointPool[] = [];
  private readonly pools = new Map<string, EndpointPool>();
  /** Null: endpoints are never ejected. */
  private readonly ejection: Ejection<EndpointPool> | null;
  private readonly ejectionTimer: SweepTimer;
  /** The resolver has given a list. */
  private resolved = false;
  private phase: Phase = 'new';

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a wrong option of the ejection. */
  constructor(
    private readonly options: EndpointSetOptions,
    private readonly owner: EndpointSetOwner,
  ) {
    const { clock, random } = options.settings;
    this.ejection = options.ejection === false ? null : new Ejection(options.ejection, random);
    this.ejectionTimer = new SweepTimer(clock, () => this.onEjectionTime());
  }

  /** The picker for a call; null when no endpoint takes calls. */
  current(): Picker<EndpointPool> | null {
    if (this.stale) this.renew();
    return this.picker;
  }

  /** The connections of all endpoints that are up. */
  *ready(): Iterable<Connection> {
    for (const pool of this.pools.values()) if (pool.first !== null) yield pool.first;
  }

  /** Whether a call may wait: an attempt is under way or may begin now, or the endpoints are being looked up. */
  get hopeful(): boolean {
    if (this.phase === 'new' || (!this.resolved && this.resolverFailure === null)) return true;
    for (const pool of this.pools.values()) if (pool.isReady || pool.hopeful || pool.retryInMs === 0) return true;
    return false;
  }

  /** The resolver's list is empty. */
  get empty(): boolean {
    return this.resolved && this.pools.size === 0;
  }

  /** Whether another endpoint than these takes calls, so that a call that failed there may be retried at once. */
  hasOther(addresses: readonly string[]): boolean {
    this.current();
    return this.candidates.some(({ address }) => !addresses.includes(address));
  }

  /** Why the last attempt to reach an endpoint failed; null: none has failed yet. */
  get lastFailure(): RpcError | null {
    for (const { failure } of this.pools.values()) if (failure !== null) return failure;
    return this.empty ? this.failure : this.resolverFailure;
  }

  /** Why no endpoint takes calls. */
  get failure(): RpcError {
    for (const { failure } of this.pools.values()) if (failure !== null) return failure;
    const { name } = this.options.resolver;
    return this.resolverFailure ?? new RpcError('UNAVAILABLE', `${name} lists no endpoint`);
  }

  /** Looks up the endpoints and connects to them, each as soon as its backoff has passed. */
  wake(): void {
    this.start();
    this.refresh();
    for (const pool of this.pools.values()) if (!pool.isReady && !pool.leaving) pool.connect();
  }

  /** Looks up the endpoints again if the last look-up failed. */
  refresh(): void {
    if (this.resolverFailure !== null) this.lookUp();
  }

  /** Ends all attempts, for good; the channel's `ConnectionSet` ends the connections. */
  stop(): void {
    if (this.phase === 'stopped') return;
    this.transition('stopped');
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
    return this.pools.size > 1 || this.owner.wantsConnection;
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
    this.lookUp();
  }

  onAttemptFailed(pool: EndpointPool, failure: RpcError): void {
    // The resolver no longer lists it, and it is down: nothing is left of it.
    if (pool.leaving && !pool.isReady) this.remove(pool);
    this.lookUp();
    this.owner.onFailed(failure);
  }

  private transition(to: Phase): void {
    this.phase = step('the endpoints of a channel', steps, this.phase, to);
  }

  private start(): void {
    if (this.phase !== 'new') return;
    this.transition('started');
    const { resolver, settings } = this.options;
    try {
      inFreshContext(() =>
        resolver.start({
          clock: settings.clock,
          random: settings.random,
          onEndpoints: (endpoints) => this.update(endpoints),
          onError: (error) => this.onResolverError(error),
        }),
      );
    } catch (error) {
      // For example, a resolver that another channel uses: every call fails with this, not only the first.
      const text = `the resolver of ${resolver.name} failed: ${String(error)}`;
      this.onResolverError(error instanceof RpcError ? error : new RpcError('UNAVAILABLE', text, { cause: error }));
    }
  }

  private lookUp(): void {
    inFreshContext(() => this.options.resolver.refresh());
  }

  private onResolverError(error: RpcError): void {
    if (this.phase === 'stopped') return;
    this.resolverFailure = error;
    if (this.pools.size === 0) this.owner.onFailed(error);
  }

  /** Takes over the resolver's new list, which is complete. */
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

  /** Discards the picker; the next call builds a new one. */
  private change(): void {
    if (this.phase === 'stopped') return;
    this.picker = null;
    this.stale = true;
  }

  private renew(): void {
    this.stale = false;
    const members = this.members();
    // Fewer endpoints allow fewer ejections, and the ejection of one that is up again may be over.
    this.updateEjections(members);
    const left = members.filter((pool) => this.ejection?.isEjected(pool) !== true);
    const candidates = left.length > 0 ? left : members;
    this.candidates = candidates;
    const [only] = candidates;
    if (only === undefined) return;
    const { balancer, settings } = this.options;
    this.picker = candidates.length === 1 ? new SolePicker(only) : inFreshContext(() => balancer(candidates, settings));
  }

  /** The endpoints that are up, of the first priority that has any. Those that are leaving count only while there are no others. */
  private members(): EndpointPool[] {
    const up = [...this.pools.values()].filter(({ isReady }) => isReady);
    const staying = up.filter(({ leaving }) => !leaving);
    const usable = staying.length > 0 ? staying : up;
    const priority = Math.min(...usable.map((pool) => pool.priority));
    return usable.filter((pool) => pool.priority === priority);
  }

  private onCallFailed(): void {
    if (this.pools.size > 1 && this.updateEjections(this.members())) this.change();
  }

  /** Returns when to look again, even if nothing fails until then. */
  private onEjectionTime(): number {
    if (this.updateEjections(this.members())) this.change();
    return this.ejection?.nextAt ?? Infinity;
  }

  /** Ejects endpoints and takes them back. True: the set of ejected endpoints has changed. */
  private updateEjections(members: readonly EndpointPool[]): boolean {
    const { ejection } = this;
    if (ejection === null || this.phase === 'stopped') return false;
    const changed = ejection.update(members, this.options.settings.clock.now());
    this.ejectionTimer.watch(ejection.nextAt);
    return changed;
  }
}

/** What tells one endpoint from another. */
function keyOf({ address, serverName }: Endpoint): string {
  return serverName === undefined ? address : `${address} ${serverName}`;
}

/** Why an endpoint is left out: a balancer cannot work with its weight or priority. Null: it is valid. */
function wrongIn({ address, weight = 1, priority = 0 }: Endpoint): RpcError | null {
  if (isWeight(weight) && Number.isFinite(priority)) return null;
  const text = `the resolver gave ${address} the weight ${weight} and the priority ${priority}: it is left out`;
  return new RpcError('INVALID_ARGUMENT', text);
}
