/**
 * The backoff of look-ups: grows by the factor 1.6 up to a maximum, each wait up to 20 % longer at random so that many processes do not
 * ask together. Never shorter than the plain value: it is also the least time between a resolver's look-ups. Pure.
 */
const FACTOR = 1.6;
const JITTER = 0.2;

export class RetryDelay {
  private ms: number;

  constructor(
    private readonly random: () => number,
    private readonly firstMs: number,
    private readonly mostMs: number,
  ) {
    this.ms = firstMs;
  }

  /** The next wait in milliseconds. */
  nextMs(): number {
    const ms = this.ms * (1 + JITTER * this.random());
    this.ms = Math.min(this.ms * FACTOR, Math.max(this.mostMs, this.firstMs));
    return ms;
  }

  reset(): void {
    this.ms = this.firstMs;
  }
}

/** A period of `ms` milliseconds, jittered by 10 %. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.9 + 0.2 * random());
}
