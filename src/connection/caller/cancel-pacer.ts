/**
 * CANCEL frames. Those of calls whose request is half sent are paced to half of what a peer tolerates by default (`resetsBurstMax`),
 * so that a burst of them never costs the connection: the caller has its error already. All others leave at once (spec, 9.4).
 * Used by `CallEnds`.
 */
import type { Timer } from '../../base/clock.js';
import { RpcCodes } from '../../base/codes.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { FrameType } from '../../wire/constants.js';
import { encodeCancel } from '../../wire/records/cancel.js';
import type { Link } from '../calls/link.js';
import type { CallTable } from './call-table.js';

const BURST = 100;
const PER_SECOND = 30;
const RETRY_MS = 100;

export class CancelPacer {
  private readonly bucket: TokenBucket;
  /** Calls whose CANCEL waits, in order. */
  private readonly waiting: number[] = [];
  private timer: Timer | null = null;

  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
  ) {
    this.bucket = new TokenBucket(BURST, PER_SECOND, link.clock.now());
  }

  /** Sends CANCEL for the call: now if it is `free`, else as soon as the bucket allows it. */
  cancel(call: number, free: boolean): void {
    if (free || (this.waiting.length === 0 && this.charge())) {
      this.write(call);
      return;
    }
    this.waiting.push(call);
    if (this.waiting.length === 1) this.startTimer();
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.waiting.length = 0;
  }

  private charge(): boolean {
    return this.bucket.charge(this.link.clock.now(), this.table.finished);
  }

  private startTimer(): void {
    this.timer = this.link.clock.setTimer(() => this.onTimer(), RETRY_MS);
  }

  private onTimer(): void {
    this.timer = null;
    const { waiting } = this;
    let done = 0;
    for (const call of waiting) {
      // A call whose terminal frame has come needs no CANCEL.
      if (this.table.has(call)) {
        if (!this.charge()) break;
        this.write(call);
      }
      done++;
    }
    waiting.splice(0, done);
    if (waiting.length > 0) this.startTimer();
  }

  private write(call: number): void {
    const payload = encodeCancel({ code: RpcCodes.CANCELLED, text: '' });
    this.link.queue.writeFrame(FrameType.CANCEL, 0, call, 0, payload);
  }
}
