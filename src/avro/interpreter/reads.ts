/**
 * Readers of compound types as closures over the readers of their parts: what stands in for `codec/generated-reads.ts` where no code
 * may be generated from strings. It checks the same, in the same order.
 */

import type { ReadTap } from '../encoding/read-tap.js';
import { isInherited } from '../encoding/record-members.js';
import type { FieldReader, Read, ReadLimits, ReadShapes, RecordStep } from '../encoding/shapes.js';

export const interpretedReads: ReadShapes = { array, map, union, wrapped, record };

/** Reads the number of items of the next block, 0 at the end. */
type Count = (tap: ReadTap) => number;

function counter(bytesMin: number, { emptyItemsMax }: ReadLimits): Count {
  return bytesMin > 0 ? (tap) => tap.readCount(bytesMin) : (tap) => tap.readEmptyCount(emptyItemsMax);
}

function array(item: Read, bytesMin: number, limits: ReadLimits): Read {
  const next = counter(bytesMin, limits);
  return (tap) => {
    const items: unknown[] = [];
    for (let count = next(tap); count !== 0; count = next(tap)) {
      const { blockEnd } = tap;
      for (let i = 0; i < count; i++) items.push(item(tap));
      if (blockEnd !== -1) tap.checkBlockEnd(blockEnd);
    }
    return items;
  };
}

function map(value: Read, valueBytesMin: number): Read {
  return (tap) => {
    const values: Record<string, unknown> = Object.create(null);
    for (let count = tap.readCount(1 + valueBytesMin); count !== 0; count = tap.readCount(1 + valueBytesMin)) {
      const { blockEnd } = tap;
      for (let i = 0; i < count; i++) {
        const key = tap.readString();
        values[key] = value(tap);
      }
      if (blockEnd !== -1) tap.checkBlockEnd(blockEnd);
    }
    return values;
  };
}

function union(branches: readonly Read[], names: readonly (string | null)[]): Read {
  const reads = branches.map((read, i) => {
    const name = names[i] ?? null;
    return name === null ? read : wrapped(read, name);
  });
  const count = reads.length;
  return (tap) => reads[tap.readIndex(count)](tap);
}

function wrapped(read: Read, name: string): Read {
  return (tap) => ({ [name]: read(tap) });
}

function record(
  _: string,
  fields: readonly FieldReader[],
  steps: readonly RecordStep[],
  depthMax: number | null,
): Read {
  const inOrder = steps.length === fields.length && steps.every((step, i) => 'field' in step && step.field === i);
  const body = inOrder && !steps.some((step) => 'again' in step) ? plainRecord(fields) : resolvedRecord(fields, steps);
  if (depthMax === null) return body;
  return (tap) => {
    if (++tap.depth > depthMax) tap.tooDeep(depthMax);
    const value = body(tap);
    tap.depth--;
    return value;
  };
}

/** A record whose fields are all sent, in this order. */
function plainRecord(fields: readonly FieldReader[]): Read {
  const reads = fields.map(({ read }) => read ?? notSent);
  const members = fields.map(({ name }) => name);
  const { length } = reads;
  const assign = members.some(isInherited) ? define : set;
  return (tap) => {
    const value: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) assign(value, members[i], reads[i](tap));
    return value;
  };
}

function resolvedRecord(fields: readonly FieldReader[], steps: readonly RecordStep[]): Read {
  const assign = fields.some(({ name }) => isInherited(name)) ? define : set;
  return (tap) => {
    const read: unknown[] = [];
    let at = tap.pos;
    for (const step of steps) {
      if ('skip' in step) {
        step.skip(tap);
        continue;
      }
      if (step.again === true) tap.pos = at;
      else at = tap.pos;
      read[step.field] = (fields[step.field].read ?? notSent)(tap);
    }
    const value: Record<string, unknown> = {};
    for (let i = 0; i < fields.length; i++) {
      const { name, preset } = fields[i];
      assign(value, name, preset === null ? read[i] : preset());
    }
    return value;
  };
}

function notSent(): never {
  throw new Error('a step reads a field that the writer does not send');
}

function set(value: Record<string, unknown>, name: string, member: unknown): void {
  value[name] = member;
}

/** For names such as `__proto__`, which an assignment takes for the prototype. */
function define(value: Record<string, unknown>, name: string, member: unknown): void {
  Object.defineProperty(value, name, { value: member, enumerable: true, configurable: true, writable: true });
}
