/**
 * The default balancer: two endpoints at random, and of these the one where a call costs less (power of two choices, Mitzenmacher 2001).
 * The cost is latency (`EndpointStats`) times the calls that would be there.
 */
import type { Attempt } from '../base/attempt.js';
import { TAU_MS } from './endpoint-stats.js';
import { type Balancer, type Candidate, isAvoided, OnlyOne, type Picker } from './picker.js';
import { WeightedChoice } from './weighted-choice.js';

/** What an endpoint counts that has calls and no answer yet, as a multiple of the other's latency. */
const UNKNOWN_FACTOR = 8;
/** Latencies this close are the same: else a chance difference decides every call while nothing is in flight. */
const LATENCY_BAND = 1.25;

export const leastLoaded: Balancer = (candidates, { random }) =>
  candidates.length === 1 ? new OnlyOne(candidates[0]) : new LeastLoaded(candidates, random);

class LeastLoaded<C extends Candidate> implements Picker<C> {
  private readonly choice: WeightedChoice;
  private readonly weightMean: number;

  constructor(
    private readonly candidates: readonly C[],
    private readonly random: () => number,
  ) {
    const weights = candidates.map(({ weight }) => weight);
    this.choice = new WeightedChoice(weights, random);
    this.weightMean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  }

  pick(_key: string | undefined, avoid: readonly Attempt[] | undefined): C {
    if (avoid !== undefined && avoid.length > 0) return this.pickElsewhere(avoid);
    const first = this.choice.one();
    const second = this.choice.other(first);
    return this.cheaper(this.candidates[first], this.candidates[second]);
  }

  /** A retry: rare, so it may look at all. */
  private pickElsewhere(avoid: readonly Attempt[]): C {
    const rest = this.candidates.filter((candidate) => !isAvoided(candidate, avoid));
    if (rest.length === 0) return this.pick(undefined, undefined);
    if (rest.length === 1) return rest[0];
    return new LeastLoaded(rest, this.random).pick(undefined, undefined);
  }

  /** `first`, unless `second` costs less. */
  private cheaper(first: C, second: C): C {
    const one = first.stats;
    const two = second.stats;
    const callsFirst = (first.load * this.weightMean) / first.weight;
    const callsSecond = (second.load * this.weightMean) / second.weight;
    let ratio = 1;
    if (one.level === 0) ratio = two.level === 0 ? 1 : callsFirst === 0 ? 0 : UNKNOWN_FACTOR;
    else if (two.level === 0) ratio = callsSecond === 0 ? Infinity : 1 / UNKNOWN_FACTOR;
    else {
      ratio = one.level / two.level;
      if (one.levelAt !== two.levelAt) ratio *= Math.exp((one.levelAt - two.levelAt) / TAU_MS);
      if (ratio < LATENCY_BAND && ratio > 1 / LATENCY_BAND) ratio = 1;
    }
    return ratio * (callsFirst + 1) <= callsSecond + 1 ? first : second;
  }
}
