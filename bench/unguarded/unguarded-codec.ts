/**
 * The engine's codec of the canonical record with a decoder that does not guard. The reading functions come from the same
 * generator as the engine's; what they read with is another tap.
 */
import { avroCodec } from '../../src/avro/codec/codec.js';
import { CompiledSchema } from '../../src/avro/codec/compile.js';
import type { ReadTap } from '../../src/avro/encoding/read-tap.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { type Canonical, canonicalSchema } from '../canonical.js';
import { UnguardedTap } from './unguarded-tap.js';

const shared = new UnguardedTap() satisfies Partial<Record<keyof ReadTap, unknown>>;

/** As `src/avro/codec/decode.ts` does it, and from a member of an object as there: V8 knows less of that than of a constant. */
class UnguardedReader {
  private readonly read: (tap: unknown) => unknown = new CompiledSchema(parseSchema(canonicalSchema), {}).reader() as (
    tap: unknown,
  ) => unknown;

  decode(from: Buffer, start: number): unknown {
    return decodeWith(this.read, from, start);
  }
}

function decodeWith(read: (tap: unknown) => unknown, from: Buffer, start: number): unknown {
  const tap = shared.busy ? new UnguardedTap() : shared;
  tap.busy = true;
  try {
    tap.begin(from, start);
    return read(tap);
  } finally {
    tap.release();
  }
}

export function unguardedCodec(): MessageCodec<Canonical> {
  const guarded = avroCodec<Canonical>(canonicalSchema);
  const reader = new UnguardedReader();
  return {
    fingerprint: guarded.fingerprint,
    schemaText: guarded.schemaText,
    encode: (value, into, offset) => guarded.encode(value, into, offset),
    decode: (from, start) => reader.decode(from, start) as Canonical,
    resolveWriter: (text) => guarded.resolveWriter(text),
    gradeReader: (text) => guarded.gradeReader(text),
  };
}
