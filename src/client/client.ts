/**
 * Typed stubs over a channel: one function a method. A stub adds nothing to a call without options but the default deadline.
 */
import type { RequestInput, ResponseOutput } from '../avro/method.js';
import type { ServiceDefinition, ServiceMethod } from '../avro/service.js';
import { RpcError } from '../base/errors.js';
import { Channel, type ChannelOptions } from '../channel/channel.js';
import type { CallExtras, CallResult } from '../connection/pending-call.js';
import type { MethodSpec } from '../wire/message-codec.js';
import type { Metadata } from '../wire/records/metadata.js';

export interface CallOptions {
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED; Infinity for never. Default: the channel's. */
  readonly deadlineMs?: number;
  /** Cancels the call: it fails with CANCELLED at once, and the handler's `context.signal` aborts. */
  readonly signal?: AbortSignal;
  /** Sent with the request: strings and Buffers by name. */
  readonly metadata?: Metadata;
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

/** The client of service `S`: a function for each of its unary and oneway methods. */
export type Client<S extends ServiceDefinition> = {
  readonly [N in keyof S['methods']]: S['methods'][N] extends { readonly definition: { readonly kind: 'oneway' } }
    ? OnewayStub<RequestInput<S['methods'][N]>>
    : UnaryStub<RequestInput<S['methods'][N]>, ResponseOutput<S['methods'][N]>>;
};

/** A channel that makes clients. Made by `connect`. */
export class ClientChannel extends Channel {
  /** The client of a service over this channel. Make it before the first call when its methods have compression of their own. */
  client<S extends ServiceDefinition>(service: S): Client<S> {
    const stubs: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, method] of Object.entries(service.methods) as [string, ServiceMethod][]) {
      if (method.kind !== 'unary' && method.kind !== 'oneway') {
        throw new RpcError(
          'UNIMPLEMENTED',
          `${method.name} is a ${method.kind} method; this version calls unary and oneway ones`,
        );
      }
      this.expectCompression(method.compression);
      stubs[name] = stubOf(this, method);
    }
    return Object.freeze(stubs) as Client<S>;
  }
}

/**
 * A channel to `target`: `tcp://host:port`, `tls://host:port` or `unix:/path`. Returns at once; the connection opens with the first
 * call or with `channel.ready()`. Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong.
 */
export function connect(target: string, options: ChannelOptions = {}): ClientChannel {
  return new ClientChannel(target, options);
}

function stubOf(channel: Channel, method: MethodSpec): unknown {
  const { deadlineMsDefault } = channel;
  const stub = (request: unknown, options?: CallOptions): Promise<unknown> => {
    if (options === undefined) return channel.call(method, request, deadlineMsDefault, null);
    return channel.call(method, request, deadlineOf(options, deadlineMsDefault), extrasOf(options, false));
  };
  if (method.kind === 'oneway') return stub;
  const detailed = (request: unknown, options: CallOptions = {}): Promise<unknown> =>
    channel.call(method, request, deadlineOf(options, deadlineMsDefault), extrasOf(options, true));
  return Object.assign(stub, { detailed });
}

/** What is no number is refused as NaN is: INVALID_ARGUMENT. */
function deadlineOf({ deadlineMs }: CallOptions, deadlineMsDefault: number): number {
  if (deadlineMs === undefined) return deadlineMsDefault;
  return typeof deadlineMs === 'number' ? deadlineMs : Number.NaN;
}

function extrasOf(options: CallOptions, detailed: boolean): CallExtras | null {
  const { signal = null, metadata = null } = options;
  return signal === null && metadata === null && !detailed ? null : { signal, metadata, detailed };
}
