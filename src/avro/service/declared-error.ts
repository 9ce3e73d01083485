/**
 * Errors that a method declares in Avro. A handler throws a `DeclaredError`; its value travels in FAILURE.detail, encoded as a
 * branch of the union `["string", ...errors]` that Avro's protocol specification prescribes, and the caller gets a
 * `DeclaredError` with the same name and value. A connection gets there through `declaredErrors`.
 *
 * How an Avro codec represents a union's values depends on its branches (one error: the bare record; several: wrapped by
 * name). `declaredErrorsCodec` hides that: its values are always `{ name, value }`.
 */

import { assert } from '../../base/assert.js';
import type { RpcCode, Started } from '../../base/codes.js';
import { hasBrand, RpcError, type RpcErrorOptions } from '../../base/errors.js';
import type { DeclaredErrors, MessageCodec, Resolution } from '../../wire/message-codec.js';
import { knownBranches } from './known-branches.js';

export interface DeclaredErrorOptions extends RpcErrorOptions {
  /** Default `UNKNOWN`. */
  readonly code?: RpcCode;
  /** Default: the value's own `message` when that is a string, otherwise the error's name. */
  readonly message?: string;
  /** Default `yes`: a declared error is the answer of a handler. */
  readonly started?: Started;
}

/** What tells a `DeclaredError` of whichever copy of this package. */
const brand: unique symbol = Symbol.for('trunkline.DeclaredError');

/**
 * An error that the method declares, with its full Avro name and its value. `new DeclaredError(name, value)` does not know the
 * method, so a name or value that it does not declare shows only when it is thrown; `declared()` checks both when compiled.
 */
export class DeclaredError<Name extends string = string, Value = unknown> extends RpcError {
  /** Full name of the error's schema, such as `org.apache.avro.test.TestError`. */
  readonly errorName: Name;
  readonly value: Value;

  constructor(errorName: Name, value: Value, options: DeclaredErrorOptions = {}) {
    const text = options.message ?? messageOf(value) ?? errorName;
    super(options.code ?? 'UNKNOWN', text, { ...options, started: options.started ?? 'yes' });
    this.errorName = errorName;
    this.value = value;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === DeclaredError ? hasBrand(value, brand) : super[Symbol.hasInstance](value);
  }
}
Object.defineProperty(DeclaredError.prototype, brand, { value: true });
Object.defineProperty(DeclaredError.prototype, 'name', { value: 'DeclaredError', configurable: true, writable: true });

function messageOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('message' in value)) return undefined;
  return typeof value.message === 'string' ? value.message : undefined;
}

/** One value of the errors union. It has this form however the codec below represents unions. */
export interface DeclaredValue {
  /** Full name of the branch; `string` is Avro's branch for errors that no schema describes. */
  readonly name: string;
  readonly value: unknown;
}

/** Codec of `["string", ...errors]`, and the full names of those errors. */
export interface DeclaredErrorsCodec extends MessageCodec<DeclaredValue> {
  readonly errorNames: readonly string[];
}

/**
 * Gives the codec of an errors union `{ name, value }` as its values. `union` is an Avro codec of `["string", ...errors]`. It
 * resolves a peer's union even if that has errors which this side does not declare: only those cannot be read.
 */
export function declaredErrorsCodec(union: MessageCodec): DeclaredErrorsCodec {
  return named(union, branchNames(union.schemaText));
}

function branchNames(schemaText: string): readonly string[] {
  const branches: readonly (string | { readonly name: string })[] = JSON.parse(schemaText);
  assert(Array.isArray(branches), 'declared errors are a union');
  return branches.map((branch) => (typeof branch === 'string' ? branch : branch.name));
}

/**
 * With one error the union is unambiguous, so its values are bare: a string, or the record. With more, they are wrapped.
 * A codec that resolves another writer's union keeps the representation of this reader.
 */
function named(union: MessageCodec, branches: readonly string[]): DeclaredErrorsCodec {
  const errorNames = branches.filter((name) => name !== 'string');
  const bare = errorNames.length === 1 ? errorNames[0] : undefined;
  return Object.freeze<DeclaredErrorsCodec>({
    fingerprint: union.fingerprint,
    schemaText: union.schemaText,
    errorNames: Object.freeze(errorNames),

    encode({ name, value }: DeclaredValue, into: Buffer, offset: number): number {
      return union.encode(bare === undefined ? { [name]: value } : value, into, offset);
    },

    decode(from: Buffer, start: number, end: number): DeclaredValue {
      const value = union.decode(from, start, end);
      if (typeof value === 'string') return { name: 'string', value };
      if (bare !== undefined) return { name: bare, value };
      assert(typeof value === 'object' && value !== null, 'a union of several errors wraps its values');
      const [[name, wrapped]] = Object.entries(value);
      return { name, value: wrapped };
    },

    resolveWriter(writerSchemaText: string): Resolution {
      const resolution = union.resolveWriter(writerSchemaText);
      if (resolution.codec !== null) return { ...resolution, codec: named(resolution.codec, branches) };
      const known = knownBranches(union, writerSchemaText);
      if (known === null) return resolution;
      return { grade: 'compatible', codec: named(known, branches), path: '', reason: '' };
    },

    gradeReader: (readerSchemaText: string) => union.gradeReader(readerSchemaText),
  });
}

/** How the errors of one method travel: the seam that a connection uses. */
export function declaredErrors(codec: DeclaredErrorsCodec): DeclaredErrors {
  return Object.freeze<DeclaredErrors>({
    toDetail: (error) => (error instanceof DeclaredError ? encodeDeclared(codec, error) : null),
    fromDetail: decodeDeclared,
  });
}

/**
 * FAILURE.detail of an error that a handler threw. Null when the method does not declare an error of that name: the failure
 * then travels without detail. Throws an `RpcError` (INVALID_ARGUMENT, with the path of the wrong field) when the value does
 * not match the error's schema.
 */
export function encodeDeclared(codec: DeclaredErrorsCodec, error: DeclaredError): Buffer | null {
  if (!codec.errorNames.includes(error.errorName)) return null;
  const value: DeclaredValue = { name: error.errorName, value: error.value };
  let bytes = Buffer.allocUnsafe(256);
  for (;;) {
    const end = codec.encode(value, bytes, 0);
    if (end >= 0) return bytes.subarray(0, end);
    bytes = Buffer.allocUnsafe(bytes.length - end);
  }
}

/**
 * The error of a call whose FAILURE carried `detail`: a `DeclaredError` with the code and text of `failure`, or `failure` itself
 * when the detail is Avro's `string` branch or cannot be read. `codec` is the method's own, or what its `resolveWriter` gave for
 * the peer's union; any other codec gives `failure`. Never throws.
 */
export function decodeDeclared(codec: MessageCodec, detail: Buffer, failure: RpcError): RpcError {
  if (!isDeclaredErrorsCodec(codec)) return failure;
  try {
    const { name, value } = codec.decode(detail, 0, detail.length);
    return name === 'string' ? failure : new DeclaredError(name, value, partsOf(failure));
  } catch {
    return failure;
  }
}

function isDeclaredErrorsCodec(codec: MessageCodec): codec is DeclaredErrorsCodec {
  return 'errorNames' in codec;
}

function partsOf(failure: RpcError): DeclaredErrorOptions {
  const { code, message, started, limit, retryAfterMs, elsewhere, metadata, ledger, late, cause } = failure;
  return {
    code,
    message,
    started,
    elsewhere,
    metadata,
    ledger,
    late,
    cause,
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
