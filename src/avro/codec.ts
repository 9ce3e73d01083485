/**
 * The Avro codec of a connection: `avroCodec(schema)` gives the `MessageCodec` of one schema. It joins the functions that
 * `compile.ts` makes with taps, which know the bounds of a message, and turns whatever goes wrong into an `RpcError`
 * INVALID_ARGUMENT: where in the message (`codec-decode.ts`), or in the value.
 *
 * There is one tap to write with, used by all codecs. An encode from within another (a getter that encodes) gets its own.
 *
 * Called by `service.ts` once a schema; `encode` and `decode` by the connection once a message.
 */
import { RpcError } from '../base/errors.js';
import type { MessageCodec, Resolution } from '../wire/message-codec.js';
import type { Read } from './bounded-types.js';
import { canonicalOf, fingerprintOf } from './canonical.js';
import { decodeWith } from './codec-decode.js';
import { mismatch, TooDeep, WriteTap } from './codec-write-tap.js';
import type { Write } from './codec-writers.js';
import { type AvroOptions, CompiledSchema } from './compile.js';
import { gradeNodes } from './evolution.js';
import type { SchemaNode } from './schema.js';
import { labelOf } from './schema.js';
import { parseUntrustedSchema } from './schema-guard.js';
import { parseSchema } from './schema-parser.js';

export type { LogicalTypeClass, LogicalTypes } from './codec-logical.js';
export type { AvroOptions } from './compile.js';

/** Resolutions of peers' schemas that a codec keeps; the oldest goes first. */
const RESOLUTIONS_MAX = 64;

const writeTap = new WriteTap();

/**
 * The codec of `schema`, Avro JSON such as `{ type: 'record', name: 'City', fields: [...] }`. Throws an `RpcError` that says what is
 * wrong with the schema. `T` is what the caller knows about its values; nothing checks it.
 */
export function avroCodec<T = unknown>(schema: unknown, options: AvroOptions = {}): MessageCodec<T> {
  return new AvroCodec(parseSchema(schema), options) as MessageCodec as MessageCodec<T>;
}

class AvroCodec implements MessageCodec {
  readonly schemaText: string;
  readonly fingerprint: Buffer;
  private readonly node: SchemaNode;
  /** What error texts call a message. */
  private readonly label: string;
  private readonly compiled: CompiledSchema;
  private readonly resolutions = new Map<string, Resolution>();
  private read: Read | null = null;
  private write: Write | null = null;

  constructor(node: SchemaNode, options: AvroOptions) {
    this.node = node;
    this.label = labelOf(node);
    this.schemaText = canonicalOf(node);
    this.fingerprint = fingerprintOf(this.schemaText);
    this.compiled = new CompiledSchema(node, options);
  }

  encode(value: unknown, into: Buffer, offset: number): number {
    const write = (this.write ??= this.compiled.writer());
    const tap = writeTap.busy ? new WriteTap() : writeTap;
    tap.busy = true;
    try {
      tap.begin(into, offset);
      write(tap, value);
      return tap.finish();
    } catch (error) {
      throw this.refusal(value, error);
    } finally {
      tap.release();
    }
  }

  decode(from: Buffer, start: number, end: number): unknown {
    this.read ??= this.compiled.reader();
    return decodeWith(this.read, this.label, from, start, end);
  }

  resolveWriter(writerSchemaText: string): Resolution {
    if (writerSchemaText === this.schemaText) return { grade: 'identical', codec: this, path: '', reason: '' };
    const fingerprint = fingerprintOf(writerSchemaText);
    const key = fingerprint.toString('latin1');
    const known = this.resolutions.get(key);
    if (known !== undefined) return known;
    const resolution = this.resolve(writerSchemaText, fingerprint);
    for (const oldest of this.resolutions.keys()) {
      if (this.resolutions.size < RESOLUTIONS_MAX) break;
      this.resolutions.delete(oldest);
    }
    this.resolutions.set(key, resolution);
    return resolution;
  }

  gradeReader(readerSchemaText: string): Resolution {
    if (readerSchemaText === this.schemaText) return { grade: 'identical', codec: null, path: '', reason: '' };
    try {
      const reader = untrusted(readerSchemaText);
      return { ...gradeNodes(reader, this.node, { readerIsCanonical: true }), codec: null };
    } catch (error) {
      return breaking(error);
    }
  }

  private resolve(text: string, fingerprint: Buffer): Resolution {
    try {
      const writer = untrusted(text);
      const grade = gradeNodes(this.node, writer);
      if (grade.grade === 'breaking') return { ...grade, codec: null };
      const read = this.compiled.resolvingReader(writer);
      return { ...grade, codec: new ResolvedCodec(this, this.label, text, fingerprint, read) };
    } catch (error) {
      return breaking(error);
    }
  }

  /** The error for a value that could not be written. Only now its wrong part is looked for. */
  private refusal(value: unknown, cause: unknown): RpcError {
    if (cause instanceof TooDeep) {
      const limit = { name: 'depthMax', value: cause.max, setting: "the codec's option depthMax" };
      const text = `cannot write ${this.label}: ${cause.message}: the limit ${limit.name} is ${limit.value} (setting: ${limit.setting})`;
      return new RpcError('INVALID_ARGUMENT', text, { limit });
    }
    const options = cause === mismatch ? {} : { cause };
    try {
      const wrong = this.compiled.check(value);
      if (wrong !== null)
        return new RpcError('INVALID_ARGUMENT', `cannot write ${this.label}${wrong.path}: ${wrong.text}`, options);
    } catch {
      // Looking at the value failed again; its first failure says more.
    }
    return new RpcError('INVALID_ARGUMENT', `cannot write ${this.label}: ${messageOf(cause)}`, options);
  }
}

/** Reads what a peer writes with another schema, as values of this side's. It has nothing to write with. */
class ResolvedCodec implements MessageCodec {
  readonly schemaText: string;
  readonly fingerprint: Buffer;
  private readonly reader: AvroCodec;
  private readonly label: string;
  private readonly read: Read;

  constructor(reader: AvroCodec, label: string, schemaText: string, fingerprint: Buffer, read: Read) {
    this.reader = reader;
    this.label = label;
    this.schemaText = schemaText;
    this.fingerprint = fingerprint;
    this.read = read;
  }

  encode(): number {
    throw new RpcError('INTERNAL', `the codec that resolves a peer's ${this.label} only reads`);
  }

  decode(from: Buffer, start: number, end: number): unknown {
    return decodeWith(this.read, this.label, from, start, end);
  }

  resolveWriter(writerSchemaText: string): Resolution {
    return this.reader.resolveWriter(writerSchemaText);
  }

  gradeReader(readerSchemaText: string): Resolution {
    return this.reader.gradeReader(readerSchemaText);
  }
}

/** The schema that a peer sent; empty text means that it carries raw bytes. */
function untrusted(text: string): SchemaNode {
  if (text === '') throw new RpcError('INVALID_ARGUMENT', 'this side has an Avro schema, the peer carries raw bytes');
  return parseUntrustedSchema(text);
}

function breaking(error: unknown): Resolution {
  return { grade: 'breaking', codec: null, path: '', reason: messageOf(error) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
