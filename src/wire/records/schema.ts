/** SCHEMA: asks for the schema behind a fingerprint, or gives it (spec/schemas/schema.avsc). */
import { recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { FINGERPRINT_BYTES } from './method.js';

export interface SchemaRecord {
  /** SHA-256 of the schema's Parsing Canonical Form. */
  readonly fingerprint: Buffer;
  /** Null asks; a text gives; the empty text says that the fingerprint is not known, or its schema too long to send. */
  readonly schema: string | null;
}

/** The longest schema text that travels. */
export const SCHEMA_TEXT_BYTES_MAX = 262_144;
/** The longest SCHEMA message: fingerprint, branch, length (3 bytes), text. */
export const SCHEMA_RECORD_BYTES_MAX = FINGERPRINT_BYTES + 1 + 3 + SCHEMA_TEXT_BYTES_MAX;

export function encodeSchema(record: SchemaRecord): Buffer {
  const writer = new ByteWriter();
  writer.writeFixed(record.fingerprint, FINGERPRINT_BYTES);
  writer.writeOptional(record.schema, (text) => writer.writeString(text));
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. The text is not compared with the fingerprint here. */
export function decodeSchema(buffer: Buffer, start: number, end: number): SchemaRecord {
  const reader = recordReader('SCHEMA', buffer, start, end);
  const record: SchemaRecord = {
    fingerprint: reader.readFixed(FINGERPRINT_BYTES),
    schema: reader.readOptional(() => reader.readString()),
  };
  reader.finish();
  return record;
}
