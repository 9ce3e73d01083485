/** Latencies of calls, counted by the microsecond: adding one costs a few nanoseconds and no memory. */
const MICROS_MAX = 1_000_000;

export class Latencies {
  private readonly counts = new Uint32Array(MICROS_MAX + 1);
  private total = 0;

  add(ms: number): void {
    const micros = Math.min(MICROS_MAX, Math.round(ms * 1_000));
    this.counts[micros] += 1;
    this.total += 1;
  }

  /** The latency in microseconds that `share` (0.99 for p99) of all calls do not exceed; 1 s and more count as 1 s. */
  percentileMicros(share: number): number {
    let remaining = Math.ceil(this.total * share);
    for (const [micros, count] of this.counts.entries()) {
      remaining -= count;
      if (remaining <= 0) return micros;
    }
    return MICROS_MAX;
  }
}
