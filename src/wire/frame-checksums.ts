/**
 * Checksums of frames (spec/protocol.md 3.8), for all frames of a batch in one call: what is about to be sent gets them, what has come
 * is compared. The writer leaves CHECKSUM_BYTES behind the header, and sets the flag.
 *
 * Two that do the same: the addon (`native/addon`), where it was built and is not turned off, and its twin here, which is JavaScript,
 * WebAssembly for batches of short frames, and zlib for long ones.
 */
import { crc32 } from 'node:zlib';
import { nativeStatus } from '../base/native.js';
import { CHECKSUM_BYTES, Flag, HEADER_BYTES, OPTIONAL_FRAME_TYPE_MIN } from './constants.js';
import { crc32Register } from './crc32.js';
import { BATCH_AT, BATCH_BYTES, type BatchModule, batchModule, LONG_FRAME_BYTES } from './crc32-module.js';
import { readU32, writeU32 } from './encoder.js';

export interface FrameChecksums {
  /** Writes the checksum of each frame between `start` and `end` that has one. A last frame that is not whole is left alone. */
  fill(bytes: Uint8Array, start: number, end: number): void;
  /** Compares them. Returns where the first frame begins that is damaged or not whole; else `end`. */
  verify(bytes: Uint8Array, start: number, end: number): number;
  /** The sum of what `sum` was calculated of, followed by `bytes`. Begins with 0. */
  add(sum: number, bytes: Uint8Array): number;
}

/** For smaller batches, copying to the module costs more than JavaScript needs for the checksums. */
const BATCH_BYTES_LEAST = 320;

class Twin implements FrameChecksums {
  private readonly module: BatchModule | null = batchModule();

  fill(bytes: Uint8Array, start: number, end: number): void {
    this.walk(bytes, start, end, 1);
  }

  verify(bytes: Uint8Array, start: number, end: number): number {
    return this.walk(bytes, start, end, 0);
  }

  add(sum: number, bytes: Uint8Array): number {
    // Of no bytes zlib gives what it begins with.
    return bytes.length === 0 ? sum : crc32(bytes, sum);
  }

  private walk(bytes: Uint8Array, start: number, end: number, fill: 0 | 1): number {
    for (let at = start; ; ) {
      const left = end - at;
      if (left < HEADER_BYTES) return at;
      const frameBytes = HEADER_BYTES + readU32(bytes, at);
      if (frameBytes > left) return at;
      if (this.module !== null && frameBytes <= LONG_FRAME_BYTES && left >= BATCH_BYTES_LEAST) {
        const done = runBatch(this.module, bytes, at, Math.min(end, at + BATCH_BYTES), fill);
        if (done === 0) return at;
        at += done;
      } else {
        if (!single(bytes, at, at + frameBytes, fill)) return at;
        at += frameBytes;
      }
    }
  }
}

/** Returns how many bytes of frames were processed. */
function runBatch({ memory, run }: BatchModule, bytes: Uint8Array, start: number, end: number, fill: 0 | 1): number {
  memory.set(bytes.subarray(start, end), BATCH_AT);
  const done = run(BATCH_AT, BATCH_AT + end - start, fill);
  if (fill === 1) bytes.set(memory.subarray(BATCH_AT, done), start);
  return done - BATCH_AT;
}

/** One whole frame. False: it is damaged. */
function single(bytes: Uint8Array, at: number, end: number, fill: 0 | 1): boolean {
  if ((bytes[at + 9] & Flag.CHECKSUM) === 0 || bytes[at + 8] >= OPTIONAL_FRAME_TYPE_MIN) return true;
  const body = at + HEADER_BYTES + CHECKSUM_BYTES;
  if (body > end) return false;
  const head = crc32Register(-1, bytes, at, at + HEADER_BYTES);
  const long = end - at > LONG_FRAME_BYTES;
  const sum = long ? crc32(bytes.subarray(body, end), ~head >>> 0) : ~crc32Register(head, bytes, body, end) >>> 0;
  if (fill === 1) writeU32(bytes, at + HEADER_BYTES, sum);
  else if (readU32(bytes, at + HEADER_BYTES) !== sum) return false;
  return true;
}

let twin: Twin | null = null;

/** Without the addon. Made when it is first needed. */
export function checksumTwin(): FrameChecksums {
  twin ??= new Twin();
  return twin;
}

/** The addon's, where there is one. */
export function frameChecksums(): FrameChecksums {
  return nativeStatus().kernels ?? checksumTwin();
}
