/**
 * Whether a connection's socket keeps the process alive: while calls of this side are open, and without any if the channel or server
 * says so (`keep`). Taking a socket off the event loop and putting it back for each call would cost more than to look from time to time:
 *
 *   watched --no call is open when the timer runs--> idle --begin(): a call--> watched
 *      ^
 *      +--keep(false)-- kept <--keep(true)-- every other state
 *
 * In `watched` and `kept` the socket keeps the process alive, in `idle` it does not. So a process ends up to WATCH_MS_MAX after its last
 * call. Transports that are no sockets are always `kept`. Made by `Connection`; the caller calls `begin`.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type Steps, step } from '../../base/state-machine.js';
import type { Transport } from '../../transport/transport.js';

/** After the first call, and then twice as long each time that a call is open. */
const WATCH_MS_MIN = 10;
const WATCH_MS_MAX = 80;

type HoldState = 'watched' | 'idle' | 'kept';

const steps: Steps<HoldState> = { watched: ['idle', 'kept'], idle: ['watched', 'kept'], kept: ['watched'] };

export class SocketHold {
  /** The next call must call `begin`. Written here only. */
  idle = false;
  private state: HoldState = 'kept';
  private timer: Timer | null = null;
  private watchMs = WATCH_MS_MIN;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly transport: Transport,
    /** Whether calls of this side are open. */
    private readonly busy: () => boolean,
  ) {}

  /** True: keeps the process alive until told otherwise. False: only while calls are open. */
  keep(always: boolean): void {
    if (this.stopped || this.transport.unref === undefined || always === (this.state === 'kept')) return;
    if (always) this.enter('kept');
    else this.begin();
  }

  /** A call begins, or may have begun. */
  begin(): void {
    this.enter('watched');
    this.watchMs = WATCH_MS_MIN;
    this.watch();
  }

  /** The connection is over, for good. Its socket keeps the process alive until it has closed, which it soon does. */
  stop(): void {
    this.stopped = true;
    this.idle = false;
    this.cancel();
    this.transport.ref?.();
  }

  private watch(): void {
    this.timer = this.clock.setTimer(() => this.look(), this.watchMs);
  }

  private look(): void {
    this.timer = null;
    if (!this.busy()) {
      this.enter('idle');
      return;
    }
    this.watchMs = Math.min(WATCH_MS_MAX, 2 * this.watchMs);
    this.watch();
  }

  private enter(to: HoldState): void {
    this.state = step('the hold of a socket on its process', steps, this.state, to);
    this.cancel();
    this.idle = to === 'idle';
    if (this.idle) this.transport.unref?.();
    else this.transport.ref?.();
  }

  private cancel(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
