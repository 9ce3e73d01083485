/**
 * Writers of Avro's compound types, generated around the writers of their parts. `writers.ts` combines them for one schema.
 * `interpreter/writes.ts` does the same without generating code; what one does the other has to do too.
 */
import { type Bindings, generate, identifier } from '../encoding/generate.js';
import { primitiveWrites, writeBigLong } from '../encoding/primitives.js';
import { isInherited, memberOf } from '../encoding/record-members.js';
import type { FieldWriter, RecordParts, ValueTest, Write, WriteShapes } from '../encoding/shapes.js';
import { canBeMap, canBeRecord, isBytes } from '../encoding/value-kinds.js';
import { mismatch } from '../encoding/write-tap.js';

export const generatedWrites: WriteShapes = { array, map, optional, union, record };

/** The method of the tap that generated code calls instead of a primitive's writer. */
const inlined = new Map<Write, string>([
  [primitiveWrites.null, 'putNull'],
  [primitiveWrites.boolean, 'putBoolean'],
  [primitiveWrites.int, 'putInt'],
  [primitiveWrites.long, 'putLong'],
  [primitiveWrites.float, 'putFloat'],
  [primitiveWrites.double, 'putDouble'],
  [primitiveWrites.bytes, 'putBytes'],
  [primitiveWrites.string, 'putString'],
  [writeBigLong, 'putBigLong'],
]);

function array(item: Write): Write {
  const bindings: Bindings = { mismatch };
  const put = call(item, 'item', 'value[i]', bindings);
  const source = `function writeArray(tap, value) {
    if (!Array.isArray(value)) throw mismatch;
    const count = value.length;
    if (count > 0) {
      tap.putLong(count);
      for (let i = 0; i < count; i++) ${put};
    } else if (count !== 0) throw mismatch;
    tap.writeLong(0);
  }`;
  return generate(source, bindings);
}

function map(write: Write): Write {
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

function optional(value: Write, nullIndex: number): Write {
  const bindings: Bindings = {};
  const put = call(value, 'other', 'value', bindings);
  const source = `function writeOptional(tap, value) {
    if (value === null) { tap.writeLong(${nullIndex}); return; }
    tap.writeLong(${1 - nullIndex});
    ${put};
  }`;
  return generate(source, bindings);
}

function union(branches: readonly { readonly test: ValueTest; readonly write: Write }[]): Write {
  const bindings: Bindings = { mismatch, isBytes };
  const cases = branches.map(({ test, write }, i) => {
    const put = call(write, `branch${i}`, 'value', bindings);
    return `if (${tests[test]}) { tap.writeLong(${i}); ${put}; return; }`;
  });
  return generate(`function writeUnion(tap, value) { ${cases.join('\n')} throw mismatch; }`, bindings);
}

/** Source text about `value`. */
const tests: Readonly<Record<ValueTest, string>> = {
  null: 'value === null',
  boolean: "typeof value === 'boolean'",
  number: "typeof value === 'number'",
  bigint: "typeof value === 'bigint'",
  text: "typeof value === 'string'",
  bytes: 'isBytes(value)',
  array: 'Array.isArray(value)',
  object: "typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)",
};

function record({ name, fields, members, resemblesBuiltIns, memberCheck, depthMax }: RecordParts): Write {
  const bindings: Bindings = { mismatch, canBeRecord, memberOf, members };
  const puts = fields.map((field, i) => put(field, i, bindings));
  const source = `function write${identifier(name)}(tap, value) {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) throw mismatch;
      ${resemblesBuiltIns ? 'if (!canBeRecord(value)) throw mismatch;' : ''}
      ${depthMax === null ? '' : `if (++tap.depth > ${depthMax}) tap.tooDeep(${depthMax});`}
      let absent = 0;
      ${puts.join('\n')}
      ${checkOf(memberCheck, fields.length)}
      ${depthMax === null ? '' : 'tap.depth--;'}
    }`;
  return generate<Write>(source, bindings);
}

/**
 * Statements that refuse properties that are no fields. Counting is the fast part: as many properties as fields were found means
 * that there is no other one.
 */
function checkOf(memberCheck: RecordParts['memberCheck'], count: number): string {
  const check = `let own = 0;
      for (const key in value) own++;
      if (own !== ${count} - absent || own === 0) members.check(value, absent);`;
  if (memberCheck === 'always') return check;
  return memberCheck === 'whenAbsent' ? `if (absent !== 0) { ${check} }` : '';
}

function put({ name, write, preset }: FieldWriter, i: number, bindings: Bindings): string {
  const key = JSON.stringify(name);
  const member = isInherited(name) ? `memberOf(value, ${key})` : `value[${key}]`;
  if (preset === null) return `${call(write, `w${i}`, member, bindings)};`;
  bindings[`preset${i}`] = preset;
  const statement = call(write, `w${i}`, `v${i}`, bindings);
  return `const v${i} = ${member};
      if (v${i} === undefined) { absent++; preset${i}(tap); } else ${statement};`;
}

/** The statement that writes `value`: a method of the tap, or a call of the function bound to `name`. */
function call(write: Write, name: string, value: string, bindings: Bindings): string {
  const method = inlined.get(write);
  if (method !== undefined) return `tap.${method}(${value})`;
  bindings[name] = write;
  return `${name}(tap, ${value})`;
}
