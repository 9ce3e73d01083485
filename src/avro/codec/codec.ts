/**
 * The Avro codec of a connection: `avroCodec(schema)` gives the `MessageCodec` of one schema. It runs the readers and writers that
 * `compile.ts` makes, and turns every error of theirs into an `RpcError` INVALID_ARGUMENT that says where in the message
 * (`decode.ts`) or in the value (`value-check.ts`) it was found.
 *
 * All codecs share one tap for writing. An encode inside another encode (a getter that encodes) gets a tap of its own.
 *
 * `service/source-codecs.ts` makes one codec for each schema; the connection calls `encode` and `decode` once for each message.
 */
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { describeLimit } from '../../base/limits.js';
import { type OptionKinds, readOptions, wrongOption } from '../../base/options.js';
import type { MessageCodec, Resolution } from '../../wire/message-codec.js';
import type { Read, Write } from '../encoding/shapes.js';
import { mismatch, TooDeep, WriteTap } from '../encoding/write-tap.js';
import { exchangedFormOf, fingerprintOf } from '../schema/canonical.js';
import { gradeNodes } from '../schema/evolution.js';
import type { SchemaNode } from '../schema/schema.js';
import { labelOf } from '../schema/schema.js';
import { parseUntrustedSchema } from '../schema/schema-guard.js';
import { parseSchema } from '../schema/schema-parser.js';
import { type AvroOptions, CompiledSchema } from './compile.js';
import { decodeWith } from './decode.js';
import { ResolutionCache } from './resolution-cache.js';
import { SchemaFacts } from './schema-facts.js';

export type { AvroOptions } from './compile.js';

/** The largest schemas take some 15 bytes of memory a character, so this is 30 MB at worst. */
const resolutions = new ResolutionCache(1024, 2 * 1024 * 1024);
const writeTap = new WriteTap();
let codecs = 0;

/**
 * The codec of `schema`, Avro JSON such as `{ type: 'record', name: 'City', fields: [...] }`. Throws an `RpcError` that says what is
 * wrong with the schema. `T` is what the caller knows about its values; nothing checks it.
 */
export function avroCodec<T = unknown>(schema: unknown, options?: AvroOptions): MessageCodec<T>;
export function avroCodec(schema: unknown, given?: AvroOptions): MessageCodec {
  const options = readOptions('avroCodec', given, optionKinds);
  const { longs } = options;
  if (longs !== undefined && longs !== 'number' && longs !== 'bigint') {
    throw wrongOption('avroCodec', 'longs', longs, "'number' or 'bigint'");
  }
  return new AvroCodec(parseSchema(schema), options);
}

const optionKinds: OptionKinds<AvroOptions> = {
  longs: 'checked',
  logicalTypes: 'checked',
  depthMax: 'number',
  emptyItemsMax: 'number',
};

/** Whether `avroCodec` of this copy of the package made it, or it resolves what a peer writes. */
export function isAvroCodec(codec: MessageCodec): boolean {
  return codec instanceof AvroCodec || codec instanceof ResolvedCodec;
}

class AvroCodec implements MessageCodec {
  readonly schemaText: string;
  readonly fingerprint: Buffer;
  readonly amplifies: boolean;
  private readonly node: SchemaNode;
  /** What error texts call a message. */
  private readonly label: string;
  private readonly compiled: CompiledSchema;
  /** Tells this codec's resolutions from those of others. */
  private readonly serial = codecs++;
  private read: Read | null = null;
  private write: Write | null = null;

  constructor(node: SchemaNode, options: AvroOptions) {
    this.node = node;
    this.label = labelOf(node);
    this.schemaText = exchangedFormOf(node);
    this.fingerprint = fingerprintOf(this.schemaText);
    this.compiled = new CompiledSchema(node, options);
    this.amplifies = this.compiled.amplifies;
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

  resolveWriter(writerSchemaText: string, known?: Buffer): Resolution {
    if (writerSchemaText === this.schemaText) return { grade: 'identical', codec: this, path: '', reason: '' };
    return this.found('writer', writerSchemaText, known, (fingerprint) => {
      const writer = untrusted(writerSchemaText);
      const grade = gradeNodes(this.node, writer);
      if (grade.grade === 'breaking') return { ...grade, codec: null };
      const read = this.compiled.resolvingReader(writer);
      const amplifies = new SchemaFacts(writer).hasEmptyItems();
      return { ...grade, codec: new ResolvedCodec(this, this.label, writerSchemaText, fingerprint, amplifies, read) };
    });
  }

  gradeReader(readerSchemaText: string, known?: Buffer): Resolution {
    if (readerSchemaText === this.schemaText) return { grade: 'identical', codec: null, path: '', reason: '' };
    return this.found('reader', readerSchemaText, known, () => {
      const reader = untrusted(readerSchemaText);
      return { ...gradeNodes(reader, this.node, { readerIsCanonical: true }), codec: null };
    });
  }

  /** What `find` makes of a peer's schema, found once while it is kept. A schema that is refused is breaking. */
  private found(
    as: 'reader' | 'writer',
    text: string,
    given: Buffer | undefined,
    find: (fingerprint: Buffer) => Resolution,
  ): Resolution {
    const fingerprint = given ?? fingerprintOf(text);
    const key = `${this.serial} ${as} ${fingerprint.toString('latin1')}`;
    const known = resolutions.get(key);
    if (known !== undefined) return known;
    let resolution: Resolution;
    try {
      resolution = find(fingerprint);
    } catch (error) {
      resolution = { grade: 'breaking', codec: null, path: '', reason: messageOf(error) };
    }
    resolutions.set(key, resolution, text.length);
    return resolution;
  }

  /** The error for a value that could not be written. Only now its wrong part is looked for. */
  private refusal(value: unknown, cause: unknown): RpcError {
    if (cause instanceof TooDeep) {
      const limit = { name: 'depthMax', value: cause.max, setting: "the codec's option depthMax" };
      const text = describeLimit(`cannot write ${this.label}: ${cause.message}`, limit);
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
  readonly amplifies: boolean;
  private readonly reader: AvroCodec;
  private readonly label: string;
  private readonly read: Read;

  constructor(
    reader: AvroCodec,
    label: string,
    schemaText: string,
    fingerprint: Buffer,
    amplifies: boolean,
    read: Read,
  ) {
    this.reader = reader;
    this.label = label;
    this.schemaText = schemaText;
    this.fingerprint = fingerprint;
    this.amplifies = amplifies;
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

function messageOf(error: unknown): string {
  return reasonOf(error);
}
