/**
 * The callee's half of a connection: the calls that the peer opened.
 *
 *              whole REQUEST, sync handler: answered before the next frame is read
 *   FREE ------------------------------------------------------------------------> FREE
 *     |-- REQUEST with MORE --> RECEIVING --whole--+                                 ^
 *     |-- schema on its way --> HELD --------------+--> RUNNING --> ANSWERING -------+
 *                                                        the handler's    the write queue is full,
 *                                                        promise          or the answer is long
 *
 * This file turns frames into whole requests and ends calls early; `execution.ts` runs the handlers. Every call
 * that is not ONEWAY gets exactly one terminal frame: `Answers` writes them and nobody else, and the slot is FREE behind it
 * (or ANSWERING, until the last frame has left). A handler whose call was cancelled or ran out of time still counts as
 * `executing` until it ends, so that cancelling does not buy work.
 */

import { rpcCodeName } from '../../base/codes.js';
import { RpcError } from '../../base/errors.js';
import { SweepTimer } from '../../base/sweep-timer.js';
import { Admission } from '../../resilience/admission/admission.js';
import { generationOf, nextGeneration, type OpenerBit, openerOf } from '../../wire/call-number.js';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import { readDeadlineMs } from '../../wire/prefix.js';
import { decodeCancel } from '../../wire/records/cancel.js';
import { CallContext } from '../calls/call-context.js';
import type { CallHost } from '../calls/call-host.js';
import type { LeftCall } from '../calls/left-call.js';
import type { Link } from '../calls/link.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod, IncomingMethods } from '../methods/incoming-methods.js';
import type { CalleeLedgers } from './callee-ledgers.js';
import { failMisplaced, fullHouse, refuseSlot } from './callee-refusals.js';
import { CalleeSlot, leftInSlots, Phase } from './callee-slot.js';
import { type CalleeCalls, CalleeStreams } from './callee-streams.js';
import { Execution } from './execution.js';
import { CalleeWaits, type WaitsOwner } from './held-calls.js';

export class Callee implements CalleeCalls, WaitsOwner {
  private readonly slots: (CalleeSlot | null)[] = [];
  readonly streams: CalleeStreams;
  readonly admission: Admission;
  readonly execution: Execution;
  private readonly waits: CalleeWaits;
  private readonly ledgers: CalleeLedgers;
  private readonly timer: SweepTimer;
  /** Handlers that may run at once; 0 once new calls are refused. */
  private admitMax: number;
  private draining = false;

  constructor(
    readonly link: Link,
    private readonly methods: IncomingMethods,
    {
      host,
      admission = new Admission(link.limits, link.clock),
    }: { readonly host: CallHost | null; readonly admission?: Admission },
    private readonly peerBit: OpenerBit,
  ) {
    this.admitMax = link.limits.handlersMax;
    this.timer = new SweepTimer(link.clock, (now) => this.sweep(now));
    this.admission = admission;
    this.execution = new Execution(link, host, this.timer, admission);
    this.waits = new CalleeWaits(this, admission);
    this.ledgers = this.execution.answers.ledgers;
    this.streams = new CalleeStreams(link, this.execution, this);
  }

  /** Calls that ended with a RESPONSE. */
  get finished(): number {
    return this.execution.answers.finished;
  }

  /** Handlers that have not ended. */
  get executing(): number {
    return this.execution.executing;
  }

  /** Calls that have not got their terminal frame. */
  get inFlight(): number {
    return this.execution.inFlight;
  }

  onRequest(call: number, flags: number, number: number, buffer: Buffer, start: number, end: number): void {
    const { link } = this;
    const slot = call & 0xffff;
    const entry = this.slots[slot] ?? this.addSlot(call, flags);
    if (entry === null) return;
    const method = this.methods.declared[number];
    if (
      entry.phase !== Phase.FREE ||
      generationOf(call) !== nextGeneration(entry.generation) ||
      openerOf(call) !== this.peerBit ||
      method === undefined
    ) {
      this.onOtherRequest(entry, call, flags, number, buffer, start, end);
      return;
    }
    entry.generation = generationOf(call);
    entry.call = call;
    if ((flags & ~Flag.DEADLINE) !== 0 || !method.direct || this.execution.executing >= this.admitMax) {
      this.receive(entry, method, flags, buffer, start, end);
      return;
    }
    let deadlineAt = Infinity;
    if (flags !== 0) {
      const deadlineMs = end - start >= 4 ? readDeadlineMs(buffer, start) : 0;
      if (deadlineMs === 0) {
        this.receive(entry, method, flags, buffer, start, end);
        return;
      }
      deadlineAt = link.now + deadlineMs;
      start += 4;
    }
    const { admission } = this;
    if (!admission.open) {
      if (!this.waits.refuses(call, method, deadlineAt, end - start)) {
        this.receive(entry, method, flags, buffer, flags === 0 ? start : start - 4, end);
      }
      return;
    }
    this.execution.run(entry, method, buffer, start, end, deadlineAt, null);
    if (--admission.meter.untilLook === 0) admission.look();
  }

  onCancel(call: number, buffer: Buffer, start: number, end: number): void {
    const record = decodeCancel(buffer, start, end);
    const entry = this.find(call, 'CANCEL');
    if (entry === null) return;
    if (entry.phase === Phase.FREE) {
      this.streams.late(entry, call, FrameType.CANCEL, 0);
      return;
    }
    if (!this.link.chargeReset()) return;
    const reason = new RpcError(rpcCodeName(record.code), record.text || 'the caller cancelled the call', {
      started: entry.started,
    });
    this.endEarly(entry, reason);
  }

  /** Ends a call for what its caller did, who pays for it. */
  failCall(entry: CalleeSlot, error: RpcError): void {
    if (this.link.chargeReset()) this.endEarly(entry, error);
  }

  /** Ends every open call with this reason: a FAILURE for the caller, an aborted signal for the handler. */
  cancelAll(text: string): void {
    for (const entry of this.slots) {
      if (entry === null || entry.phase === Phase.FREE) continue;
      this.endEarly(entry, new RpcError('CANCELLED', text, { started: entry.started }));
    }
  }

  /** Refuses every new call from now on, with started=no. */
  drain(): void {
    this.draining = true;
    this.admitMax = 0;
  }

  /** The write queue has drained: waiting answers may go on. */
  onDrain(): void {
    this.execution.onDrain();
  }

  /** The peer ended its half: requests and streams that are incomplete stay so, and nobody waits for them. */
  onReadEnd(): void {
    for (const entry of this.slots) {
      if (entry === null || entry.phase === Phase.FREE) continue;
      const { incoming, context } = entry;
      if (entry.phase === Phase.RECEIVING || (incoming !== null && !incoming.complete)) {
        const reason = new RpcError('UNAVAILABLE', `${this.link.peer} ended the connection inside the call's stream`);
        context?.abort(reason);
        this.execution.abandon(entry, reason);
      } else {
        entry.outgoing?.onReadEnd();
      }
    }
  }

  /** The connection is over: every handler's signal aborts, nothing is answered any more. */
  close(reason: RpcError): void {
    this.timer.stop();
    this.ledgers.close();
    this.execution.close();
    for (const entry of this.slots) {
      if (entry === null || entry.phase === Phase.FREE) continue;
      entry.context?.abort(reason);
      this.execution.abandon(entry, reason);
    }
    this.methods.close(reason);
  }

  /** The calls that have not ended, and the handlers that go on after theirs has. */
  left(now: number): LeftCall[] {
    return [...this.execution.detached.left(this.link.peer, now), ...leftInSlots(this.slots, this.link.peer, now)];
  }

  /** The slot of a call number, or null when it may not be used; then the call has been refused or the connection closed. */
  private addSlot(call: number, flags: number): CalleeSlot | null {
    const slot = call & 0xffff;
    if (slot >= this.link.limits.callsInFlightMax) {
      refuseSlot(this.link, this.execution.answers, call, flags, this.peerBit);
      return null;
    }
    while (this.slots.length <= slot) this.slots.push(null);
    const entry = new CalleeSlot();
    this.slots[slot] = entry;
    return entry;
  }

  /** A REQUEST that does not open a call: it continues a message, comes late, or is an error. */
  private onOtherRequest(
    entry: CalleeSlot,
    call: number,
    flags: number,
    number: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const { link } = this;
    const more = (flags & Flag.MORE) !== 0;
    if (entry.call === call && (entry.phase === Phase.RECEIVING || entry.skippedCall === call)) {
      if ((flags & ~Flag.MORE) !== 0) {
        link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'a frame that continues a REQUEST'));
        return;
      }
      if (!link.admitFragment(more, end - start)) return;
      // The rest of a message that was refused: its caller may not have known.
      if (entry.skippedCall === call) entry.skippedCall = more ? call : 0;
      else this.continue(entry, number, flags, buffer, start, end);
    } else {
      failMisplaced(link, entry, call, number, this.peerBit);
    }
  }

  private continue(entry: CalleeSlot, number: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const method = entry.method as IncomingMethod;
    if (this.methods.declared[number] !== method) {
      this.link.fail(CloseCode.PROTOCOL, `a frame that continues a REQUEST names method ${number}`);
      return;
    }
    const message = entry.message as IncomingMessage;
    try {
      message.continue(flags, buffer, start, end);
      this.ledgers.restRead(entry.call, this.link.now);
    } catch (error) {
      this.refuse(entry, error, (flags & Flag.MORE) !== 0);
      return;
    }
    if (!message.partial) this.admit(entry, method, message);
  }

  /** A request that is not the usual one: parts, metadata, compression, a schema to wait for, a full house. */
  private receive(
    entry: CalleeSlot,
    method: IncomingMethod,
    flags: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const more = (flags & Flag.MORE) !== 0;
    if (more && !this.link.admitFragment(more, end - start)) return;
    entry.phase = Phase.RECEIVING;
    entry.method = method;
    entry.oneway = (flags & Flag.ONEWAY) !== 0;
    entry.since = this.link.now;
    this.execution.inFlight++;
    if ((flags & (Flag.LEDGER | Flag.ONEWAY)) === Flag.LEDGER) this.ledgers.requestRead(entry.call, this.link.now);
    const items = this.streams.open(entry, method);
    if (items && (flags & (Flag.MORE | Flag.COMPRESSED)) !== 0) {
      this.link.fail(CloseCode.FLAGS, describeWrongFlags(flags, "the REQUEST of a caller's stream"));
      return;
    }
    try {
      const message = new IncomingMessage(this.link, flags, true, buffer, start, end);
      entry.message = message;
      if (message.deadlineMs >= 0) {
        entry.deadlineAt = this.link.now + message.deadlineMs;
        if (message.deadlineMs === 0)
          throw new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed when the call arrived');
        this.timer.watch(entry.deadlineAt);
      }
      if (items && message.end > message.start)
        throw new RpcError('INVALID_ARGUMENT', 'a body on the REQUEST of a call whose messages are items');
      if (method.failure !== null) throw method.failure;
      // Nobody could be told that a ONEWAY call was refused.
      if (this.draining && !entry.oneway) throw fullHouse(this.link, this.draining);
      if (entry.oneway !== (method.hosted?.spec.kind === 'oneway')) {
        throw new RpcError('FAILED_PRECONDITION', 'the flag ONEWAY does not agree with the kind of the method');
      }
      if (message.partial) return;
      this.admit(entry, method, message);
    } catch (error) {
      this.refuse(entry, error, more);
    }
  }

  /** The whole request is here: waits for schemas or a free handler where it must, else runs. */
  admit(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    if (method.state === 'resolving') {
      this.waits.forSchema(entry, method, message);
      return;
    }
    if (method.failure !== null) {
      this.refuse(entry, method.failure, false);
      return;
    }
    if (entry.oneway) {
      if (!this.execution.admitsOneway) {
        this.waits.forTurn(entry, method, message);
        return;
      }
    } else if (this.execution.executing >= this.link.limits.handlersMax) {
      this.refuse(entry, fullHouse(this.link, this.draining), false);
      return;
    } else if (!this.admission.open) {
      this.waits.forPlace(entry, method, message);
      return;
    }
    this.start(entry, method, message);
  }

  start(entry: CalleeSlot, method: IncomingMethod, message: IncomingMessage): void {
    try {
      message.expand();
    } catch (error) {
      this.refuse(entry, error, false);
      return;
    }
    const { deadlineAt } = entry;
    const { buffer, start, end } = message;
    entry.message = null;
    if (entry.incoming !== null || entry.window !== null) {
      entry.phase = Phase.HELD;
      this.streams.run(entry, method, buffer, start, end, new CallContext(this.link, deadlineAt, message.metadata));
    } else {
      this.execution.leave(entry);
      this.execution.run(entry, method, buffer, start, end, deadlineAt, message);
    }
    message.release();
    if (--this.admission.meter.untilLook === 0) this.admission.look();
  }

  /** Ends a call that is not answered yet, by CANCEL or deadline: one FAILURE, and its handler's signal. */
  endEarly(entry: CalleeSlot, reason: RpcError): void {
    const { phase, call, context, oneway, started } = entry;
    if (phase === Phase.RECEIVING) entry.skippedCall = call;
    if (entry.long !== null) this.link.sender.drop(entry.long);
    this.execution.abandon(entry, reason);
    if (!oneway) this.execution.answers.fail(call, reason, started);
    context?.abort(reason);
    this.link.onCallEnded();
  }

  /** Refuses a call whose handler has not run. `more`: frames of its request are still to come. */
  refuse(entry: CalleeSlot, error: unknown, more: boolean): void {
    if (!(error instanceof RpcError)) throw error;
    const { call, oneway } = entry;
    this.execution.leave(entry);
    if (more) entry.skippedCall = call;
    // What a peer's own bytes provoked is paid for; a busy, draining or differently versioned server is not its fault.
    const provoked =
      error.code === 'INVALID_ARGUMENT' || (error.limit !== undefined && error.limit.name !== 'handlersMax');
    if (provoked && !this.link.chargeReset()) return;
    if (!oneway) this.execution.answers.fail(call, error, 'no');
  }

  /** The slot of a call: open, or FREE when the call has ended and this frame is late. A call that never was: CLOSE. */
  find(call: number, name: string): CalleeSlot | null {
    const entry = this.slots[call & 0xffff];
    if (entry != null && entry.call === call && openerOf(call) === this.peerBit) return entry;
    this.link.fail(CloseCode.CALL_NUMBER, `${name} for call ${call}, which is not open`);
    return null;
  }

  /** Ends what is due. Returns the earliest deadline left. */
  private sweep(now: number): number {
    let earliest = Infinity;
    for (const entry of this.slots) {
      if (entry === null || entry.phase === Phase.FREE) continue;
      const { deadlineAt, started } = entry;
      const where = started === 'yes' ? 'while its handler was at work' : 'before its handler started';
      if (deadlineAt > now) earliest = Math.min(earliest, deadlineAt);
      else this.endEarly(entry, new RpcError('DEADLINE_EXCEEDED', `the deadline passed ${where}`, { started }));
    }
    return earliest;
  }
}
