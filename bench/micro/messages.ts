/** Encoded canonical records, one behind the other as in a received chunk: the ids from 0 to 511. */
import { avroCodec } from '../../src/avro/codec/codec.js';
import { type Canonical, canonicalRecord, canonicalSchema } from '../canonical.js';

export const RECORDS = 512;

export interface Messages {
  readonly buffer: Buffer;
  /** Where each message ends. */
  readonly ends: readonly number[];
}

export function canonicalMessages(): Messages {
  const codec = avroCodec<Canonical>(canonicalSchema);
  const buffer = Buffer.alloc(64 * 1024);
  const ends: number[] = [];
  for (let id = 0; id < RECORDS; id++) ends.push(codec.encode(canonicalRecord(id), buffer, ends.at(-1) ?? 0));
  return { buffer: buffer.subarray(0, ends.at(-1)), ends };
}
