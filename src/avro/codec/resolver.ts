/**
 * Makes the reader for messages that a peer wrote with another schema. `evolution.ts` has checked before that every value can be read.
 * It also decides here which branch of a reader's union takes a type, so that check and reader cannot differ.
 *
 * The peer's schema only decides which of this side's readers and skippers are called, and in which order. None of its text gets
 * into generated code, and the number of generated functions is bounded by the types of this side's schema that meet one of the peer's.
 */
import { RpcError } from '../../base/errors.js';
import { enumReader, fixedReader, primitiveReads } from '../encoding/primitives.js';
import type { FieldReader, Read, RecordStep } from '../encoding/shapes.js';
import { Grader } from '../schema/evolution.js';
import { isStandardName } from '../schema/logical.js';
import {
  type EnumNode,
  type FieldNode,
  isPrimitive,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema.js';
import { presetOf } from './defaults.js';
import { type CodecOptions, converted, longReader, ReadLink } from './readers.js';
import { SchemaFacts } from './schema-facts.js';
import { type Skip, Skippers } from './skippers.js';
import { wrappings } from './unions.js';

/** A reader for values of `reader` as `writer` writes them. The two must have been graded `compatible`. */
export function resolve(reader: SchemaNode, writer: SchemaNode, options: CodecOptions): Read {
  return new Resolver(writer, options).of(reader, writer);
}

class Resolver {
  private readonly grader = new Grader();
  private readonly links = new Map<RecordNode, Map<RecordNode, ReadLink>>();
  private readonly facts: SchemaFacts;
  private readonly options: CodecOptions;
  private readonly depthMax: number | null;
  private skippers: Skippers | null = null;

  constructor(writer: SchemaNode, options: CodecOptions) {
    this.facts = new SchemaFacts(writer);
    this.options = options;
    this.depthMax = this.facts.nestsDeeper(options.depthMax) ? options.depthMax : null;
  }

  of(reader: SchemaNode, writer: SchemaNode): Read {
    if (writer.kind === 'union') return this.fromUnion(reader, writer);
    if (reader.kind === 'union') return this.intoUnion(reader, writer);
    if (reader.kind === 'record' && writer.kind === 'record') return this.record(reader, writer);
    this.checkConversion(reader, writer);
    return converted(this.bare(reader, writer), reader, this.options);
  }

  /** A value of another type cannot be one of the reader's logical type: an int that a `date` wrote is no timestamp. */
  private checkConversion(reader: SchemaNode, writer: SchemaNode): void {
    const conversion = this.options.conversions.of(reader);
    if (conversion === null || reader.kind === writer.kind || !isStandardName(conversion.name)) return;
    throw new RpcError('INVALID_ARGUMENT', `the reader expects ${conversion.name}, the writer writes ${writer.kind}`);
  }

  private bare(reader: SchemaNode, writer: SchemaNode): Read {
    const { options, facts } = this;
    const { reads } = options.shapes;
    if (reader.kind === 'array' && writer.kind === 'array') {
      return reads.array(this.of(reader.items, writer.items), facts.bytesMin(writer.items), options);
    }
    if (reader.kind === 'map' && writer.kind === 'map') {
      return reads.map(this.of(reader.values, writer.values), facts.bytesMin(writer.values), options);
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') return enumReader(renamed(reader, writer));
    if (reader.kind === 'fixed') return fixedReader(reader.size);
    if (reader.kind === 'long') return writer.kind === 'int' ? this.intAsLong(reader) : longReader(reader, options);
    // The writer's bytes, taken for the reader's type: int for double, bytes for string.
    switch (reader.kind) {
      case 'float':
        if (writer.kind === 'int') return (tap) => Math.fround(tap.readInt());
        return writer.kind === 'long' ? (tap) => tap.readLongAsFloat() : primitiveReads.float;
      case 'double':
        if (writer.kind === 'long') return (tap) => tap.readLongAsDouble();
        if (!isPrimitive(writer)) throw contradiction(reader, writer);
        return primitiveReads[writer.kind];
      case 'null':
      case 'boolean':
      case 'int':
      case 'bytes':
      case 'string':
        return primitiveReads[reader.kind];
      default:
        throw contradiction(reader, writer);
    }
  }

  private intAsLong(reader: SchemaNode): Read {
    return this.options.conversions.bigLongs(reader) ? (tap) => BigInt(tap.readInt()) : primitiveReads.int;
  }

  /** The branches are resolved one by one, so the values are no longer wrapped by the writer's branches. */
  private fromUnion(reader: SchemaNode, writer: UnionNode): Read {
    const branches = writer.branches.map((branch) => this.of(reader, branch));
    return this.options.shapes.reads.union(branches, []);
  }

  private intoUnion(reader: UnionNode, writer: SchemaNode): Read {
    const index = this.grader.chooseBranch(reader, writer);
    const branch = reader.branches[index];
    if (branch === undefined) throw contradiction(reader, writer);
    const read = this.of(branch, writer);
    const name = wrappings(reader)[index] ?? null;
    return name === null ? read : this.options.shapes.reads.wrapped(read, name);
  }

  private record(reader: RecordNode, writer: RecordNode): Read {
    let links = this.links.get(reader);
    if (links === undefined) this.links.set(reader, (links = new Map()));
    const known = links.get(writer);
    if (known !== undefined) return known.made ? known.read : known.through;
    const link = new ReadLink();
    links.set(writer, link);
    const { fields, steps } = this.plan(reader, writer);
    const read = this.options.shapes.reads.record(reader.name, fields, steps, this.depthMax);
    return link.make(converted(read, reader, this.options));
  }

  /** What to do with each field of the writer, and where each of the reader comes from. */
  private plan(reader: RecordNode, writer: RecordNode): { fields: FieldReader[]; steps: RecordStep[] } {
    const takers = new Map<string, number[]>(writer.fields.map(({ name }) => [name, []]));
    const sent = new Map(writer.fields.map((field) => [field.name, field]));
    const fields = reader.fields.map((field, i): FieldReader => {
      const source = [field.name, ...field.aliases].map((name) => sent.get(name)).find((one) => one !== undefined);
      if (source === undefined) return this.absent(reader, field);
      takers.get(source.name)?.push(i);
      return { name: field.name, read: this.of(field.type, source.type), preset: null };
    });
    const steps: RecordStep[] = [];
    let skips: Skip[] = [];
    for (const { name, type } of writer.fields) {
      const [first, ...others] = takers.get(name) ?? [];
      if (first === undefined) {
        if (this.facts.bytesMin(type) > 0) skips.push(this.skip(type));
        continue;
      }
      // Read twice on each level, such a field would take exponential time.
      if (others.length > 0 && this.facts.recurses(type)) throw readTwice(reader, name);
      if (skips.length > 0) steps.push({ skip: all(skips) });
      skips = [];
      steps.push({ field: first }, ...others.map((field) => ({ field, again: true })));
    }
    if (skips.length > 0) steps.push({ skip: all(skips) });
    return { fields, steps };
  }

  private absent(record: RecordNode, field: FieldNode): FieldReader {
    if (!field.hasDefault) throw contradiction(record, field.type);
    return { name: field.name, read: null, preset: presetOf(record, field, this.options) };
  }

  private skip(type: SchemaNode): Skip {
    this.skippers ??= new Skippers(this.facts, this.options);
    return this.skippers.of(type);
  }
}

/** The reader's symbol for each of the writer's. */
function renamed(reader: EnumNode, writer: EnumNode): readonly string[] {
  const known = new Set(reader.symbols);
  return writer.symbols.map((symbol) => {
    const name = known.has(symbol) ? symbol : reader.default;
    if (name === undefined) throw contradiction(reader, writer);
    return name;
  });
}

function all(skips: readonly Skip[]): Skip {
  const [only] = skips;
  if (skips.length === 1 && only !== undefined) return only;
  return (tap) => {
    for (const skip of skips) skip(tap);
  };
}

function readTwice(reader: RecordNode, name: string): RpcError {
  const text = `two fields of ${reader.name} take the writer's field ${name}, which can contain itself`;
  return new RpcError('INVALID_ARGUMENT', text);
}

function contradiction(reader: SchemaNode, writer: SchemaNode): RpcError {
  return new RpcError('INTERNAL', `graded as compatible, but a ${writer.kind} cannot be read as ${reader.kind}`);
}
