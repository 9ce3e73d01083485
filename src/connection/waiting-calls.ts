/**
 * The calls of one connection that have no slot yet. Nothing of them has been sent; their deadlines run and their signals are
 * heard. Used by `Caller`.
 */
import type { LatePart } from '../base/errors.js';
import type { MethodSpec } from '../wire/message-codec.js';
import { CallQueue } from './call-queue.js';
import type { Reject, Resolve } from './call-table.js';
import type { DeadlineTimer } from './deadline-timer.js';
import type { Link } from './link.js';
import { type CallExtras, PendingCall } from './pending-call.js';

export class WaitingCalls {
  /** For a free slot, or for room in the write queue. */
  readonly forSlot: CallQueue;
  /** Too much for now: for the minimum limits before the peer's HELLO, or for what the sender may hold. */
  readonly tooLarge: CallQueue;

  constructor(
    { limits, queue }: Link,
    private readonly timer: DeadlineTimer,
  ) {
    const late = (): LatePart => (queue.saturated ? 'network' : 'here');
    this.forSlot = new CallQueue(limits.callsQueuedMax, 'a free call slot', late);
    this.tooLarge = new CallQueue(limits.callsQueuedMax, "the peer's HELLO, or for large messages to leave", late);
  }

  get length(): number {
    return this.forSlot.length + this.tooLarge.length;
  }

  add(
    queue: CallQueue,
    spec: MethodSpec,
    request: unknown,
    deadlineAt: number,
    extras: CallExtras | null,
    resolve: Resolve,
    reject: Reject,
  ): void {
    queue.push(new PendingCall(spec, request, deadlineAt, extras, resolve, reject));
    this.timer.watch(deadlineAt);
  }

  /** Fails what is due. Returns the earliest deadline left, or Infinity. */
  sweep(now: number): number {
    return Math.min(this.forSlot.sweep(now), this.tooLarge.sweep(now));
  }

  /** Takes all of them out. */
  *takeAll(): Iterable<PendingCall> {
    for (const queue of [this.forSlot, this.tooLarge]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) yield call;
    }
  }
}
