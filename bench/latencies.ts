/** Durations of any number of calls, in buckets each 2 % wider than the one before: quantiles are right within that. */

const BUCKET_FACTOR = 1.02;
const LEAST_MS = 0.001;
/** Up to a day. */
const BUCKETS = Math.ceil(Math.log(86_400_000 / LEAST_MS) / Math.log(BUCKET_FACTOR));

export class Latencies {
  count = 0;
  mostMs = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(ms: number): void {
    this.count++;
    if (ms > this.mostMs) this.mostMs = ms;
    const bucket = Math.floor(Math.log(ms / LEAST_MS) / Math.log(BUCKET_FACTOR));
    this.buckets[Math.min(Math.max(0, bucket), BUCKETS - 1)]++;
  }

  /** The duration that the share `q` of all calls did not exceed; NaN when there were none. */
  quantile(q: number): number {
    if (this.count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.buckets[bucket];
      if (seen >= wanted) return Math.min(this.mostMs, LEAST_MS * BUCKET_FACTOR ** (bucket + 1));
    }
    return this.mostMs;
  }
}
