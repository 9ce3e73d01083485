/**
 * Readers of Avro's types. Each is a function from a tap to a value; readers of compound types are generated around the readers of
 * their parts. Every claim of a message is checked before it is used: the items of a block against the remaining bytes, items
 * without bytes against a budget per message, an index against the number of branches or symbols, nesting against a limit. Each
 * type gets only the checks that it can need.
 *
 * Values belong to the caller. Arrays and records are plain; a map has no prototype, so that a key from a peer cannot collide with
 * anything inherited, and `__proto__` is a key like any other.
 *
 * `readers.ts` combines readers for one schema, `resolver.ts` for a reader's and a writer's schema.
 */

import type { PrimitiveKind } from '../schema/schema.js';
import { type Bindings, generate, identifier } from './generate.js';
import type { ReadTap } from './read-tap.js';

export type Read = (tap: ReadTap) => unknown;

/** Bounds of one message. They are put into the generated functions as constants. */
export interface ReadLimits {
  readonly depthMax: number;
  readonly emptyItemsMax: number;
}

/** One field of a record that is read: the value of `read`, or of `preset` when the writer does not send the field. */
export interface FieldReader {
  readonly name: string;
  readonly read: Read | null;
  readonly preset: (() => unknown) | null;
}

/**
 * What a writer sends for a record, in its order: a field of the reader (its index), or something to skip. With `again`, the
 * bytes of the step before are read once more: two fields of the reader may mean the same one of the writer, by alias.
 */
export type RecordStep =
  | { readonly field: number; readonly again?: boolean }
  | { readonly skip: (tap: ReadTap) => void };

const primitives = {
  null: () => null,
  boolean: (tap) => tap.readBoolean(),
  int: (tap) => tap.readInt(),
  long: (tap) => tap.readLong(),
  float: (tap) => tap.readFloat(),
  double: (tap) => tap.readDouble(),
  bytes: (tap) => tap.readBytes(),
  string: (tap) => tap.readString(),
} as const satisfies Record<PrimitiveKind, Read>;

export const readBigLong: Read = (tap) => tap.readBigLong();

/** Source text that generated code has instead of a call of a primitive's reader. */
const inlined = new Map<Read, string>([
  [primitives.null, 'null'],
  [primitives.boolean, 'tap.readBoolean()'],
  [primitives.int, 'tap.readInt()'],
  [primitives.long, 'tap.readLong()'],
  [primitives.float, 'tap.readFloat()'],
  [primitives.double, 'tap.readDouble()'],
  [primitives.bytes, 'tap.readBytes()'],
  [primitives.string, 'tap.readString()'],
  [readBigLong, 'tap.readBigLong()'],
]);

export function primitiveReader(kind: PrimitiveKind): Read {
  return primitives[kind];
}

export function fixedReader(size: number): Read {
  return (tap) => tap.readFixed(size);
}

export function enumReader(symbols: readonly string[]): Read {
  const count = symbols.length;
  return (tap) => symbols[tap.readIndex(count)];
}

/** Items up to which an array gets its size at once, which is faster; a longer one grows with what is really there. */
const ITEMS_AT_ONCE_MAX = 1024;

/** `bytesMin`: fewest bytes of an item. */
export function arrayReader(item: Read, bytesMin: number, limits: ReadLimits): Read {
  const bindings: Bindings = {};
  const start = `items ??= count > ${ITEMS_AT_ONCE_MAX} ? [] : new Array(count);`;
  const put = `items[length++] = ${call(item, 'item', bindings)};`;
  const source = `function readArray(tap) {
    let items = null;
    let length = 0;
    ${blocks(bytesMin, limits, start, put)}
    return items ?? [];
  }`;
  return generate(source, bindings);
}

/** `valueBytesMin`: fewest bytes of a value. An entry has a key too, so it always takes bytes. */
export function mapReader(value: Read, valueBytesMin: number, limits: ReadLimits): Read {
  const bindings: Bindings = {};
  const put = `const key = tap.readString(); map[key] = ${call(value, 'value', bindings)};`;
  const source = `function readMap(tap) {
    const map = { __proto__: null };
    ${blocks(1 + valueBytesMin, limits, '', put)}
    return map;
  }`;
  return generate(source, bindings);
}

/** The loop over the blocks of an array or a map: what to do for each block that was checked, and for each of its items. */
function blocks(bytesMin: number, limits: ReadLimits, forBlock: string, forItem: string): string {
  const read = bytesMin > 0 ? `tap.readCount(${bytesMin})` : `tap.readEmptyCount(${limits.emptyItemsMax})`;
  return `for (let count = ${read}; count !== 0; count = ${read}) {
      const { blockEnd } = tap;
      ${forBlock}
      for (let i = 0; i < count; i++) { ${forItem} }
      if (blockEnd !== -1) tap.checkBlockEnd(blockEnd);
    }`;
}

/** `names`: the name that wraps a branch's values, or null for those that stand bare. */
export function unionReader(branches: readonly Read[], names: readonly (string | null)[]): Read {
  const bindings: Bindings = {};
  const cases = branches.map((branch, i) => {
    const value = call(branch, `branch${i}`, bindings);
    const name = names[i] ?? null;
    return `case ${i}: return ${name === null ? value : wrapped(name, value)};`;
  });
  const source = `function readUnion(tap) {
    switch (tap.readIndex(${branches.length})) { ${cases.join('\n')} }
  }`;
  return generate(source, bindings);
}

/** Reads a value as one branch of a union whose values are wrapped. */
export function wrappedReader(read: Read, name: string): Read {
  const bindings: Bindings = {};
  return generate(`function readBranch(tap) { return ${wrapped(name, call(read, 'branch', bindings))}; }`, bindings);
}

function wrapped(name: string, value: string): string {
  return `{ [${JSON.stringify(name)}]: ${value} }`;
}

/** A record whose fields are all sent, in this order. `depthMax` is null where nesting has a bound anyway. */
export function recordReader(name: string, fields: readonly FieldReader[], depthMax: number | null): Read {
  const steps = fields.map((_, field) => ({ field }));
  return resolvedRecordReader(name, fields, steps, depthMax);
}

/** A record of `fields`, read from what a writer sends in the order of `steps`. */
export function resolvedRecordReader(
  name: string,
  fields: readonly FieldReader[],
  steps: readonly RecordStep[],
  depthMax: number | null,
): Read {
  const bindings: Bindings = {};
  const rewinds = steps.some((step) => 'again' in step);
  const reads = steps.map((step, i) => {
    if ('skip' in step) {
      bindings[`skip${i}`] = step.skip;
      return `skip${i}(tap);`;
    }
    const mark = step.again === true ? 'tap.pos = at;' : 'at = tap.pos;';
    const value = call(fields[step.field]?.read ?? null, `r${i}`, bindings);
    return `${rewinds ? mark : ''} const v${step.field} = ${value};`;
  });
  const members = fields.map(({ name: key, preset }, i) => {
    // In brackets a name is never taken for the prototype; without them literals are made faster.
    const member = key === '__proto__' ? '["__proto__"]' : JSON.stringify(key);
    if (preset === null) return `${member}: v${i}`;
    bindings[`preset${i}`] = preset;
    return `${member}: preset${i}()`;
  });
  const source = `function read${identifier(name)}(tap) {
    ${rewinds ? 'let at;' : ''}
    ${depthMax === null ? '' : `if (++tap.depth > ${depthMax}) tap.tooDeep(${depthMax});`}
    ${reads.join('\n')}
    ${depthMax === null ? '' : 'tap.depth--;'}
    return { ${members.join(', ')} };
  }`;
  return generate(source, bindings);
}

/** The expression that reads with `read`: a method of the tap, or a call of the function bound to `name`. */
function call(read: Read | null, name: string, bindings: Bindings): string {
  const source = read === null ? undefined : inlined.get(read);
  if (source !== undefined) return source;
  bindings[name] = read;
  return `${name}(tap)`;
}
