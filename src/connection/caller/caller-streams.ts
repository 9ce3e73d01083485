/**
 * The streams of calls that this side opened: the callee's items to the call's `IncomingStream`, the caller's own from its
 * `OutgoingStream`. `Caller` owns the slots and everything that calls of all kinds have in common.
 */
import { RpcError } from '../../base/errors.js';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { describeUnaskedLedger } from '../../wire/frame-rules.js';
import type { MessageCodec, Resolution } from '../../wire/message-codec.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { Link } from '../calls/link.js';
import { type CallExtras, type CallResult, leftEarly } from '../calls/pending-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import type { StreamOwner } from '../streams/incoming-stream.js';
import { OutgoingStream, type SourceOwner } from '../streams/outgoing-stream.js';
import { SendWindow } from '../streams/send-window.js';
import type { CallEnds, CallSlot, CallTable } from './call-table.js';
import { attemptsOf, endHere, triedIn } from './caller-ends.js';
import { unreadable, unsendable } from './failures.js';

const EMPTY = Buffer.alloc(0);

/** The REQUEST of a call whose messages are items. */
export const noBody: MessageCodec = {
  fingerprint: null,
  schemaText: '',
  encode: (_value, _into, offset) => offset,
  decode: () => undefined,
  resolveWriter: () => identical,
  gradeReader: () => identical,
};

const identical: Resolution = { grade: 'identical', codec: null, path: '', reason: '' };

export class CallerStreams {
  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    private readonly calls: CallEnds,
  ) {}

  /** The REQUEST of a stream call has been written: binds its streams to the call. */
  begin(entry: CallSlot, call: number, method: OutgoingMethod, extras: CallExtras): void {
    const { incoming, source, priority } = extras;
    const { kind } = method.spec;
    if (incoming !== undefined) {
      entry.incoming = incoming;
      const owner: StreamOwner = {
        onLeave: () => {
          if (entry.call === call && !entry.givenUp) this.giveUp(entry, leftEarly(incoming.begun ? 'yes' : 'maybe'));
        },
        onUnreadable: (error) => {
          if (entry.call === call && !entry.givenUp) this.giveUp(entry, unreadable(method, error));
        },
      };
      incoming.attach(this.link, call, owner);
    }
    // A getter of the request may have aborted the call's signal.
    if (source === undefined || entry.givenUp) return;
    const { request, name } = method.spec;
    const window = new SendWindow(this.link.peerLimits.streamWindowBytes);
    const owner: SourceOwner = {
      onSourceEnd: () => this.link.queue.writeFrame(FrameType.END, 0, call, 0, EMPTY),
      onSourceError: (error) => {
        if (entry.call === call && !entry.givenUp) this.giveUp(entry, sourceFailed(name, error));
      },
      onUnsendable: (error) => {
        if (entry.call === call && !entry.givenUp) this.giveUp(entry, unsendable(method.spec, error, 'maybe'));
      },
    };
    const codec = kind === 'blob' ? null : request;
    const compression = (): MethodCompression => method.compression;
    const outgoing = new OutgoingStream(this.link, call, codec, compression, source, window, owner, () => priority);
    entry.outgoing = outgoing;
    // Behind the head of a blob, when that leaves in several frames.
    if (entry.long === null) void outgoing.run();
  }

  /** The peer's HELLO is here: streams begun before it have `bytes` more of credit. */
  widen(bytes: number): void {
    for (const { outgoing } of this.table.slots) outgoing?.widen(Math.max(0, bytes));
  }

  /** An ITEM frame from the callee. */
  onItem(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.open(call, 'ITEM');
    if (entry === null) return;
    const { incoming } = entry;
    if (incoming === null) {
      this.link.fail(CloseCode.PROTOCOL, `ITEM for call ${call}, which has one answer`);
      return;
    }
    if (flags !== 0 && !this.link.admitFragment((flags & Flag.MORE) !== 0, end - start)) return;
    if (!incoming.begun) this.resolve(entry.method as OutgoingMethod, incoming);
    try {
      incoming.onItem(flags, buffer, start, end);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (!entry.givenUp) this.giveUp(entry, unreadable(entry.method as OutgoingMethod, error));
    }
  }

  /** The callee's END: the call has ended well. */
  onEnd(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.open(call, 'END');
    if (entry === null) return;
    const { incoming, givenUp } = entry;
    if (incoming === null || incoming.insideItem) {
      const why = incoming === null ? 'which has one answer' : 'inside an item';
      this.link.fail(CloseCode.PROTOCOL, `END for call ${call}, ${why}`);
      return;
    }
    if (this.holdEnd(entry, buffer, start, end, (held) => this.onEnd(call, flags, held, 0, held.length))) return;
    const { resolve, reject } = entry;
    const method = entry.method as OutgoingMethod;
    let metadata: Metadata | null = null;
    let failure: RpcError | null = null;
    const marks = entry.extras?.ledger ?? null;
    if (incoming.lacksHead) {
      failure = unreadable(method, new RpcError('INVALID_ARGUMENT', 'it ended before its head'));
    } else if (!givenUp && (flags !== 0 || end > start)) {
      if ((flags & Flag.LEDGER) !== 0 && entry.ledgerCall !== call) {
        this.link.fail(CloseCode.FLAGS, describeUnaskedLedger('END'));
        return;
      }
      try {
        const message = new IncomingMessage(this.link, flags, false, buffer, start, end);
        if (message.end > message.start) throw new RpcError('INVALID_ARGUMENT', 'bytes behind the prefix of END');
        metadata = message.metadata;
        marks?.answered(message.durations, this.link.now);
      } catch (error) {
        failure = unreadable(method, error);
      }
    }
    const { link } = this;
    const tried = triedIn(entry);
    this.calls.finished++;
    this.calls.release(entry);
    const ledger = marks === null ? null : marks.finish();
    if (failure !== null) {
      if (!givenUp) endHere(link, tried, failure);
      reject(failure);
      return;
    }
    if (!givenUp) link.stats.onUntimedEnd(link.now);
    const attempts = attemptsOf(link, tried, 'OK', 'yes', link.now);
    resolve({ value: undefined, metadata, ledger, attempts } satisfies CallResult);
  }

  /**
   * While items wait for the callee's schema, the frame that ends their stream waits behind them, with the call's deadline running.
   * True: `again` follows, with a copy of the payload, unless the call ends before that.
   */
  holdEnd(entry: CallSlot, buffer: Buffer, start: number, end: number, again: (payload: Buffer) => void): boolean {
    const { call, incoming, givenUp } = entry;
    const method = entry.method as OutgoingMethod;
    if (method.state !== 'resolving' || givenUp || incoming === null || !incoming.begun) return false;
    entry.endHeld = true;
    entry.outgoing?.stop();
    const payload = Buffer.from(buffer.subarray(start, end));
    method.waiting.push(() => {
      if (entry.call !== call) return;
      entry.endHeld = false;
      again(payload);
    });
    return true;
  }

  /** CREDIT from the callee. */
  onCredit(call: number, buffer: Buffer, start: number): void {
    const entry = this.open(call, 'CREDIT');
    if (entry === null) return;
    const { kind } = (entry.method as OutgoingMethod).spec;
    if (kind !== 'clientStream' && kind !== 'duplex' && kind !== 'blob') {
      this.link.fail(CloseCode.PROTOCOL, `CREDIT for call ${call}, which sends no items`);
      return;
    }
    if (entry.givenUp || entry.outgoing === null) return;
    const bytes = readU32(buffer, start);
    if (bytes > 0) {
      entry.outgoing.onCredit(bytes);
      return;
    }
    this.giveUp(entry, unreadable(entry.method as OutgoingMethod, new RpcError('INVALID_ARGUMENT', 'CREDIT of 0')));
  }

  private open(call: number, name: string): CallSlot | null {
    const entry = this.table.slots[call & 0xffff];
    if (entry !== undefined && entry.call === call && !entry.endHeld) return entry;
    this.link.fail(CloseCode.CALL_NUMBER, `${name} for call ${call}, which is not open`);
    return null;
  }

  private giveUp(entry: CallSlot, error: RpcError): void {
    const { call } = entry;
    endHere(this.link, triedIn(entry), error);
    if (this.calls.giveUp(entry, error)) this.calls.cancel(call);
  }

  /** The first item is here: if the callee's schema differs, it has said so by now. */
  private resolve(method: OutgoingMethod, incoming: NonNullable<CallSlot['incoming']>): void {
    const learn = (): void => {
      // The call may have gone to another connection.
      if (!incoming.isAttached(this.link)) return;
      if (method.failure === null) incoming.ready(method.response);
      else incoming.onBreaking(unreadable(method, method.failure));
    };
    if (method.state === 'resolving') method.waiting.push(learn);
    else learn();
  }
}

function sourceFailed(name: string, error: unknown): RpcError {
  const text = error instanceof Error ? error.message : String(error);
  const message = `the items for ${name} ended with an error of their source: ${text}`;
  return new RpcError('CANCELLED', message, { started: 'maybe', cause: error });
}
