/**
 * Ends the caller's calls whose deadline has passed, those that wait for a slot and those that were sent, and says which part was late.
 * The callee knows the deadline and ends the call by itself, so no CANCEL is spent on it, except to stop a request that is half sent.
 *
 *   deadline --the request has left--> overdue --FAILURE DEADLINE_EXCEEDED--> late: the peer's queue, or its handler
 *      |                                  |
 *      +--> late: network, or here        +--> GRACE_MS have passed, or any other answer came: network, or here
 *
 * Only the callee can tell its queue from its handler, and its FAILURE is on its way when the deadline passes here: an overdue call
 * waits for it, for a bounded time (spec/decisions/005-which-part-was-late.md). Used by `Caller`.
 */
import { RpcError } from '../../base/errors.js';
import { SweepTimer } from '../../base/sweep-timer.js';
import type { Link } from '../calls/link.js';
import type { CallEnds } from './call-ends.js';
import { ANSWERED, CANCELLED, type CallSlot, type CallTable, FREE, OVERDUE } from './call-table.js';
import { latePartOf } from './failures.js';
import type { WaitingCalls } from './waiting-calls.js';

/** How long after its deadline a call waits at most for the callee to say which part was late. */
const GRACE_MS = 25;

export class CallerDeadlines {
  readonly timer: SweepTimer;

  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    private readonly ends: CallEnds,
    private readonly waiting: WaitingCalls,
  ) {
    this.timer = new SweepTimer(link.clock, (now) => this.sweep(now));
  }

  /** Ends what is due. Returns the earliest time at which something else is. */
  private sweep(now: number): number {
    let earliest = this.waiting.sweep(now);
    for (const entry of this.table.slots) {
      if (entry.isLive && entry.deadlineAt <= now) this.expire(entry, now);
      if (entry.state === OVERDUE && entry.deadlineAt + GRACE_MS <= now) this.ends.expireOverdue(entry);
      if (entry.state === FREE || entry.state === CANCELLED) continue;
      earliest = Math.min(earliest, entry.deadlineAt + (entry.state === OVERDUE ? GRACE_MS : 0));
    }
    return earliest;
  }

  private expire(entry: CallSlot, now: number): void {
    const { state, long, spec, position } = entry;
    const { queue } = this.link;
    const lateMs = now - entry.deadlineAt;
    const oneway = spec.kind === 'oneway';
    const answered = state === ANSWERED;
    if (!oneway && long === null && !answered && queue.hasLeft(position)) {
      this.table.overdue(entry, lateMs);
      return;
    }
    const where = long !== null ? 'while the request was being sent' : 'before the request had left';
    const text = answered ? 'while its answer waited for a schema' : where;
    const handedOver = long !== null || answered || queue.isHandedOver(position);
    const late = handedOver ? latePartOf(lateMs) : 'here';
    const started = long === null || (oneway && long.begun) ? 'maybe' : 'no';
    const failure = new RpcError('DEADLINE_EXCEEDED', `the deadline of ${spec.name} passed ${text}`, { started, late });
    this.ends.expire(entry, failure);
  }
}
