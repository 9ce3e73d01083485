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
import type { Attempt } from '../base/codes.js';
import { type EndpointStats, TAU_MS } from './endpoint-stats.js';
import { type Balancer, type Candidate, isAvoided, OnlyOne, type Picker } from './picker.js';
import { WeightedChoice } from './weighted-choice.js';

/** Natural logarithm of the factor within which costs are the same. */
const SAME_COST = Math.log(2);
const EXCESS_POWER = 4;
/**
 * Of the other's calls in flight an endpoint that begins may have this share, whatever it has answered: its first call may be a stream
 * of an hour. (Finagle gives it one call until that is answered.)
 */
const BEGINNER_SHARE = 1 / 8;
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
    const busy = stats.answered < stats.trustedAt && isBusyBeginner(stats, calls, callsOther);
    const otherBusy = other.answered < other.trustedAt && isBusyBeginner(other, callsOther, calls);
    if (busy !== otherBusy) return busy ? second : first;
    if (!stats.known || !other.known) return unknownCostsMore(stats, calls, other, callsOther) ? second : first;
    const excess = stats.cost - other.cost;
    const age = (stats.costAt - other.costAt) / TAU_MS;
    if (costsMore(excess + age, calls, callsOther)) {
      if (age > AGED && !costsMore(excess, calls, callsOther)) askOnce(other, stats);
      return second;
    }
    if (age < -AGED && costsMore(excess, calls, callsOther)) askOnce(stats, other);
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

/**
 * Whether an endpoint that is new, or was not asked for long, has as many calls as it may: one more than it has answered, so that they
 * double with each answer. Without this one lucky fast answer of a slow endpoint brought it all calls until the next.
 */
function isBusyBeginner(stats: EndpointStats, calls: number, callsOther: number): boolean {
  return calls > 1 + stats.answersSinceBegin && calls > callsOther * BEGINNER_SHARE;
}

/** `costsMore` where at least one has no latency yet: its cost holds its failures only. */
function unknownCostsMore(stats: EndpointStats, calls: number, other: EndpointStats, callsOther: number): boolean {
  // Never heard of: its first call at once, then the one with fewer calls.
  if (stats.costAt === 0 && calls === 1) return false;
  if (other.costAt === 0 && callsOther === 1) return true;
  if (stats.costAt === 0 || other.costAt === 0) return calls > callsOther;
  const age = (stats.costAt - other.costAt) / TAU_MS;
  const failures = (stats.known ? 0 : stats.cost) - (other.known ? 0 : other.cost);
  return costsMore(failures + age, calls, callsOther);
}

/** An endpoint is picked because it was not picked for long: its statistics are old, and their age counts from here again. */
function askOnce(stats: EndpointStats, other: EndpointStats): void {
  stats.costAt = other.costAt;
  stats.beginAnew();
}
