/**
 * Calls with the same `key` go to the same endpoint, for services that keep state or caches by key; one that joins or leaves moves
 * only its own keys. No endpoint gets more than `loadFactor` times its share of the calls in flight: what is over goes to the next
 * one on the ring (consistent hashing with bounded loads, Mirrokni, Thorup and Zadimoghaddam 2018). A call without a key goes to the
 * least loaded.
 */
import type { Attempt } from '../base/codes.js';
import { RpcError } from '../base/errors.js';
import { readOptions } from '../base/options.js';
import { HashRing } from './hash-ring.js';
import { leastLoaded } from './least-loaded.js';
import { type Balancer, type Candidate, isAvoided, OnlyOne, type Picker, type PickerContext } from './picker.js';

export interface ConsistentHashOptions {
  /**
   * The most calls in flight an endpoint gets, as a multiple of its share by weight; more than 1. Default 1.25, as in the paper: closer
   * to 1 more calls leave their endpoint, `Infinity` none does.
   */
  readonly loadFactor?: number;
}

/** Throws an `RpcError` (INVALID_ARGUMENT) for a load factor that is not more than 1. */
export function consistentHash(options?: ConsistentHashOptions): Balancer {
  const kinds = { loadFactor: 'number' } as const;
  const { loadFactor = 1.25 } = readOptions<ConsistentHashOptions>('consistentHash', options, kinds);
  if (!(loadFactor > 1)) {
    throw new RpcError('INVALID_ARGUMENT', `consistentHash: loadFactor is ${loadFactor}, but must be more than 1`);
  }
  return (candidates, context) =>
    candidates.length === 1 ? new OnlyOne(candidates[0]) : new ConsistentHash(candidates, context, loadFactor);
}

/** The sum of all loads is read again now and then: a pick reads so many endpoints for it on average. */
const LOADS_A_PICK = 4;

class ConsistentHash<C extends Candidate> implements Picker<C> {
  /** Built for the first call with a key: of many snapshots in a row most see none. */
  private ring: HashRing | null = null;
  private readonly keyless: Picker<C>;
  private readonly weights: number;
  private total = 0;
  private picksLeft = 0;

  constructor(
    private readonly candidates: readonly C[],
    context: PickerContext,
    private readonly loadFactor: number,
  ) {
    this.keyless = leastLoaded(candidates, context);
    this.weights = candidates.reduce((sum, { weight }) => sum + weight, 0);
  }

  pick(key: string | undefined, avoid: readonly Attempt[] | undefined): C {
    if (key === undefined) return this.keyless.pick(undefined, avoid);
    const perWeight = this.loadFactor === Infinity ? Infinity : (this.loadFactor * (this.load() + 1)) / this.weights;
    const { candidates } = this;
    const ring = (this.ring ??= new HashRing(candidates));
    const start = ring.find(key);
    // Without anything to avoid there is always one with room: the shares sum up to more than all calls.
    for (let point = start; point < start + ring.points; point++) {
      const candidate = candidates[ring.owner(point)];
      if (candidate.load + 1 > Math.ceil(perWeight * candidate.weight)) continue;
      if (avoid === undefined || !isAvoided(candidate, avoid)) return candidate;
    }
    return this.keyless.pick(undefined, avoid);
  }

  /** Calls in flight at all endpoints. */
  private load(): number {
    if (this.picksLeft-- <= 0) {
      this.total = 0;
      for (const candidate of this.candidates) this.total += candidate.load;
      this.picksLeft = Math.floor(this.candidates.length / LOADS_A_PICK);
    }
    return this.total;
  }
}
