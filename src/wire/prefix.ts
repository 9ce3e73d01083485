/**
 * What stands in front of a message (spec/protocol.md 3.5): its deadline, the durations of a ledger, its metadata. Nobody else
 * knows how these lie beside each other.
 */
import { readU32, writeU32 } from './encoder.js';

/** Values from here on are read as the largest below it: 24.8 days. */
export const DEADLINE_MS_MAX = 0x7fff_ffff;
export const LEDGER_BYTES = 12;
const EMPTY = Buffer.alloc(0);

/** What a terminal frame with LEDGER says: durations by the callee's clock. */
export interface PeerDurations {
  readonly waitingUs: number;
  readonly handlerUs: number;
  readonly encodingUs: number;
}

export function readDeadlineMs(buffer: Buffer, at: number): number {
  return Math.min(readU32(buffer, at), DEADLINE_MS_MAX);
}

export function readDurations(buffer: Buffer, at: number): PeerDurations {
  return { waitingUs: readU32(buffer, at), handlerUs: readU32(buffer, at + 4), encodingUs: readU32(buffer, at + 8) };
}

/** What stands before a message: its deadline (-1: none), room for durations, its metadata. */
export function encodePrefix(deadlineMs: number, ledgerBytes: number, metadata: Buffer | null): Buffer {
  const metadataAt = (deadlineMs >= 0 ? 4 : 0) + ledgerBytes;
  const prefix = Buffer.allocUnsafe(metadataAt + (metadata === null ? 0 : 4 + metadata.length));
  if (deadlineMs >= 0) writeU32(prefix, 0, deadlineMs);
  if (metadata !== null) {
    writeU32(prefix, metadataAt, metadata.length);
    metadata.copy(prefix, metadataAt + 4);
  }
  return prefix;
}

/** Durations and metadata as they stand in a prefix, and what follows them. */
export function prefixed(durations: Buffer | null, metadata: Buffer, rest: Buffer = EMPTY): Buffer {
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32LE(metadata.length);
  return Buffer.concat([durations ?? EMPTY, size, metadata, rest]);
}
