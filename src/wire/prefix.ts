/**
 * The prefix of a message (spec/protocol.md 3.5): its deadline, the durations of a ledger, its metadata, in this order, each only if
 * its flag is set. Only this file knows their layout; only the usual prefix, a deadline and nothing else, is also
 * written and read in place, by `MessageSender.send` and `Callee.onRequest`.
 */
import { limitError, RpcError } from '../base/errors.js';
import { type AnnouncedLimits, limitOf } from '../base/limits.js';
import { Flag } from './constants.js';
import { readU32, writeU32 } from './encoder.js';

/** Values from here on are read as the largest below it: 24.8 days. */
export const DEADLINE_MS_MAX = 0x7fff_ffff;
export const DEADLINE_BYTES = 4;
export const LEDGER_BYTES = 12;
/** The size in front of the metadata. */
const METADATA_SIZE_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/** Durations of a call by the callee's clock, in its terminal frame if the flag LEDGER is set. */
export interface PeerDurations {
  readonly waitingUs: number;
  readonly handlerUs: number;
  readonly encodingUs: number;
}

export function readDeadlineMs(buffer: Buffer, at: number): number {
  return Math.min(readU32(buffer, at), DEADLINE_MS_MAX);
}

/** Writes `LEDGER_BYTES` from `at` on. */
export function writeDurations(
  into: Buffer,
  at: number,
  waitingUs: number,
  handlerUs: number,
  encodingUs: number,
): void {
  writeU32(into, at, waitingUs);
  writeU32(into, at + 4, handlerUs);
  writeU32(into, at + 8, encodingUs);
}

function readDurations(buffer: Buffer, at: number): PeerDurations {
  return { waitingUs: readU32(buffer, at), handlerUs: readU32(buffer, at + 4), encodingUs: readU32(buffer, at + 8) };
}

/** The prefix of a message to be sent. */
export interface OutgoingPrefix {
  /** Null: there is none. */
  readonly bytes: Buffer | null;
  /** The flags that announce its parts. */
  readonly flags: number;
  /** Where the durations are to be written, if room for them was asked for. */
  readonly durationsAt: number;
}

/** `deadlineMs`: -1 for none. `withDurations`: leaves room for them. `metadata`: encoded, or null. */
export function encodePrefix(deadlineMs: number, withDurations: boolean, metadata: Buffer | null): OutgoingPrefix {
  const durationsAt = deadlineMs >= 0 ? DEADLINE_BYTES : 0;
  const metadataAt = durationsAt + (withDurations ? LEDGER_BYTES : 0);
  const length = metadataAt + (metadata === null ? 0 : METADATA_SIZE_BYTES + metadata.length);
  if (length === 0) return { bytes: null, flags: 0, durationsAt };
  const bytes = Buffer.allocUnsafe(length);
  let flags = withDurations ? Flag.LEDGER : 0;
  if (deadlineMs >= 0) {
    flags |= Flag.DEADLINE;
    writeU32(bytes, 0, deadlineMs);
  }
  if (metadata !== null) {
    flags |= Flag.METADATA;
    writeU32(bytes, metadataAt, metadata.length);
    metadata.copy(bytes, metadataAt + METADATA_SIZE_BYTES);
  }
  return { bytes, flags, durationsAt };
}

/** The prefix of a message that came. */
export interface IncomingPrefix {
  /** -1: none. */
  readonly deadlineMs: number;
  readonly durations: PeerDurations | null;
  /** The encoded metadata is from here to `end`; -1: there is none. */
  readonly metadataStart: number;
  /** Where the message begins. */
  readonly end: number;
}

/**
 * Reads the parts that `flags` announce. `request`: its flag LEDGER asks for durations and brings none. Throws an `RpcError` that fails
 * this call alone: INVALID_ARGUMENT when they do not fit the frame, RESOURCE_EXHAUSTED for too much metadata.
 */
export function readPrefix(
  flags: number,
  request: boolean,
  buffer: Buffer,
  start: number,
  frameEnd: number,
  limits: Pick<AnnouncedLimits, 'metadataBytesMax'>,
): IncomingPrefix {
  let at = start;
  const skip = (bytes: number): number => {
    if (frameEnd - at < bytes) {
      throw new RpcError('INVALID_ARGUMENT', 'the frame ends inside the parts that its flags announce');
    }
    at += bytes;
    return at - bytes;
  };
  const deadlineMs = (flags & Flag.DEADLINE) === 0 ? -1 : readDeadlineMs(buffer, skip(DEADLINE_BYTES));
  const durations = request || (flags & Flag.LEDGER) === 0 ? null : readDurations(buffer, skip(LEDGER_BYTES));
  if ((flags & Flag.METADATA) === 0) return { deadlineMs, durations, metadataStart: -1, end: at };
  const bytes = readU32(buffer, skip(METADATA_SIZE_BYTES));
  if (bytes > limits.metadataBytesMax)
    throw limitError(`metadata of ${bytes} bytes`, limitOf(limits, 'metadataBytesMax'));
  return { deadlineMs, durations, metadataStart: skip(bytes), end: at };
}

/** A payload that begins with a prefix of durations and metadata: that of END or FAILURE. */
export function prefixed(durations: Buffer | null, metadata: Buffer, rest: Buffer = EMPTY): Buffer {
  const size = Buffer.allocUnsafe(METADATA_SIZE_BYTES);
  size.writeUInt32LE(metadata.length);
  return Buffer.concat([durations ?? EMPTY, size, metadata, rest]);
}
