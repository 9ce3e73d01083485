/**
 * A peer that reads nothing: bytes wait to be sent, and none of them leaves for `stallMsMax`.
 *
 *            begin()              nothing has left for stallMsMax
 *   idle -------------> watching ---------------------------------> stopped, and `onStall`
 *     ^                    |
 *     +--------------------+
 *        everything has left
 *
 * One timer, which runs only in `watching`; `stop()` leads to `stopped` from both. Used by `Connection`.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { describeLimit, limitOf } from '../../base/limits.js';
import { type Steps, step } from '../../base/state-machine.js';
import type { Transport } from '../../transport/transport.js';
import { CloseCode } from '../../wire/constants.js';
import { WireError } from '../../wire/wire-error.js';

export type StallState = 'idle' | 'watching' | 'stopped';

const steps: Steps<StallState> = {
  idle: ['watching', 'stopped'],
  watching: ['idle', 'watching', 'stopped'],
  stopped: ['stopped'],
};

export class StallWatch {
  private state: StallState = 'idle';
  private timer: Timer | null = null;
  private sentBytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly transport: Pick<Transport, 'unsentBytes' | 'sentBytes'>,
    private readonly stallMsMax: number,
    private readonly onStall: (error: WireError) => void,
  ) {}

  /** Bytes are waiting. */
  begin(): void {
    if (this.state === 'idle') this.watch();
  }

  stop(): void {
    this.state = step('the stall watch', steps, this.state, 'stopped');
    this.timer?.cancel();
    this.timer = null;
  }

  private watch(): void {
    this.state = step('the stall watch', steps, this.state, 'watching');
    this.sentBytes = this.transport.sentBytes;
    this.timer = this.clock.setTimer(() => this.check(), this.stallMsMax);
  }

  private check(): void {
    this.timer = null;
    if (this.transport.unsentBytes === 0) {
      this.state = step('the stall watch', steps, this.state, 'idle');
    } else if (this.transport.sentBytes > this.sentBytes) {
      this.watch();
    } else {
      this.stop();
      const { stallMsMax } = this;
      const text = describeLimit('the peer reads nothing', limitOf({ stallMsMax }, 'stallMsMax'));
      this.onStall(new WireError(CloseCode.STALLED, text));
    }
  }
}
