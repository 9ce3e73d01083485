/**
 * Readers of Avro's compound types, generated around the readers of their parts. Every claim of a message is checked before it is
 * used: the items of a block against the remaining bytes, items without bytes against a budget per message, an index against the
 * number of branches or symbols, nesting against a limit. Each type gets only the checks that it can need.
 *
 * Values belong to the caller. Arrays and records are plain; a map has no prototype, so that a key from a peer cannot collide with
 * anything inherited, and `__proto__` is a key like any other.
 *
 * `readers.ts` combines readers for one schema, `resolver.ts` for a reader's and a writer's schema. `interpreter/reads.ts` does the
 * same without generating code; what one does the other has to do too.
 */
import { type Bindings, generate, identifier } from '../encoding/generate.js';
import { primitiveReads, readBigLong } from '../encoding/primitives.js';
import type { FieldReader, Read, ReadLimits, ReadShapes, RecordStep } from '../encoding/shapes.js';

export const generatedReads: ReadShapes = { array, map, union, wrapped: wrappedReader, record };

/** Source text that generated code has instead of a call of a primitive's reader. */
const inlined = new Map<Read, string>([
  [primitiveReads.null, 'null'],
  [primitiveReads.boolean, 'tap.readBoolean()'],
  [primitiveReads.int, 'tap.readInt()'],
  [primitiveReads.long, 'tap.readLong()'],
  [primitiveReads.float, 'tap.readFloat()'],
  [primitiveReads.double, 'tap.readDouble()'],
  [primitiveReads.bytes, 'tap.readBytes()'],
  [primitiveReads.string, 'tap.readString()'],
  [readBigLong, 'tap.readBigLong()'],
]);

/** Items up to which an array gets its size at once, which is faster; a longer one grows with what is really there. */
const ITEMS_AT_ONCE_MAX = 1024;

function array(item: Read, bytesMin: number, limits: ReadLimits): Read {
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

function map(value: Read, valueBytesMin: number, limits: ReadLimits): Read {
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

function union(branches: readonly Read[], names: readonly (string | null)[]): Read {
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

function wrappedReader(read: Read, name: string): Read {
  const bindings: Bindings = {};
  return generate(`function readBranch(tap) { return ${wrapped(name, call(read, 'branch', bindings))}; }`, bindings);
}

function wrapped(name: string, value: string): string {
  return `{ [${JSON.stringify(name)}]: ${value} }`;
}

function record(
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
