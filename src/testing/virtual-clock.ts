/**
 * Virtual time: it moves only through the methods of this clock. Timers run by time and, where that is equal, in the order they
 * were set; while one runs, `now()` is its time. An idle hour takes no real time.
 *
 * `advance` moves time and nothing else. The methods that return promises also run promises: after every callback they wait
 * until all promises that it triggered have settled, as Node does between two timers, so that one program always runs the
 * same way.
 */
import type { Clock, Timer } from '../base/clock.js';
import { TimerHeap } from './timer-heap.js';

/**
 * What the clock waits for after every callback. `tasks`: promises, `process.nextTick`, streams of node:stream, whatever takes
 * less than a turn of the event loop. `microtasks`: promises only; four times as fast.
 */
export type Settling = 'tasks' | 'microtasks';

/** Callbacks in one step; beyond it a timer of 0 ms is taken to re-arm itself for ever. */
const CALLBACKS_MAX = 1_000_000;

export class VirtualClock implements Clock {
  private time: number;
  private readonly timers = new TimerHeap();
  private readonly arrivals = new TimerHeap();
  private reads: (() => void)[] = [];
  private blockedSince = Number.NEGATIVE_INFINITY;
  private blockedUntil = Number.NEGATIVE_INFINITY;
  private readonly rest: () => Promise<void>;

  /** `now`: milliseconds at which time begins. `settling`: default `tasks`. */
  constructor(now = 1_000_000, settling: Settling = 'tasks') {
    this.time = now;
    this.rest = settling === 'tasks' ? afterTasks : afterMicrotasks;
  }

  /** Milliseconds. */
  now(): number {
    return this.time;
  }

  /** Timers, arrivals and `afterReads` callbacks that have not run: 0 after a clean teardown. */
  get pending(): number {
    return this.timers.live + this.arrivals.live + this.reads.length;
  }

  /** Milliseconds until the next timer, Infinity if there is none. */
  get msToNext(): number {
    return Math.max(0, Math.min(this.timers.nextAt, this.arrivals.nextAt) - this.time);
  }

  /** Throws an `Error` when `ms` is NaN. */
  setTimer(callback: () => void, ms: number): Timer {
    return this.add(this.timers, callback, ms);
  }

  /** @internal A timer of `owner`, which `cancelTimersOf` ends. */
  setTimerOf(owner: object, callback: () => void, ms: number): Timer {
    return this.add(this.timers, callback, ms, owner);
  }

  /** @internal */
  cancelTimersOf(owner: object): void {
    this.timers.cancelOf(owner);
  }

  /**
   * As `setTimer`, for input that comes in `ms`. What is due runs behind the timers that are due, as Node reads its sockets behind its
   * timers: after `block`, timers run before the input that came in time.
   */
  setArrival(callback: () => void, ms: number): Timer {
    return this.add(this.arrivals, callback, ms);
  }

  afterReads(callback: () => void): void {
    this.reads.push(callback);
  }

  /**
   * Lets `ms` pass and runs what falls due. `afterReads` callbacks run when the timers of an instant have run. Promises
   * do not run meanwhile; see `advanceSettled`. Throws an `Error` when a timer of 0 ms re-arms itself forever.
   */
  advance(ms: number): void {
    const end = this.time + ms;
    for (let runs = 0; ; assertFinite(++runs)) {
      const callback = this.next(end);
      if (callback === null) break;
      callback();
    }
    this.time = Math.max(this.time, end);
  }

  /** As `advance`, and promises come to rest after every callback. */
  async advanceSettled(ms: number): Promise<void> {
    const end = this.time + ms;
    await this.runUntil(() => false, end);
    this.time = Math.max(this.time, end);
  }

  /**
   * Runs callback after callback, with promises coming to rest in between, until `done()` is true or nothing is left to run up
   * to the time `end` (milliseconds of this clock). True: `done()` is. Time stands where the last callback ran.
   */
  async runUntil(done: () => boolean, end = Number.POSITIVE_INFINITY): Promise<boolean> {
    await this.rest();
    for (let runs = 0, at = this.time; !done(); ) {
      const callback = this.next(end);
      if (callback === null) return false;
      callback();
      await this.rest();
      runs = at === this.time ? runs + 1 : 0;
      at = this.time;
      assertFinite(runs);
    }
    return true;
  }

  /** Resolves when `ms` of this clock have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.setTimer(resolve, ms));
  }

  /** Waits until no promise is left to settle; no time passes and no callback runs. */
  settle(): Promise<void> {
    return this.rest();
  }

  /** Time passes, but nothing runs: the event loop was blocked. What fell due runs at the next `advance`, late. */
  block(ms: number): void {
    // Two blocks with no time between them count as one.
    if (this.blockedUntil !== this.time) this.blockedSince = this.time;
    this.time += ms;
    this.blockedUntil = this.time;
  }

  /** What is read in the instant that ended a `block` may have waited through it. */
  readableSince(): number {
    return this.time === this.blockedUntil ? this.blockedSince : this.time;
  }

  /** The input that was waiting has been read: runs what asked for that with `afterReads`. */
  finishReads(): void {
    const callbacks = this.reads;
    this.reads = [];
    for (const callback of callbacks) callback();
  }

  private add(heap: TimerHeap, callback: () => void, ms: number, owner: object | null = null): Timer {
    if (Number.isNaN(ms)) throw new Error('a timer of NaN milliseconds');
    const timer = heap.add(this.time + Math.max(0, ms), callback, owner);
    return { cancel: () => heap.cancel(timer) };
  }

  /** What is to run next up to `end`, with the time moved to it: timers that are due, then input, then what waits for reads. */
  private next(end: number): (() => void) | null {
    const timerAt = this.timers.nextAt;
    const at = Math.min(timerAt, this.arrivals.nextAt);
    if (at > this.time && this.reads.length > 0) return this.reads.shift() ?? null;
    if (at > end || at === Number.POSITIVE_INFINITY) return null;
    this.time = Math.max(this.time, at);
    const timer = (timerAt <= this.time ? this.timers : this.arrivals).take();
    const callback = timer?.callback ?? null;
    if (timer !== null) timer.callback = null;
    return callback;
  }
}

function assertFinite(runs: number): void {
  if (runs > CALLBACKS_MAX) throw new Error(`more than ${CALLBACKS_MAX} callbacks in one step of the virtual clock`);
}

function afterTasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A tick that a promise asks for runs when no promise is left that could move; one that a timer asks for would run before them. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
