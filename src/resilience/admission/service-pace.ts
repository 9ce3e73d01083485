/**
 * What a server can do, measured: how often a call is taken from its queue while calls wait, and how long a handler takes. Pure;
 * readings of the clock are given. Used by `resilience/admission/admission.ts`.
 */

/** A sample needs this many calls and this much time, or WINDOW_MS_MAX and any call. */
const WINDOW_CALLS = 32;
const WINDOW_MS = 10;
const WINDOW_MS_MAX = 250;
/** Weight of one sample in the moving average: a single stall of the process does not make the server look slow. */
const WEIGHT = 0.2;
/** A pause counts as a measurement once it is this many times longer than expected. */
const STALL = 4;

/** Milliseconds from one call taken from the queue to the next, whatever limits them: places, or the processor. */
export class ServicePace {
  /** As it was measured last; 0: not known yet. */
  intervalMs = 0;
  private since = 0;
  private taken = 0;

  /** The first call waits. */
  begin(now: number): void {
    this.since = now;
    this.taken = 0;
  }

  /** So many calls have been taken from the queue. `more`: others still wait, so the queue did not run empty. */
  onTaken(calls: number, more: boolean, now: number): void {
    this.taken += calls;
    const elapsed = now - this.since;
    const whole = elapsed >= WINDOW_MS && this.taken >= WINDOW_CALLS;
    if (!whole && !(elapsed >= WINDOW_MS_MAX && this.taken > 0)) return;
    const measured = elapsed / this.taken;
    if (more) {
      this.intervalMs += (measured - this.intervalMs) * (this.intervalMs === 0 ? 1 : WEIGHT);
    } else if (measured < this.intervalMs) {
      this.intervalMs = measured;
    }
    this.begin(now);
  }

  /**
   * While calls wait: the milliseconds, more if nothing has been taken for far longer than that lets expect, when `atOnce` calls end
   * together; 0: not known yet.
   */
  interval(now: number, atOnce: number): number {
    const { intervalMs } = this;
    if (intervalMs === 0) return 0;
    return Math.max(intervalMs, (now - this.since) / (STALL * (this.taken + Math.max(atOnce, WINDOW_CALLS))));
  }
}

/** A step is so large a part of the value: 20 to 30 durations move it by a factor of e. */
const STEP = 1.04;
const LEAST_MS = 0.01;

/** The median of durations, followed by small steps: a few that are very long do not move it. */
export class TypicalDuration {
  /** Milliseconds; 0: not known yet. */
  ms = 0;

  observe(ms: number): void {
    if (this.ms === 0) this.ms = Math.max(ms, LEAST_MS);
    else if (ms > this.ms) this.ms *= STEP;
    else this.ms = Math.max(this.ms / STEP, LEAST_MS);
  }
}
