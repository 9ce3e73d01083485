/**
 * Gives up the caller's calls whose deadline is due, those that wait and those that were sent, and says which part was late. The
 * callee knows the deadline and answers by itself, so no CANCEL is spent on it, except to stop a request that is half sent.
 *
 *   due --request has left--> overdue --FAILURE DEADLINE_EXCEEDED--> the peer's queue, or its handler
 *    |                           |
 *    +--> network, or here       +--> GRACE_MS are over, or any other answer came: network, or here
 *
 * Only the callee can tell its queue from its handler, and its own FAILURE is on its way when the deadline is due here: an
 * overdue call waits for it, a bounded time (spec/decisions/005-which-part-was-late.md). Its slot is given up already, and
 * whatever else comes for it is dropped. Used by `Caller`.
 */

import type { LatePart } from '../../base/codes.js';
import { RpcError } from '../../base/errors.js';
import { SweepTimer } from '../../base/sweep-timer.js';
import type { Link } from '../calls/link.js';
import type { Reject } from '../calls/pending-call.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { CallEnds } from './call-table.js';
import { type CallSlot, type CallTable, settled } from './call-table.js';
import { endHere, type Tried, triedIn } from './caller-ends.js';

/** How long after its deadline a call waits at most for what the callee says of it. */
const GRACE_MS = 25;
/** This loop was late if it saw a deadline so long after it: timers round up, and a turn of the loop takes time. */
const LATE_HERE_MS = 10;

interface OverdueCall {
  readonly entry: CallSlot;
  readonly call: number;
  readonly name: string;
  readonly reject: Reject;
  readonly incoming: IncomingStream | null;
  readonly deadlineAt: number;
  readonly tried: Tried;
  /** How late this loop saw the deadline. */
  readonly lateMs: number;
}

export class CallerDeadlines {
  readonly timer: SweepTimer;
  private overdue: OverdueCall[] = [];

  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    private readonly calls: CallEnds,
    /** Fails the waiting calls that are due; returns the earliest deadline left. */
    private readonly sweepWaiting: (now: number) => number,
  ) {
    this.timer = new SweepTimer(link.clock, (now) => this.sweep(now));
  }

  /** The connection is over. */
  close(): void {
    this.timer.stop();
    for (let one = this.overdue[0]; one !== undefined; one = this.overdue[0]) this.settle(one, null);
  }

  private sweep(now: number): number {
    let earliest = this.sweepWaiting(now);
    for (const entry of this.table.slots) {
      if (entry.call === 0 || entry.givenUp) continue;
      if (entry.deadlineAt <= now) this.expire(entry, now);
      else earliest = Math.min(earliest, entry.deadlineAt);
    }
    const over = this.overdue.filter(({ deadlineAt }) => deadlineAt + GRACE_MS <= now);
    for (const one of over) this.settle(one, null);
    for (const { deadlineAt } of this.overdue) earliest = Math.min(earliest, deadlineAt + GRACE_MS);
    return earliest;
  }

  private expire(entry: CallSlot, now: number): void {
    const { call, long, method, position, reject } = entry;
    const lateMs = now - entry.deadlineAt;
    const name = method?.spec.name ?? '';
    const oneway = method?.spec.kind === 'oneway';
    if (!oneway && long === null && !entry.answered && this.link.queue.hasLeft(position)) {
      this.await(entry, name, lateMs);
      return;
    }
    const where = long !== null ? 'while the request was being sent' : 'before the request had left';
    const text = entry.answered ? 'while its answer waited for a schema' : where;
    const handedOver = long !== null || entry.answered || this.link.queue.isHandedOver(position);
    const late = lateMs >= LATE_HERE_MS || !handedOver ? 'here' : 'network';
    const started = long === null || (oneway && long.begun) ? 'maybe' : 'no';
    const failure = new RpcError('DEADLINE_EXCEEDED', `the deadline of ${name} passed ${text}`, { started, late });
    endHere(this.link, triedIn(entry), failure);
    if (oneway && long?.begun) {
      // No terminal frame would free its slot after a CANCEL, so it is sent to its end. The callee judges the deadline.
      entry.deadlineAt = Infinity;
      entry.resolve = settled;
      entry.reject = settled;
      reject(failure);
      return;
    }
    entry.incoming?.fail(failure, true);
    if (this.calls.giveUp(entry, failure) && long !== null) this.calls.cancel(call);
  }

  /** Gives the slot up, and settles the call when the callee has said why, or soon. */
  private await(entry: CallSlot, name: string, lateMs: number): void {
    const { call, reject, incoming, deadlineAt, extras } = entry;
    const tried = triedIn(entry);
    const one: OverdueCall = { entry, call, name, reject, incoming, deadlineAt, tried, lateMs };
    entry.reject = settled;
    this.calls.giveUp(entry, new RpcError('DEADLINE_EXCEEDED', ''));
    // What the callee says of its time is still wanted.
    if (extras?.ledger != null) entry.extras = extras;
    this.overdue.push(one);
    // A stream must not outlive the number of its call.
    entry.resolve = () => this.settle(one, null);
    entry.reject = (failure) => this.settle(one, failure as RpcError);
  }

  /** `failure`: what the callee said, or how the connection ended; null when neither has come. */
  private settle(one: OverdueCall, failure: RpcError | null): void {
    const index = this.overdue.indexOf(one);
    if (index < 0) return;
    this.overdue.splice(index, 1);
    const error = failure?.code === 'DEADLINE_EXCEEDED' ? failure : this.describe(one, failure);
    endHere(this.link, one.tried, error);
    one.incoming?.fail(error, true);
    one.reject(error);
  }

  private describe({ entry, call, name, lateMs }: OverdueCall, failure: RpcError | null): RpcError {
    const late: LatePart = lateMs >= LATE_HERE_MS ? 'here' : 'network';
    const answered = failure === null && entry.call !== call;
    const what = answered ? 'the answer came too late' : 'no answer came';
    const who =
      late === 'here'
        ? `this process was too busy to see that for ${Math.round(lateMs)} ms`
        : "the network was late, or the peer's process";
    const started = failure?.started ?? (answered ? 'yes' : 'maybe');
    const text = `the deadline of ${name} passed, and ${what}: ${who}`;
    return new RpcError('DEADLINE_EXCEEDED', text, { started, late, cause: failure ?? undefined });
  }
}
