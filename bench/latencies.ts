/**
 * Durations of any number of calls, in memory that does not grow with them: buckets that are log-linear, 128 to each power of two, so a
 * quantile is at most 0.8 % above the truth, and never below it. Below 25.6 us the buckets are 0.1 us wide.
 */

const UNITS_PER_MS = 10_000;
/** Buckets to a power of two, as a power of two. */
const SUB_BITS = 7;
const SUB_BUCKETS = 2 ** SUB_BITS;
/** Seven minutes. What is longer counts as this; `mostMs` is exact. */
const UNITS_MAX = 2 ** 32 - 1;
const BUCKETS = bucketOf(UNITS_MAX) + 1;

/** `units` is a whole number below 2 ** 32. */
function bucketOf(units: number): number {
  const shift = Math.max(0, 31 - Math.clz32(units) - SUB_BITS);
  return shift * SUB_BUCKETS + (units >>> shift);
}

/** The first value above those of the bucket. */
function endOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / SUB_BUCKETS) - 1);
  return (bucket - shift * SUB_BUCKETS + 1) * 2 ** shift;
}

export class Latencies {
  count = 0;
  mostMs = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(ms: number): void {
    this.count++;
    if (ms > this.mostMs) this.mostMs = ms;
    const units = ms * UNITS_PER_MS;
    this.buckets[bucketOf(units > 0 ? (units < UNITS_MAX ? Math.floor(units) : UNITS_MAX) : 0)]++;
  }

  /** The duration that the share `q` of all calls did not exceed; NaN when there were none. */
  quantile(q: number): number {
    if (this.count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.buckets[bucket];
      if (seen >= wanted) return Math.min(this.mostMs, endOf(bucket) / UNITS_PER_MS);
    }
    return this.mostMs;
  }
}

/** Latency of the calls of a while. */
export interface Latency {
  readonly calls: number;
  readonly ms: number;
  readonly p50Us: number;
  readonly p99Us: number;
}
