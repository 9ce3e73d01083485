/**
 * The writer of a schema: a function that writes a value to a tap, generated around the writers of its parts. Built once a codec.
 *
 * A writer reads a value once, in the order of the schema, changes nothing, and throws `mismatch` at the first part that the schema
 * does not allow. A field that is undefined and has a default is sent as its default. `record-members.ts` says which objects can be
 * records, `value-kinds.ts` which can be maps. Bytes are any `Uint8Array`.
 */

import type { Conversion, Conversions } from '../logical/conversions.js';
import type { EnumNode, FieldNode, PrimitiveKind, RecordNode, SchemaNode, UnionNode } from '../schema/schema.js';
import { presetOf } from './defaults.js';
import { type Bindings, generate, identifier } from './generate.js';
import type { CodecOptions } from './readers.js';
import { isInherited, memberOf, RecordMembers } from './record-members.js';
import type { SchemaFacts } from './schema-facts.js';
import { branchName, groupOf, isWrapped } from './unions.js';
import { branchesFor } from './value-check.js';
import { canBeMap, canBeRecord, isBytes, isObject } from './value-kinds.js';
import { mismatch, WriteTap } from './write-tap.js';

export type Write = (tap: WriteTap, value: unknown) => void;

/** Stands in for a writer that is needed before it is made, since its type contains itself. */
interface Link {
  write: Write;
}

const notMade: Write = () => {
  throw new Error('a writer was called before it was made');
};

const primitives = {
  null: (tap, value) => tap.putNull(value),
  boolean: (tap, value) => tap.putBoolean(value),
  int: (tap, value) => tap.putInt(value),
  long: (tap, value) => tap.putLong(value),
  float: (tap, value) => tap.putFloat(value),
  double: (tap, value) => tap.putDouble(value),
  bytes: (tap, value) => tap.putBytes(value),
  string: (tap, value) => tap.putString(value),
} as const satisfies Record<PrimitiveKind, Write>;

const writeBigLong: Write = (tap, value) => tap.putBigLong(value);

/** The method of the tap that generated code calls instead of a primitive's writer. */
const inlined = new Map<Write, string>([
  [primitives.null, 'putNull'],
  [primitives.boolean, 'putBoolean'],
  [primitives.int, 'putInt'],
  [primitives.long, 'putLong'],
  [primitives.float, 'putFloat'],
  [primitives.double, 'putDouble'],
  [primitives.bytes, 'putBytes'],
  [primitives.string, 'putString'],
  [writeBigLong, 'putBigLong'],
]);

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
    switch (node.kind) {
      case 'array':
        return arrayWriter(this.of(node.items));
      case 'map':
        return mapWriter(this.of(node.values));
      case 'union':
        return this.union(node);
      case 'enum':
        return enumWriter(node);
      case 'fixed':
        return (tap, value) => tap.putFixed(value, node.size);
      case 'long':
        return this.options.conversions.bigLongs(node) ? writeBigLong : primitives.long;
      default:
        return primitives[node.kind];
    }
  }

  private record(node: RecordNode): Write {
    const open = this.links.get(node);
    if (open !== undefined) return (tap, value) => open.write(tap, value);
    const link: Link = { write: notMade };
    this.links.set(node, link);
    const bindings: Bindings = { mismatch, canBeRecord, memberOf, members: new RecordMembers(node) };
    const puts = node.fields.map((field, i) => this.field(node, field, i, bindings));
    const { depthMax } = this;
    const source = `function write${identifier(node.name)}(tap, value) {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) throw mismatch;
      ${resemblesBuiltIns(node) ? 'if (!canBeRecord(value)) throw mismatch;' : ''}
      ${depthMax === null ? '' : `if (++tap.depth > ${depthMax}) tap.tooDeep(${depthMax});`}
      let absent = 0;
      ${puts.join('\n')}
      ${this.memberCheck(node)}
      ${depthMax === null ? '' : 'tap.depth--;'}
    }`;
    link.write = this.keep(node, generate<Write>(source, bindings));
    this.links.delete(node);
    return link.write;
  }

  /**
   * Statements that refuse properties that are no fields. Counting is the fast part: as many properties as fields were found means
   * that there is no other one.
   */
  private memberCheck(node: RecordNode): string {
    const count = node.fields.length;
    const check = `let own = 0;
      for (const key in value) own++;
      if (own !== ${count} - absent || own === 0) members.check(value, absent);`;
    if (this.options.checkAllFields || count === 0) return check;
    return node.fields.some((field) => field.hasDefault) ? `if (absent !== 0) { ${check} }` : '';
  }

  private field(record: RecordNode, field: FieldNode, i: number, bindings: Bindings): string {
    const write = this.of(field.type);
    const name = JSON.stringify(field.name);
    const member = isInherited(field.name) ? `memberOf(value, ${name})` : `value[${name}]`;
    if (!field.hasDefault) return `${call(write, `w${i}`, member, bindings)};`;
    bindings[`preset${i}`] = this.encoded(record, field, write);
    const put = call(write, `w${i}`, `v${i}`, bindings);
    return `const v${i} = ${member};
      if (v${i} === undefined) { absent++; preset${i}(tap); } else ${put};`;
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
    const { conversions } = this.options;
    const isOptional = node.branches.length === 2 && node.branches.some((branch) => branch.kind === 'null');
    if (isOptional) return optionalWriter(node, writes);
    if (node.branches.some((branch) => conversions.of(branch) !== null)) return triedWriter(node, writes, this.options);
    return bareWriter(node, writes, conversions);
  }
}

function arrayWriter(item: Write): Write {
  const bindings: Bindings = { mismatch };
  const put = call(item, 'item', 'value[i]', bindings);
  const source = `function writeArray(tap, value) {
    if (!Array.isArray(value)) throw mismatch;
    const count = value.length;
    if (count > 0) {
      tap.writeLong(count);
      for (let i = 0; i < count; i++) ${put};
    }
    tap.writeLong(0);
  }`;
  return generate(source, bindings);
}

function mapWriter(write: Write): Write {
  const bindings: Bindings = { mismatch, canBeMap };
  const put = call(write, 'item', 'value[keys[i]]', bindings);
  const source = `function writeMap(tap, value) {
    if (!canBeMap(value)) throw mismatch;
    const keys = Object.keys(value);
    const count = keys.length;
    if (count > 0) {
      tap.writeLong(count);
      for (let i = 0; i < count; i++) { tap.writeString(keys[i]); ${put}; }
    }
    tap.writeLong(0);
  }`;
  return generate(source, bindings);
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

/** `["null", T]` and `[T, "null"]`. */
function optionalWriter(node: UnionNode, writes: readonly Write[]): Write {
  const nullIndex = node.branches.findIndex((branch) => branch.kind === 'null');
  const other = 1 - nullIndex;
  const bindings: Bindings = {};
  const put = call(writes[other], 'other', 'value', bindings);
  const source = `function writeOptional(tap, value) {
    if (value === null) { tap.writeLong(${nullIndex}); return; }
    tap.writeLong(${other});
    ${put};
  }`;
  return generate(source, bindings);
}

/** A union whose branches JavaScript tells apart. */
function bareWriter(node: UnionNode, writes: readonly Write[], conversions: Conversions): Write {
  const bindings: Bindings = { mismatch, isBytes };
  const tests = node.branches.map((branch, i) => {
    const put = call(writes[i], `branch${i}`, 'value', bindings);
    return `if (${testOf(branch, conversions)}) { tap.writeLong(${i}); ${put}; return; }`;
  });
  return generate(`function writeUnion(tap, value) { ${tests.join('\n')} throw mismatch; }`, bindings);
}

/** What tells a value of a branch from those of other groups, as source text about `value`. */
function testOf(branch: SchemaNode, conversions: Conversions): string {
  switch (groupOf(branch)) {
    case 'null':
      return 'value === null';
    case 'boolean':
      return "typeof value === 'boolean'";
    case 'number':
      return `typeof value === '${branch.kind === 'long' && conversions.bigLongs(branch) ? 'bigint' : 'number'}'`;
    case 'text':
      return "typeof value === 'string'";
    case 'bytes':
      return 'isBytes(value)';
    case 'array':
      return 'Array.isArray(value)';
    default:
      return "typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)";
  }
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

/** The statement that writes `value`: a method of the tap, or a call of the function bound to `name`. */
function call(write: Write, name: string, value: string, bindings: Bindings): string {
  const method = inlined.get(write);
  if (method !== undefined) return `tap.${method}(${value})`;
  bindings[name] = write;
  return `${name}(tap, ${value})`;
}
