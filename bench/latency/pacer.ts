/** When the calls of a fixed arrival rate are due: evenly spaced, independent of earlier calls. Pure arithmetic. */

export interface Arrivals {
  readonly perSecond: number;
  /** Calls of this first while are made and not counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export class Pacer {
  /** Of the calls that count, the first one's moment, and the moment behind the last one's. */
  readonly countedFromMs: number;
  readonly endMs: number;
  /** All calls that will be due, and the first of them that counts. */
  readonly calls: number;
  readonly firstCounted: number;
  private readonly perMs: number;

  constructor(
    { perSecond, warmUpSeconds, seconds }: Arrivals,
    private readonly fromMs: number,
  ) {
    this.perMs = perSecond / 1_000;
    this.countedFromMs = fromMs + warmUpSeconds * 1_000;
    this.endMs = this.countedFromMs + seconds * 1_000;
    this.calls = Math.ceil((warmUpSeconds + seconds) * perSecond);
    this.firstCounted = Math.ceil(warmUpSeconds * perSecond);
  }

  /** How many calls are due by then, since the start. The first is due at once. */
  dueBy(nowMs: number): number {
    if (nowMs < this.fromMs) return 0;
    return Math.min(this.calls, Math.floor((nowMs - this.fromMs) * this.perMs) + 1);
  }

  /** When call `index`, from 0, is due: its latency counts from here. */
  dueMs(index: number): number {
    return this.fromMs + index / this.perMs;
  }
}
