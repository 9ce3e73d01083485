/**
 * Where a channel's endpoints come from. A channel starts its resolver, which pushes the complete list of endpoints whenever that changes,
 * and stops it when the channel closes. The last list stays valid while look-ups fail.
 *
 * Implemented by `StaticList`, the resolvers of DNS and etcd, and those of applications, which give them to `connect` as the target.
 */
import type { Clock } from '../../base/clock.js';
import { RpcError } from '../../base/errors.js';
import { type OptionKinds, shown } from '../../base/options.js';

/** A server that may be called. */
export interface Endpoint {
  /** `tcp://host:port`, `tls://host:port` or `unix:/path`; unique in a list. */
  readonly address: string;
  /** Its share of the calls, relative to the others'. From 0.0001 to 1,000,000. Default 1. */
  readonly weight?: number;
  /** Lower numbers first: an endpoint is called only while none with a lower number is up. Default 0. */
  readonly priority?: number;
  /**
   * For `tls://`: the name that the server's certificate must show. The channel's `tls.servername` has precedence. Default: the host of
   * the address.
   */
  readonly serverName?: string;
  /**
   * Names the process that serves there, if the resolver knows. A new value means a new process: it is dialled at once, without the
   * backoff that its predecessor caused.
   */
  readonly instance?: string;
}

export const endpointKinds: OptionKinds<Endpoint> = {
  address: 'string',
  weight: 'number',
  priority: 'number',
  serverName: 'string',
  instance: 'string',
};

/** What a channel gives its resolver. */
export interface ResolverContext {
  /** The source of time and timers. */
  readonly clock: Clock;
  /** From 0 (included) to 1. */
  readonly random: () => number;
  /** Takes the complete new list. Push an empty list only if there is certainly no endpoint. Call it whenever the list changes. */
  onEndpoints(endpoints: readonly Endpoint[]): void;
  /** A look-up failed. The last list stays valid; push it again when look-ups work again. */
  onError(error: RpcError): void;
}

export interface Resolver {
  /** For error texts and descriptions, such as `dns+srv://_rpc._tcp.cities`. */
  readonly name: string;
  /** Starts the look-ups. A second start throws an `RpcError` (FAILED_PRECONDITION). May call `context` before it returns. */
  start(context: ResolverContext): void;
  /** An endpoint failed: look up again, no more often than the resolver's least interval allows. */
  refresh(): void;
  /** Ends all timers and requests; `context` is no longer called. */
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
  throw new RpcError(
    'INVALID_ARGUMENT',
    `the weight of ${address} is ${shown(weight)}, but must be from 0.0001 to 1,000,000`,
  );
}
