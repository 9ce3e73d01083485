/**
 * Keeps the process alive while calls wait for a connection, and while the channel is `pinned`. Between two attempts to connect or to look
 * up endpoints no socket is open, and a resolver's timers keep nothing alive: the process would end with the promises of its last calls
 * pending. Used by `Channel`; the sockets of calls that are in flight do the same for those (`connection/lifecycle/socket-hold.ts`).
 */
import type { Clock, Timer } from '../base/clock.js';

/** How often it checks; at most this long the process stays alive after the last waiting call. */
const LOOK_MS = 250;
/** A timer that only has to exist. */
const PIN_MS = 0x7fff_ffff;

export class ProcessHold {
  private timer: Timer | null = null;
  private pinTimer: Timer | null = null;

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

  /** True: until told otherwise, with or without calls and connections. */
  pin(pinned: boolean): void {
    if (pinned === (this.pinTimer !== null)) return;
    this.pinTimer?.cancel();
    this.pinTimer = pinned ? this.clock.setTimer(() => this.repin(), PIN_MS, true) : null;
  }

  private repin(): void {
    this.pinTimer = null;
    this.pin(true);
  }

  private look(): void {
    this.timer = null;
    if (this.needed()) this.begin();
  }
}
