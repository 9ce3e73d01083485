/** CLOSE: the connection ends, and why (spec/schemas/close.avsc). */
import { recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

export interface CloseRecord {
  /** A close code; the peer may know codes that this side does not. */
  readonly code: number;
  /** For people; cut to 1,024 bytes when it is sent. */
  readonly text: string;
}

const TEXT_BYTES_MAX = 1_024;

export function encodeClose(close: CloseRecord): Buffer {
  const writer = new ByteWriter();
  writer.writeInt(close.code);
  writer.writeText(close.text, TEXT_BYTES_MAX);
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. */
export function decodeClose(buffer: Buffer, start: number, end: number): CloseRecord {
  const reader = recordReader('CLOSE', buffer, start, end);
  const close: CloseRecord = { code: reader.readInt(), text: reader.readString() };
  reader.finish();
  if (close.code < 0) reader.fail(`the code is ${close.code}`);
  return close;
}
