/**
 * How promptly the event loop reads its sockets: asked while something is read, since when that may have been waiting. A turn of
 * the loop looks at the sockets once, and then runs callbacks. If the look found nothing and slept, nothing was waiting; Node
 * counts how long it slept. If it found something at once, that may have come at any time since the look before.
 *
 *   turn  | look  sleeps  | callbacks, timers | look | callbacks ...
 *                         ^ earliest time         ^ something is read
 *
 * While it watches, an immediate that keeps nothing alive runs once a turn; otherwise it costs nothing. Used by `systemClock`.
 *
 * Bun and Deno do not count how long the loop slept. There it never watches: what is read counts as read at once, and time spent
 * in this process's event loop counts as network.
 */

/** Milliseconds for which the event loop has slept so far; undefined where the runtime does not count that. */
function sleptMs(): number | undefined {
  const timing: { readonly idleTime?: number } | undefined = performance.nodeTiming;
  return timing?.idleTime;
}

export class LoopWatch {
  private until = 0;
  private running = false;
  /** Behind the looks of the last turn and of the one before: the time, and all sleep so far. Milliseconds. */
  private turnAt = 0;
  private turnIdle = 0;
  private earlierAt = 0;
  private earlierIdle = 0;
  /** The first question of this turn and of the last one: the look was not later. Infinity: there was none. */
  private askedAt = Infinity;
  private earlierAskedAt = Infinity;

  /** Watches for so many milliseconds from now on, or longer if that was said before. */
  watch(ms: number): void {
    const idle = sleptMs();
    if (idle === undefined) return;
    const now = performance.now();
    this.until = Math.max(this.until, now + ms);
    if (this.running) return;
    this.running = true;
    this.turnAt = this.earlierAt = now;
    this.turnIdle = this.earlierIdle = idle;
    setImmediate(this.onTurn).unref();
  }

  /** Since when what is being read may have been waiting; now, unless it watches. */
  readableSince(): number {
    const now = performance.now();
    if (!this.running) return now;
    if (this.askedAt === Infinity) this.askedAt = now;
    if ((sleptMs() ?? 0) > this.turnIdle) return this.askedAt;
    return Math.min(now, this.earlierAskedAt, this.earlierAt + this.turnIdle - this.earlierIdle);
  }

  private readonly onTurn = (): void => {
    this.earlierAt = this.turnAt;
    this.earlierIdle = this.turnIdle;
    this.earlierAskedAt = this.askedAt;
    this.turnAt = performance.now();
    this.turnIdle = sleptMs() ?? 0;
    this.askedAt = Infinity;
    if (this.turnAt < this.until) setImmediate(this.onTurn).unref();
    else this.running = false;
  };
}
