/**
 * A process on a simulated host: who it is to its peers, and its clock, which stops when the process ends. JavaScript that belonged
 * to it may still run then, since it cannot be taken away; but no timer of its own wakes it, and its peers do not notice.
 *
 * Made by `Host`; `network.options(host)` hands it out.
 */
import type { Clock, Timer } from '../base/clock.js';
import { ProcessIdentity } from '../peer/settings.js';
import type { VirtualClock } from './virtual-clock.js';

const neverRuns: Timer = { cancel: () => {} };

export class SimulatedProcess implements Clock {
  alive = true;
  readonly identity: ProcessIdentity;

  constructor(
    private readonly clock: VirtualClock,
    /** 16 bytes. */
    instance: Buffer,
  ) {
    this.identity = new ProcessIdentity(instance);
  }

  now(): number {
    return this.clock.now();
  }

  setTimer(callback: () => void, ms: number): Timer {
    return this.alive ? this.clock.setTimerOf(this, callback, ms) : neverRuns;
  }

  afterReads(callback: () => void): void {
    this.clock.afterReads(() => {
      if (this.alive) callback();
    });
  }

  readableSince(): number {
    return this.clock.readableSince();
  }

  /** It is gone, and its timers with it. */
  end(): void {
    this.alive = false;
    this.clock.cancelTimersOf(this);
  }
}
