/**
 * CANCEL frames, kept to half of what a peer tolerates by default (`resetsBurstMax`), so that a burst of them never costs the
 * connection. Whoever cancels has been told already; a CANCEL that waits only delays the end of the callee's work.
 */
import type { Timer } from '../../base/clock.js';
import { RpcCodes } from '../../base/codes.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { FrameType } from '../../wire/constants.js';
import { encodeCancel } from '../../wire/records/cancel.js';
import type { Link } from '../calls/link.js';

const BURST = 100;
const PER_SECOND = 30;
const RETRY_MS = 100;

export class CancelPacer {
  private readonly budget: TokenBucket;
  private readonly later: number[] = [];
  private timer: Timer | null = null;

  constructor(
    private readonly link: Link,
    /** Whether the call still waits for its terminal frame. */
    private readonly isOpen: (call: number) => boolean,
    /** Calls that ended with a RESPONSE so far. */
    private readonly finished: () => number,
  ) {
    this.budget = new TokenBucket(BURST, PER_SECOND, link.clock.now());
  }

  /** Sends CANCEL for the call now, or once the budget allows it. */
  cancel(call: number): void {
    if (this.later.length === 0 && this.charge()) {
      this.write(call);
      return;
    }
    this.later.push(call);
    if (this.later.length === 1) this.wait();
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.later.length = 0;
  }

  private charge(): boolean {
    return this.budget.charge(this.link.clock.now(), this.finished());
  }

  private wait(): void {
    this.timer = this.link.clock.setTimer(() => this.goOn(), RETRY_MS);
  }

  private goOn(): void {
    this.timer = null;
    const { later } = this;
    let done = 0;
    for (; done < later.length; done++) {
      const call = later[done] as number;
      if (!this.isOpen(call)) continue;
      if (!this.charge()) break;
      this.write(call);
    }
    later.splice(0, done);
    if (later.length > 0) this.wait();
  }

  private write(call: number): void {
    const payload = encodeCancel({ code: RpcCodes.CANCELLED, text: '' });
    this.link.queue.writeFrame(FrameType.CANCEL, 0, call, 0, payload);
  }
}
