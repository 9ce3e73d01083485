/**
 * One method of a service as its author writes it: kind, schemas and options, and the TypeScript types that follow from them.
 *
 * A `Method` is plain frozen data. `service.ts` turns a table of them into what a connection needs; the client's and server's types
 * are built from `RequestInput`, `RequestOutput`, `ResponseInput`, `ResponseOutput` and `ErrorsOf`.
 */
import type { CompressionName, MessageCodec, MethodKind } from '../wire/message-codec.js';
import type { DeclaredError } from './declared-error.js';
import type { Checked, InferInput, InferOutput, RecordSchema, Schema, SchemaName, Value } from './infer.js';

/** What says how a message looks: an Avro schema, `raw`, or any codec of the application's own. */
export type MessageSource = Schema | MessageCodec;

/** The schema of a declared error: a record of type `error`. */
export interface ErrorSchema extends RecordSchema {
  readonly type: 'error';
}

type Longs = 'number' | 'bigint';

export interface Method<
  Kind extends MethodKind = MethodKind,
  Request = unknown,
  Response = unknown,
  Errors extends readonly unknown[] = readonly unknown[],
  L extends Longs | undefined = Longs | undefined,
> {
  readonly kind: Kind;
  readonly request: Request;
  readonly response: Response;
  readonly errors: Errors;
  readonly idempotent: boolean;
  readonly compression: CompressionName | undefined;
  readonly longs: L;
}

/** Options of every kind of method. */
export interface MethodOptions<Errors extends readonly ErrorSchema[], L extends Longs | undefined> {
  /** Errors that the handler may throw as `DeclaredError` and that travel as typed values. Default: none. */
  readonly errors?: Errors;
  /** The call may be sent twice without harm, so it may be retried. Default false. */
  readonly idempotent?: boolean;
  /** Compression of this method's messages. Default: the service's, and else the channel's or the server's setting. */
  readonly compression?: CompressionName;
  /** JavaScript type of Avro's `long` in this method. Default: the service's, and else `'number'`. */
  readonly longs?: L;
}

interface Exchange<Request, Response, Errors extends readonly ErrorSchema[], L extends Longs | undefined>
  extends MethodOptions<Errors, L> {
  readonly request: Request & CheckedSource<Request>;
  readonly response: Response & CheckedSource<Response>;
  readonly errors?: Errors & Checked<Errors>;
}

interface Notice<Request, L extends Longs | undefined> extends Omit<MethodOptions<[], L>, 'errors'> {
  readonly request: Request & CheckedSource<Request>;
}

type CheckedSource<S> = S extends MessageCodec ? unknown : Checked<S>;

/** One request, one response. */
export function unary<
  const Request extends MessageSource,
  const Response extends MessageSource,
  const Errors extends readonly ErrorSchema[] = [],
  L extends Longs | undefined = undefined,
>(options: Exchange<Request, Response, Errors, L>): Method<'unary', Request, Response, NoInfer<Errors>, NoInfer<L>> {
  return method<'unary', Request, Response, Errors, L>('unary', options.request, options.response, options);
}

/** One request, any number of responses. */
export function serverStream<
  const Request extends MessageSource,
  const Response extends MessageSource,
  const Errors extends readonly ErrorSchema[] = [],
  L extends Longs | undefined = undefined,
>(
  options: Exchange<Request, Response, Errors, L>,
): Method<'serverStream', Request, Response, NoInfer<Errors>, NoInfer<L>> {
  return method<'serverStream', Request, Response, Errors, L>(
    'serverStream',
    options.request,
    options.response,
    options,
  );
}

/** Any number of requests, one response. */
export function clientStream<
  const Request extends MessageSource,
  const Response extends MessageSource,
  const Errors extends readonly ErrorSchema[] = [],
  L extends Longs | undefined = undefined,
>(
  options: Exchange<Request, Response, Errors, L>,
): Method<'clientStream', Request, Response, NoInfer<Errors>, NoInfer<L>> {
  return method<'clientStream', Request, Response, Errors, L>(
    'clientStream',
    options.request,
    options.response,
    options,
  );
}

/** Any number of requests and of responses, in any order. */
export function duplex<
  const Request extends MessageSource,
  const Response extends MessageSource,
  const Errors extends readonly ErrorSchema[] = [],
  L extends Longs | undefined = undefined,
>(options: Exchange<Request, Response, Errors, L>): Method<'duplex', Request, Response, NoInfer<Errors>, NoInfer<L>> {
  return method<'duplex', Request, Response, Errors, L>('duplex', options.request, options.response, options);
}

/** One request and no answer at all, not even of failure; so it declares no errors. */
export function oneway<const Request extends MessageSource, L extends Longs | undefined = undefined>(
  options: Notice<Request, L>,
): Method<'oneway', Request, null, [], NoInfer<L>> {
  return method<'oneway', Request, null, [], L>('oneway', options.request, null, options);
}

function method<
  Kind extends MethodKind,
  Request,
  Response,
  Errors extends readonly ErrorSchema[],
  L extends Longs | undefined,
>(
  kind: Kind,
  request: Request,
  response: Response,
  options: MethodOptions<Errors, L>,
): Method<Kind, Request, Response, Errors, L> {
  return Object.freeze({
    kind,
    request,
    response,
    errors: options.errors ?? ([] as readonly ErrorSchema[] as Errors),
    idempotent: options.idempotent ?? false,
    compression: options.compression,
    longs: options.longs as L,
  });
}

/** A method, or anything that carries one as `definition`, such as `Cities.methods.get`. */
export type MethodLike = Method | { readonly definition: Method };

type MethodOf<M> = M extends { readonly definition: infer D } ? D : M;

type Options<L> = { readonly longs: L extends Longs ? L : 'number' };

type Input<S, L> = S extends { encode(value: infer T, into: Buffer, offset: number): number }
  ? T
  : InferInput<S, Options<L>>;

type Output<S, L> = S extends { decode(from: Buffer, start: number, end: number): infer T }
  ? T
  : InferOutput<S, Options<L>>;

type Part<M, Name extends 'kind' | 'request' | 'response' | 'errors' | 'longs'> =
  MethodOf<M> extends { readonly [N in Name]: infer T } ? T : never;

/** Kind of a method. */
export type KindOf<M> = Extract<Part<M, 'kind'>, MethodKind>;

/** What a caller gives as request: fields with a default are optional. */
export type RequestInput<M> = Input<Part<M, 'request'>, Part<M, 'longs'>>;

/** What a handler gets as request. */
export type RequestOutput<M> = Output<Part<M, 'request'>, Part<M, 'longs'>>;

/** What a handler gives as response: fields with a default are optional. Of a oneway method: void. */
export type ResponseInput<M> = KindOf<M> extends 'oneway' ? void : Input<Part<M, 'response'>, Part<M, 'longs'>>;

/** What a caller gets as response. Of a oneway method: void. */
export type ResponseOutput<M> = KindOf<M> extends 'oneway' ? void : Output<Part<M, 'response'>, Part<M, 'longs'>>;

/** The declared errors that a caller may get, as a union that `errorName` tells apart. */
export type ErrorsOf<M> = Errors<Part<M, 'errors'>, Part<M, 'longs'>, 'output'>;

/** The declared errors that a handler may throw: as `ErrorsOf`, but fields with a default are optional. */
export type ErrorInputs<M> = Errors<Part<M, 'errors'>, Part<M, 'longs'>, 'input'>;

/** A later error may refer to a type that an earlier one defines, hence the root. */
type Errors<E, L, D extends 'input' | 'output'> = E extends readonly unknown[]
  ? number extends E['length']
    ? DeclaredError
    : { [I in keyof E]: DeclaredError<SchemaName<E[I]>, Value<E[I], '', D, Options<L>, E>> }[number]
  : never;
