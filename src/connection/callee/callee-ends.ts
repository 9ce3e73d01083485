/**
 * How calls of the peer end. Every way leads through `end`: it frees the slot, keeps account of frames that may still come, aborts
 * the handler's signal, and tells the connection, which may have waited for the last call (a drain).
 *
 *   RESPONSE, END, FAILURE of a handler --------------------------------+
 *   refuse:     FAILURE, started=no; the handler has not begun ---------+
 *   endEarly:   FAILURE; CANCEL, deadline, a caller's error, a drain ---+--> end
 *   onReadEnd, close:  no frame, since nobody would read it ------------+
 *
 * The terminal frame is written before `end`, since the connection may close in it. Every call that is not ONEWAY gets exactly one
 * (`Answers`). Calls that never were in a slot do not end here: they are answered or refused before the next frame is read, and
 * the reader tells the connection behind each chunk.
 */

import { rpcCodeName } from '../../base/codes.js';
import { RpcError } from '../../base/errors.js';
import { SweepTimer } from '../../base/sweep-timer.js';
import type { CancelRecord } from '../../wire/records/cancel.js';
import type { Link } from '../calls/link.js';
import type { Answers } from './answers.js';
import { type CalleeSlot, CallState, startedOf } from './callee-slot.js';
import type { CalleeTable } from './callee-table.js';
import type { Handlers } from './handlers.js';

export class CalleeEnds {
  /** Watches the deadlines of the calls in the table. */
  readonly deadlines: SweepTimer;

  constructor(
    private readonly link: Link,
    private readonly table: CalleeTable,
    private readonly answers: Answers,
    private readonly handlers: Handlers,
  ) {
    this.deadlines = new SweepTimer(link.clock, (now) => this.sweep(now));
  }

  /** The one place where a call of the peer ends. `reason`: why it ends before its handler has; null: it ends with it. */
  end(entry: CalleeSlot, reason: RpcError | null): void {
    // A frame that was written may have closed the connection, which has ended the call.
    if (entry.state === CallState.FREE) return;
    const { context } = entry;
    if (reason !== null) this.abandon(entry, reason);
    this.table.free(entry);
    if (reason !== null) context?.abort(reason);
    this.link.onCallEnded();
  }

  /** Ends a call that is not answered yet with one FAILURE, and aborts its handler's signal. */
  endEarly(entry: CalleeSlot, reason: RpcError): void {
    const { call, message, long, oneway } = entry;
    if (message?.partial) this.table.skip(entry, call);
    if (long !== null) this.link.sender.drop(long);
    if (!oneway) this.answers.fail(call, reason, startedOf(entry));
    this.end(entry, reason);
  }

  /** Ends a call because of its caller's error, which counts against the caller's budget of resets (spec, 9.4). */
  failCall(entry: CalleeSlot, error: RpcError): void {
    // A legal value that only this side cannot hold is no error of the caller's.
    if (error.code === 'OUT_OF_RANGE' || this.link.chargeReset()) this.endEarly(entry, error);
  }

  /** The caller has cancelled the call. */
  onCancel(entry: CalleeSlot, { code, text }: CancelRecord): void {
    const started = startedOf(entry);
    const reason = new RpcError(rpcCodeName(code), text || 'the caller cancelled the call', { started });
    // It frees more than it costs: a handler counts as running until it ends, a call that waits gives up its place.
    if (entry.state === CallState.ASSEMBLING) this.failCall(entry, reason);
    else this.endEarly(entry, reason);
  }

  /** Refuses a call whose handler has not begun. `more`: frames of its request are still to come. */
  refuse(entry: CalleeSlot, error: unknown, more: boolean): void {
    if (!(error instanceof RpcError)) throw error;
    const { call, oneway } = entry;
    if (more) this.table.skip(entry, call);
    // The caller pays for what its own bytes provoked, not for a server that is busy, draining or of another version.
    const provoked =
      error.code === 'INVALID_ARGUMENT' || (error.limit !== undefined && error.limit.name !== 'handlersMax');
    if (provoked && !this.link.chargeReset()) return;
    if (!oneway) this.answers.fail(call, error, 'no');
    this.end(entry, null);
  }

  /** Refuses a call for which the server is too busy. `record`: the FAILURE. */
  refuseBusy(entry: CalleeSlot, record: Buffer): void {
    this.answers.refuse(entry.call, record);
    this.end(entry, null);
  }

  /** Ends every open call with a FAILURE: the grace of a drain is over. */
  cancelAll(text: string): void {
    for (const entry of this.table.slots) {
      if (entry === null || entry.state === CallState.FREE) continue;
      this.endEarly(entry, new RpcError('CANCELLED', text, { started: startedOf(entry) }));
    }
  }

  /** The peer ended its half: requests and streams that are incomplete stay so. */
  onReadEnd(): void {
    for (const entry of this.table.slots) {
      if (entry === null || entry.state === CallState.FREE) continue;
      const { state, incoming } = entry;
      if (state === CallState.ASSEMBLING || (incoming !== null && !incoming.complete)) {
        const text = `${this.link.peer} ended the connection inside the call's stream`;
        this.end(entry, new RpcError('UNAVAILABLE', text));
      } else {
        entry.outgoing?.onReadEnd();
      }
    }
  }

  /** The connection is over: every open call ends, and nothing is answered any more. */
  close(reason: RpcError): void {
    this.deadlines.stop();
    for (const entry of this.table.slots) {
      if (entry !== null) this.end(entry, reason);
    }
  }

  /** What the call leaves behind: a handler that goes on, and readers of its items. */
  private abandon({ state, context, method, since, incoming }: CalleeSlot, reason: RpcError): void {
    if (state === CallState.EXECUTING && context !== null && method?.hosted) {
      this.handlers.detach(context, method.hosted.spec, since);
    }
    incoming?.fail(reason, true);
  }

  /** Ends what is due. Returns the earliest deadline left. */
  private sweep(now: number): number {
    let earliest = Infinity;
    for (const entry of this.table.slots) {
      if (entry === null || entry.state === CallState.FREE) continue;
      const { deadlineAt } = entry;
      if (deadlineAt > now) {
        earliest = Math.min(earliest, deadlineAt);
        continue;
      }
      const started = startedOf(entry);
      const where = started === 'yes' ? 'while its handler was at work' : 'before its handler started';
      this.endEarly(entry, new RpcError('DEADLINE_EXCEEDED', `the deadline passed ${where}`, { started }));
    }
    return earliest;
  }
}
