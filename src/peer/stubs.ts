/**
 * Typed stubs: one function per method, over anything that makes calls: a channel, or the peer of one connection. To a call without
 * options a stub adds only the default deadline.
 */
import type { InspectOptionsStylized } from 'node:util';
import type { ServiceDefinition } from '../avro/service/service.js';
import { type CancelSignal, EitherSignal } from '../base/cancel-signal.js';
import { reasonOf, warn } from '../base/error-values.js';
import { RpcError, toRpcError } from '../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../base/inspect.js';
import { CallContext } from '../connection/calls/call-context.js';
import type { LedgerSetting } from '../connection/calls/call-marks.js';
import type { CallExtras, CallResult, Reject, Resolve } from '../connection/calls/pending-call.js';
import { BlobBody, type IncomingBlob, type OutgoingBlob, partsOf } from '../connection/streams/blob.js';
import { IncomingPieces } from '../connection/streams/incoming-blob.js';
import { IncomingStream } from '../connection/streams/incoming-stream.js';
import { type ItemSource, isItemSource, type LateErrorListener, Source } from '../connection/streams/source.js';
import type { CompressionName, MethodKind, MethodSpec } from '../wire/message-codec.js';
import { optionsError, readCallOptions, signalOf } from './call-options.js';
import { ownMethods } from './own-methods.js';
import type { CallOptions, Client } from './public-types.js';

/** What stubs make their calls with. */
export interface Calls {
  /** The deadline of calls that name none, in milliseconds. */
  readonly deadlineMsDefault: number;
  /** Which calls record their ledger. */
  readonly ledgers: LedgerSetting;
  /** Methods with this compression will be called. */
  expectCompression(compression: CompressionName | undefined): void;
  /** As `Caller.call`. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown>;
  /** The same with callbacks instead of a promise, for a call whose answer is a stream. */
  start(
    spec: MethodSpec,
    request: unknown,
    deadlineMs: number,
    extras: CallExtras,
    resolve: Resolve,
    reject: Reject,
  ): void;
}

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
  const methods = ownMethods(service);
  const { name: serviceName }: ServiceDefinition = service;
  const stubs: Record<string, unknown> = Object.create(null);
  for (const [name, method] of methods) {
    calls.expectCompression(method.compression);
    stubs[name] = stubMakers[method.kind](calls, method);
  }
  const view = (depth: number, options: InspectOptionsStylized, inspect: Inspect): string =>
    shortView('Client', { service: serviceName, methods: Object.keys(stubs) }, depth, options, inspect);
  Object.defineProperty(stubs, inspectCustom, { value: view });
  // `stubMakers` cannot say that the type of each stub follows from its method.
  return Object.freeze(stubs) as Client<S>;
}

/** What cancels the call. */
function cancelSourceOf({ signal: given, parent }: CallOptions): CancelSignal | null {
  const signal = given == null ? null : signalOf(given);
  if (parent === undefined) return signal;
  // A context of another copy of this package has only its signal, which costs more.
  const followed = parent instanceof CallContext ? parent.followers : parent.signal;
  return signal === null ? followed : new EitherSignal(signal, followed);
}

const noOptions: CallOptions = Object.freeze({});

type SingleStub = (request: unknown, options?: CallOptions) => Promise<unknown>;

function singleStub(calls: Calls, method: MethodSpec): SingleStub {
  const { deadlineMsDefault, ledgers } = calls;
  const usual = ledgers.always && method.kind !== 'oneway' ? noOptions : undefined;
  return (request, given = usual) => {
    if (given === undefined) return calls.call(method, request, deadlineMsDefault, null);
    try {
      const options = given === usual ? given : readCallOptions(given, method);
      const deadlineMs = deadlineOf(options, deadlineMsDefault);
      return calls.call(method, request, deadlineMs, extrasOf(calls, method, options, deadlineMs, false));
    } catch (error) {
      return Promise.reject(optionsError(error, method));
    }
  };
}

function unaryStub(calls: Calls, method: MethodSpec): unknown {
  const detailed: SingleStub = (request, given = noOptions) => {
    try {
      const options = given === noOptions ? given : readCallOptions(given, method);
      const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
      return calls.call(method, request, deadlineMs, extrasOf(calls, method, options, deadlineMs, true));
    } catch (error) {
      return Promise.reject(optionsError(error, method));
    }
  };
  return Object.assign(singleStub(calls, method), { detailed });
}

function serverStreamStub(calls: Calls, method: MethodSpec): unknown {
  return (request: unknown, options: CallOptions = {}) => openStream(calls, method, request, undefined, options);
}

function duplexStub(calls: Calls, method: MethodSpec): unknown {
  return (items: ItemSource, options: CallOptions = {}) => {
    const wrong = describeItems(method, items);
    if (wrong === null) return openStream(calls, method, undefined, sourceOf(method, items), options);
    const failed = new IncomingStream();
    failed.fail(wrong);
    return failed;
  };
}

function clientStreamStub(calls: Calls, method: MethodSpec): unknown {
  const call = async (items: ItemSource, given: CallOptions, detailed: boolean): Promise<unknown> => {
    const wrong = describeItems(method, items);
    if (wrong !== null) throw wrong;
    const source = sourceOf(method, items);
    try {
      const options = readCallOptions(given, method);
      const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
      const details = detailsOf(calls, method, options, deadlineMs, detailed);
      return await calls.call(method, undefined, deadlineMs, { ...details, source });
    } catch (error) {
      throw optionsError(error, method);
    } finally {
      void source.end();
    }
  };
  const stub = (items: ItemSource, options: CallOptions = {}): Promise<unknown> => call(items, options, false);
  const detailed = (items: ItemSource, options: CallOptions = {}): Promise<unknown> => call(items, options, true);
  return Object.assign(stub, { detailed });
}

function blobStub(calls: Calls, method: MethodSpec): unknown {
  return async (blob: OutgoingBlob, options: CallOptions = {}): Promise<IncomingBlob> => {
    const { head, source } = partsOf(blob, lateErrorListener(method));
    const incoming = openStream(calls, method, head, source, options, new IncomingPieces(true));
    const first = await incoming.next();
    return { head: first.value, body: new BlobBody(incoming) };
  };
}

/** A call whose answer is a stream; the stream tells of its end. Ends `source` with the call, however that ends. */
function openStream(
  calls: Calls,
  method: MethodSpec,
  request: unknown,
  source: Source | undefined,
  given: CallOptions,
  incoming = new IncomingStream(),
): IncomingStream {
  const resolve = (result: unknown): void => {
    void source?.end();
    // What the call of a stream resolves with.
    const { metadata, ledger, attempts } = result as CallResult;
    incoming.end(metadata, ledger, attempts);
  };
  const reject = (error: unknown): void => {
    void source?.end();
    incoming.fail(toRpcError(error));
  };
  try {
    const options = readCallOptions(given, method);
    const deadlineMs = deadlineOf(options, calls.deadlineMsDefault);
    const details = detailsOf(calls, method, options, deadlineMs, false);
    const extras = source === undefined ? { ...details, incoming } : { ...details, incoming, source };
    calls.start(method, request, deadlineMs, extras, resolve, reject);
  } catch (error) {
    reject(optionsError(error, method));
  }
  return incoming;
}

/** What is wrong with the items of a call; null: nothing. */
function describeItems(method: MethodSpec, items: unknown): RpcError | null {
  if (isItemSource(items)) return null;
  return new RpcError('INVALID_ARGUMENT', `the items for ${method.name} must be an iterable or async iterable object`);
}

/** The items of a call are this side's from here on: whoever makes the call ends them when it is settled. */
function sourceOf(method: MethodSpec, items: ItemSource): Source {
  return new Source(items, lateErrorListener(method));
}

/**
 * What the caller's items threw when their call was over, and its promise settled. A `finally` that throws is a defect, of which the
 * process is told. That a `Readable` cannot be opened concerns nobody any more.
 */
function lateErrorListener({ name }: MethodSpec): LateErrorListener {
  return (error, emitted) => {
    if (emitted) return;
    const text = reasonOf(error);
    warn(new Error(`the items for ${name} threw when they were ended: ${text}`, { cause: error }));
  };
}

/** No later than the deadline of the call that this one is part of. */
function deadlineOf(options: CallOptions, deadlineMsDefault: number): number {
  const { deadlineMs = deadlineMsDefault, parent } = options;
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
