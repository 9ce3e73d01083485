/**
 * Virtual time for tests: nothing moves but by the methods of this clock. Timers run in the order of their time, and of
 * their making where that is equal; while one runs, `now()` is its time.
 */
import type { Clock, Timer } from '../../src/base/clock.js';

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** Callbacks in one step; beyond it a timer of 0 ms is taken to re-arm itself for ever. */
const callbacksMax = 1_000_000;

export class VirtualClock implements Clock {
  #now: number;
  /** Ascending by time; equal times in the order of making. */
  #timers: Waiting[] = [];
  #afterReads: (() => void)[] = [];

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that are set: 0 after a clean teardown. */
  get pending(): number {
    return this.#timers.length + this.#afterReads.length;
  }

  /** Milliseconds until the next timer, Infinity if there is none. */
  get msToNext(): number {
    const next = this.#timers[0];
    return next === undefined ? Number.POSITIVE_INFINITY : Math.max(0, next.at - this.#now);
  }

  setTimer(callback: () => void, ms: number): Timer {
    if (Number.isNaN(ms)) throw new Error('a timer of NaN milliseconds');
    const timer: Waiting = { at: this.#now + Math.max(0, ms), callback };
    let place = this.#timers.length;
    while (place > 0 && this.#timers[place - 1].at > timer.at) place--;
    this.#timers.splice(place, 0, timer);
    return {
      cancel: () => {
        const found = this.#timers.indexOf(timer);
        if (found >= 0) this.#timers.splice(found, 1);
      },
    };
  }

  afterReads(callback: () => void): void {
    this.#afterReads.push(callback);
  }

  /**
   * Lets `ms` pass and runs what falls due. `afterReads` callbacks run when the timers of an instant have run. Promises
   * do not move meanwhile; see `advanceSettled`.
   */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let runs = 0; this.#runInstant(end); runs++) assertFinite(runs);
    this.#now = Math.max(this.#now, end);
  }

  /** As `advance`, but promises, ticks and real sockets get a turn after each instant and before `afterReads`. */
  async advanceSettled(ms: number): Promise<void> {
    const end = this.#now + ms;
    await turn();
    for (let runs = 0; this.#runDue(end) || this.#afterReads.length > 0; runs++) {
      assertFinite(runs);
      await turn();
      this.finishReads();
      await turn();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Time passes, but nothing runs: the event loop was blocked. What fell due runs at the next `advance`, late. */
  block(ms: number): void {
    this.#now += ms;
  }

  /** The input that was waiting has been read: runs what asked for that with `afterReads`. */
  finishReads(): void {
    const callbacks = this.#afterReads;
    this.#afterReads = [];
    for (const callback of callbacks) callback();
  }

  /** One step of `advance`: the reads that are due before anything later. False: nothing is left to do. */
  #runInstant(end: number): boolean {
    if (this.#afterReads.length > 0 && this.msToNext > 0) {
      this.finishReads();
      return true;
    }
    return this.#runDue(end);
  }

  /** Runs the timers of the next instant up to `end`, those of 0 ms that they set included. False: there is none. */
  #runDue(end: number): boolean {
    const first = this.#timers[0];
    if (first === undefined || first.at > end) return false;
    this.#now = Math.max(this.#now, first.at);
    for (let runs = 0; ; runs++) {
      const next = this.#timers[0];
      if (next === undefined || next.at > this.#now) return true;
      assertFinite(runs);
      this.#timers.shift();
      next.callback();
    }
  }
}

function assertFinite(runs: number): void {
  if (runs > callbacksMax) throw new Error(`more than ${callbacksMax} callbacks in one step of the virtual clock`);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
