/** CANCEL: the caller gives up (spec/schemas/cancel.avsc). */
import { RpcCodes } from '../../base/codes.js';
import { type ByteReader, recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

export interface CancelRecord {
  /** CANCELLED (1) or DEADLINE_EXCEEDED (4). */
  readonly code: typeof RpcCodes.CANCELLED | typeof RpcCodes.DEADLINE_EXCEEDED;
  /** For people; cut to 1,024 bytes when it is sent. */
  readonly text: string;
}

const TEXT_BYTES_MAX = 1_024;

export function encodeCancel(cancel: CancelRecord): Buffer {
  const writer = new ByteWriter();
  writer.writeInt(cancel.code);
  writer.writeText(cancel.text, TEXT_BYTES_MAX);
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. */
export function decodeCancel(buffer: Buffer, start: number, end: number): CancelRecord {
  const reader: ByteReader = recordReader('CANCEL', buffer, start, end);
  const code = reader.readInt();
  const text = reader.readString();
  reader.finish();
  if (code !== RpcCodes.CANCELLED && code !== RpcCodes.DEADLINE_EXCEEDED) reader.fail(`the code is ${code}`);
  return { code, text };
}
