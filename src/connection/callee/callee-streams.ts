/**
 * The streams of calls that the peer opened: its items to the handler's `IncomingStream`, the handler's from its `OutgoingStream`.
 * `Callee` owns the slots and what calls of all kinds have in common; `Execution` counts the handlers.
 *
 *   REQUEST --open--> credit and items are counted --run--> handler --> iterable --> ITEM ... END
 *                                                              \--> value, of a client stream --> RESPONSE
 *
 * A handler of a stream counts as executing until its iterable has ended, also when its call was cancelled.
 */
import { RpcError } from '../../base/errors.js';
import { CloseCode, Flag, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import type { CallContext } from '../calls/call-context.js';
import type { HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import { BlobBody, partsOf } from '../streams/blob.js';
import { IncomingPieces } from '../streams/incoming-blob.js';
import { IncomingStream, type StreamOwner } from '../streams/incoming-stream.js';
import { OutgoingStream, type SourceOwner } from '../streams/outgoing-stream.js';
import { SendWindow } from '../streams/send-window.js';
import { type CalleeSlot, Phase } from './callee-slot.js';
import { asRefusal, type Execution, isThenable } from './execution.js';
import { LateFrames } from './late-frames.js';

/** What `Callee` does for its streams. */
export interface CalleeCalls {
  /** The slot of a call number; fails the connection and returns null when there is none. `late`: its call has ended. */
  find(call: number, name: string): CalleeSlot | null;
  /** Ends the call with a FAILURE for what its caller did. */
  failCall(entry: CalleeSlot, error: RpcError): void;
}

export class CalleeStreams {
  constructor(
    private readonly link: Link,
    private readonly execution: Execution,
    private readonly calls: CalleeCalls,
  ) {}

  /** A call with streams begins: from here on its items and credit may come, whenever its handler starts. True: its messages are items. */
  open(entry: CalleeSlot, method: IncomingMethod): boolean {
    const { link } = this;
    const { kind } = method;
    const blob = kind === 'blob';
    if (blob || kind === 'serverStream' || kind === 'duplex')
      entry.window = new SendWindow(link.peerLimits.streamWindowBytes);
    if (!blob && kind !== 'clientStream' && kind !== 'duplex') return false;
    const incoming = blob ? new IncomingPieces(false) : new IncomingStream();
    const { call } = entry;
    const owner: StreamOwner = {
      // What comes is dropped, and stops when the credit is used up.
      onLeave: () => {},
      onUnreadable: (error) => {
        if (entry.incoming === incoming && entry.call === call) this.calls.failCall(entry, error);
      },
    };
    incoming.attach(link, call, owner);
    entry.incoming = incoming;
    return !blob;
  }

  /** Runs the handler. The call stays in its slot until its terminal frame. */
  run(
    entry: CalleeSlot,
    method: IncomingMethod,
    buffer: Buffer,
    start: number,
    end: number,
    context: CallContext,
  ): void {
    const hosted = method.hosted as HostedMethod;
    const codec = method.request as MessageCodec;
    const { incoming, call } = entry;
    let request: unknown = incoming;
    incoming?.ready(codec);
    if (incoming === null || method.kind === 'blob') {
      try {
        const message = codec.decode(buffer, start, end);
        request = incoming === null ? message : { head: message, body: new BlobBody(incoming) };
      } catch (error) {
        this.calls.failCall(entry, asRefusal(error));
        return;
      }
    }
    // Items that had waited for the schema may have been wrong.
    if (entry.call !== call || entry.phase === Phase.FREE) return;
    entry.phase = Phase.RUNNING;
    entry.context = context;
    this.execution.onHandlerBegin();
    const { ledgers } = this.execution.answers;
    if (ledgers.open !== 0) ledgers.handlerStarts(call);
    let result: unknown;
    try {
      result = hosted.invoke(request, context);
    } catch (error) {
      this.onThrown(entry, hosted, context, error);
      this.execution.onHandlerEnd(context);
      return;
    }
    if (isThenable(result)) {
      result.then(
        (value) => this.onResult(entry, method, hosted, context, value),
        (error: unknown) => {
          this.onThrown(entry, hosted, context, error);
          this.execution.onHandlerEnd(context);
        },
      );
    } else {
      this.onResult(entry, method, hosted, context, result);
    }
  }

  /** The handler returned: an answer, or what gives the items. */
  private onResult(
    entry: CalleeSlot,
    method: IncomingMethod,
    hosted: HostedMethod,
    context: CallContext,
    result: unknown,
  ): void {
    const { execution } = this;
    const { spec } = hosted;
    if (spec.kind === 'clientStream') {
      if (entry.context === context) {
        execution.leave(entry);
        execution.answer(entry, method, hosted, context, result);
      }
      execution.onHandlerEnd(context);
      return;
    }
    let blob: ReturnType<typeof partsOf> | null = null;
    try {
      if (spec.kind === 'blob') blob = partsOf(result);
    } catch (error) {
      this.onThrown(entry, hosted, context, new Error(`the handler of ${spec.name} gave no blob`, { cause: error }));
      execution.onHandlerEnd(context);
      return;
    }
    const outgoing = this.outgoingOf(entry, method, hosted, context, blob === null ? result : blob.pieces, blob);
    if (entry.context === context) entry.outgoing = outgoing;
    else outgoing.stop();
    void outgoing.run().then(() => execution.onHandlerEnd(context));
  }

  /** `blob`: its head goes before the items, which are bytes. */
  private outgoingOf(
    entry: CalleeSlot,
    method: IncomingMethod,
    hosted: HostedMethod,
    context: CallContext,
    source: unknown,
    blob: { readonly head: unknown } | null,
  ): OutgoingStream {
    const { execution, link } = this;
    const { spec } = hosted;
    const window = entry.context === context ? (entry.window as SendWindow) : new SendWindow(0);
    const owner: SourceOwner = {
      onSourceEnd: () => {
        if (entry.context !== context) return;
        execution.answers.end(entry.call, spec, context);
        execution.leave(entry);
      },
      onSourceError: (error) => this.onThrown(entry, hosted, context, error),
      onUnsendable: (error) => {
        if (entry.context !== context) return;
        const { call } = entry;
        execution.leave(entry);
        execution.answers.failUnsendable(call, error, spec);
      },
    };
    const compression = (): MethodCompression => method.compression;
    const priority = (): number => context.priority;
    const response = execution.answers.ledgers.measured(entry.call, spec.response);
    const codec = blob === null ? response : null;
    const head = blob === null ? null : { value: blob.head, codec: response };
    return new OutgoingStream(link, entry.call, codec, compression, source, window, owner, priority, head);
  }

  private onThrown(entry: CalleeSlot, { spec }: HostedMethod, context: CallContext, error: unknown): void {
    const { execution } = this;
    if (entry.context !== context) {
      execution.reportLate(error, spec, context);
      return;
    }
    const { call } = entry;
    execution.leave(entry);
    execution.answers.failThrown(call, error, spec, context);
  }

  /** An ITEM frame from the caller. */
  onItem(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.calls.find(call, 'ITEM');
    if (entry === null) return;
    const { incoming } = entry;
    if (takesNoMore(entry, call)) {
      this.late(entry, call, FrameType.ITEM, HEADER_BYTES + end - start);
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
      this.calls.failCall(entry, error);
    }
  }

  /** The caller's END. */
  onEnd(call: number, flags: number, start: number, end: number): void {
    const { link } = this;
    if (flags !== 0) {
      link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'the END of a caller'));
      return;
    }
    const entry = this.calls.find(call, 'END');
    if (entry === null) return;
    const { incoming } = entry;
    if (takesNoMore(entry, call)) this.late(entry, call, FrameType.END, 0);
    else if (incoming === null) link.fail(CloseCode.PROTOCOL, `END for call ${call}, which takes no items`);
    else if (incoming.insideItem || entry.message?.partial)
      link.fail(CloseCode.PROTOCOL, `END for call ${call}, inside an item`);
    else if (incoming.complete) this.calls.failCall(entry, new RpcError('INVALID_ARGUMENT', 'a second END'));
    else if (end > start)
      this.calls.failCall(entry, new RpcError('INVALID_ARGUMENT', 'bytes behind the prefix of END'));
    else incoming.end();
  }

  /** CREDIT from the caller. */
  onCredit(call: number, buffer: Buffer, start: number): void {
    const entry = this.calls.find(call, 'CREDIT');
    if (entry === null) return;
    const { window, outgoing, phase } = entry;
    if (phase === Phase.FREE) {
      this.late(entry, call, FrameType.CREDIT, 0);
      return;
    }
    if (window === null) {
      this.link.fail(CloseCode.PROTOCOL, `CREDIT for call ${call}, which sends no items`);
      return;
    }
    const bytes = readU32(buffer, start);
    if (bytes === 0) this.calls.failCall(entry, new RpcError('INVALID_ARGUMENT', 'CREDIT of 0'));
    else if (outgoing === null) window.give(bytes);
    else outgoing.onCredit(bytes);
  }

  /** A frame of a call that has ended. */
  late(entry: CalleeSlot, call: number, type: number, cost: number): void {
    if (entry.late === null || entry.late.call !== call) entry.late = new LateFrames(call, -1);
    entry.late.admit(this.link, type, cost);
  }
}

/** The call has ended, or its answer is on its way in several frames: what its caller still sends is dropped. */
function takesNoMore({ phase, late, incoming }: CalleeSlot, call: number): boolean {
  return phase === Phase.FREE || (incoming === null && late !== null && late.call === call);
}
