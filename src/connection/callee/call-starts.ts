/**
 * From a whole request to its handler: at once, or after a wait. A call that is not refused waits for one of three things, and
 * whatever ends it takes it out of where it waits:
 *
 *   admit --+-- the method's schemas are not here yet --> forSchema --schemas--> admit
 *           +-- ONEWAY, all handlers are busy ----------> Handlers.holdOneway --turn--> start
 *           +-- the server is busy ---------------------> Admission's queue ---place--> start
 *           +-- else -----------------------------------> start: `Execution.run` or `CalleeStreams.run`
 *
 * Used by `Callee`.
 */
import { warn } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import type { Admission, WaitingCall } from '../../resilience/admission/admission.js';
import { QueueShare } from '../../resilience/admission/admission-queue.js';
import { CloseCode } from '../../wire/constants.js';
import { CallContext } from '../calls/call-context.js';
import type { HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { type IncomingMessage, WAITING_BYTES } from '../messages/incoming-message.js';
import type { IncomingMethod, ReadyMethod } from '../methods/incoming-methods.js';
import { noFreeHandler, serverDraining } from './callee-refusals.js';
import { type CalleeSlot, CallState } from './callee-slot.js';
import type { CalleeStreams } from './callee-streams.js';
import type { CalleeParts, Execution } from './execution.js';

/** What the calls of one connection are started with. */
export interface StartParts extends CalleeParts {
  readonly link: Link;
  readonly admission: Admission;
  readonly execution: Execution;
  readonly streams: CalleeStreams;
}

export class CallStarts {
  /** This connection's part of the server's queue. */
  private readonly share = new QueueShare();
  private refusesAll = false;

  constructor(private readonly parts: StartParts) {}

  /** The connection takes no new calls; those that are open go on. */
  get draining(): boolean {
    return this.refusesAll;
  }

  drain(): void {
    this.refusesAll = true;
  }

  /** The whole request is here: waits for schemas or a handler where it must, else runs. */
  admit(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    const { link, admission, handlers, ends } = this.parts;
    if (!method.isReady()) {
      if (method.failure === null) this.waitForSchema(entry, method, message);
      else ends.refuse(entry, method.failure, false);
    } else if (entry.oneway) {
      if (handlers.admitsOneway) this.start(entry, method, message);
      else this.waitForTurn(entry, method, message);
    } else if (handlers.executing >= link.limits.handlersMax) {
      ends.refuse(entry, this.draining ? serverDraining() : noFreeHandler(link), false);
    } else if (admission.open) {
      this.start(entry, method, message);
    } else {
      this.waitForPlace(entry, method, message);
    }
  }

  /** Refuses a plain call at once if its wait would be too long; nothing is kept of it, nor was it in a slot. */
  refuses(call: number, { hosted }: ReadyMethod, deadlineAt: number, bytes: number): boolean {
    const { admission, answers } = this.parts;
    const record = admission.refusalFor(this.share, hosted, admission.dueAt(deadlineAt), bytes + WAITING_BYTES);
    if (record === null) return false;
    answers.refuse(call, record);
    return true;
  }

  /** Runs the handler now. */
  start(entry: CalleeSlot, method: ReadyMethod, message: IncomingMessage): void {
    const { link, admission, table, ends, execution, streams } = this.parts;
    try {
      message.expand();
    } catch (error) {
      ends.refuse(entry, error, false);
      return;
    }
    const { deadlineAt } = entry;
    const { buffer, start, end, metadata } = message;
    table.takeMessage(entry);
    if (entry.incoming !== null || entry.window !== null) {
      streams.run(entry, method, buffer, start, end, new CallContext(link, deadlineAt, metadata));
    } else {
      execution.run(entry, method, buffer, start, end, deadlineAt, message);
    }
    message.release();
    if (--admission.meter.untilLook === 0) admission.look();
  }

  private waitForSchema(open: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    if (!this.keep(open, message)) return;
    const { link, table, ends } = this.parts;
    // The slot of a ONEWAY call is free once its request is here, so it waits apart.
    const entry = open.oneway ? table.moveOut(open) : open;
    if (entry.resume === null) {
      // One function a slot: calls that end while they wait leave nothing behind, however many there are.
      table.setResume(entry, (ready) => {
        const { state, message: held, deadlineAt } = entry;
        if (state !== CallState.WAITING || entry.method !== ready || held === null) return;
        if (deadlineAt > link.clock.now()) this.admit(entry, ready, held);
        else ends.endEarly(entry, new RpcError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited'));
      });
    }
    if (entry.resume !== null) method.waiting.add(entry.resume);
  }

  /** A ONEWAY call, behind those of its connection that wait. */
  private waitForTurn(entry: CalleeSlot, method: ReadyMethod, message: IncomingMessage): void {
    if (!this.keep(entry, message)) return;
    const { call } = entry;
    this.parts.handlers.holdOneway(() => {
      if (entry.state === CallState.WAITING && entry.call === call) this.start(entry, method, message);
    });
  }

  /** In the server's queue, unless the wait would be too long. */
  private waitForPlace(entry: CalleeSlot, method: ReadyMethod, message: IncomingMessage): void {
    const { admission, table, ends } = this.parts;
    const place = new QueuePlace(this, this.parts, this.share, entry, method, message);
    const record = admission.refusalFor(place.share, place.method, place.dueAt, place.bytes);
    if (record !== null) {
      ends.refuseBusy(entry, record);
      return;
    }
    if (!this.keep(entry, message)) return;
    table.setPlace(entry, place);
    admission.add(place);
  }

  /** Copies the request of a call that waits. False: there is no room for it, and the call was refused. */
  private keep(entry: CalleeSlot, message: IncomingMessage): boolean {
    const { table, ends } = this.parts;
    try {
      message.keep();
    } catch (error) {
      ends.refuse(entry, error, false);
      return false;
    }
    table.wait(entry);
    return true;
  }
}

/** One call in the server's queue. */
class QueuePlace implements WaitingCall {
  readonly method: HostedMethod;
  readonly dueAt: number;
  readonly bytes: number;
  order = 0;

  constructor(
    private readonly starts: CallStarts,
    private readonly parts: StartParts,
    readonly share: QueueShare,
    private readonly entry: CalleeSlot,
    private readonly incoming: ReadyMethod,
    private readonly message: IncomingMessage,
  ) {
    this.method = incoming.hosted;
    this.dueAt = parts.admission.dueAt(entry.deadlineAt);
    this.bytes = message.end - message.start + WAITING_BYTES;
  }

  start(now: number): void {
    const { link, table } = this.parts;
    table.setPlace(this.entry, null);
    link.noteTime(now);
    try {
      this.starts.start(this.entry, this.incoming, this.message);
    } catch (error) {
      // A defect on this side, which here has no reader of frames above it.
      link.fail(CloseCode.INTERNAL, 'an internal error');
      warn(error);
    }
  }

  refuse(record: Buffer): void {
    const { table, ends } = this.parts;
    table.setPlace(this.entry, null);
    ends.refuseBusy(this.entry, record);
  }

  /** The call has ended otherwise. */
  withdraw(): void {
    this.parts.admission.remove(this);
  }
}
