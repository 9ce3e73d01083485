/**
 * Bytes in any chunking to frames. Pure: no sockets, timers or callbacks; the connection pushes each chunk that it read and
 * then pulls frames until `next()` says NEED_MORE.
 *
 * A frame is decoded in place, in the chunk that it arrived in. Only a frame cut by the end of a chunk is copied, once, into
 * a buffer that grows with the bytes that came, so the cost is linear in the bytes for any chunking. A header's
 * claimed length reserves memory in advance only up to the longest frame received in full so far. A header is checked as soon as its 12
 * bytes are there, before anything is kept for its payload.
 *
 * Checksums are compared for all whole frames of a chunk at once, when the first of them is found; a damaged one is an error
 * only when its turn comes, so that the frames before it are still read.
 *
 * Invariants, between calls: `at` <= chunk length; `held` > 0 only when the chunk is used up; `heldNeed` > `held`.
 * After the first error the decoder stays FAILED.
 */
import { assert } from '../base/assert.js';
import { describeLimit, limitOf } from '../base/limits.js';
import {
  CHECKSUM_BYTES,
  CloseCode,
  type CloseCodeNumber,
  Flag,
  frameTypeName,
  HEADER_BYTES,
  OPTIONAL_FRAME_TYPE_MIN,
  OPTIONAL_FRAMES_IN_ROW_MAX,
  PREFACE,
} from './constants.js';
import { type FrameChecksums, frameChecksums } from './frame-checksums.js';
import {
  allowedFlags,
  carriesCall,
  carriesMethod,
  describeWrongFlags,
  frameBytesMax,
  frameBytesMin,
} from './frame-rules.js';
import { describePrefaceMismatch } from './preface.js';
import { WireError } from './wire-error.js';

/** `next()`: the chunk is used up, push the next one. */
export const NEED_MORE = 0;
/** `next()`: the decoder's fields describe one frame. */
export const FRAME = 1;
/** `next()`: the stream is broken for good, see `error`. */
export const FAILED = 2;

export interface FrameDecoderOptions {
  /** Longest payload of a frame in bytes; a longer one is refused at its header. Default 65,536. */
  readonly frameBytesMax?: number;
  /** Expect the 8 magic bytes first. Default true. */
  readonly preface?: boolean;
}

const HELD_BYTES_FIRST = 512;
/** Smaller buffers are reused, not handed to the caller. */
const CLAIMED_BYTES_MIN = 16 * 1024;
/** Room behind a long frame with MORE, for a short one that ends its message. */
const MORE_ROOM_BYTES = 1024;
const empty = Buffer.alloc(0);

export class FrameDecoder {
  /** The frame that `next()` found; valid until the next call of `next()` or `push()`. */
  type = 0;
  flags = 0;
  /** Call number, 0 for a frame of the connection itself. */
  call = 0;
  method = 0;
  /** The payload is `buffer` from `start` to `end`: a view to read from at once, never to keep. */
  buffer: Buffer = empty;
  start = 0;
  end = 0;
  /** The frame had a checksum, which was right; `start` is behind it, and `flags` are without it. */
  checksummed = false;
  /** Why the decoder is FAILED, or null. */
  error: WireError | null = null;

  private readonly frameBytesMax: number;
  /** Accept the CHECKSUM flag: set once both sides announced the capability. */
  private checksumFlag = 0;
  private checksums: FrameChecksums | null = null;
  /** The frames of the chunk before this are whole and undamaged. */
  private comparedTo = 0;
  private prefaceBytes: number;
  private optionalInRow = 0;
  private chunk: Buffer = empty;
  private at = 0;
  private partial: Buffer = empty;
  private held = 0;
  private heldNeed = HEADER_BYTES;
  /** The longest frame that was held and came in full. */
  private provenBytes = 0;

  constructor(options: FrameDecoderOptions = {}) {
    this.frameBytesMax = options.frameBytesMax ?? 64 * 1024;
    this.prefaceBytes = options.preface === false ? PREFACE.length : 0;
  }

  /** Hands over the next chunk. The one before must be used up: `next()` has returned NEED_MORE or FAILED. */
  push(chunk: Buffer): void {
    assert(this.at === this.chunk.length || this.error !== null, 'a chunk was pushed before the last one was used up');
    this.chunk = chunk;
    this.at = this.comparedTo = 0;
  }

  /** Copies the unread rest of the chunk, whose buffer is about to be reused. */
  keepRest(): void {
    if (this.at === this.chunk.length) return;
    this.chunk = Buffer.from(this.chunk.subarray(this.at));
    this.at = this.comparedTo = 0;
  }

  /** Takes frames with checksums from the next one on. */
  acceptChecksums(checksums: FrameChecksums = frameChecksums()): void {
    this.checksumFlag = Flag.CHECKSUM;
    this.checksums = checksums;
  }

  /** The stream ended here. Returns the error when that cuts a frame or the preface in two, else null. */
  finish(): WireError | null {
    if (this.error === null && (this.held > 0 || this.prefaceBytes < PREFACE.length)) {
      const where = this.held > 0 ? `inside a frame, after ${this.held} of its bytes` : 'inside the preface';
      this.fail(CloseCode.TRUNCATED, `the stream ended ${where}`);
    }
    return this.error;
  }

  next(): typeof NEED_MORE | typeof FRAME | typeof FAILED {
    for (;;) {
      if (this.error !== null) return FAILED;
      if (this.prefaceBytes < PREFACE.length && !this.matchPreface()) {
        return this.error === null ? NEED_MORE : FAILED;
      }
      if (this.held > 0) {
        if (!this.completeHeld()) return this.error === null ? NEED_MORE : FAILED;
      } else {
        const chunk = this.chunk;
        const at = this.at;
        const available = chunk.length - at;
        if (available < HEADER_BYTES) {
          if (available > 0) this.hold(HEADER_BYTES);
          return NEED_MORE;
        }
        const length = this.readHeader(chunk, at);
        if (length < 0) return FAILED;
        if (available - HEADER_BYTES < length) {
          this.hold(HEADER_BYTES + length);
          return NEED_MORE;
        }
        this.buffer = chunk;
        this.start = at + HEADER_BYTES;
        this.end = this.at = at + HEADER_BYTES + length;
      }
      if (allowedFlags[this.type] >= 0) {
        this.optionalInRow = 0;
        if ((this.flags & Flag.CHECKSUM) !== 0) return this.compareChecksum();
        this.checksummed = false;
        return FRAME;
      }
      if (++this.optionalInRow > OPTIONAL_FRAMES_IN_ROW_MAX) {
        this.fail(CloseCode.FLOOD, `more than ${OPTIONAL_FRAMES_IN_ROW_MAX} unknown optional frames in a row`);
      }
    }
  }

  /**
   * For a caller that keeps the payload of the frame in `buffer`. True: the buffer, which holds little else, belongs to the caller from now
   * on, including what follows `end`. False: the caller must copy the payload.
   */
  claim(buffer: Buffer): boolean {
    const { partial } = this;
    if (buffer !== partial || this.buffer !== partial || partial.length < CLAIMED_BYTES_MIN) return false;
    if (this.end < partial.length / 2) return false;
    this.partial = empty;
    return true;
  }

  /** The frame at hand has a checksum. */
  private compareChecksum(): typeof FRAME | typeof FAILED {
    const { buffer, chunk, start, end, checksums } = this;
    assert(checksums !== null, 'the flag CHECKSUM is accepted only once checksums were agreed');
    const at = start - HEADER_BYTES;
    let comparedTo: number;
    if (buffer !== chunk) comparedTo = checksums.verify(buffer, at, end);
    else if (at < this.comparedTo) comparedTo = this.comparedTo;
    else comparedTo = this.comparedTo = checksums.verify(chunk, at, chunk.length);
    if (comparedTo <= at) {
      this.fail(
        CloseCode.CHECKSUM,
        `the checksum of a frame ${frameTypeName(this.type)} of ${end - start} bytes is wrong`,
      );
      return FAILED;
    }
    this.flags &= ~Flag.CHECKSUM;
    this.start = start + CHECKSUM_BYTES;
    this.checksummed = true;
    return FRAME;
  }

  /** Reads and checks the header at `at`. Returns the payload's length, or -1 after an error. */
  private readHeader(from: Buffer, at: number): number {
    const length = (from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24)) >>> 0;
    const call = (from[at + 4] | (from[at + 5] << 8) | (from[at + 6] << 16) | (from[at + 7] << 24)) >>> 0;
    const type = from[at + 8];
    const flags = from[at + 9];
    const method = from[at + 10] | (from[at + 11] << 8);
    const allowed = allowedFlags[type];
    const { checksumFlag } = this;
    const bareLength = (flags & checksumFlag) === 0 ? length : length - CHECKSUM_BYTES;
    this.type = type;
    this.flags = flags;
    this.call = call;
    this.method = method;
    // Every rule in one condition; which of them was broken is found out afterwards, off the hot path.
    if (
      length > this.frameBytesMax ||
      allowed < 0 ||
      (flags & ~(allowed | checksumFlag)) !== 0 ||
      bareLength < frameBytesMin[type] ||
      bareLength > frameBytesMax[type] ||
      (call !== 0 ? 1 : 0) !== carriesCall[type] ||
      (method !== 0 && carriesMethod[type] === 0)
    ) {
      return this.checkHeader(length, bareLength, allowed);
    }
    return length;
  }

  private checkHeader(length: number, bareLength: number, allowed: number): number {
    const { type, flags, call, method } = this;
    const name = frameTypeName(type);
    if (length > this.frameBytesMax) {
      const limit = limitOf({ frameBytesMax: this.frameBytesMax }, 'frameBytesMax');
      const text = describeLimit(`a frame of ${length} bytes`, limit);
      return this.fail(CloseCode.FRAME_SIZE, text);
    }
    if (allowed < 0) {
      // "A receiver skips a frame of an unknown type of 128 or more, whatever its flags, call and method."
      if (type >= OPTIONAL_FRAME_TYPE_MIN) return length;
      return this.fail(CloseCode.FRAME_TYPE, `unknown frame type ${type}`);
    }
    if ((flags & ~(allowed | this.checksumFlag)) !== 0) {
      const wrong = flags & ~(allowed | this.checksumFlag);
      return this.fail(CloseCode.FLAGS, describeWrongFlags(wrong, name));
    }
    if (bareLength < frameBytesMin[type] || bareLength > frameBytesMax[type]) {
      const checksum = bareLength === length ? '' : ' with its checksum';
      return this.fail(CloseCode.FRAME_SIZE, `${name} cannot have ${length} bytes${checksum}`);
    }
    if ((call !== 0 ? 1 : 0) !== carriesCall[type]) {
      const text =
        call === 0 ? `${name} needs a call number` : `${name} belongs to the connection, not to call ${call}`;
      return this.fail(CloseCode.PROTOCOL, text);
    }
    return this.fail(CloseCode.PROTOCOL, `${name} carries no method number, but ${method} was given`);
  }

  private fail(code: CloseCodeNumber, text: string): -1 {
    this.error = new WireError(code, text);
    this.chunk = this.partial = this.buffer = empty;
    this.at = this.held = 0;
    return -1;
  }

  /** Returns true once all magic bytes were seen. */
  private matchPreface(): boolean {
    const { chunk } = this;
    while (this.prefaceBytes < PREFACE.length && this.at < chunk.length) {
      if (chunk[this.at] !== PREFACE[this.prefaceBytes]) {
        const seen = Buffer.concat([PREFACE.subarray(0, this.prefaceBytes), chunk.subarray(this.at, this.at + 8)]);
        this.fail(CloseCode.BAD_PREFACE, describePrefaceMismatch(seen));
        return false;
      }
      this.prefaceBytes++;
      this.at++;
    }
    return this.prefaceBytes === PREFACE.length;
  }

  /** Keeps the rest of the chunk: the beginning of a frame of `need` bytes (as far as is known). */
  private hold(need: number): void {
    this.heldNeed = need;
    this.take(this.chunk.length - this.at);
  }

  /** Adds what the chunk has to the held frame. Returns true when the frame is complete and its fields are set. */
  private completeHeld(): boolean {
    if (this.held < HEADER_BYTES) {
      this.take(Math.min(HEADER_BYTES - this.held, this.chunk.length - this.at));
      if (this.held < HEADER_BYTES) return false;
      const length = this.readHeader(this.partial, 0);
      if (length < 0) return false;
      this.heldNeed = HEADER_BYTES + length;
    }
    this.take(Math.min(this.heldNeed - this.held, this.chunk.length - this.at));
    if (this.held < this.heldNeed) return false;
    this.buffer = this.partial;
    this.start = HEADER_BYTES;
    this.end = this.held;
    if (this.held > this.provenBytes) this.provenBytes = this.held;
    this.held = 0;
    return true;
  }

  private take(bytes: number): void {
    const size = this.held + bytes;
    if (size > this.partial.length) {
      const most = this.heldNeedMost();
      const proven = this.heldNeed <= this.provenBytes;
      const grown = Buffer.allocUnsafeSlow(proven ? most : Math.min(most, Math.max(HELD_BYTES_FIRST, 2 * size)));
      this.partial.copy(grown, 0, 0, this.held);
      this.partial = grown;
    }
    this.chunk.copy(this.partial, this.held, this.at, this.at + bytes);
    this.held = size;
    this.at += bytes;
  }

  /** Upper bound of the length of any held frame; while only a part of its header is known, no bound but the first size. */
  private heldNeedMost(): number {
    const room = this.heldNeed >= CLAIMED_BYTES_MIN && (this.flags & Flag.MORE) !== 0 ? MORE_ROOM_BYTES : 0;
    return Math.max(HELD_BYTES_FIRST, this.heldNeed + room);
  }
}
