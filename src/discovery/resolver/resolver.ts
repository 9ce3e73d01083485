/**
 * Where a channel's endpoints come from. A resolver is started by one channel, pushes the whole list of endpoints as often as it
 * changes, and is stopped when the channel closes. What it last pushed stays valid while it cannot look.
 *
 * Implemented by `StaticList` and by whoever needs another source: hand it to `connect` in place of a target.
 */
import type { Clock } from '../../base/clock.js';
import { RpcError } from '../../base/errors.js';

/** A server that may be called. */
export interface Endpoint {
  /** `tcp://host:port`, `tls://host:port` or `unix:/path`. No two endpoints of a list have the same. */
  readonly address: string;
  /** Its share of the calls, relative to the others'. From 0.0001 to 1,000,000. Default 1. */
  readonly weight?: number;
  /** Lower goes first; an endpoint of a higher number is called only while none of a lower one is up. Default 0. */
  readonly priority?: number;
  /**
   * The name that its certificate must show, for `tls://`; `tls.servername` of the channel goes before it. Default: the host of the
   * address.
   */
  readonly serverName?: string;
  /**
   * Who serves there, for resolvers that can tell. Another value says that another process has begun: it is tried at once, without the
   * rest of the wait that the one before has caused.
   */
  readonly instance?: string;
}

/** What a resolver is given. */
export interface ResolverContext {
  /** Time: a resolver has no timers of its own. */
  readonly clock: Clock;
  /** From 0 (included) to 1. */
  readonly random: () => number;
  /** The whole new list. It may be empty: then there is certainly nobody. Call it as often as the list changes. */
  onEndpoints(endpoints: readonly Endpoint[]): void;
  /** It could not look. The last list stays valid; told again, it says that the resolver can look again. */
  onError(error: RpcError): void;
}

export interface Resolver {
  /** For texts, such as `dns+srv://_rpc._tcp.cities`. */
  readonly name: string;
  /** Begins to look. Once: a second start throws an `RpcError` (FAILED_PRECONDITION). May call `context` before it returns. */
  start(context: ResolverContext): void;
  /** An endpoint failed: look again, no more often than the resolver's floor allows. */
  refresh(): void;
  /** Ends all timers and requests; `context` is not called any more. */
  stop(): void;
}

/** What `start` throws the second time. */
export function startedTwice({ name }: Resolver): RpcError {
  return new RpcError('FAILED_PRECONDITION', `the resolver of ${name} was started before: a channel needs its own`);
}

/** Whether it can be the weight of an endpoint: balancers add weights and divide by them. */
export function isWeight(value: unknown): value is number {
  return typeof value === 'number' && value >= 0.0001 && value <= 1_000_000;
}

/** Throws an `RpcError` (INVALID_ARGUMENT) for a weight that is none. */
export function checkWeight({ address, weight = 1 }: Endpoint): void {
  if (isWeight(weight)) return;
  throw new RpcError('INVALID_ARGUMENT', `the weight of ${address} is ${weight}, but must be from 0.0001 to 1,000,000`);
}
