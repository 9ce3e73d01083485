/**
 * The calls of one connection that have no slot yet. Nothing of them has been sent; their deadlines run, and their signals cancel them.
 * Used by `Caller`, which starts them.
 */
import type { LatePart } from '../../base/codes.js';
import type { RpcError } from '../../base/errors.js';
import { CallQueue } from '../calls/call-queue.js';
import type { Link } from '../calls/link.js';
import { withEarlierAttempts } from '../calls/pending-call.js';

export class WaitingCalls {
  /** For a free slot, or for room in the write queue. */
  readonly forSlot: CallQueue;
  /** Too large for now: for the minimum limits that hold until the peer's HELLO, or for the bytes that the sender may hold. */
  readonly tooLarge: CallQueue;

  constructor(private readonly link: Link) {
    const { limits, queue } = link;
    const latePart = (): LatePart => (queue.saturated ? 'network' : 'here');
    this.forSlot = new CallQueue(limits.callsQueuedMax, 'a free call slot', latePart);
    this.tooLarge = new CallQueue(limits.callsQueuedMax, "the peer's HELLO, or for large messages to leave", latePart);
  }

  get length(): number {
    return this.forSlot.length + this.tooLarge.length;
  }

  /** Fails what is due. Returns the earliest deadline left, or Infinity. */
  sweep(now: number): number {
    return Math.min(this.forSlot.sweep(now), this.tooLarge.sweep(now));
  }

  /** They cannot be sent here: offers them for a retry elsewhere, if they are `retryable`, or fails them. */
  end(describe: () => RpcError, retryable: boolean): void {
    for (const queue of [this.forSlot, this.tooLarge]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
        if (retryable) this.link.offerRetry(call, withEarlierAttempts(describe(), call.extras), 'unprocessed');
        else call.fail(describe());
      }
    }
  }
}
