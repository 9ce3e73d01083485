/**
 * How an endpoint is chosen for a call. The channel keeps a `Picker`, a snapshot of the endpoints that take calls at the moment, and
 * replaces it when that set changes. Calls in flight and latencies, which change meanwhile, are read through the candidates. A `Balancer`
 * makes pickers: `leastLoaded`, `roundRobin`, `consistentHash`, or one of the application.
 *
 * Pure: no timers, sockets or promises; time and random numbers come with the context.
 */
import type { Clock } from '../base/clock.js';
import type { Attempt } from '../base/codes.js';
import type { EndpointStats } from './endpoint-stats.js';

/** An endpoint that may be picked. The same object stays from snapshot to snapshot. */
export interface Candidate {
  /** As the resolver gave it, such as `tcp://10.0.0.1:4000`; unique in a snapshot. */
  readonly address: string;
  /** Its share of the calls relative to others, more than 0. */
  readonly weight: number;
  readonly stats: EndpointStats;
  /** Calls in flight and waiting on its connections at the moment. */
  readonly load: number;
}

export interface Picker<C extends Candidate> {
  /**
   * The endpoint for the next call. `key` is the call's own (`CallOptions.key`). `avoid` are the attempts of this call that failed:
   * their endpoints are picked only when there is no other. Never throws.
   */
  pick(key: string | undefined, avoid: readonly Attempt[] | undefined): C;
}

export interface PickerContext {
  readonly clock: Clock;
  /** From 0 inclusive to 1 exclusive, as `Math.random`. */
  readonly random: () => number;
}

/** Makes the picker of a snapshot, which has at least one candidate. */
export type Balancer = <C extends Candidate>(candidates: readonly C[], context: PickerContext) => Picker<C>;

/** Whether an attempt of the call has failed there. */
export function isAvoided(candidate: Candidate, avoid: readonly Attempt[]): boolean {
  for (const { endpoint } of avoid) if (endpoint === candidate.address) return true;
  return false;
}

/** The picker of a single endpoint: always that one, whatever failed there before. */
export class OnlyOne<C extends Candidate> implements Picker<C> {
  constructor(private readonly candidate: C) {}

  pick(): C {
    return this.candidate;
  }
}
