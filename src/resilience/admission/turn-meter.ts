/**
 * Measures how much of an event-loop turn handlers take, so that long turns do not delay deadlines and cancels. Used by `Admission`.
 *
 * The clock is read behind the first call of a chunk, then behind the second, the fourth, and so on while calls are cheap, so
 * that a cheap call pays a decrement. Only costly ones count: running a cheap call takes less time than queueing it. What a handler
 * does after its first `await` is measured at the end of the turn, together with everything else that ran in it.
 */

/** Time that handlers may take in one turn; later calls of that turn wait for the next one. */
export const TURN_MS = 5;
/** Ten times the cost of queueing or refusing a call. */
const COSTLY_MS = 0.02;
/**
 * Most that one clock reading adds: a stall (a garbage collection, or another process on the core) is over when it is seen, and the
 * calls after it may be cheap.
 */
const STALL_MS = TURN_MS / 2;
/** Time between two clock readings while calls are costly. */
const LOOK_MS = 0.5;
const CALLS_PER_LOOK_MAX = 64;

export class TurnMeter {
  /** Counted down by each call that has run; `look` when it comes to 0. */
  untilLook = 1;
  private every = 1;
  private spanAt = 0;
  private spentMs = 0;
  private turnAt = 0;
  private begun = 0;
  private longTurns = 0;

  /** A chunk was read at `now`. */
  onRead(now: number): void {
    this.spanAt = now;
    this.untilLook = this.every = 1;
  }

  /** True: the turn is used up. */
  look(now: number): boolean {
    const elapsed = now - this.spanAt;
    const cost = elapsed / this.every;
    const fits = cost < COSTLY_MS ? this.every * 2 : Math.floor(LOOK_MS / cost);
    if (cost >= COSTLY_MS) this.spentMs += Math.min(elapsed, STALL_MS);
    this.spanAt = now;
    this.untilLook = this.every = Math.min(Math.max(fits, 1), CALLS_PER_LOOK_MAX);
    return this.spentMs > TURN_MS;
  }

  /** Costly calls were seen in this turn. */
  get spent(): boolean {
    return this.spentMs > 0;
  }

  /** A handler of this turn goes on behind a promise. */
  onPromise(): void {
    if (this.begun++ === 0) this.turnAt = this.spanAt;
  }

  /** All promises of the turn have run. True: it was too long, as the one before it, and its calls were not cheap. */
  endTurn(now: number): boolean {
    const { begun } = this;
    const elapsed = now - this.turnAt;
    this.spentMs = this.begun = 0;
    if (begun === 0) return false;
    const long = elapsed > TURN_MS && elapsed >= begun * COSTLY_MS;
    this.longTurns = long ? this.longTurns + 1 : 0;
    // One alone may have been a stall.
    return this.longTurns > 1;
  }
}
