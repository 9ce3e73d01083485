/**
 * Quantiles of the latencies seen lately, in bounded memory: counts in buckets that grow by 5 %, so a quantile is at most 2.5 % off.
 * It forgets by count: when 2,048 are held all counts are halved, so the last thousand or two decide.
 *
 * Used by `HedgePolicy`.
 */
const GROWTH = 1.05;
const MS_MIN = 0.01;
/** Up to 10 minutes; what is longer counts as that. */
const BUCKETS = Math.ceil(Math.log(600_000 / MS_MIN) / Math.log(GROWTH)) + 1;
const HELD_MAX = 2048;
const PER_LOG = 1 / Math.log(GROWTH);

export class LatencyQuantile {
  private readonly counts = new Uint16Array(BUCKETS);
  private held = 0;

  /** How many observations decide; halved now and then. */
  get observations(): number {
    return this.held;
  }

  observe(ms: number): void {
    const bucket = ms > MS_MIN ? Math.round(Math.log(ms / MS_MIN) * PER_LOG) : 0;
    this.counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    if (++this.held >= HELD_MAX) this.halve();
  }

  /** So many milliseconds, or less, took the share `quantile` (0 to 1) of the calls. NaN before the first observation. */
  quantile(quantile: number): number {
    if (this.held === 0) return Number.NaN;
    let left = Math.max(1, Math.ceil(quantile * this.held));
    let bucket = -1;
    while (left > 0) left -= this.counts[++bucket];
    return MS_MIN * GROWTH ** bucket;
  }

  private halve(): void {
    this.held = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.counts[bucket] >>>= 1;
      this.held += this.counts[bucket];
    }
  }
}
