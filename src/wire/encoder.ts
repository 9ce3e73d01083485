/**
 * Frames to bytes. A message is written straight into the buffer that will be sent, behind room for its header; the header
 * follows once the length is known. So the hot path calls `writeHeader` and nothing is allocated per frame.
 */
import { HEADER_BYTES } from './constants.js';

/** Writes a frame's 12-byte header at `at`. `length` is the payload's, without the header. */
export function writeHeader(
  into: Uint8Array,
  at: number,
  length: number,
  call: number,
  type: number,
  flags: number,
  method: number,
): void {
  into[at] = length;
  into[at + 1] = length >>> 8;
  into[at + 2] = length >>> 16;
  into[at + 3] = length >>> 24;
  into[at + 4] = call;
  into[at + 5] = call >>> 8;
  into[at + 6] = call >>> 16;
  into[at + 7] = call >>> 24;
  into[at + 8] = type;
  into[at + 9] = flags;
  into[at + 10] = method;
  into[at + 11] = method >>> 8;
}

/** Writes an unsigned 32-bit number, little-endian. */
export function writeU32(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
  into[at + 2] = value >>> 16;
  into[at + 3] = value >>> 24;
}

/** Reads an unsigned 32-bit number, little-endian. */
export function readU32(from: Uint8Array, at: number): number {
  return (from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24)) >>> 0;
}

export interface FrameParts {
  readonly type: number;
  /** Default 0. */
  readonly flags?: number;
  /** Default 0: the connection itself. */
  readonly call?: number;
  /** Default 0. */
  readonly method?: number;
  /** Default empty. */
  readonly payload?: Uint8Array;
}

/** One frame as a buffer of its own, for control frames and for tools; the hot path does not come here. */
export function encodeFrame(parts: FrameParts): Buffer {
  const payload = parts.payload;
  const length = payload?.length ?? 0;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  writeHeader(frame, 0, length, parts.call ?? 0, parts.type, parts.flags ?? 0, parts.method ?? 0);
  if (payload !== undefined) frame.set(payload, HEADER_BYTES);
  return frame;
}
