/**
 * Writers of compound types as closures over the writers of their parts: what stands in for `codec/generated-writes.ts` where no
 * code may be generated from strings. It refuses the same values.
 */
import { isInherited, memberOf } from '../encoding/record-members.js';
import type { RecordParts, ValueTest, Write, WriteShapes } from '../encoding/shapes.js';
import { type AnyObject, canBeMap, canBeRecord, isBytes, isObject } from '../encoding/value-kinds.js';
import { mismatch } from '../encoding/write-tap.js';

export const interpretedWrites: WriteShapes = { array, map, optional, union, record };

function array(item: Write): Write {
  return (tap, value) => {
    if (!Array.isArray(value)) throw mismatch;
    const count = value.length;
    // Of a proxy it may be anything.
    if (count > 0) {
      tap.putLong(count);
      for (let i = 0; i < count; i++) item(tap, value[i]);
    } else if (count !== 0) throw mismatch;
    tap.writeLong(0);
  };
}

function map(item: Write): Write {
  return (tap, value) => {
    if (!canBeMap(value)) throw mismatch;
    const keys = Object.keys(value);
    if (keys.length > 0) {
      tap.writeLong(keys.length);
      for (const key of keys) {
        tap.writeString(key);
        item(tap, value[key]);
      }
    }
    tap.writeLong(0);
  };
}

function optional(other: Write, nullIndex: number): Write {
  return (tap, value) => {
    if (value === null) {
      tap.writeLong(nullIndex);
      return;
    }
    tap.writeLong(1 - nullIndex);
    other(tap, value);
  };
}

const tests: Readonly<Record<ValueTest, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  bigint: (value) => typeof value === 'bigint',
  text: (value) => typeof value === 'string',
  bytes: isBytes,
  array: Array.isArray,
  object: (value) => isObject(value) && !Array.isArray(value) && !isBytes(value),
};

function union(branches: readonly { readonly test: ValueTest; readonly write: Write }[]): Write {
  const all = branches.map(({ test, write }) => ({ takes: tests[test], write }));
  return (tap, value) => {
    const index = all.findIndex(({ takes }) => takes(value));
    if (index < 0) throw mismatch;
    tap.writeLong(index);
    all[index].write(tap, value);
  };
}

function record({ fields, members, resemblesBuiltIns, memberCheck, depthMax }: RecordParts): Write {
  const count = fields.length;
  const parts = fields.map((field) => ({ ...field, inherited: isInherited(field.name) }));
  return (tap, value) => {
    if (!isObject(value) || Array.isArray(value)) throw mismatch;
    if (resemblesBuiltIns && !canBeRecord(value)) throw mismatch;
    if (depthMax !== null && ++tap.depth > depthMax) tap.tooDeep(depthMax);
    let absent = 0;
    for (const { name, write, preset, inherited } of parts) {
      const member = inherited ? memberOf(value, name) : value[name];
      if (preset === null || member !== undefined) write(tap, member);
      else {
        absent++;
        preset(tap);
      }
    }
    if (memberCheck === 'always' || (memberCheck === 'whenAbsent' && absent > 0)) {
      const own = propertiesOf(value);
      if (own !== count - absent || own === 0) members.check(value, absent);
    }
    if (depthMax !== null) tap.depth--;
  };
}

/** Enumerable properties, inherited ones included. */
function propertiesOf(value: AnyObject): number {
  let count = 0;
  for (const _ in value) count++;
  return count;
}
