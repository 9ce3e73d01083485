/**
 * The engine's codec of the canonical record with a decoder that does not guard. The reading functions come from the same
 * generator as the engine's; what they read with is another tap.
 */
import { avroCodec } from '../../src/avro/codec.js';
import { CompiledSchema } from '../../src/avro/compile.js';
import { parseSchema } from '../../src/avro/schema-parser.js';
import type { ReadTap } from '../../src/avro/tap.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { type Canonical, canonicalSchema } from '../canonical.js';
import { UnguardedTap } from './unguarded-tap.js';

export function unguardedCodec(): MessageCodec<Canonical> {
  const guarded = avroCodec<Canonical>(canonicalSchema);
  const read = new CompiledSchema(parseSchema(canonicalSchema), {}).reader() as (tap: unknown) => Canonical;
  const shared = new UnguardedTap() satisfies Partial<Record<keyof ReadTap, unknown>>;
  return {
    fingerprint: guarded.fingerprint,
    schemaText: guarded.schemaText,
    encode: (value, into, offset) => guarded.encode(value, into, offset),
    decode(from, start) {
      const tap = shared.busy ? new UnguardedTap() : shared;
      tap.busy = true;
      try {
        tap.begin(from, start);
        return read(tap);
      } finally {
        tap.release();
      }
    },
    resolveWriter: (text) => guarded.resolveWriter(text),
    gradeReader: (text) => guarded.gradeReader(text),
  };
}
