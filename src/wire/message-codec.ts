/**
 * The seam between moving bytes and understanding them. A connection moves opaque messages: it is handed codecs and
 * method descriptions through these interfaces and never learns what Avro is. `avro/` implements them, and a framework
 * with a serializer of its own may do so too.
 */

import type { RpcError } from '../base/errors.js';

/** How well a reader's schema takes what a writer's schema writes. */
export type SchemaGrade = 'identical' | 'compatible' | 'breaking';

export interface Resolution {
  readonly grade: SchemaGrade;
  /** Reads what the writer wrote, as values of the reader's schema. Null when the grade is `breaking`. */
  readonly codec: MessageCodec | null;
  /** Path of the first offending field, such as `City.location.lat`; empty unless breaking. */
  readonly path: string;
  /** The reason, as text; empty unless breaking. */
  readonly reason: string;
}

export interface MessageCodec<T = unknown> {
  /** A message of a few bytes may be a value of very many parts: items of streams are not decoded before they are taken. */
  readonly amplifies?: boolean;
  /** SHA-256 (32 bytes) of `schemaText`; null for raw bytes without a schema. */
  readonly fingerprint: Buffer | null;
  /** The schema in the form in which connections exchange it (spec, 6.4); empty for raw bytes. */
  readonly schemaText: string;
  /**
   * Writes `value` into `into` from `offset`. Returns the offset behind the message, or, when it does not fit, minus the
   * number of bytes that are missing. Throws an `RpcError` (INVALID_ARGUMENT, started=no) with the path of the wrong
   * field when the value does not match the schema. Bytes behind the returned offset may be overwritten.
   */
  encode(value: T, into: Buffer, offset: number): number;
  /**
   * Reads exactly the bytes `start` to `end` of `from`; keeps no view of them. Throws an `RpcError` (INVALID_ARGUMENT)
   * when they are anything but one well-formed message.
   */
  decode(from: Buffer, start: number, end: number): T;
  /**
   * How this codec reads what a peer writes with `writerSchemaText`. The text came from a peer and is not trusted, but it does have
   * the SHA-256 `fingerprint`, when that is given: a peer may declare a thousand methods with one large schema.
   */
  resolveWriter(writerSchemaText: string, fingerprint?: Buffer): Resolution;
  /** How a peer with `readerSchemaText` reads what this codec writes (`codec` is null). As above for the text. */
  gradeReader(readerSchemaText: string, fingerprint?: Buffer): Resolution;
}

/**
 * Marks codecs whose values are the bytes of the message themselves: long ones need not be copied. Any copy of this package knows the mark.
 * It is not enumerable, since codecs are made from others by spreading them.
 */
const bytesMark = Symbol.for('trunkline.bytesCodec');

/** Says that `codec`, which is not frozen yet, takes any `Uint8Array` as it is and gives a `Buffer` of the same bytes. */
export function declareBytesCodec(codec: MessageCodec): void {
  Object.defineProperty(codec, bytesMark, { value: true });
}

export function isBytesCodec(codec: MessageCodec): boolean {
  return Object.hasOwn(codec, bytesMark);
}

/** What kind of exchange a method is. The order is the number on the wire. */
export const methodKinds = ['unary', 'serverStream', 'clientStream', 'duplex', 'oneway', 'blob'] as const;
export type MethodKind = (typeof methodKinds)[number];

/** A compression codec by its name in HELLO, or none. */
export type CompressionName = 'lz4' | 'gzip' | 'off';

/** One method as both sides of a connection need it. */
export interface MethodSpec<Request = unknown, Response = unknown> {
  /**
   * Dense number of this definition, given by `nextMethodOrdinal`: an index into per-connection tables. Each copy of the package counts
   * for itself, see `ownMethod`.
   */
  readonly ordinal: number;
  /** Service and method, as on the wire: `demo.Cities/get`. */
  readonly name: string;
  readonly kind: MethodKind;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
  /** Codec of the union of declared errors; null when the method declares none. */
  readonly errors: MessageCodec | null;
  /** How declared errors travel; null when the method declares none. */
  readonly declared: DeclaredErrors | null;
  /** The caller may send it twice without harm. Default false. */
  readonly idempotent: boolean;
  /** Overrides the channel's and the server's setting; undefined follows them. */
  readonly compression: CompressionName | undefined;
}

/** Converts between the errors that handlers throw and callers catch, and the bytes of FAILURE.detail. */
export interface DeclaredErrors {
  /** The detail for an error that a handler threw, or null when it is none of the declared ones. */
  toDetail(error: unknown): Buffer | null;
  /** The error that the caller gets: `failure` with the typed value, or `failure` itself when the detail cannot be read. */
  fromDetail(codec: MessageCodec, detail: Buffer, failure: RpcError): RpcError;
}

let ordinals = 0;

/** The next method ordinal of this copy of the package, from 0. */
export function nextMethodOrdinal(): number {
  return ordinals++;
}

/** Methods with an ordinal of this copy of the package, by the definitions that they stand for. */
const ownMethodsByDefinition = new WeakMap<MethodSpec, MethodSpec>();

/** Says that this copy made the definition and gave it its ordinal. */
export function declareOwnMethod(method: MethodSpec): void {
  ownMethodsByDefinition.set(method, method);
}

/** The definition itself if this copy made it; else the same with an ordinal of this copy. */
export function ownMethod(method: MethodSpec): MethodSpec {
  let own = ownMethodsByDefinition.get(method);
  if (own === undefined) {
    own = Object.freeze({ ...method, ordinal: nextMethodOrdinal() });
    ownMethodsByDefinition.set(method, own);
  }
  return own;
}
