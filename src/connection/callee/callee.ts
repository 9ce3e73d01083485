/**
 * The callee's half of a connection: the calls that the peer opened. This file reads their REQUEST and CANCEL frames; the parts
 * that it is made of each do one thing, from a request to its end:
 *
 *   Callee ---> CallStarts ---> Execution ----> Answers (terminal frames)
 *   frames      waits, or       handler    \--> CalleeEnds.end (slot FREE, connection told)
 *               starts     \--> CalleeStreams (items both ways)
 *
 * `CalleeTable` holds the slots and their states (drawn in `callee-slot.ts`), `Handlers` counts the handlers. The usual REQUEST, whole
 * and plain, goes straight to `Execution.run`.
 */

import { assert } from '../../base/assert.js';
import { RpcError } from '../../base/errors.js';
import { Admission } from '../../resilience/admission/admission.js';
import { generationOf, nextGeneration, type OpenerBit, openerOf, slotOf } from '../../wire/call-number.js';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import { readDeadlineMs } from '../../wire/prefix.js';
import { decodeCancel } from '../../wire/records/cancel.js';
import type { CallHost } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import type { UnfinishedCall } from '../calls/unfinished-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod, IncomingMethods } from '../methods/incoming-methods.js';
import { Answers } from './answers.js';
import { CallStarts } from './call-starts.js';
import { CalleeEnds } from './callee-ends.js';
import type { CalleeLedgers } from './callee-ledgers.js';
import { failMisplaced, refuseSlot, serverDraining } from './callee-refusals.js';
import { type CalleeSlot, CallState } from './callee-slot.js';
import { CalleeStreams } from './callee-streams.js';
import { CalleeTable } from './callee-table.js';
import { Execution } from './execution.js';
import { Handlers } from './handlers.js';

export class Callee {
  readonly streams: CalleeStreams;
  readonly admission: Admission;
  private readonly table: CalleeTable;
  private readonly answers: Answers;
  private readonly handlers: Handlers;
  private readonly ends: CalleeEnds;
  private readonly execution: Execution;
  private readonly starts: CallStarts;
  private readonly ledgers: CalleeLedgers;
  /** Handlers that may run at once; 0 once new calls are refused. */
  private admitMax: number;

  constructor(
    private readonly link: Link,
    private readonly methods: IncomingMethods,
    {
      host,
      admission = new Admission(link.limits, link.clock),
    }: { readonly host: CallHost | null; readonly admission?: Admission },
    private readonly peerBit: OpenerBit,
  ) {
    const table = new CalleeTable(link, peerBit);
    const answers = new Answers(link, host);
    const handlers = new Handlers(link, admission);
    const ends = new CalleeEnds(link, table, answers, handlers);
    const execution = new Execution(link, host, admission, { table, answers, handlers, ends });
    const streams = new CalleeStreams(link, { table, answers, handlers, ends, execution });
    this.starts = new CallStarts({ link, admission, table, answers, handlers, ends, execution, streams });
    this.admission = admission;
    this.table = table;
    this.answers = answers;
    this.handlers = handlers;
    this.ends = ends;
    this.execution = execution;
    this.streams = streams;
    this.ledgers = answers.ledgers;
    this.admitMax = link.limits.handlersMax;
  }

  /** Calls that ended with a RESPONSE or END. */
  get finished(): number {
    return this.answers.finished;
  }

  /** Handlers that have not ended. */
  get executing(): number {
    return this.handlers.executing;
  }

  /** Calls that have not got their terminal frame. */
  get inFlight(): number {
    return this.table.inFlight;
  }

  onRequest(call: number, flags: number, number: number, buffer: Buffer, start: number, end: number): void {
    const { link, table } = this;
    const entry = table.slots[slotOf(call)] ?? this.addSlot(call, flags);
    if (entry === null) return;
    const method = this.methods.declared[number];
    if (
      entry.state !== CallState.FREE ||
      generationOf(call) !== nextGeneration(entry.generation) ||
      openerOf(call) !== this.peerBit ||
      method === undefined
    ) {
      this.onOtherRequest(entry, call, flags, number, buffer, start, end);
      return;
    }
    table.number(entry, call);
    if ((flags & ~Flag.DEADLINE) !== 0 || !method.isDirect() || this.handlers.executing >= this.admitMax) {
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
      if (!this.starts.refuses(call, method, deadlineAt, end - start)) {
        this.receive(entry, method, flags, buffer, flags === 0 ? start : start - 4, end);
      }
      return;
    }
    this.execution.run(entry, method, buffer, start, end, deadlineAt, null);
    if (--admission.meter.untilLook === 0) admission.look();
  }

  onCancel(call: number, buffer: Buffer, start: number, end: number): void {
    const record = decodeCancel(buffer, start, end);
    const entry = this.table.find(call, 'CANCEL');
    if (entry === null) return;
    if (entry.state === CallState.FREE) this.table.onLateFrame(entry, call, FrameType.CANCEL, 0);
    else this.ends.onCancel(entry, record);
  }

  /** The grace of a drain is over: ends every open call with a FAILURE, and aborts its handler's signal. */
  cancelAll(text: string): void {
    this.ends.cancelAll(text);
  }

  /** Refuses every new call from now on, with started=no. */
  drain(): void {
    this.starts.drain();
    this.admitMax = 0;
  }

  /** The write queue has drained: waiting answers may go on. */
  onDrain(): void {
    this.execution.onDrain();
  }

  /** The peer ended its half of the connection. */
  onReadEnd(): void {
    this.ends.onReadEnd();
  }

  /** The connection is over: every handler's signal aborts, nothing is answered any more. */
  close(reason: RpcError): void {
    this.ledgers.close();
    this.execution.close();
    this.handlers.close();
    this.ends.close(reason);
    this.methods.close(reason);
  }

  /** The calls that have not ended, and the handlers that go on after theirs has. */
  left(now: number): UnfinishedCall[] {
    return [...this.handlers.left(now), ...this.table.left(now)];
  }

  /** The slot of a call that is the first in it, or null when there is no such slot; then the call was refused or the connection closed. */
  private addSlot(call: number, flags: number): CalleeSlot | null {
    const slot = slotOf(call);
    if (slot < this.link.limits.callsInFlightMax) return this.table.add(slot);
    refuseSlot({ link: this.link, answers: this.answers, draining: this.starts.draining }, call, flags, this.peerBit);
    return null;
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
    if (entry.call === call && (entry.state === CallState.ASSEMBLING || entry.skippedCall === call)) {
      if ((flags & ~Flag.MORE) !== 0) {
        link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'a frame that continues a REQUEST'));
        return;
      }
      if (!link.admitFragment(more, end - start)) return;
      // The rest of a message that was refused: its caller may not have known.
      if (entry.skippedCall === call) this.table.skip(entry, more ? call : 0);
      else this.continue(entry, number, flags, buffer, start, end);
    } else {
      failMisplaced(link, entry, call, number, this.peerBit);
    }
  }

  private continue(entry: CalleeSlot, number: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const { method, message } = entry;
    // The method may have been removed, or added again, since the first frame.
    if (method === null || this.methods.declared[number]?.record !== method.record) {
      this.link.fail(CloseCode.PROTOCOL, `a frame that continues a REQUEST names method ${number}`);
      return;
    }
    assert(message !== null, 'a call that is ASSEMBLING has the first frame of its request');
    try {
      message.continue(flags, buffer, start, end);
      this.ledgers.restRead(entry.call, this.link.now);
    } catch (error) {
      this.ends.refuse(entry, error, (flags & Flag.MORE) !== 0);
      return;
    }
    if (!message.partial) this.starts.admit(entry, method, message);
  }

  /** A REQUEST that is not plain, or may have to wait: several frames, metadata, streams, ONEWAY, unknown schemas, a busy server. */
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
    this.table.assemble(entry, method, (flags & Flag.ONEWAY) !== 0);
    if ((flags & (Flag.LEDGER | Flag.ONEWAY)) === Flag.LEDGER) this.ledgers.requestRead(entry.call, this.link.now);
    const items = this.streams.open(entry, method);
    if (items && (flags & (Flag.MORE | Flag.COMPRESSED)) !== 0) {
      this.link.fail(CloseCode.FLAGS, describeWrongFlags(flags, "the REQUEST of a caller's stream"));
      return;
    }
    try {
      // Before all other faults (spec, 9.3). A ONEWAY call has no answer, so its caller would not learn of a refusal.
      if (this.starts.draining && !entry.oneway) throw serverDraining();
      const message = new IncomingMessage(this.link, flags, true, buffer, start, end);
      this.readPrefix(entry, message);
      if (items && message.end > message.start)
        throw new RpcError('INVALID_ARGUMENT', 'a body on the REQUEST of a call whose messages are items');
      if (method.failure !== null) throw method.failure;
      if (entry.oneway !== (method.hosted?.spec.kind === 'oneway')) {
        throw new RpcError('FAILED_PRECONDITION', 'the flag ONEWAY does not agree with the kind of the method');
      }
      if (!message.partial) this.starts.admit(entry, method, message);
    } catch (error) {
      this.ends.refuse(entry, error, more);
    }
  }

  /** Keeps the message in its slot, and watches its deadline. */
  private readPrefix(entry: CalleeSlot, message: IncomingMessage): void {
    const { deadlineMs } = message;
    const deadlineAt = deadlineMs < 0 ? Infinity : this.link.now + deadlineMs;
    this.table.setMessage(entry, message, deadlineAt);
    if (deadlineMs === 0) throw new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed when the call arrived');
    if (deadlineMs > 0) this.ends.deadlines.watch(deadlineAt);
  }
}
