/**
 * Keeps the process alive while calls wait for a connection. Between two attempts to connect or to look up endpoints no socket is
 * open, and a resolver's timers keep nothing alive: the process would end with the promises of its last calls pending. Used by `Channel`.
 */
import type { Clock, Timer } from '../base/clock.js';

/** How often it checks; at most this long the process stays alive after the last waiting call. */
const LOOK_MS = 250;

export class ProcessHold {
  private timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    /** Whether calls still wait. */
    private readonly needed: () => boolean,
  ) {}

  /** A call waits from now on. */
  begin(): void {
    this.timer ??= this.clock.setTimer(() => this.look(), LOOK_MS, true);
  }

  end(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private look(): void {
    this.timer = null;
    if (this.needed()) this.begin();
  }
}
