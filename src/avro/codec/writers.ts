/**
 * The writer of a schema: a function that writes a value to a tap, generated around the writers of its parts. Built once a codec.
 *
 * A writer reads a value once, in the order of the schema, changes nothing, and throws `mismatch` at the first part that the schema
 * does not allow. A field that is undefined and has a default is sent as its default. `record-members.ts` says which objects can be
 * records, `value-kinds.ts` which can be maps. Bytes are any `Uint8Array`.
 */

import { primitiveWrites, writeBigLong } from '../encoding/primitives.js';
import { RecordMembers } from '../encoding/record-members.js';
import type { RecordParts, ValueTest, Write } from '../encoding/shapes.js';
import { isObject } from '../encoding/value-kinds.js';
import { mismatch, WriteTap } from '../encoding/write-tap.js';
import type { Conversion, Conversions } from '../logical/conversions.js';
import type { EnumNode, FieldNode, RecordNode, SchemaNode, UnionNode } from '../schema/schema.js';
import { presetOf } from './defaults.js';
import type { CodecOptions } from './readers.js';
import type { SchemaFacts } from './schema-facts.js';
import { branchName, groupOf, isWrapped } from './unions.js';
import { branchesFor } from './value-check.js';

/** Stands in for a writer that is needed before it is made, since its type contains itself. */
interface Link {
  write: Write;
}

const notMade: Write = () => {
  throw new Error('a writer was called before it was made');
};

export class Writers {
  private readonly known = new Map<SchemaNode, Write>();
  private readonly links = new Map<RecordNode, Link>();
  private readonly options: CodecOptions;
  private readonly depthMax: number | null;

  constructor(facts: SchemaFacts, options: CodecOptions) {
    this.options = options;
    this.depthMax = facts.nestsDeeper(options.depthMax) ? options.depthMax : null;
  }

  of(node: SchemaNode): Write {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    if (node.kind === 'record') return this.record(node);
    return this.keep(node, this.make(node));
  }

  private keep(node: SchemaNode, bare: Write): Write {
    const conversion = this.options.conversions.of(node);
    const write = conversion === null ? bare : convertedWriter(bare, conversion);
    this.known.set(node, write);
    return write;
  }

  private make(node: Exclude<SchemaNode, RecordNode>): Write {
    const { writes } = this.options.shapes;
    switch (node.kind) {
      case 'array':
        return writes.array(this.of(node.items));
      case 'map':
        return writes.map(this.of(node.values));
      case 'union':
        return this.union(node);
      case 'enum':
        return enumWriter(node);
      case 'fixed':
        return (tap, value) => tap.putFixed(value, node.size);
      case 'long':
        return this.options.conversions.bigLongs(node) ? writeBigLong : primitiveWrites.long;
      default:
        return primitiveWrites[node.kind];
    }
  }

  private record(node: RecordNode): Write {
    const open = this.links.get(node);
    if (open !== undefined) return (tap, value) => open.write(tap, value);
    const link: Link = { write: notMade };
    this.links.set(node, link);
    const fields = node.fields.map((field) => {
      const write = this.of(field.type);
      return { name: field.name, write, preset: field.hasDefault ? this.encoded(node, field, write) : null };
    });
    const parts: RecordParts = {
      name: node.name,
      fields,
      members: new RecordMembers(node),
      resemblesBuiltIns: resemblesBuiltIns(node),
      memberCheck: this.memberCheck(node),
      depthMax: this.depthMax,
    };
    link.write = this.keep(node, this.options.shapes.writes.record(parts));
    this.links.delete(node);
    return link.write;
  }

  private memberCheck({ fields }: RecordNode): RecordParts['memberCheck'] {
    if (this.options.checkAllFields || fields.length === 0) return 'always';
    return fields.some((field) => field.hasDefault) ? 'whenAbsent' : 'never';
  }

  /** Sends a field's default. It is encoded at its first use: its own type may not be ready before. */
  private encoded(record: RecordNode, field: FieldNode, write: Write): (tap: WriteTap) => void {
    const preset = presetOf(record, field, this.options);
    let bytes: Buffer | null = null;
    return (tap) => {
      bytes ??= encodeAlone(write, preset());
      tap.writeFixed(bytes, bytes.length);
    };
  }

  private union(node: UnionNode): Write {
    const writes = node.branches.map((branch) => this.of(branch));
    if (isWrapped(node)) return wrappedWriter(node, writes);
    const { conversions, shapes } = this.options;
    const isOptional = node.branches.length === 2 && node.branches.some((branch) => branch.kind === 'null');
    if (isOptional) {
      const nullIndex = node.branches.findIndex((branch) => branch.kind === 'null');
      return shapes.writes.optional(writes[1 - nullIndex], nullIndex);
    }
    if (node.branches.some((branch) => conversions.of(branch) !== null)) return triedWriter(node, writes, this.options);
    return shapes.writes.union(
      node.branches.map((branch, i) => ({ test: testOf(branch, conversions), write: writes[i] })),
    );
  }
}

/** What tells a value of a branch from those of other groups. */
function testOf(branch: SchemaNode, conversions: Conversions): ValueTest {
  const group = groupOf(branch);
  if (group === 'number') return branch.kind === 'long' && conversions.bigLongs(branch) ? 'bigint' : 'number';
  return group === 'union' ? 'object' : group;
}

function convertedWriter(write: Write, conversion: Conversion): Write {
  return (tap, value) => {
    if (value === undefined) throw mismatch;
    write(tap, conversion.toValue(value));
  };
}

/** Members of built-in objects that a field could be taken from. */
const builtInMembers: ReadonlySet<string> = new Set(
  (
    'length size byteLength byteOffset maxByteLength buffer resizable growable detached ' +
    'source flags lastIndex global ignoreCase multiline sticky unicode dotAll hasIndices'
  ).split(' '),
);

/** Whether a built-in object could pass for a record of these fields: none that must be there tells it apart. */
function resemblesBuiltIns({ fields }: RecordNode): boolean {
  if (fields.some((field) => !field.hasDefault && !builtInMembers.has(field.name))) return false;
  return fields.length === 0 || fields.some((field) => builtInMembers.has(field.name));
}

/** Symbols are found in a `Map`: nothing is inherited there, and only strings are found. */
function enumWriter(node: EnumNode): Write {
  const indexes = new Map<unknown, number>(node.symbols.map((symbol, i) => [symbol, i]));
  return (tap, value) => {
    const index = indexes.get(value);
    if (index === undefined) throw mismatch;
    tap.writeLong(index);
  };
}

/** With logical types among the branches, their classes may have to be asked which of them takes a value. */
function triedWriter(node: UnionNode, writes: readonly Write[], options: CodecOptions): Write {
  return (tap, value) => {
    const takers = branchesFor(node, value, options);
    if (takers.length !== 1) throw mismatch;
    const [index] = takers;
    tap.writeLong(index);
    writes[index](tap, value);
  };
}

function wrappedWriter(node: UnionNode, writes: readonly Write[]): Write {
  const indexes = new Map(node.branches.map((branch, i) => [branchName(branch), i]));
  const nullIndex = indexes.get('null');
  indexes.delete('null');
  return (tap, value) => {
    if (value === null && nullIndex !== undefined) {
      tap.writeLong(nullIndex);
      return;
    }
    if (!isObject(value)) throw mismatch;
    const keys = Object.keys(value);
    const index = keys.length === 1 ? indexes.get(keys[0]) : undefined;
    if (index === undefined) throw mismatch;
    tap.writeLong(index);
    writes[index](tap, value[keys[0]]);
  };
}

/** The bytes of one value. */
function encodeAlone(write: Write, value: unknown): Buffer {
  const tap = new WriteTap();
  for (let bytes = Buffer.allocUnsafeSlow(64); ; ) {
    tap.begin(bytes, 0);
    write(tap, value);
    const end = tap.finish();
    if (end >= 0) return Buffer.from(bytes.subarray(0, end));
    bytes = Buffer.allocUnsafeSlow(bytes.length - end);
  }
}
