/**
 * Typed stubs: one function a method, over whatever makes calls: a channel, or one connection's peer. A stub adds nothing to a
 * call without options but the default deadline.
 */
import type { KindOf, RequestInput, ResponseOutput } from '../avro/method.js';
import type { ServiceDefinition, ServiceMethod } from '../avro/service.js';
import { RpcError } from '../base/errors.js';
import type { CallExtras, CallResult } from '../connection/pending-call.js';
import type { CompressionName, MethodKind, MethodSpec } from '../wire/message-codec.js';
import type { Metadata } from '../wire/records/metadata.js';

/** What stubs make their calls with. */
export interface Calls {
  /** The deadline of calls that name none, in milliseconds. */
  readonly deadlineMsDefault: number;
  /** Methods with this compression will be called. */
  expectCompression(compression: CompressionName | undefined): void;
  /** As `Connection.call`. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown>;
}

export interface CallOptions {
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED; Infinity for never. Default: the channel's. */
  readonly deadlineMs?: number;
  /** Cancels the call: it fails with CANCELLED at once, and the handler's `context.signal` aborts. */
  readonly signal?: AbortSignal;
  /** Sent with the request: strings and Buffers by name. */
  readonly metadata?: Metadata;
  /**
   * A whole number, default 0: of messages that are too long for one frame the higher goes first. It says what this side sends
   * of the call; for the answer the handler sets `context.priority`.
   */
  readonly priority?: number;
}

/** A method of one answer: call it for the response, or `detailed` for the response with its metadata. */
export interface UnaryStub<Request, Response> {
  /** Rejects with an `RpcError`. */
  (request: Request, options?: CallOptions): Promise<Response>;
  /** The same call; resolves with `{ value, metadata }`. */
  detailed(request: Request, options?: CallOptions): Promise<CallResult<Response>>;
}

/** A method without an answer: resolves when the request was handed over, which says nothing of the other side. */
export type OnewayStub<Request> = (request: Request, options?: CallOptions) => Promise<void>;

/** The function that calls method `M`. */
type StubOf<M> =
  KindOf<M> extends 'oneway' ? OnewayStub<RequestInput<M>> : UnaryStub<RequestInput<M>, ResponseOutput<M>>;

/** The client of service `S`: a function for each of its unary and oneway methods. */
export type Client<S extends ServiceDefinition> = {
  readonly [N in keyof S['methods']]: StubOf<S['methods'][N]>;
};

type StubMaker = (calls: Calls, method: MethodSpec) => unknown;

/** How each kind of method is called; a kind that is not here is refused. */
const stubMakers: { readonly [K in MethodKind]?: StubMaker } = { unary: unaryStub, oneway: singleStub };

/** The client of a service over `calls`. Throws an `RpcError` (UNIMPLEMENTED) for a kind of method that cannot be called. */
export function clientOf<S extends ServiceDefinition>(calls: Calls, service: S): Client<S> {
  const stubs: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, method] of Object.entries(service.methods) as [string, ServiceMethod][]) {
    const makeStub = stubMakers[method.kind];
    if (makeStub === undefined) {
      const text = `${method.name} is a ${method.kind} method; this version calls unary and oneway ones`;
      throw new RpcError('UNIMPLEMENTED', text);
    }
    calls.expectCompression(method.compression);
    stubs[name] = makeStub(calls, method);
  }
  return Object.freeze(stubs) as Client<S>;
}

type SingleStub = (request: unknown, options?: CallOptions) => Promise<unknown>;

function singleStub(calls: Calls, method: MethodSpec): SingleStub {
  const { deadlineMsDefault } = calls;
  return (request, options) => {
    if (options === undefined) return calls.call(method, request, deadlineMsDefault, null);
    return calls.call(method, request, deadlineOf(options, deadlineMsDefault), extrasOf(options, false));
  };
}

function unaryStub(calls: Calls, method: MethodSpec): unknown {
  const detailed: SingleStub = (request, options = {}) =>
    calls.call(method, request, deadlineOf(options, calls.deadlineMsDefault), extrasOf(options, true));
  return Object.assign(singleStub(calls, method), { detailed });
}

/** What is no number is refused as NaN is: INVALID_ARGUMENT. */
function deadlineOf({ deadlineMs }: CallOptions, deadlineMsDefault: number): number {
  if (deadlineMs === undefined) return deadlineMsDefault;
  return typeof deadlineMs === 'number' ? deadlineMs : Number.NaN;
}

function extrasOf(options: CallOptions, detailed: boolean): CallExtras | null {
  const { signal = null, metadata = null, priority = 0 } = options;
  const usual = signal === null && metadata === null && priority === 0 && !detailed;
  return usual ? null : { signal, metadata, detailed, priority };
}
