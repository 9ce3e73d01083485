/** FAILURE: why a call failed and whether it may have run (spec/schemas/failure.avsc). */
import type { Started } from '../../base/codes.js';
import { recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

export interface FailureRecord {
  /** A failure code, at least 1; an unassigned one means UNKNOWN. */
  readonly code: number;
  readonly started: Started;
  /** For people; cut to 4,096 bytes when it is sent. */
  readonly text: string;
  /** Wait so long before the next attempt; null: no hint. */
  readonly retryAfterMs: number | null;
  /** Another endpoint may take the call. */
  readonly elsewhere: boolean;
  /** A declared error, written with the union of the method's errors. */
  readonly detail: Buffer | null;
}

export const FAILURE_TEXT_BYTES_MAX = 4_096;
const startedSymbols: readonly Started[] = ['no', 'maybe', 'yes'];

export function encodeFailure(failure: FailureRecord): Buffer {
  const writer = new ByteWriter();
  writer.writeInt(failure.code);
  writer.writeEnum(failure.started, startedSymbols);
  writer.writeText(failure.text, FAILURE_TEXT_BYTES_MAX);
  writer.writeOptional(failure.retryAfterMs, (ms) => writer.writeInt(ms));
  writer.writeBoolean(failure.elsewhere);
  writer.writeOptional(failure.detail, (detail) => writer.writeBytes(detail));
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. */
export function decodeFailure(buffer: Buffer, start: number, end: number): FailureRecord {
  const reader = recordReader('FAILURE', buffer, start, end);
  const failure: FailureRecord = {
    code: reader.readInt(),
    started: reader.readEnum(startedSymbols),
    text: reader.readString(),
    retryAfterMs: reader.readOptional(() => reader.readInt()),
    elsewhere: reader.readBoolean(),
    detail: reader.readOptional(() => reader.readBytes()),
  };
  reader.finish();
  if (failure.code < 1) reader.fail(`the code is ${failure.code}`);
  if (failure.retryAfterMs !== null && failure.retryAfterMs < 0) reader.fail(`retryAfterMs is ${failure.retryAfterMs}`);
  return failure;
}
