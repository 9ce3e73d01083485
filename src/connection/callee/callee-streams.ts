/**
 * The streams of calls that the peer opened: its items to the handler's `IncomingStream`, the handler's from its `OutgoingStream`.
 * What calls of all kinds have in common is in `CalleeTable`, `Execution`, `Handlers` and `CalleeEnds`.
 *
 *   REQUEST --open--> credit and items are counted --run--> handler --> iterable --> ITEM ... END
 *                                                              \--> value, of a client stream --> RESPONSE
 *
 * A handler of a stream counts as executing until its iterable has ended, also when its call was cancelled.
 */
import { textOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { CloseCode, Flag, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import type { CallContext } from '../calls/call-context.js';
import type { Link } from '../calls/link.js';
import type { IncomingMethod, ReadyMethod } from '../methods/incoming-methods.js';
import { BlobBody, partsOf } from '../streams/blob.js';
import { IncomingPieces } from '../streams/incoming-blob.js';
import { IncomingStream } from '../streams/incoming-stream.js';
import { OutgoingStream, type SourceOwner } from '../streams/outgoing-stream.js';
import { SendWindow } from '../streams/send-window.js';
import { type LateErrorListener, Source } from '../streams/source.js';
import type { Answers } from './answers.js';
import type { CalleeEnds } from './callee-ends.js';
import { type CalleeSlot, CallState } from './callee-slot.js';
import type { CalleeTable } from './callee-table.js';
import { asRefusal, type CalleeParts, type Execution, isThenable, whenSettled } from './execution.js';
import type { Handlers } from './handlers.js';

/** What a handler gave to be sent: items, or the head of a blob and its bytes. */
type SentParts = { readonly source: Source } | { readonly head: unknown; readonly source: Source };

export class CalleeStreams {
  private readonly table: CalleeTable;
  private readonly answers: Answers;
  private readonly handlers: Handlers;
  private readonly ends: CalleeEnds;
  private readonly execution: Execution;

  constructor(
    private readonly link: Link,
    { table, answers, handlers, ends, execution }: CalleeParts & { readonly execution: Execution },
  ) {
    this.table = table;
    this.answers = answers;
    this.handlers = handlers;
    this.ends = ends;
    this.execution = execution;
  }

  /** A call with streams begins: from here on its items and credit may come, whenever its handler starts. True: its messages are items. */
  open(entry: CalleeSlot, method: IncomingMethod): boolean {
    const { link } = this;
    const { kind } = method;
    const receives = kind === 'clientStream' || kind === 'duplex' || kind === 'blob';
    const sends = kind === 'serverStream' || kind === 'duplex' || kind === 'blob';
    if (!receives && !sends) return false;
    const window = sends ? new SendWindow(link.peerLimits.streamWindowBytes) : null;
    const incoming = !receives ? null : kind === 'blob' ? new IncomingPieces(false) : new IncomingStream();
    const { call } = entry;
    incoming?.attach(link, call, {
      // What comes is dropped, and stops when the credit is used up.
      onLeave: () => {},
      onUnreadable: (error) => {
        if (entry.incoming === incoming && entry.call === call) this.ends.failCall(entry, error);
      },
    });
    this.table.openStreams(entry, incoming, window);
    return receives && kind !== 'blob';
  }

  /** Runs the handler. The call stays in its slot until its terminal frame. */
  run(entry: CalleeSlot, method: ReadyMethod, buffer: Buffer, start: number, end: number, context: CallContext): void {
    const { hosted, request: codec } = method;
    const { incoming, call } = entry;
    let request: unknown = incoming;
    incoming?.ready(codec);
    if (incoming === null || method.kind === 'blob') {
      try {
        const message = codec.decode(buffer, start, end);
        request = incoming === null ? message : { head: message, body: new BlobBody(incoming) };
      } catch (error) {
        this.ends.failCall(entry, asRefusal(error));
        return;
      }
    }
    // Items that had waited for the schema may have been wrong.
    if (entry.call !== call || entry.state === CallState.FREE) return;
    this.table.execute(entry, method, context, entry.deadlineAt);
    this.handlers.begin();
    const { ledgers } = this.answers;
    if (ledgers.open !== 0) ledgers.handlerStarts(call);
    const onThrown = (error: unknown): void => {
      this.execution.onThrown(entry, hosted.spec, context, error);
      this.handlers.end(context);
    };
    let result: unknown;
    let later: boolean;
    try {
      result = hosted.invoke(request, context);
      later = isThenable(result);
    } catch (error) {
      onThrown(error);
      return;
    }
    if (later) whenSettled(result, (value) => this.onResult(entry, method, context, value), onThrown);
    else this.onResult(entry, method, context, result);
  }

  /** The handler returned: an answer, or what gives the items. */
  private onResult(entry: CalleeSlot, method: ReadyMethod, context: CallContext, result: unknown): void {
    const { execution, handlers } = this;
    const { hosted } = method;
    const { spec } = hosted;
    if (spec.kind === 'clientStream') {
      if (entry.context === context) execution.answer(entry, method, hosted, context, result);
      handlers.end(context);
      return;
    }
    const onLateError: LateErrorListener = (error) => execution.onLateError(spec, context, error);
    let parts: SentParts;
    try {
      parts = spec.kind === 'blob' ? partsOf(result, onLateError) : { source: new Source(result, onLateError) };
    } catch (cause) {
      const text = `the handler of ${spec.name} gave no ${spec.kind === 'blob' ? 'blob' : 'stream'}: ${textOf(cause)}`;
      execution.onThrown(entry, spec, context, new Error(text, { cause }));
      handlers.end(context);
      return;
    }
    const end = (): void => handlers.end(context);
    if (entry.context !== context) {
      void parts.source.end().then(end);
      return;
    }
    const outgoing = this.outgoingOf(entry, method, context, parts);
    this.table.setOutgoing(entry, outgoing);
    void outgoing.run().then(end);
  }

  private outgoingOf(entry: CalleeSlot, method: ReadyMethod, context: CallContext, parts: SentParts): OutgoingStream {
    const { answers, ends, execution, link } = this;
    const { spec } = method.hosted;
    const { source } = parts;
    const response = answers.ledgers.measured(entry.call, spec.response);
    const isBlob = 'head' in parts;
    const owner: SourceOwner = {
      source,
      codec: isBlob ? null : response,
      head: isBlob ? { value: parts.head, codec: response } : null,
      compression: () => method.compression,
      priority: () => context.priority,
      onSourceEnd: () => {
        if (entry.context !== context) return;
        answers.end(entry.call, spec, context);
        ends.end(entry, null);
      },
      onSourceError: (error) => execution.onThrown(entry, spec, context, error),
      onUnsendable: (error) => {
        if (entry.context !== context) return;
        answers.failUnsendable(entry.call, error, spec);
        ends.end(entry, null);
      },
    };
    return new OutgoingStream(link, entry.call, entry.window ?? new SendWindow(0), owner);
  }

  /** An ITEM frame from the caller. */
  onItem(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.table.find(call, 'ITEM');
    if (entry === null) return;
    const { incoming } = entry;
    if (takesNoMore(entry, call)) {
      this.table.onLateFrame(entry, call, FrameType.ITEM, HEADER_BYTES + end - start);
      return;
    }
    if (incoming === null || entry.message?.partial) {
      const why = incoming === null ? 'which takes no items' : 'whose request is incomplete';
      this.link.fail(CloseCode.PROTOCOL, `ITEM for call ${call}, ${why}`);
      return;
    }
    if (flags !== 0 && !this.link.admitFragment((flags & Flag.MORE) !== 0, end - start)) return;
    try {
      if (incoming.complete) throw new RpcError('INVALID_ARGUMENT', 'an ITEM behind END');
      incoming.onItem(flags, buffer, start, end);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.ends.failCall(entry, error);
    }
  }

  /** The caller's END. */
  onEnd(call: number, flags: number, start: number, end: number): void {
    const { link } = this;
    if (flags !== 0) {
      link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'the END of a caller'));
      return;
    }
    const entry = this.table.find(call, 'END');
    if (entry === null) return;
    const { incoming } = entry;
    if (takesNoMore(entry, call)) this.table.onLateFrame(entry, call, FrameType.END, 0);
    else if (incoming === null) link.fail(CloseCode.PROTOCOL, `END for call ${call}, which takes no items`);
    else if (incoming.insideItem || entry.message?.partial)
      link.fail(CloseCode.PROTOCOL, `END for call ${call}, inside an item`);
    else if (incoming.complete) this.ends.failCall(entry, new RpcError('INVALID_ARGUMENT', 'a second END'));
    else if (end > start) this.ends.failCall(entry, new RpcError('INVALID_ARGUMENT', 'bytes behind the prefix of END'));
    else incoming.end();
  }

  /** CREDIT from the caller. */
  onCredit(call: number, buffer: Buffer, start: number): void {
    const entry = this.table.find(call, 'CREDIT');
    if (entry === null) return;
    const { window, outgoing, state } = entry;
    if (state === CallState.FREE) {
      this.table.onLateFrame(entry, call, FrameType.CREDIT, 0);
      return;
    }
    if (window === null) {
      this.link.fail(CloseCode.PROTOCOL, `CREDIT for call ${call}, which sends no items`);
      return;
    }
    const bytes = readU32(buffer, start);
    if (bytes === 0) this.ends.failCall(entry, new RpcError('INVALID_ARGUMENT', 'CREDIT of 0'));
    else if (outgoing === null) window.give(bytes);
    else outgoing.onCredit(bytes);
  }
}

/** The call has ended, or its answer is on its way in several frames: what its caller still sends is dropped. */
function takesNoMore({ state, late, incoming }: CalleeSlot, call: number): boolean {
  return state === CallState.FREE || (incoming === null && late !== null && late.call === call);
}
