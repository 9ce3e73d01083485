/**
 * Typed stubs: one function a method, over whatever makes calls: a channel, or one connection's peer. A stub adds nothing to a
 * call without options but the default deadline.
 */
import type { KindOf, RequestInput, ResponseOutput } from '../avro/service/method.js';
import type { ServiceDefinition, ServiceMethod } from '../avro/service/service.js';
import { type CancelSignal, EitherSignal } from '../base/cancel-signal.js';
import { RpcError } from '../base/errors.js';
import type { CallContext } from '../connection/calls/call-context.js';
import type { LedgerSetting } from '../connection/calls/call-marks.js';
import type { CallExtras, CallResult, Reject, Resolve } from '../connection/calls/pending-call.js';
import { BlobBody, type IncomingBlob, type OutgoingBlob, partsOf } from '../connection/streams/blob.js';
import { IncomingPieces } from '../connection/streams/incoming-blob.js';
import { IncomingStream } from '../connection/streams/incoming-stream.js';
import type { ItemStream } from '../connection/streams/item-stream.js';
import { type ItemSource, isItemSource } from '../connection/streams/outgoing-stream.js';
import type { CompressionName, MethodKind, MethodSpec } from '../wire/message-codec.js';
import type { Metadata } from '../wire/records/metadata.js';

/** What stubs make their calls with. */
export interface Calls {
  /** The deadline of calls that name none, in milliseconds. */
  readonly deadlineMsDefault: number;
  /** Which calls ask for their ledger. */
  readonly ledgers: LedgerSetting;
  /** Methods with this compression will be called. */
  expectCompression(compression: CompressionName | undefined): void;
  /** As `Connection.call`. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown>;
  /** The same for a call that is told of its end in place of a promise: one whose answer is a stream. */
  start(
    spec: MethodSpec,
    request: unknown,
    deadlineMs: number,
    extras: CallExtras,
    resolve: Resolve,
    reject: Reject,
  ): void;
}

export interface CallOptions {
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED; Infinity for never. Default: the channel's. */
  readonly deadlineMs?: number;
  /** Cancels the call: it fails with CANCELLED at once, and the handler's `context.signal` aborts. */
  readonly signal?: AbortSignal;
  /**
   * The context of the handler that makes this call on behalf of its own: the call gets no more time than is left of that, and is
   * cancelled with it; the error's `cause` is then why.
   */
  readonly parent?: CallContext;
  /** Sent with the request: strings and Buffers by name. */
  readonly metadata?: Metadata;
  /**
   * A whole number, default 0: of messages that are too long for one frame the higher goes first. It says what this side sends
   * of the call; for the answer the handler sets `context.priority`.
   */
  readonly priority?: number;
  /**
   * Asks both sides where the call's time goes: see `CallLedger`. It is in `detailed(...)`, on streams behind their end, and on the
   * `RpcError` of a call that the other side failed. Default: the channel's.
   */
  readonly ledger?: boolean;
  /** Calls of one key go to one endpoint, where the channel's balancer is `consistentHash`. Default: none. */
  readonly key?: string;
  /**
   * Waits, as long as the deadline allows, when no endpoint can be reached, in place of failing with UNAVAILABLE. Default: the channel's.
   */
  readonly waitForReady?: boolean;
  /** The call may be made twice without harm, so the channel may make it again when it failed. Default: the method's `idempotent`. */
  readonly idempotent?: boolean;
}

/** A method of one answer: call it for the response, or `detailed` for the response with its metadata, ledger and attempts. */
export interface UnaryStub<Request, Response> {
  /** Rejects with an `RpcError`. */
  (request: Request, options?: CallOptions): Promise<Response>;
  /** The same call; resolves with `{ value, metadata, ledger, attempts }`. */
  detailed(request: Request, options?: CallOptions): Promise<CallResult<Response>>;
}

/** A method without an answer: resolves when the request was handed over, which says nothing of the other side. */
export type OnewayStub<Request> = (request: Request, options?: CallOptions) => Promise<void>;

/**
 * A method of many answers: `for await (const item of stub(request))`. The call begins at once, whether or not the stream is read.
 * Never throws: failures are thrown by the stream. The deadline is that of the whole stream; `Infinity` for one without an end.
 */
export type ServerStreamStub<Request, Response> = (request: Request, options?: CallOptions) => ItemStream<Response>;

/**
 * A method that takes many messages, from an array, a generator, a `Readable` of objects or any other iterable, and has one answer.
 * When the call ends first, the iterable is ended too, which runs a generator's `finally`.
 */
export interface ClientStreamStub<Request, Response> {
  /** Rejects with an `RpcError`: CANCELLED, with the error as its `cause`, when the iterable throws. */
  (items: ItemSource<Request>, options?: CallOptions): Promise<Response>;
  /** The same call; resolves with `{ value, metadata, ledger, attempts }`. */
  detailed(items: ItemSource<Request>, options?: CallOptions): Promise<CallResult<Response>>;
}

/** A method of many messages both ways, in any order. Sends as `ClientStreamStub`, answers as `ServerStreamStub`. */
export type DuplexStub<Request, Response> = (items: ItemSource<Request>, options?: CallOptions) => ItemStream<Response>;

/**
 * A method of bytes: `const { head, body } = await put({ head, body: bytes })`. Resolves with the answer's head; its bytes follow
 * in `body`, which throws what ends the call from then on. The deadline is that of the whole call.
 */
export type BlobStub<Request, Response> = (
  blob: OutgoingBlob<Request>,
  options?: CallOptions,
) => Promise<IncomingBlob<Response>>;

interface StubsOf<Request, Response> {
  readonly unary: UnaryStub<Request, Response>;
  readonly serverStream: ServerStreamStub<Request, Response>;
  readonly clientStream: ClientStreamStub<Request, Response>;
  readonly duplex: DuplexStub<Request, Response>;
  readonly oneway: OnewayStub<Request>;
  readonly blob: BlobStub<Request, Response>;
}

/** The function that calls method `M`. */
type StubOf<M> = StubsOf<RequestInput<M>, ResponseOutput<M>>[KindOf<M>];

/** The client of service `S`: a function for each of its methods. */
export type Client<S extends ServiceDefinition> = {
  readonly [N in keyof S['methods']]: StubOf<S['methods'][N]>;
};

type StubMaker = (calls: Calls, method: MethodSpec) => unknown;

/** How each kind of method is called. */
const stubMakers: Readonly<Record<MethodKind, StubMaker>> = {
  unary: unaryStub,
  serverStream: serverStreamStub,
  clientStream: clientStreamStub,
  duplex: duplexStub,
  oneway: singleStub,
  blob: blobStub,
};

/** The client of a service over `calls`. */
export function clientOf<S extends ServiceDefinition>(calls: Calls, service: S): Client<S> {
  const stubs: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, method] of Object.entries(service.methods) as [string, ServiceMethod][]) {
    calls.expectCompression(method.compression);
    stubs[name] = stubMakers[method.kind](calls, method);
  }
  return Object.freeze(stubs) as Client<S>;
}

/** What cancels the call. */
function cancelSourceOf({ signal, parent }: CallOptions): CancelSignal | null {
  if (parent === undefined) return signal ?? null;
  return signal === undefined ? parent.followers : new EitherSignal(signal, parent.followers);
}

const noOptions: CallOptions = Object.freeze({});

type SingleStub = (request: unknown, options?: CallOptions) => Promise<unknown>;

function singleStub(calls: Calls, method: MethodSpec): SingleStub {
  const { deadlineMsDefault, ledgers } = calls;
  const usual = ledgers.always && method.kind !== 'oneway' ? noOptions : undefined;
  return (request, options = usual) => {
    if (options === undefined) return calls.call(method, request, deadlineMsDefault, null);
    const deadlineMs = deadlineOf(options, deadlineMsDefault);
    return calls.call(method, request, deadlineMs, extrasOf(calls, method, options, deadlineMs, false));
  };
}

function unaryStub(calls: Calls, method: MethodSpec): unknown {
  const detailed: SingleStub = (request, options = noOptions) => {
    const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
    return calls.call(method, request, deadlineMs, extrasOf(calls, method, options, deadlineMs, true));
  };
  return Object.assign(singleStub(calls, method), { detailed });
}

function serverStreamStub(calls: Calls, method: MethodSpec): unknown {
  return (request: unknown, options: CallOptions = {}) => openStream(calls, method, request, undefined, options);
}

function duplexStub(calls: Calls, method: MethodSpec): unknown {
  return (source: ItemSource, options: CallOptions = {}) => {
    const wrong = describeSource(method, source);
    if (wrong === null) return openStream(calls, method, undefined, source, options);
    const failed = new IncomingStream();
    failed.fail(wrong);
    return failed;
  };
}

function clientStreamStub(calls: Calls, method: MethodSpec): unknown {
  const call = async (source: ItemSource, options: CallOptions, detailed: boolean): Promise<unknown> => {
    const wrong = describeSource(method, source);
    if (wrong !== null) throw wrong;
    const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
    const details = detailsOf(calls, method, options, deadlineMs, detailed);
    return calls.call(method, undefined, deadlineMs, { ...details, source });
  };
  const stub = (source: ItemSource, options: CallOptions = {}): Promise<unknown> => call(source, options, false);
  const detailed = (source: ItemSource, options: CallOptions = {}): Promise<unknown> => call(source, options, true);
  return Object.assign(stub, { detailed });
}

function blobStub(calls: Calls, method: MethodSpec): unknown {
  return async (blob: OutgoingBlob, options: CallOptions = {}): Promise<IncomingBlob> => {
    const { head, pieces } = partsOf(blob);
    const incoming = openStream(calls, method, head, pieces, options, new IncomingPieces(true));
    const first = await incoming.next();
    return { head: first.value, body: new BlobBody(incoming) };
  };
}

/** A call whose answer is a stream; the stream tells of its end. */
function openStream(
  calls: Calls,
  method: MethodSpec,
  request: unknown,
  source: ItemSource | undefined,
  options: CallOptions,
  incoming = new IncomingStream(),
): IncomingStream {
  const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
  const details = detailsOf(calls, method, options, deadlineMs, false);
  const extras = source === undefined ? { ...details, incoming } : { ...details, incoming, source };
  const resolve = (result: unknown): void => {
    const { metadata, ledger, attempts } = result as CallResult;
    incoming.end(metadata, ledger, attempts);
  };
  const reject = (error: unknown): void => incoming.fail(error as RpcError);
  calls.start(method, request, deadlineMs, extras, resolve, reject);
  return incoming;
}

/** What is wrong with the items of a call; null: nothing. */
function describeSource(method: MethodSpec, source: unknown): RpcError | null {
  if (isItemSource(source)) return null;
  return new RpcError('INVALID_ARGUMENT', `the items for ${method.name} must be an iterable or async iterable object`);
}

/** What is no number is refused as NaN is: INVALID_ARGUMENT. */
function deadlineOf(options: CallOptions, deadlineMsDefault: number): number {
  const { deadlineMs = deadlineMsDefault, parent } = options;
  if (typeof deadlineMs !== 'number') return Number.NaN;
  return parent === undefined ? deadlineMs : Math.min(deadlineMs, parent.deadlineMs);
}

function extrasOf(
  calls: Calls,
  method: MethodSpec,
  options: CallOptions,
  deadlineMs: number,
  detailed: boolean,
): CallExtras | null {
  const extras = detailsOf(calls, method, options, deadlineMs, detailed);
  const { signal, metadata, priority, ledger, key, waitForReady, idempotent } = extras;
  const silent = signal === null && metadata === null && ledger === null && !detailed;
  const usual = silent && priority === 0 && key === undefined && waitForReady === undefined && idempotent === undefined;
  return usual ? null : extras;
}

function detailsOf(
  { ledgers }: Calls,
  { name, kind }: MethodSpec,
  options: CallOptions,
  deadlineMs: number,
  detailed: boolean,
): CallExtras {
  const { metadata = null, priority = 0, key, waitForReady, idempotent } = options;
  const signal = cancelSourceOf(options);
  // A oneway call has no answer that could say anything.
  const ledger = kind === 'oneway' ? null : ledgers.marks(options.ledger, name, deadlineMs);
  return { signal, metadata, detailed, priority, ledger, key, waitForReady, idempotent };
}
