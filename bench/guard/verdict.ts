/**
 * Does the head cost more than the base? Each turn gives one ratio, head by base. In a turn both commits run under the same conditions, so
 * noise moves the logarithm of the ratio up as easily as down: it is symmetric about its true value. The interval is that of
 * Wilcoxon's signed-rank test, which assumes only this symmetry and that turns are independent. Of n values it takes the means of all
 * pairs (each value with itself included) in order, and
 *
 *   P(true value < mean[k]) = P(true value > mean[last + 1 - k]) = P(T < k)
 *
 * where T is the sum of those of the ranks 1 to n that come up heads when a coin is tossed for each. k is the largest for which that chance
 * is at most the error allowed. The estimate is the median of the means (Hodges and Lehmann).
 *
 * "slower" is claimed by the lower end of the interval alone, and "within" by the upper end, so each claim is wrong in at most 5 of 100 cases.
 * Each look at the ratios is another chance to be wrong, so each look gets an equal part of the error: of four looks 1.25 % each.
 */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** `within` and `loss` hold with the confidence stated; `undecided` needs more turns. */
export type Verdict = 'within' | 'loss' | 'undecided';

export interface Decision {
  readonly verdict: Verdict;
  /** Of head by base: 1.02 is 2 % dearer. */
  readonly estimate: number;
  readonly interval: Interval;
  readonly turns: number;
}

/** Of each claim, all looks together. */
export const CONFIDENCE = 0.95;

/** After how many turns to look: `turns`, twice that, and so on up to `turnsMax`, which is the last look. */
export function looksOf(turns: number, turnsMax: number): readonly number[] {
  const looks: number[] = [];
  for (let look = turns; look < turnsMax; look *= 2) looks.push(look);
  return [...looks, turnsMax];
}

/** `ratios`: head by base, one a turn. `looks`: the number of looks that share the error. `bound`: 0.02 allows 2 %. */
export function decide(ratios: readonly number[], looks: number, bound: number): Decision {
  const means = pairMeans(ratios.map(Math.log));
  const k = ranksOutside(ratios.length, (1 - CONFIDENCE) / looks);
  const interval = {
    low: k === 0 ? 0 : Math.exp(means[k - 1] as number),
    high: k === 0 ? Number.POSITIVE_INFINITY : Math.exp(means[means.length - k] as number),
  };
  const limit = 1 + bound;
  const verdict = interval.low > limit ? 'loss' : interval.high <= limit ? 'within' : 'undecided';
  return { verdict, estimate: Math.exp(middle(means)), interval, turns: ratios.length };
}

/** The largest k for which P(T < k) is at most `error`; 0 when n values are too few for any. */
export function ranksOutside(n: number, error: number): number {
  // The chance of each sum of the ranks so far.
  let chances = [1];
  for (let rank = 1; rank <= n; rank++) {
    const next = Array.from({ length: chances.length + rank }, () => 0);
    for (const [sum, chance] of chances.entries()) {
      next[sum] = (next[sum] ?? 0) + chance / 2;
      next[sum + rank] = (next[sum + rank] ?? 0) + chance / 2;
    }
    chances = next;
  }
  let below = 0;
  let k = 0;
  for (const chance of chances) {
    below += chance;
    if (below > error) break;
    k++;
  }
  return k;
}

/** Means of all pairs, each value with itself included, in order. */
function pairMeans(values: readonly number[]): number[] {
  return values.flatMap((a, index) => values.slice(index).map((b) => (a + b) / 2)).sort((a, b) => a - b);
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
}
