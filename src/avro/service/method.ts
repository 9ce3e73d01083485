/**
 * One method of a service as its author writes it: kind, schemas and options, and the TypeScript types that follow from them.
 *
 * A `Method` is plain frozen data. `service.ts` turns a table of them into what a connection needs; the client's and server's types
 * are built from `RequestInput`, `RequestOutput`, `ResponseInput`, `ResponseOutput` and `ErrorsOf`.
 */
import { RpcError } from '../../base/errors.js';
import { type OptionKinds, readOptions, wrongOption } from '../../base/options.js';
import type { CompressionName, MessageCodec, MethodKind } from '../../wire/message-codec.js';
import type { LogicalTypesOption } from '../logical/conversions.js';
import type { DeclaredError } from './declared-error.js';
import type { InferInput, InferOutput, Longs, Value } from './infer.js';
import type { Checked, RecordSchema, Schema, SchemaName } from './typed-schema.js';

/** The format of a message: an Avro schema, `raw`, or a codec of the application. */
export type MessageSource = Schema | MessageCodec;

/** The schema of a declared error: a record of type `error`. */
export interface ErrorSchema extends RecordSchema {
  readonly type: 'error';
}

/**
 * `L` and `G` are the method's own `longs` and `logicalTypes`; undefined, which a service's defaults replace, means the codec's
 * defaults.
 */
export interface Method<
  Kind extends MethodKind = MethodKind,
  Request = unknown,
  Response = unknown,
  Errors extends readonly unknown[] = readonly unknown[],
  L extends Longs | undefined = Longs | undefined,
  G extends LogicalTypesOption | undefined = LogicalTypesOption | undefined,
> {
  readonly kind: Kind;
  readonly request: Request;
  readonly response: Response;
  readonly errors: Errors;
  readonly idempotent: boolean;
  readonly compression: CompressionName | undefined;
  readonly longs: L;
  readonly logicalTypes: G;
}

/** Options of every kind of method. */
export interface MethodOptions<L extends Longs | undefined, G extends LogicalTypesOption | undefined> {
  /** The call may be sent twice without harm, so it may be retried. Default false. */
  readonly idempotent?: boolean;
  /** Compression of this method's messages. Default: the service's, and else the channel's or the server's setting. */
  readonly compression?: CompressionName;
  /** JavaScript type of Avro's `long` in this method. Default: the service's, and else `'number'`. */
  readonly longs?: L;
  /** `'standard'`, or classes for logical types by name, in this method. Default: the service's, and else none. */
  readonly logicalTypes?: G;
}

/** The definition of a oneway method. */
export interface Notice<Request, L extends Longs | undefined, G extends LogicalTypesOption | undefined>
  extends MethodOptions<L, G> {
  readonly request: Request & CheckedSource<Request>;
}

/** The definition of a method with an answer. */
export interface Exchange<
  Request,
  Response,
  Errors extends readonly ErrorSchema[],
  L extends Longs | undefined,
  G extends LogicalTypesOption | undefined,
> extends Notice<Request, L, G> {
  readonly response: Response & CheckedSource<Response>;
  /** Errors that the handler may throw as `DeclaredError` and that travel as typed values. Default: none. */
  readonly errors?: Errors & Checked<Errors>;
}

type CheckedSource<S> = S extends MessageCodec ? unknown : Checked<S>;

/** `NoInfer`: a type parameter that is not given keeps its default, even if the context suggests another type. */
type Define<Kind extends MethodKind> = <
  const Request extends MessageSource,
  const Response extends MessageSource,
  const Errors extends readonly ErrorSchema[] = [],
  L extends Longs | undefined = undefined,
  G extends LogicalTypesOption | undefined = undefined,
>(
  options: Exchange<Request, Response, Errors, L, G>,
) => Method<Kind, Request, Response, NoInfer<Errors>, NoInfer<L>, NoInfer<G>>;

/** One request, one response. */
export const unary: Define<'unary'> = (options) => method('unary', options?.response, options);

/** One request, any number of responses. */
export const serverStream: Define<'serverStream'> = (options) => method('serverStream', options?.response, options);

/** Any number of requests, one response. */
export const clientStream: Define<'clientStream'> = (options) => method('clientStream', options?.response, options);

/** Any number of requests and of responses, in any order. */
export const duplex: Define<'duplex'> = (options) => method('duplex', options?.response, options);

/**
 * Raw bytes of any size with a head each way: `request` and `response` are the schemas of the heads. The bytes are no message: no
 * schema, no limit of size, never copied through Avro, and under flow control.
 */
export const blob: Define<'blob'> = (options) => method('blob', options?.response, options);

/** One request and no answer at all, not even of failure; so it declares no errors. */
export function oneway<
  const Request extends MessageSource,
  L extends Longs | undefined = undefined,
  G extends LogicalTypesOption | undefined = undefined,
>(options: Notice<Request, L, G>): Method<'oneway', Request, null, [], NoInfer<L>, NoInfer<G>> {
  return method<'oneway', Request, null, [], L, G>('oneway', null, options);
}

function method<
  Kind extends MethodKind,
  Request,
  Response,
  Errors extends readonly ErrorSchema[],
  L extends Longs | undefined,
  G extends LogicalTypesOption | undefined,
>(
  kind: Kind,
  response: Response,
  options: MethodOptions<L, G> & { readonly request: Request; readonly errors?: Errors },
): Method<Kind, Request, Response, Errors, L, G>;
function method(kind: MethodKind, response: unknown, given: UntypedExchange): Method {
  if (given === undefined)
    throw new RpcError('INVALID_ARGUMENT', `${kind} takes an object, such as { request, response }`);
  const options = readOptions<AnyMethodOptions>(kind, given, kinds);
  if (options.kind !== undefined && options.kind !== kind) throw wrongOption(kind, 'kind', options.kind, `'${kind}'`);
  if (kind === 'oneway' && options.response != null) throw wrongOption(kind, 'response', options.response, 'absent');
  checkValueOptions(kind, options);
  return untypedMethod(kind, response, options);
}

/** `kind` is there in a definition that was spread: `unary({ ...definition, idempotent: true })`. */
interface AnyMethodOptions extends UntypedExchange {
  readonly kind?: unknown;
  readonly response?: unknown;
}

const kinds: OptionKinds<AnyMethodOptions> = {
  request: 'checked',
  response: 'checked',
  errors: 'list',
  idempotent: 'boolean',
  compression: 'checked',
  longs: 'checked',
  logicalTypes: 'checked',
  kind: 'checked',
};

const compressionNames: readonly unknown[] = [undefined, 'lz4', 'gzip', 'off'] satisfies (
  | CompressionName
  | undefined
)[];

/** Of a method or a service. Throws an `RpcError` (INVALID_ARGUMENT). */
export function checkValueOptions(
  place: string,
  { compression, longs }: { readonly compression?: unknown; readonly longs?: unknown },
): void {
  if (!compressionNames.includes(compression)) {
    throw wrongOption(place, 'compression', compression, "'lz4', 'gzip' or 'off'");
  }
  if (longs !== undefined && longs !== 'number' && longs !== 'bigint') {
    throw wrongOption(place, 'longs', longs, "'number' or 'bigint'");
  }
}

interface UntypedExchange extends MethodOptions<Longs | undefined, LogicalTypesOption | undefined> {
  readonly request: unknown;
  readonly errors?: readonly unknown[];
}

/** A method whose schemas TypeScript does not know, such as one of a protocol file. */
export function untypedMethod(kind: MethodKind, response: unknown, options: UntypedExchange): Method {
  return Object.freeze({
    kind,
    request: options.request,
    response,
    errors: options.errors ?? [],
    idempotent: options.idempotent ?? false,
    compression: options.compression,
    longs: options.longs,
    logicalTypes: options.logicalTypes,
  });
}

/** `M` is a method, or anything that carries one as `definition`, such as `typeof Cities.methods.get`. */
type MethodOf<M> = M extends { readonly definition: infer D } ? D : M;

type Part<M, Name extends keyof Method> = MethodOf<M> extends { readonly [N in Name]: infer T } ? T : never;

type Options<M> = {
  readonly longs: Extract<Part<M, 'longs'>, Longs | undefined>;
  readonly logicalTypes: Extract<Part<M, 'logicalTypes'>, LogicalTypesOption | undefined>;
};

type Input<S, M> = S extends { encode(value: infer T, into: Buffer, offset: number): number }
  ? T
  : InferInput<S, Options<M>>;

type Output<S, M> = S extends { decode(from: Buffer, start: number, end: number): infer T }
  ? T
  : InferOutput<S, Options<M>>;

/** Kind of a method. */
export type KindOf<M> = Extract<Part<M, 'kind'>, MethodKind>;

/** What a caller gives as request: fields with a default are optional. */
export type RequestInput<M> = Input<Part<M, 'request'>, M>;

/** What a handler gets as request. */
export type RequestOutput<M> = Output<Part<M, 'request'>, M>;

/** What a handler gives as response: fields with a default are optional. Of a oneway method: void. */
export type ResponseInput<M> = KindOf<M> extends 'oneway' ? void : Input<Part<M, 'response'>, M>;

/** What a caller gets as response. Of a oneway method: void. */
export type ResponseOutput<M> = KindOf<M> extends 'oneway' ? void : Output<Part<M, 'response'>, M>;

/** The declared errors that a caller may get, as a union that `errorName` tells apart. */
export type ErrorsOf<M> = Errors<Part<M, 'errors'>, M, 'output'>;

/** The declared errors that a handler may throw: as `ErrorsOf`, but fields with a default are optional. */
export type ErrorInputs<M> = Errors<Part<M, 'errors'>, M, 'input'>;

/** A later error may refer to a type that an earlier one defines, hence the root. */
type Errors<E, M, D extends 'input' | 'output'> = E extends readonly unknown[]
  ? number extends E['length']
    ? DeclaredError
    : { [I in keyof E]: DeclaredError<SchemaName<E[I]>, Value<E[I], '', D, Options<M>, E>> }[number]
  : never;
