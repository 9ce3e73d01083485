/**
 * Reads Avro's binary encoding out of one message, and nothing beyond it. The methods have the names of avsc's `Tap`, so that
 * avsc's own types can be driven by it too (the bench compares them).
 *
 * Invariants: `pos` <= `end` <= `buf.length`; no byte at or behind `end` decides anything; a length or count is compared with the
 * bytes that remain before anything is allocated for it or looped over; nothing returned is a view of `buf`. Whatever breaks a
 * rule of the encoding throws `refused`, and `refusal` says what and where; `decode.ts` makes an `RpcError` of it.
 *
 * Rules where the specification leaves a choice:
 * - A varint may be padded with redundant bytes (`80 00` for 0), as some writers do, but never has more than 10 bytes or 64 bits,
 *   for an int 5 bytes and 32 bits.
 * - A long beyond what a number holds exactly (2^53 - 1) is an error in `readLong`, never rounded.
 * - NaN and the infinities are values of float and double like any other.
 * - What is skipped is checked like what is read, except that a skipped long may use all of its 64 bits.
 *
 * One tap serves many messages, one after the other; `begin` sets it to the next one. The methods that every message needs are kept
 * small, with their rare cases in others, so that V8 inlines them.
 */
import { isUtf8 } from 'node:buffer';
import type { LimitHit } from '../../base/limits.js';
import { readShortAscii, SHORT_STRING_MAX } from './short-strings.js';

/** Copying fewer bytes than this one by one is faster than a call into C++. */
export const SHORT_COPY_MAX = 48;

const nothing = Buffer.alloc(0);
const REPLACEMENT = '\ufffd';
/** What the first four bytes of a varint hold. */
const LOW_BITS = 0xfff_ffff;
/** Eight bytes seen as one double or float. Bytes are put in one by one: that beats `buf.readDoubleLE` by far. */
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Why a message is refused, and at which position of the buffer that was found. */
export interface Refusal {
  readonly text: string;
  readonly at: number;
  readonly limit: LimitHit | undefined;
  /** OUT_OF_RANGE: the message keeps its schema, but this side has no exact value for it. */
  readonly code: 'INVALID_ARGUMENT' | 'OUT_OF_RANGE';
}

/** The one object thrown for bytes that break a rule. `ByteTap.refusal` says which. */
export const refused = new Error('the message breaks a rule of its encoding');

export class ByteTap {
  buf: Buffer = nothing;
  pos = 0;
  end = 0;
  /** In use: a call from within a read needs another tap. */
  busy = false;
  /** What `refused` was thrown for. */
  refusal: Refusal | null = null;

  /** Sets the tap to read the message from `start` to `end` of `buf`. */
  begin(buf: Buffer, start: number, end: number): void {
    this.buf = buf;
    this.pos = start;
    this.end = end;
  }

  /** Drops the reference to the buffer. */
  release(): void {
    this.buf = nothing;
    this.busy = false;
  }

  fail(text: string, at = this.pos, limit?: LimitHit): never {
    this.refusal = { text, at, limit, code: 'INVALID_ARGUMENT' };
    throw refused;
  }

  /** The message must end exactly here. */
  finish(): void {
    if (this.pos !== this.end) this.failTail();
  }

  // Primitive types.

  readBoolean(): boolean {
    const byte = this.nextByte();
    if (byte > 1) this.fail(`a boolean is ${byte}`, this.pos - 1);
    return byte === 1;
  }

  readInt(): number {
    const { pos } = this;
    if (pos < this.end) {
      const byte = this.buf[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return (byte >> 1) ^ -(byte & 1);
      }
    }
    return this.readIntTail(pos);
  }

  private readIntTail(at: number): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.nextByte();
      if (shift === 28 && byte > 0x0f) this.fail('an int has more than 5 bytes or 32 bits', at);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  }

  readLong(): number {
    const { pos } = this;
    if (pos < this.end) {
      const byte = this.buf[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return (byte >> 1) ^ -(byte & 1);
      }
    }
    return this.readLongTail(pos);
  }

  /** A long that is no value of the application's: a count, a length or the index of a branch. */
  readSize(): number {
    const { pos } = this;
    if (pos < this.end) {
      const byte = this.buf[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return (byte >> 1) ^ -(byte & 1);
      }
    }
    const size = this.readNumber(pos);
    if (Number.isNaN(size)) this.fail('a count or length is beyond what a number holds', pos);
    return size;
  }

  private readLongTail(at: number): number {
    const value = this.readNumber(at);
    if (Number.isNaN(value)) {
      const text = "a long is beyond what a number holds exactly (the codec's option longs: 'bigint' reads it)";
      this.refusal = { text, at, limit: undefined, code: 'OUT_OF_RANGE' };
      throw refused;
    }
    return value;
  }

  /** 64 bits are taken apart as 28 and 36, each exact in a number. NaN: no number holds the value. */
  private readNumber(at: number): number {
    const low = this.readLow();
    if (low >= 0) return (low >>> 1) ^ -(low & 1);
    const high = this.readHigh(at);
    const sign = low & 1;
    const half = ((low & LOW_BITS) >>> 1) + high * 0x800_0000;
    if (half > Number.MAX_SAFE_INTEGER - sign) return Number.NaN;
    return sign === 0 ? half : -1 - half;
  }

  readBigLong(): bigint {
    const at = this.pos;
    const low = this.readLow();
    if (low >= 0) return BigInt((low >>> 1) ^ -(low & 1));
    const raw = (BigInt(this.readHigh(at)) << 28n) | BigInt(low & LOW_BITS);
    return (raw >> 1n) ^ -(raw & 1n);
  }

  /** A long as the nearest double. */
  readLongAsDouble(): number {
    return this.readRounded(false);
  }

  /** A long as the nearest float. */
  readLongAsFloat(): number {
    return this.readRounded(true);
  }

  private readRounded(toFloat: boolean): number {
    const at = this.pos;
    const low = this.readLow();
    if (low >= 0) {
      const small = (low >>> 1) ^ -(low & 1);
      return toFloat ? Math.fround(small) : small;
    }
    let high = this.readHigh(at);
    const negative = (low & 1) === 1;
    // The magnitude is rest + high * 2^27. Both are exact in a double, so that their sum is rounded once.
    let rest = ((low & LOW_BITS) >>> 1) + (negative ? 1 : 0);
    let magnitude = rest + high * 0x800_0000;
    if (toFloat) {
      if (rest === 0x800_0000) {
        rest = 0;
        high++;
      }
      // Rounded to a double first, a float could be rounded twice. All bits below `high` decide as one.
      if (high >= 0x400_0000) magnitude = (high * 2 + (rest === 0 ? 0 : 1)) * 0x400_0000;
      magnitude = Math.fround(magnitude);
    }
    return negative ? -magnitude : magnitude;
  }

  skipLong(): void {
    const at = this.pos;
    if (this.readLow() < 0) this.readHigh(at);
  }

  /** The first 28 bits of a varint; with the sign bit set when more bytes follow. */
  private readLow(): number {
    const { buf, end } = this;
    let { pos } = this;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (pos >= end) this.fail('it ends too early', end);
      const byte = buf[pos++];
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = pos;
        return low;
      }
    }
    this.pos = pos;
    return low | ~LOW_BITS;
  }

  /** The remaining 36 bits of a varint that began at `at`. */
  private readHigh(at: number): number {
    let high = 0;
    let scale = 1;
    for (let i = 5; ; i++) {
      const byte = this.nextByte();
      if (i === 10 && byte > 1) this.fail('a varint has more than 10 bytes or 64 bits', at);
      high += (byte & 0x7f) * scale;
      if (byte < 0x80) return high;
      scale *= 0x80;
    }
  }

  readFloat(): number {
    const { buf, pos } = this;
    this.pos = this.behind(4);
    scratchBytes[0] = buf[pos];
    scratchBytes[1] = buf[pos + 1];
    scratchBytes[2] = buf[pos + 2];
    scratchBytes[3] = buf[pos + 3];
    return scratch.getFloat32(0, true);
  }

  readDouble(): number {
    const { buf, pos } = this;
    this.pos = this.behind(8);
    scratchBytes[0] = buf[pos];
    scratchBytes[1] = buf[pos + 1];
    scratchBytes[2] = buf[pos + 2];
    scratchBytes[3] = buf[pos + 3];
    scratchBytes[4] = buf[pos + 4];
    scratchBytes[5] = buf[pos + 5];
    scratchBytes[6] = buf[pos + 6];
    scratchBytes[7] = buf[pos + 7];
    return scratch.getFloat64(0, true);
  }

  readString(): string {
    const { buf, pos } = this;
    // Most strings are short, with a length of one byte. One comparison with the end covers length and text.
    const first = buf[pos];
    const next = pos + 1 + (first >> 1);
    if (first <= 2 * SHORT_STRING_MAX && (first & 1) === 0 && next <= this.end) {
      const text = readShortAscii(buf, pos + 1, first >> 1);
      if (text !== null) {
        this.pos = next;
        return text;
      }
    }
    return this.readAnyString();
  }

  private readAnyString(): string {
    const length = this.readLength();
    const at = this.pos;
    this.pos = at + length;
    return this.readUtf8(at, this.pos);
  }

  private readUtf8(at: number, end: number): string {
    const text = this.buf.toString('utf8', at, end);
    // Decoding puts U+FFFD where bytes are wrong; only then it has to be found out whether one was sent.
    if (text.includes(REPLACEMENT)) this.checkUtf8(at, end);
    return text;
  }

  private checkUtf8(at: number, end: number): void {
    if (!isUtf8(this.buf.subarray(at, end))) this.fail('a string is not valid UTF-8', at);
  }

  skipString(): void {
    const length = this.readLength();
    const { buf, pos } = this;
    const end = pos + length;
    this.pos = end;
    let at = pos;
    while (at < end && buf[at] < 0x80) at++;
    if (at < end) this.checkUtf8(pos, end);
  }

  readBytes(): Buffer {
    return this.readFixed(this.readLength());
  }

  skipBytes(): void {
    const length = this.readLength();
    this.pos += length;
  }

  readFixed(size: number): Buffer {
    const { buf, pos } = this;
    const end = this.behind(size);
    this.pos = end;
    const copy = Buffer.allocUnsafe(size);
    if (size > SHORT_COPY_MAX) buf.copy(copy, 0, pos, end);
    else for (let i = 0; i < size; i++) copy[i] = buf[pos + i];
    return copy;
  }

  skipFixed(size: number): void {
    this.pos = this.behind(size);
  }

  private nextByte(): number {
    if (this.pos >= this.end) this.fail('it ends too early');
    return this.buf[this.pos++];
  }

  private readLength(): number {
    const at = this.pos;
    const length = this.readSize();
    if (length < 0 || length > this.end - this.pos) this.failLength(length, at);
    return length;
  }

  /** The position `size` bytes further on. */
  private behind(size: number): number {
    const end = this.pos + size;
    if (end > this.end) this.failSize(size);
    return end;
  }

  // Texts of errors.

  private failLength(length: number, at: number): never {
    this.fail(`a length is ${length}, and ${this.end - this.pos} bytes are left`, at);
  }

  private failSize(size: number): never {
    this.fail(`${size} bytes are needed, and ${this.end - this.pos} are left`);
  }

  private failTail(): never {
    this.fail(`${this.end - this.pos} bytes follow its end`);
  }
}
