/**
 * How long to wait before looking again: the first time, times 1.6 each time, up to the most, each up to 20 % longer by chance so
 * that many processes do not ask together. Never shorter than said: it is also the floor under a resolver's look-ups. Pure.
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

/** A period of `ms` milliseconds, 10 % more or less by chance. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.9 + 0.2 * random());
}
