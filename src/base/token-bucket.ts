/**
 * A token bucket of `burst` that refills by `perSecond`, and by one for every call that ended normally where the owner counts
 * those. It bounds what a peer may cost without a call that ends normally: cancelled, refused and late calls (so that an honest
 * peer with many timeouts is not taken for a rapid reset, CVE-2023-44487) and PING frames; and it paces the CANCEL frames of
 * this side. Pure; time is passed in.
 */
export class TokenBucket {
  private tokens: number;
  private readonly burst: number;
  private readonly perMs: number;
  private at: number;
  private finishedThen = 0;

  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst;
    this.tokens = burst;
    this.perMs = perSecond / 1000;
    this.at = now;
  }

  /** Takes one. False: the budget is used up. `finished`: how many calls have ended normally so far. */
  charge(now: number, finished: number): boolean {
    const earned = Math.max(0, now - this.at) * this.perMs + (finished - this.finishedThen);
    this.at = now;
    this.finishedThen = finished;
    this.tokens = Math.min(this.burst, this.tokens + earned);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
