/** Readers and writers of types without parts. Both ways of making codecs use them, and generated code puts some of them in place. */
import type { PrimitiveKind } from '../schema/schema.js';
import type { Read, Write } from './shapes.js';

export const primitiveReads = {
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

export function fixedReader(size: number): Read {
  return (tap) => tap.readFixed(size);
}

export function enumReader(symbols: readonly string[]): Read {
  const count = symbols.length;
  return (tap) => symbols[tap.readIndex(count)];
}

export const primitiveWrites = {
  null: (tap, value) => tap.putNull(value),
  boolean: (tap, value) => tap.putBoolean(value),
  int: (tap, value) => tap.putInt(value),
  long: (tap, value) => tap.putLong(value),
  float: (tap, value) => tap.putFloat(value),
  double: (tap, value) => tap.putDouble(value),
  bytes: (tap, value) => tap.putBytes(value),
  string: (tap, value) => tap.putString(value),
} as const satisfies Record<PrimitiveKind, Write>;

export const writeBigLong: Write = (tap, value) => tap.putBigLong(value);
