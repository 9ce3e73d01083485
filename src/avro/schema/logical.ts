/**
 * The logical types of the Avro specification: which of them a schema names, whether the annotation is valid there, and whether
 * two of them mean the same value.
 *
 * As the specification asks, an annotation that is not valid (a decimal without a precision, a timestamp on an int) is ignored and
 * the underlying type is used. Names that the specification does not have belong to the application and are not judged here.
 *
 * Called by `evolution.ts`, and by the codecs before they use a class for a logical type.
 */
import type { SchemaNode } from './schema.js';

/** A valid logical type of the specification. */
export interface StandardLogicalType {
  readonly name: string;
  /** Of a decimal: the digits in all, and those behind the point. 0 for all others. */
  readonly precision: number;
  readonly scale: number;
}

const integers: ReadonlyMap<string, SchemaNode['kind']> = new Map([
  ['date', 'int'],
  ['time-millis', 'int'],
  ['time-micros', 'long'],
  ['timestamp-millis', 'long'],
  ['timestamp-micros', 'long'],
  ['timestamp-nanos', 'long'],
  ['local-timestamp-millis', 'long'],
  ['local-timestamp-micros', 'long'],
  ['local-timestamp-nanos', 'long'],
]);

const UUID_BYTES = 16;
const DURATION_BYTES = 12;

/** The annotation of a schema as it was written; null without one. */
export function logicalNameOf(node: SchemaNode): string | null {
  if (node.kind === 'union') return null;
  const name = node.attributes['logicalType'];
  return typeof name === 'string' ? name : null;
}

/** Whether the specification has a logical type of that name. */
export function isStandardName(name: string): boolean {
  return integers.has(name) || name === 'decimal' || name === 'uuid' || name === 'duration';
}

/** The valid logical type of a schema, if it is one of the specification's. */
export function standardLogicalType(node: SchemaNode): StandardLogicalType | null {
  const name = logicalNameOf(node);
  if (name === null || node.kind === 'union') return null;
  if (name === 'decimal') return decimalType(node);
  const valid =
    name === 'uuid'
      ? node.kind === 'string' || (node.kind === 'fixed' && node.size === UUID_BYTES)
      : name === 'duration'
        ? node.kind === 'fixed' && node.size === DURATION_BYTES
        : integers.get(name) === node.kind;
  return valid ? { name, precision: 0, scale: 0 } : null;
}

function decimalType(node: Exclude<SchemaNode, { kind: 'union' }>): StandardLogicalType | null {
  if (node.kind !== 'bytes' && node.kind !== 'fixed') return null;
  const { precision, scale = 0 } = node.attributes;
  if (!isCount(precision) || precision === 0 || !isCount(scale) || scale > precision) return null;
  if (node.kind === 'fixed' && precision > digitsIn(node.size)) return null;
  return { name: 'decimal', precision, scale };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Decimal digits of which every combination fits in a signed number of so many bytes. */
function digitsIn(bytes: number): number {
  return bytes === 0 ? 0 : Math.floor((8 * bytes - 1) * Math.log10(2));
}

/**
 * Why values of the writer's logical type would be other values to the reader; undefined if they are the same, or if one of the two has
 * none, since the other one then reads or writes the underlying type.
 */
export function logicalMismatch(reader: SchemaNode, writer: SchemaNode): string | undefined {
  const expected = standardLogicalType(reader);
  const given = standardLogicalType(writer);
  if (expected === null || given === null) return undefined;
  if (expected.name !== given.name) return `the reader expects ${expected.name}, the writer writes ${given.name}`;
  if (expected.scale !== given.scale) {
    return `the reader expects a decimal of scale ${expected.scale}, the writer writes one of scale ${given.scale}`;
  }
  if (expected.precision >= given.precision) return undefined;
  return `the reader expects a decimal of at most ${expected.precision} digits, the writer writes up to ${given.precision}`;
}
