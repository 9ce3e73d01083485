/**
 * Virtual time in which the event loop can be blocked as it is in Node: the timers that fell due run late and before the
 * sockets are read, and what asked for `afterReads` runs behind the reads.
 */
import { VirtualClock } from './clock.js';

export class BlockedClock extends VirtualClock {
  #held: (() => void)[] | null = null;

  override afterReads(callback: () => void): void {
    if (this.#held === null) super.afterReads(callback);
    else this.#held.push(callback);
  }

  /** The loop was blocked for `ms`, and then goes through one turn. */
  async advanceBlocked(ms: number): Promise<void> {
    const held: (() => void)[] = [];
    this.#held = held;
    this.block(ms);
    this.advance(0);
    this.#held = null;
    // The first turn may end before the sockets are read, the second cannot.
    await this.settle();
    await this.settle();
    for (const callback of held) super.afterReads(callback);
    await this.advanceSettled(0);
  }
}
