/**
 * The streams of calls that this side opened: gives the callee's items to the call's `IncomingStream`, and sends the caller's own from
 * its `OutgoingStream`. Used by `Caller`; frames of streams come here straight from the `FrameReader`.
 */
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { describeUnaskedLedger } from '../../wire/frame-rules.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { Link } from '../calls/link.js';
import { type CallExtras, streamLeftError } from '../calls/pending-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import type { IncomingStream, StreamOwner } from '../streams/incoming-stream.js';
import { OutgoingStream, type SourceOwner } from '../streams/outgoing-stream.js';
import { SendWindow } from '../streams/send-window.js';
import type { CallEnds } from './call-ends.js';
import { ANSWERED, type CallSlot, type CallTable } from './call-table.js';
import { unreadable, unsendable } from './failures.js';

const EMPTY = Buffer.alloc(0);

export class CallerStreams {
  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    private readonly ends: CallEnds,
  ) {}

  /** The REQUEST of a stream call was given to the sender: binds its streams to the call. */
  begin(entry: CallSlot, extras: CallExtras): void {
    const { link } = this;
    const { call, method } = entry;
    const { incoming, source, priority } = extras;
    const { kind, request, name } = method.spec;
    const abandon = (error: RpcError): void => {
      if (entry.call === call && entry.isLive) this.ends.abandon(entry, error);
    };
    if (incoming !== undefined) {
      this.table.bindIncoming(entry, incoming);
      const owner: StreamOwner = {
        onLeave: () => abandon(streamLeftError(incoming.begun ? 'yes' : 'maybe')),
        onUnreadable: (error) => abandon(unreadable(method, error)),
      };
      incoming.attach(link, call, owner);
    }
    // A getter of the request may have aborted the call's signal: then only items that still arrive matter.
    if (source === undefined || !entry.isLive) return;
    const owner: SourceOwner = {
      source,
      codec: kind === 'blob' ? null : request,
      head: null,
      compression: () => method.compression,
      priority: () => priority,
      onSourceEnd: () => link.queue.writeFrame(FrameType.END, 0, call, 0, EMPTY),
      onSourceError: (error) => abandon(sourceFailed(name, error)),
      onUnsendable: (error) => abandon(unsendable(method.spec, error, 'maybe')),
    };
    const window = new SendWindow(link.peerLimits.streamWindowBytes);
    const outgoing = new OutgoingStream(link, call, window, owner);
    this.table.bindOutgoing(entry, outgoing);
    // Behind the head of a blob, when that leaves in several frames.
    if (entry.long === null) void outgoing.run();
  }

  /** The peer's HELLO was read: streams begun before it have `bytes` more of credit. */
  widen(bytes: number): void {
    for (const { outgoing } of this.table.slots) outgoing?.widen(Math.max(0, bytes));
  }

  /** An ITEM frame from the callee. */
  onItem(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.find(call, 'ITEM');
    if (entry === null) return;
    const { incoming, method } = entry;
    if (incoming === null) {
      this.link.fail(CloseCode.PROTOCOL, `ITEM for call ${call}, which has one answer`);
      return;
    }
    if (flags !== 0 && !this.link.admitFragment((flags & Flag.MORE) !== 0, end - start)) return;
    if (!incoming.begun) this.resolve(method, incoming);
    try {
      incoming.onItem(flags, buffer, start, end);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (entry.call === call && entry.isLive) this.ends.abandon(entry, unreadable(method, error));
    }
  }

  /** The callee's END: the terminal frame of a call whose answer is a stream. */
  onEnd(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.find(call, 'END');
    if (entry === null) return;
    const { incoming } = entry;
    if (incoming === null || incoming.insideItem) {
      const why = incoming === null ? 'which has one answer' : 'inside an item';
      this.link.fail(CloseCode.PROTOCOL, `END for call ${call}, ${why}`);
      return;
    }
    if (!entry.isLive) {
      this.ends.endLate(entry, null);
      return;
    }
    if ((flags & Flag.LEDGER) !== 0 && entry.ledgerCall !== call) {
      this.link.fail(CloseCode.FLAGS, describeUnaskedLedger('END'));
      return;
    }
    const finish = (payload: Buffer, from: number, to: number): void =>
      this.finish(entry, incoming, flags, payload, from, to);
    if (!this.holdEnd(entry, buffer, start, end, finish)) finish(buffer, start, end);
  }

  /** The callee's END, whose payload may be a prefix. */
  private finish(
    entry: CallSlot,
    incoming: IncomingStream,
    flags: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const { link } = this;
    const { method } = entry;
    let metadata: Metadata | null = null;
    try {
      if (incoming.lacksHead) throw new RpcError('INVALID_ARGUMENT', 'it ended before its head');
      if (flags !== 0 || end > start) {
        const message = new IncomingMessage(link, flags, false, buffer, start, end);
        if (message.end > message.start) throw new RpcError('INVALID_ARGUMENT', 'bytes behind the prefix of END');
        metadata = message.metadata;
        entry.extras?.ledger?.answered(message.durations, link.now);
      }
    } catch (error) {
      this.ends.failAnswered(entry, unreadable(method, error));
      return;
    }
    this.ends.succeed(entry, undefined, metadata);
  }

  /**
   * While items wait for the callee's schema, the terminal frame of their stream waits behind them, with the call's deadline running.
   * So does one that `needsSchema` itself.
   * True: `goOn` gets a copy of the payload then, unless the call ends before that.
   */
  holdEnd(
    entry: CallSlot,
    buffer: Buffer,
    start: number,
    end: number,
    goOn: (payload: Buffer, start: number, end: number) => void,
    needsSchema = false,
  ): boolean {
    const { call, method, incoming } = entry;
    if (method.state !== 'resolving' || !entry.isLive || !(incoming?.begun || needsSchema)) return false;
    this.table.answered(entry);
    entry.outgoing?.stop();
    const payload = Buffer.from(buffer.subarray(start, end));
    method.whenResolved(() => {
      if (entry.call === call) goOn(payload, 0, payload.length);
    });
    return true;
  }

  /** CREDIT from the callee. */
  onCredit(call: number, buffer: Buffer, start: number): void {
    const entry = this.find(call, 'CREDIT');
    if (entry === null) return;
    const { kind } = entry.spec;
    if (kind !== 'clientStream' && kind !== 'duplex' && kind !== 'blob') {
      this.link.fail(CloseCode.PROTOCOL, `CREDIT for call ${call}, which sends no items`);
      return;
    }
    if (!entry.isLive || entry.outgoing === null) return;
    const bytes = readU32(buffer, start);
    if (bytes > 0) {
      entry.outgoing.onCredit(bytes);
      return;
    }
    this.ends.abandon(entry, unreadable(entry.method, new RpcError('INVALID_ARGUMENT', 'CREDIT of 0')));
  }

  /** The slot of the call, or null: no such call is open, and the connection has been closed. */
  private find(call: number, frame: string): CallSlot | null {
    const entry = this.table.find(call);
    // Behind END or FAILURE nothing more may come.
    const isOver = entry?.state === ANSWERED && entry.incoming !== null;
    if (entry !== undefined && !isOver) return entry;
    this.link.fail(CloseCode.CALL_NUMBER, `${frame} for call ${call}, which is not open`);
    return null;
  }

  /** The first item is here. If the callee's schema differs from this side's, METHOD ANSWER has said so by now. */
  private resolve(method: OutgoingMethod, incoming: IncomingStream): void {
    const learn = (): void => {
      // The call may have gone to another connection.
      if (!incoming.isAttached(this.link)) return;
      if (method.failure === null) incoming.ready(method.response);
      else incoming.onBreaking(unreadable(method, method.failure));
    };
    if (method.state === 'resolving') method.whenResolved(learn);
    else learn();
  }
}

function sourceFailed(name: string, error: unknown): RpcError {
  const text = reasonOf(error);
  const message = `the items for ${name} ended with an error of their source: ${text}`;
  return new RpcError('CANCELLED', message, { started: 'maybe', cause: error });
}
