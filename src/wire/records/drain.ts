/** DRAIN: no new calls from you, please (spec/schemas/drain.avsc). */
import { recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

export interface DrainRecord {
  /** For people; cut to 1,024 bytes when it is sent. */
  readonly text: string;
  /** What is still running after this time is cancelled by the sender. */
  readonly graceMs: number;
}

const TEXT_BYTES_MAX = 1_024;

export function encodeDrain(drain: DrainRecord): Buffer {
  const writer = new ByteWriter();
  writer.writeText(drain.text, TEXT_BYTES_MAX);
  writer.writeInt(drain.graceMs);
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. */
export function decodeDrain(buffer: Buffer, start: number, end: number): DrainRecord {
  const reader = recordReader('DRAIN', buffer, start, end);
  const drain: DrainRecord = { text: reader.readString(), graceMs: reader.readInt() };
  reader.finish();
  if (drain.graceMs < 0) reader.fail(`graceMs is ${drain.graceMs}`);
  return drain;
}
