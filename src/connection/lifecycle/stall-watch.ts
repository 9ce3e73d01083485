/**
 * A peer that reads nothing: bytes wait to be sent, and none of them leaves for `stallMsMax`. One timer, armed only while
 * something is unsent.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { describeLimit, limitOf } from '../../base/limits.js';
import type { Transport } from '../../transport/transport.js';

export class StallWatch {
  private timer: Timer | null = null;
  private sentBytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly transport: Transport,
    private readonly stallMsMax: number,
    /** Told the reason in words. */
    private readonly onStall: (text: string) => void,
  ) {}

  /** Bytes are waiting. */
  begin(): void {
    if (this.timer === null) this.arm();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private arm(): void {
    this.sentBytes = this.transport.sentBytes;
    this.timer = this.clock.setTimer(() => this.judge(), this.stallMsMax);
  }

  private judge(): void {
    this.timer = null;
    if (this.transport.unsentBytes === 0) return;
    if (this.transport.sentBytes > this.sentBytes) {
      this.arm();
      return;
    }
    const { stallMsMax } = this;
    this.onStall(describeLimit('the peer reads nothing', limitOf({ stallMsMax }, 'stallMsMax')));
  }
}
