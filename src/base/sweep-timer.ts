/**
 * One timer for many due times, set to the earliest: deadlines of calls, ends of ejections, ages of connections. Each costs one number in
 * its owner's table and one comparison here. When the timer fires, the owner's `sweep` goes through its table once. For times that are
 * almost never reached this is cheaper than any structure that each call must enter and leave (spec/decisions/002-deadlines-by-sweep.md).
 */
import type { Clock, Timer } from './clock.js';

const TIMER_MS_MAX = 0x7fff_ffff;

export class SweepTimer {
  private readonly clock: Clock;
  private readonly sweep: (now: number) => number;
  /** The earliest due time that is watched; Infinity: none. Written here only. */
  earliest = Infinity;
  private timer: Timer | null = null;
  private stopped = false;

  /** `sweep(now)` ends what is due at `now` and returns the earliest deadline that is left, or Infinity. */
  constructor(clock: Clock, sweep: (now: number) => number) {
    this.clock = clock;
    this.sweep = sweep;
  }

  /** Something is due at `at` (milliseconds of the clock). */
  watch(at: number): void {
    if (at < this.earliest) this.arm(at);
  }

  /** For good. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = null;
    this.earliest = Infinity;
  }

  private arm(at: number): void {
    if (this.stopped) return;
    this.timer?.cancel();
    this.earliest = at;
    const ms = Math.min(Math.max(Math.ceil(at - this.clock.now()), 1), TIMER_MS_MAX);
    this.timer = this.clock.setTimer(this.onTimer, ms);
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    // An answer that has already arrived counts as in time, even if this event loop was too busy to read it.
    this.clock.afterReads(this.onReadsDone);
  };

  private readonly onReadsDone = (): void => {
    if (this.stopped) return;
    this.earliest = Infinity;
    const next = this.sweep(this.clock.now());
    if (next < this.earliest) this.arm(next);
  };
}
