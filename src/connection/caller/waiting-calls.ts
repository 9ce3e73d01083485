/**
 * The calls of one connection that have no slot yet. Nothing of them has been sent; their deadlines run and their signals are
 * heard. Used by `Caller`.
 */

import type { LatePart } from '../../base/codes.js';
import type { RpcError } from '../../base/errors.js';
import type { SweepTimer } from '../../base/sweep-timer.js';
import { CallQueue } from '../calls/call-queue.js';
import type { Link } from '../calls/link.js';
import { type PendingCall, withEarlier } from '../calls/pending-call.js';

export class WaitingCalls {
  /** For a free slot, or for room in the write queue. */
  readonly forSlot: CallQueue;
  /** Too much for now: for the minimum limits before the peer's HELLO, or for what the sender may hold. */
  readonly tooLarge: CallQueue;

  constructor(
    private readonly link: Link,
    private readonly timer: SweepTimer,
  ) {
    const { limits, queue } = link;
    const late = (): LatePart => (queue.saturated ? 'network' : 'here');
    this.forSlot = new CallQueue(limits.callsQueuedMax, 'a free call slot', late);
    this.tooLarge = new CallQueue(limits.callsQueuedMax, "the peer's HELLO, or for large messages to leave", late);
  }

  get length(): number {
    return this.forSlot.length + this.tooLarge.length;
  }

  add(queue: CallQueue, call: PendingCall): void {
    queue.push(call);
    this.timer.watch(call.deadlineAt);
  }

  /** Fails what is due. Returns the earliest deadline left, or Infinity. */
  sweep(now: number): number {
    return Math.min(this.forSlot.sweep(now), this.tooLarge.sweep(now));
  }

  /** Each once: one that is still too much waits again, at the end. */
  resumeLarge(caller: { resume(call: PendingCall): void }): void {
    const { tooLarge } = this;
    for (let left = tooLarge.length; left > 0 && !this.link.sender.isFull(); left--) {
      const call = tooLarge.shift();
      if (call !== undefined) caller.resume(call);
    }
  }

  /** They cannot be sent here: gives them back, if they are `movable`, or fails them. */
  end(describe: () => RpcError, movable: boolean): void {
    for (const queue of [this.forSlot, this.tooLarge]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
        if (movable) this.link.giveBack(call, withEarlier(describe(), call.extras), 'moved');
        else call.fail(describe());
      }
    }
  }
}
