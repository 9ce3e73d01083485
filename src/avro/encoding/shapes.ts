/**
 * What a codec is made of: readers and writers, functions between a tap and a value, and the seam between those who walk a schema
 * (`codec/readers.ts`, `resolver.ts`, `writers.ts`) and the two who make a function of a compound type from those of its parts:
 * `codec/generated-reads.ts` and `generated-writes.ts`, which generate source text, and `interpreter/`, which makes closures. Both
 * give the same bytes, values and errors. `compile.ts` chooses.
 */
import type { ReadTap } from './read-tap.js';
import type { RecordMembers } from './record-members.js';
import type { WriteTap } from './write-tap.js';

export type Read = (tap: ReadTap) => unknown;

export type Write = (tap: WriteTap, value: unknown) => void;

/** Bounds of one message. */
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

/** Makes the readers of compound types. */
export interface ReadShapes {
  /** `bytesMin`: fewest bytes of an item. */
  array(item: Read, bytesMin: number, limits: ReadLimits): Read;
  /** `valueBytesMin`: fewest bytes of a value. An entry has a key too, so it always takes bytes. */
  map(value: Read, valueBytesMin: number, limits: ReadLimits): Read;
  /** `names`: the name that wraps a branch's values, or null for those that stand bare. */
  union(branches: readonly Read[], names: readonly (string | null)[]): Read;
  /** Reads a value as one branch of a union whose values are wrapped. */
  wrapped(read: Read, name: string): Read;
  /** A record of `fields`, read from what a writer sends in the order of `steps`. `depthMax` is null where nesting has a bound anyway. */
  record(name: string, fields: readonly FieldReader[], steps: readonly RecordStep[], depthMax: number | null): Read;
}

/** One field of a record that is written. `preset` sends the default of a field that the value lacks. */
export interface FieldWriter {
  readonly name: string;
  readonly write: Write;
  readonly preset: ((tap: WriteTap) => void) | null;
}

export interface RecordParts {
  readonly name: string;
  readonly fields: readonly FieldWriter[];
  readonly members: RecordMembers;
  /** Whether built-in objects have to be told apart from values. */
  readonly resemblesBuiltIns: boolean;
  /** When a value is looked at for properties that are no fields; `whenAbsent`: when it lacks some field. */
  readonly memberCheck: 'always' | 'whenAbsent' | 'never';
  readonly depthMax: number | null;
}

/** What tells a value of a union's branch from those of the others. */
export type ValueTest = 'null' | 'boolean' | 'number' | 'bigint' | 'text' | 'bytes' | 'array' | 'object';

/** Makes the writers of compound types. */
export interface WriteShapes {
  array(item: Write): Write;
  map(item: Write): Write;
  /** `["null", T]` and `[T, "null"]`. */
  optional(other: Write, nullIndex: number): Write;
  /** A union whose branches JavaScript tells apart. */
  union(branches: readonly { readonly test: ValueTest; readonly write: Write }[]): Write;
  record(parts: RecordParts): Write;
}

export interface Shapes {
  readonly reads: ReadShapes;
  readonly writes: WriteShapes;
}
