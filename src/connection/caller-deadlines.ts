/**
 * Gives up the caller's calls whose deadline is due, those that wait and those that were sent. The callee knows the deadline and
 * answers by itself, so no CANCEL is spent on it, except to stop a request that is half sent. Used by `Caller`.
 */
import { RpcError } from '../base/errors.js';
import { type CallSlot, type CallTable, settled } from './call-table.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { Link } from './link.js';
import type { CallEnds } from './response-receiver.js';

export class CallerDeadlines {
  readonly timer: DeadlineTimer;

  constructor(
    link: Link,
    private readonly table: CallTable,
    private readonly calls: CallEnds,
    /** Fails the waiting calls that are due; returns the earliest deadline left. */
    private readonly sweepWaiting: (now: number) => number,
  ) {
    this.timer = new DeadlineTimer(link.clock, (now) => this.sweep(now));
  }

  private sweep(now: number): number {
    let earliest = this.sweepWaiting(now);
    for (const entry of this.table.slots) {
      if (entry.call === 0 || entry.givenUp) continue;
      if (entry.deadlineAt <= now) this.expire(entry);
      else earliest = Math.min(earliest, entry.deadlineAt);
    }
    return earliest;
  }

  private expire(entry: CallSlot): void {
    const { call, long, method, reject } = entry;
    const where = long === null ? 'before the answer came' : 'while the request was being sent';
    const text = `the deadline of ${method?.spec.name ?? ''} passed ${where}`;
    if (method?.spec.kind === 'oneway' && long?.begun) {
      // No terminal frame would free its slot after a CANCEL, so it is sent to its end. The callee judges the deadline.
      entry.deadlineAt = Infinity;
      entry.resolve = settled;
      entry.reject = settled;
      reject(new RpcError('DEADLINE_EXCEEDED', text, { started: 'maybe' }));
      return;
    }
    const failure = new RpcError('DEADLINE_EXCEEDED', text, { started: long === null ? 'maybe' : 'no' });
    entry.incoming?.fail(failure, true);
    if (this.calls.giveUp(entry, failure) && long !== null) this.calls.cancel(call);
  }
}
