/** How long to wait before the next attempt to connect: 100 ms, times 1.6 each time, at most 30 s, each +-20 %. Pure. */
const FIRST_MS = 100;
const FACTOR = 1.6;
const MOST_MS = 30_000;
const JITTER = 0.2;

export class Backoff {
  private ms = FIRST_MS;

  constructor(private readonly random: () => number) {}

  /** The next wait in milliseconds. Without its jitter it and those after it begin from `mostMs` at most. */
  nextMs(mostMs: number = MOST_MS): number {
    this.ms = Math.min(this.ms, mostMs);
    const ms = this.ms * (1 + JITTER * (2 * this.random() - 1));
    this.ms = Math.min(this.ms * FACTOR, MOST_MS);
    return ms;
  }

  /** An attempt succeeded. */
  reset(): void {
    this.ms = FIRST_MS;
  }
}
