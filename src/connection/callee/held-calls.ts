/**
 * Calls whose request is here and whose handler may not begin yet: it waits for a schema, for a place among the server's handlers
 * (`Admission`), or, for ONEWAY, for its connection's turn. Their slots are HELD, and whatever ends such a call takes it out of
 * where it waits. Used by `Callee`.
 */
import { RpcError } from '../../base/errors.js';
import type { Admission, WaitingCall } from '../../resilience/admission/admission.js';
import { QueueShare } from '../../resilience/admission/admission-queue.js';
import { CloseCode } from '../../wire/constants.js';
import type { HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { type IncomingMessage, WAITING_BYTES } from '../messages/incoming-message.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import { type CalleeSlot, Phase } from './callee-slot.js';
import type { Execution } from './execution.js';

/** What `Callee` does with a call that need not wait any more. */
export interface WaitsOwner {
  readonly link: Link;
  readonly execution: Execution;
  /** It may run if there is a place. */
  admit(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void;
  /** It has its place. */
  start(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void;
  refuse(entry: CalleeSlot, error: unknown, more: boolean): void;
  endEarly(entry: CalleeSlot, reason: RpcError): void;
}

export class CalleeWaits {
  private readonly share = new QueueShare();

  constructor(
    private readonly owner: WaitsOwner,
    private readonly admission: Admission,
  ) {}

  /** Refuses a call at once if its wait would be too long; nothing is kept of it, nor was it in a slot. */
  refuses(call: number, method: IncomingMethod, deadlineAt: number, bytes: number): boolean {
    const { admission } = this;
    const hosted = method.hosted as HostedMethod;
    const record = admission.judge(this.share, hosted, admission.dueAt(deadlineAt), bytes + WAITING_BYTES);
    if (record === null) return false;
    this.owner.execution.answers.refuse(call, record);
    return true;
  }

  /** Until a handler may begin, unless that would be too long. */
  forPlace(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    const { admission, owner } = this;
    const waiting = new PlaceWait(owner, admission, this.share, entry, method, message);
    const record = admission.judge(waiting.share, waiting.method, waiting.dueAt, waiting.bytes);
    if (record !== null) {
      const { call } = entry;
      owner.execution.leave(entry);
      owner.execution.answers.refuse(call, record);
      return;
    }
    if (!this.keep(entry, message)) return;
    entry.held = waiting;
    admission.add(waiting);
  }

  forSchema(open: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    if (!this.keep(open, message)) return;
    const { owner } = this;
    // The slot of a ONEWAY call is free once its request is here, so it waits apart.
    const entry = open.oneway ? open.moveOut() : open;
    entry.phase = Phase.HELD;
    // One function a slot: calls that end while they wait leave nothing behind, however many there are.
    entry.resume ??= (ready) => {
      const { message: held, deadlineAt } = entry;
      if (entry.phase !== Phase.HELD || entry.method !== ready || held === null) return;
      if (deadlineAt > owner.link.clock.now()) owner.admit(entry, ready, held);
      else owner.endEarly(entry, new RpcError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited'));
    };
    method.waiting.add(entry.resume);
  }

  /** A ONEWAY call, behind those of its connection that wait. */
  forTurn(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    if (!this.keep(entry, message)) return;
    const { owner } = this;
    const { call } = entry;
    owner.execution.holdOneway(() => {
      if (entry.phase === Phase.HELD && entry.call === call) owner.start(entry, method, message);
    });
  }

  /** Copies the request. False: there is no room for it, and the call was refused. */
  private keep(entry: CalleeSlot, message: IncomingMessage): boolean {
    try {
      message.keep();
    } catch (error) {
      this.owner.refuse(entry, error, false);
      return false;
    }
    entry.phase = Phase.HELD;
    return true;
  }
}

/** One call in the server's queue. */
class PlaceWait implements WaitingCall {
  readonly method: HostedMethod;
  readonly dueAt: number;
  readonly bytes: number;
  order = 0;
  private readonly call: number;

  constructor(
    private readonly owner: WaitsOwner,
    private readonly admission: Admission,
    readonly share: QueueShare,
    private readonly entry: CalleeSlot,
    private readonly incoming: IncomingMethod,
    private readonly message: IncomingMessage,
  ) {
    this.method = incoming.hosted as HostedMethod;
    this.dueAt = admission.dueAt(entry.deadlineAt);
    this.bytes = message.end - message.start + WAITING_BYTES;
    this.call = entry.call;
  }

  start(now: number): void {
    const { owner, entry } = this;
    const { link } = owner;
    entry.held = null;
    link.noteTime(now);
    try {
      owner.start(entry, this.incoming, this.message);
      // A drain may have waited for it.
      link.onCallEnded();
    } catch (error) {
      // A defect on this side, which here has no reader of frames above it.
      link.fail(CloseCode.INTERNAL, 'an internal error');
      process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    }
  }

  refuse(record: Buffer): void {
    const { owner, entry, call } = this;
    entry.held = null;
    owner.execution.leave(entry);
    owner.execution.answers.refuse(call, record);
    owner.link.onCallEnded();
  }

  /** The call has ended otherwise. */
  withdraw(): void {
    this.admission.remove(this);
  }
}
