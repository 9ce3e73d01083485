/**
 * The default balancer: two endpoints at random by weight, and of these the one where a call costs less (power of two choices,
 * Mitzenmacher 2001; with latency, Finagle's `P2CPeakEwma`). What a call costs is `EndpointStats.cost` times the calls that
 * would be there.
 *
 * Latencies within a factor of 2 of each other count as the same, so that calls in flight decide between healthy endpoints and
 * chance differences of latency do not. What is over that factor counts with the fourth power: with the first, a slow endpoint with
 * a queue would be kept so busy that a call there takes 4 times as long as elsewhere. Both are from simulations (decision 007).
 *
 * A pick reads no clock: costs of both age alike, so only the difference of their ages matters.
 */
import type { Attempt } from '../base/attempt.js';
import { type EndpointStats, TAU_MS } from './endpoint-stats.js';
import { type Balancer, type Candidate, isAvoided, OnlyOne, type Picker } from './picker.js';
import { WeightedChoice } from './weighted-choice.js';

/** Natural logarithm of the factor within which costs are the same. */
const SAME_COST = Math.log(2);
const EXCESS_POWER = 4;
/**
 * What an endpoint that has not answered yet costs more than the other, so that it gets up to an eighth of the other's calls in flight
 * until it does. Finagle gives it one call only: that one may be a stream of an hour.
 */
const UNKNOWN_COST = SAME_COST + Math.log(8) / EXCESS_POWER;
/** A difference of age that is worth a look, as share of `TAU_MS`. */
const AGED = 0.1;

export const leastLoaded: Balancer = (candidates, { random }) =>
  candidates.length === 1 ? new OnlyOne(candidates[0]) : new LeastLoaded(candidates, random);

class LeastLoaded<C extends Candidate> implements Picker<C> {
  private readonly choice: WeightedChoice;
  private readonly meanWeight: number;

  constructor(
    private readonly candidates: readonly C[],
    private readonly random: () => number,
  ) {
    const weights = candidates.map(({ weight }) => weight);
    this.choice = new WeightedChoice(weights, random);
    this.meanWeight = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
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
    return rest.length === 1 ? rest[0] : new LeastLoaded(rest, this.random).pick(undefined, undefined);
  }

  /** `first`, unless `second` costs less: with nothing to choose between them the shares are those of the weights. */
  private cheaper(first: C, second: C): C {
    const calls = this.callsAt(first);
    const callsOther = this.callsAt(second);
    const { stats } = first;
    const { stats: other } = second;
    if (!stats.known || !other.known) {
      return costsMore(unknownExcess(stats, calls, other, callsOther), calls, callsOther) ? second : first;
    }
    const excess = stats.cost - other.cost;
    const age = (stats.costAt - other.costAt) / TAU_MS;
    const isSecond = costsMore(excess + age, calls, callsOther);
    // Cheap by age only: asked this once, and its age counts anew from here.
    if (isSecond) {
      if (age > AGED && !costsMore(excess, calls, callsOther)) other.costAt = stats.costAt;
      return second;
    }
    if (age < -AGED && costsMore(excess, calls, callsOther)) stats.costAt = other.costAt;
    return first;
  }

  /** Calls that would be there, of an endpoint of average weight. */
  private callsAt({ load, weight }: C): number {
    return 1 + (load * this.meanWeight) / weight;
  }
}

/** Whether the first costs more; `excess` is how much more it costs a call, as logarithm. */
function costsMore(excess: number, calls: number, callsOther: number): boolean {
  if (excess > SAME_COST) return Math.exp((excess - SAME_COST) * EXCESS_POWER) * calls > callsOther;
  if (excess < -SAME_COST) return Math.exp((excess + SAME_COST) * EXCESS_POWER) * calls > callsOther;
  return calls > callsOther;
}

/** The excess where at least one has no latency yet: its cost holds its failures only. */
function unknownExcess(stats: EndpointStats, calls: number, other: EndpointStats, callsOther: number): number {
  const age = stats.costAt === 0 || other.costAt === 0 ? 0 : (stats.costAt - other.costAt) / TAU_MS;
  if (stats.known === other.known) return stats.cost - other.cost + age;
  const [unknown, itsCalls, sign] = stats.known ? [other, callsOther, -1] : [stats, calls, 1];
  // The first call of a new endpoint.
  if (unknown.costAt === 0 && itsCalls === 1) return sign * -Infinity;
  return sign * (UNKNOWN_COST + unknown.cost) + age;
}
