/**
 * Time as the engine sees it. Everything above `base/` asks a `Clock`, so that the whole engine also runs on virtual
 * time. `systemClock` is the real one: monotonic, so a change of the wall clock has no effect (F28).
 */
import { inNoContext } from './async-context.js';
import { LoopWatch } from './loop-watch.js';

export interface Timer {
  /** Stops the timer; harmless when it already ran. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some fixed point, monotonic, with fractions. */
  now(): number;
  /**
   * Calls back once after at least `ms` milliseconds, or after 24.8 days. Keeps the process alive only with `keepsAlive`, for timers that
   * callers wait for while no socket may be open.
   */
  setTimer(callback: () => void, ms: number, keepsAlive?: boolean): Timer;
  /**
   * Calls back once after the input that is already waiting has been read. Use it before deciding that something did not arrive in time:
   * after a blocked event loop, timers run before the sockets are read.
   */
  afterReads(callback: () => void): void;
  /**
   * Calls back in the next turn of the event loop, which looks at its sockets without sleeping before that; keeps the process alive
   * until then. Absent: time does not pass by turns, and nothing is polled.
   */
  nextTurn?(callback: () => void): void;
  /** Prepares for questions to `readableSince` during the next `ms` milliseconds. Absent: it cannot be told. */
  watchReads?(ms: number): void;
  /**
   * Called while something is read: since when it may have been waiting, because the event loop was too busy to read it. Now, if the loop
   * was idle, or was not watched.
   */
  readableSince?(): number;
}

/** Node.js turns a longer time into 1 ms. A peer can cause one by the interval of PINGs in its HELLO. */
const TIMER_MS_MAX = 0x7fff_ffff;

class SystemTimer implements Timer {
  private handle: NodeJS.Timeout | null;

  constructor(callback: () => void, ms: number, keepsAlive: boolean) {
    this.handle = setTimeout(callback, Math.min(ms, TIMER_MS_MAX));
    if (!keepsAlive) this.handle.unref();
  }

  cancel(): void {
    if (this.handle === null) return;
    clearTimeout(this.handle);
    this.handle = null;
  }
}

const loop = new LoopWatch();

/**
 * Between timers and immediates Node looks at its sockets, once. Bun does so before the second immediate; Deno reads in tasks of
 * its own, which have had their turn by the second of two short timers (tested with Bun 1.4 and Deno 2.9).
 */
function afterReads(callback: () => void): void {
  if (process.versions['bun'] !== undefined) setImmediate(() => setImmediate(callback));
  else if (process.versions['deno'] !== undefined) setTimeout(() => setTimeout(callback, 1), 1);
  else setImmediate(callback);
}

export const systemClock: Clock = {
  now: () => performance.now(),
  // What a timer does concerns others than whoever set it.
  setTimer: (callback, ms, keepsAlive = false) => inNoContext(() => new SystemTimer(callback, ms, keepsAlive)),
  afterReads: (callback) => inNoContext(afterReads, callback),
  nextTurn: (callback) => void inNoContext(setImmediate, callback),
  watchReads: (ms) => inNoContext(() => loop.watch(ms)),
  readableSince: () => loop.readableSince(),
};
