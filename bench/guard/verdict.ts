/**
 * Is the head dearer than the base? One ratio a round, head by base, and an interval for their median that assumes nothing about how
 * the noise is distributed: of n ratios in order, each falls on either side of the true median as a coin does, so
 *
 *   P(median < x[k]) = P(median > x[n + 1 - k]) = P(B(n, 1/2) < k)
 *
 * and k is the largest for which that is at most the error allowed (the interval of the sign test). A loss is claimed by the lower end
 * alone, and that nothing was lost by the upper end, so each claim is wrong in at most 5 of 100 cases. Looking again after more rounds
 * gives chance another try, so each look takes its share of the error: of three looks 1.7 % each.
 */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** `loss` and `held` are certain to the confidence wanted; `undecided` is not. */
export type Verdict = 'loss' | 'held' | 'undecided';

export interface Decision {
  readonly verdict: Verdict;
  /** Of head by base: 1.05 is 5 % dearer. */
  readonly median: number;
  readonly interval: Interval;
  readonly rounds: number;
}

/** A head that costs more than this share above the base has lost. */
export const LOSS_SHARE_MAX = 0.05;
/** Of each claim, all looks together. */
export const CONFIDENCE = 0.95;

/** How many rounds are run before each look: the first number, twice that, and twice that again. */
export function looksOf(rounds: number): readonly number[] {
  return [rounds, 2 * rounds, 4 * rounds];
}

/** The median is below `low` with a chance of at most `error`, and so above `high`. Too few values give no ends. */
export function medianInterval(values: readonly number[], error: number): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  // P(B(n, 1/2) = below), and the sum up to it.
  let term = 0.5 ** n;
  let outside = 0;
  let k = 0;
  for (let below = 0; below < n / 2; below++) {
    outside += term;
    if (outside > error) break;
    k = below + 1;
    term *= (n - below) / (below + 1);
  }
  if (k === 0) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  return { low: sorted[k - 1] as number, high: sorted[n - k] as number };
}

/** `looks`: among how many looks the error is divided. */
export function decide(ratios: readonly number[], looks: number): Decision {
  const interval = medianInterval(ratios, (1 - CONFIDENCE) / looks);
  const limit = 1 + LOSS_SHARE_MAX;
  const verdict = interval.low > limit ? 'loss' : interval.high <= limit ? 'held' : 'undecided';
  return { verdict, median: middle(ratios), interval, rounds: ratios.length };
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
}
