/**
 * Services and their handlers, as a `CallHost` for connections: methods are looked up by name once a connection, when the peer
 * declares them. A server has one, and so has a channel whose server may call it.
 */
import type { KindOf, RequestOutput, ResponseInput } from '../avro/service/method.js';
import type { ServiceDefinition } from '../avro/service/service.js';
import { callListener } from '../base/async-context.js';
import { RpcError } from '../base/errors.js';
import { nearestName } from '../base/nearest-name.js';
import { type OptionKinds, shown } from '../base/options.js';
import type { CallHost, HostedMethod } from '../connection/calls/call-host.js';
import type { IncomingBlob, OutgoingBlob } from '../connection/streams/blob.js';
import type { ItemStream } from '../connection/streams/item-stream.js';
import type { ItemSource } from '../connection/streams/source.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { ownMethods } from './own-methods.js';
import type { CallContext } from './public-types.js';

export interface HandlerOptions {
  /**
   * Called with every error that a handler threw and that is not an `RpcError`, and when an answer does not match its schema. The caller
   * learns only that the handler failed. Default: `console.error`.
   */
  readonly onHandlerError?: (error: unknown, method: string) => void;
}

export const handlerOptionKinds: OptionKinds<HandlerOptions> = { onHandlerError: 'function' };

interface HandlersOf<Request, Response> {
  readonly unary: (request: Request, context: CallContext) => Response | Promise<Response>;
  readonly serverStream: (
    request: Request,
    context: CallContext,
  ) => ItemSource<Response> | Promise<ItemSource<Response>>;
  readonly clientStream: (items: ItemStream<Request>, context: CallContext) => Response | Promise<Response>;
  readonly duplex: (
    items: ItemStream<Request>,
    context: CallContext,
  ) => ItemSource<Response> | Promise<ItemSource<Response>>;
  readonly oneway: (request: Request, context: CallContext) => Response | Promise<Response>;
  readonly blob: (
    blob: IncomingBlob<Request>,
    context: CallContext,
  ) => OutgoingBlob<Response> | Promise<OutgoingBlob<Response>>;
}

/** What answers method `M`. */
type HandlerOf<M> = HandlersOf<RequestOutput<M>, ResponseInput<M>>[KindOf<M>];

/**
 * The handlers of service `S`, one per method. A handler returns the answer or a promise of it; a streaming handler returns an iterable or
 * async iterable, such as a generator. A thrown error fails the call, after the items that were sent before it. When a call ends before
 * its handler does, `context.signal` aborts and a generator is closed: its `finally` runs.
 */
export type Handlers<S extends ServiceDefinition> = {
  readonly [N in keyof S['methods']]: HandlerOf<S['methods'][N]>;
};

export class ServiceHost implements CallHost {
  private readonly methods = new Map<string, HostedMethod>();
  /** Of the open connections. */
  private readonly watchers = new Set<() => void>();

  constructor(private readonly options: HandlerOptions) {}

  /**
   * Throws an `RpcError` (INVALID_ARGUMENT) when a handler is missing or no function, or when a method of that name is served
   * already, and then nothing was added.
   */
  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): void {
    const methods = ownMethods(service);
    const { name: serviceName }: ServiceDefinition = service;
    checkHandlers(serviceName, handlers, methods);
    const added = methods.map(([name, method]) => this.hosted(serviceName, name, method, handlers));
    for (const method of added) this.methods.set(method.spec.name, method);
    this.tell();
  }

  /** Throws an `RpcError` (INVALID_ARGUMENT) when the service, or one of its methods, is not served; then nothing was removed. */
  remove({ name, methods }: ServiceDefinition): void {
    const specs = Object.values(methods);
    if (specs.length === 0 || !specs.every((method) => this.methods.get(method.name)?.spec === method)) {
      throw new RpcError('INVALID_ARGUMENT', `${name} is not served`);
    }
    for (const method of specs) this.methods.delete(method.name);
    this.tell();
  }

  watch(onChange: () => void): () => void {
    this.watchers.add(onChange);
    return () => void this.watchers.delete(onChange);
  }

  private tell(): void {
    for (const onChange of this.watchers) onChange();
  }

  /** It serves nothing. */
  get empty(): boolean {
    return this.methods.size === 0;
  }

  /** Names of the services, in the order in which they were added. */
  services(): string[] {
    const names = Array.from(this.methods.keys(), (method) => method.slice(0, method.lastIndexOf('/')));
    return [...new Set(names)];
  }

  /** Compressions that methods have of their own. */
  *compressions(): Iterable<CompressionName | undefined> {
    for (const method of this.methods.values()) yield method.spec.compression;
  }

  lookup(name: string): HostedMethod | null {
    return this.methods.get(name) ?? null;
  }

  onHandlerError(error: unknown, method: MethodSpec): void {
    const { onHandlerError } = this.options;
    if (onHandlerError === undefined) {
      // oxlint-disable-next-line no-console -- it would be lost otherwise
      console.error(`Trunkline: the handler of ${method.name} failed:`, error);
      return;
    }
    callListener('onHandlerError', onHandlerError, error, method.name);
  }

  private hosted(serviceName: string, name: string, method: MethodSpec, handlers: object): HostedMethod {
    const handler: unknown = Reflect.get(handlers, name);
    // What every object inherits (`toString`) is no handler, nor is the class of handlers that are an instance.
    const inherited =
      handler === Reflect.get(Object.prototype, name) || (name === 'constructor' && !Object.hasOwn(handlers, name));
    if (typeof handler !== 'function' || inherited) {
      const given = handler === undefined || inherited ? '' : `, but ${shown(handler)}`;
      throw new RpcError('INVALID_ARGUMENT', `${serviceName}: there is no handler for ${name}${given}`);
    }
    if (this.methods.has(method.name)) throw new RpcError('INVALID_ARGUMENT', `${method.name} is served already`);
    const invoke: HostedMethod['invoke'] = handler.bind(handlers);
    return { spec: method, invoke };
  }
}

/**
 * Refuses what are no handlers, and functions of a plain object that answer no method: nobody would ever call them. An instance of a class
 * may have methods of its own.
 */
function checkHandlers(service: string, handlers: unknown, methods: readonly (readonly [string, MethodSpec])[]): void {
  if (typeof handlers !== 'object' || handlers === null || Array.isArray(handlers)) {
    const text = `${service}: the handlers are ${shown(handlers)}, but must be an object with a function for each method`;
    throw new RpcError('INVALID_ARGUMENT', text);
  }
  const prototype: unknown = Object.getPrototypeOf(handlers);
  if (prototype !== Object.prototype && prototype !== null) return;
  const names = methods.map(([name]) => name);
  for (const name of Object.keys(handlers)) {
    if (names.includes(name) || typeof Reflect.get(handlers, name) !== 'function') continue;
    const near = nearestName(name, names);
    const help = near === undefined ? `it has ${names.join(', ')}` : `did you mean ${near}?`;
    throw new RpcError('INVALID_ARGUMENT', `${service}: there is no method ${name} for this handler; ${help}`);
  }
}
