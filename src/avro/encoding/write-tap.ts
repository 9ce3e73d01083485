/**
 * Writes Avro's binary encoding into a buffer that may be too small. Nothing is written beyond the buffer's end, but everything is
 * counted, so that at the end `pos` says how much room the message needs. The methods have the names of avsc's `Tap`.
 *
 * `write...` methods trust the type of a value; `put...` methods take values from applications and throw `mismatch` for a wrong one.
 * Only then does the codec look for the wrong part (`value-check.ts`), so right values pay for no path.
 *
 * Where JavaScript and Avro differ: a string with a lone surrogate has no UTF-8 form and is refused. Replacing it, as `Buffer.from`
 * does, would send another string.
 *
 * One tap serves many messages, one after the other; `begin` sets it to the next one. `codec.ts` owns the taps.
 */

import { SHORT_COPY_MAX } from './byte-tap.js';
import { SHORT_STRING_MAX } from './short-strings.js';
import { isBytes, isDetached, lengthOf } from './value-kinds.js';

const nothing = Buffer.alloc(0);
const INT_BYTES_MAX = 5;
const UTF8_BYTES_MAX = 4;
/** The least number that rounds to no finite float: half a step beyond the largest one. */
const FLOAT_BOUND = 2 ** 128 - 2 ** 103;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** The one object thrown for a value that its type does not allow. */
export const mismatch = new Error('the value does not match its schema');

/** Thrown when records nest deeper than a reader would follow; most often the value contains itself. */
export class TooDeep extends Error {
  readonly max: number;

  constructor(max: number) {
    super('records nest too deeply');
    this.max = max;
  }
}

export function isInt(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}

export function isLong(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function isBigLong(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= LONG_MIN && value <= LONG_MAX;
}

/** Whether a number is a float once it is rounded to 32 bits. NaN and the infinities are. */
export function isFloat(value: unknown): value is number {
  if (typeof value !== 'number') return false;
  return !(value >= FLOAT_BOUND || value <= -FLOAT_BOUND) || !Number.isFinite(value);
}

/** Whether a string has no lone surrogate. Node 20 has it; the language version this is compiled for does not declare it. */
export function isWellFormed(value: string): boolean {
  return (value as string & { isWellFormed(): boolean }).isWellFormed();
}

export class WriteTap {
  buf: Buffer = nothing;
  pos = 0;
  /** In use: a call from within a write needs another tap. */
  busy = false;
  /** Records that are open, where the schema lets them nest without a bound. */
  depth = 0;
  private end = 0;

  /** Sets the tap to write into `buf` from `offset`. */
  begin(buf: Buffer, offset: number): void {
    this.buf = buf;
    this.pos = offset;
    this.end = buf.length;
    this.depth = 0;
  }

  /** Drops the reference to the buffer. */
  release(): void {
    this.buf = nothing;
    this.busy = false;
  }

  /** The offset behind what was written, or minus the bytes that are missing. */
  finish(): number {
    return this.pos <= this.end ? this.pos : this.end - this.pos;
  }

  tooDeep(max: number): never {
    throw new TooDeep(max);
  }

  // Values from outside.

  putNull(value: unknown): void {
    if (value !== null) throw mismatch;
  }

  putBoolean(value: unknown): void {
    if (typeof value !== 'boolean') throw mismatch;
    this.writeBoolean(value);
  }

  putInt(value: unknown): void {
    if (!isInt(value)) throw mismatch;
    this.writeLong(value);
  }

  putLong(value: unknown): void {
    if (!isLong(value)) throw mismatch;
    this.writeLong(value);
  }

  putBigLong(value: unknown): void {
    if (!isBigLong(value)) throw mismatch;
    const small = Number(value);
    if (Number.isSafeInteger(small)) this.writeLong(small);
    else this.writeBigLong(value);
  }

  putFloat(value: unknown): void {
    if (!isFloat(value)) throw mismatch;
    this.writeFloat(value);
  }

  putDouble(value: unknown): void {
    if (typeof value !== 'number') throw mismatch;
    this.writeDouble(value);
  }

  putString(value: unknown): void {
    if (typeof value !== 'string') throw mismatch;
    this.writeString(value);
  }

  putBytes(value: unknown): void {
    if (!isBytes(value) || (value.length === 0 && isDetached(value))) throw mismatch;
    this.writeLong(value.length);
    this.writeFixed(value, value.length);
  }

  putFixed(value: unknown, size: number): void {
    if (!isBytes(value) || value.length !== size) throw mismatch;
    this.writeFixed(value, size);
  }

  // The encoding.

  writeBoolean(value: boolean): void {
    const { pos } = this;
    if (pos < this.end) this.buf[pos] = value ? 1 : 0;
    this.pos = pos + 1;
  }

  writeInt(value: number): void {
    this.writeLong(value);
  }

  /** `value` is a safe integer. */
  writeLong(value: number): void {
    const small = value >= -0x4000_0000 && value < 0x4000_0000;
    if (!small || this.pos + INT_BYTES_MAX > this.end) {
      this.writeAnyLong(value);
      return;
    }
    const { buf } = this;
    let { pos } = this;
    let rest = (value << 1) ^ (value >> 31);
    while (rest > 0x7f) {
      buf[pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buf[pos] = rest;
    this.pos = pos + 1;
  }

  /** Large ones, and all when the buffer's end is near. The zigzag form may need 54 bits, so its sign bit is kept apart. */
  private writeAnyLong(value: number): void {
    const sign = value < 0 ? 1 : 0;
    const magnitude = sign === 0 ? value : -1 - value;
    let rest = Math.floor(magnitude / 0x40);
    let byte = ((magnitude & 0x3f) << 1) | sign;
    while (rest > 0) {
      this.writeByte(byte | 0x80);
      byte = rest & 0x7f;
      rest = Math.floor(rest / 0x80);
    }
    this.writeByte(byte);
  }

  private writeBigLong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 0x7fn) {
      this.writeByte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.writeByte(Number(rest));
  }

  writeFloat(value: number): void {
    const { buf, pos } = this;
    this.pos = pos + 4;
    if (this.pos > this.end) return;
    scratch.setFloat32(0, value, true);
    buf[pos] = scratchBytes[0];
    buf[pos + 1] = scratchBytes[1];
    buf[pos + 2] = scratchBytes[2];
    buf[pos + 3] = scratchBytes[3];
  }

  writeDouble(value: number): void {
    const { buf, pos } = this;
    this.pos = pos + 8;
    if (this.pos > this.end) return;
    scratch.setFloat64(0, value, true);
    buf[pos] = scratchBytes[0];
    buf[pos + 1] = scratchBytes[1];
    buf[pos + 2] = scratchBytes[2];
    buf[pos + 3] = scratchBytes[3];
    buf[pos + 4] = scratchBytes[4];
    buf[pos + 5] = scratchBytes[5];
    buf[pos + 6] = scratchBytes[6];
    buf[pos + 7] = scratchBytes[7];
  }

  /** Short strings are taken for ASCII, in one pass; when a character tells otherwise, what was written is written over. */
  writeString(value: string): void {
    const { buf, pos } = this;
    const { length } = value;
    if (length > SHORT_STRING_MAX || length >= this.end - pos) {
      this.writeUtf8(value);
      return;
    }
    buf[pos] = length << 1;
    const at = pos + 1;
    let codes = 0;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      codes |= code;
      buf[at + i] = code;
    }
    if (codes < 0x80) this.pos = at + length;
    else this.writeUtf8(value);
  }

  private writeUtf8(value: string): void {
    const { pos: start } = this;
    const { length } = value;
    this.writeLong(length);
    // Longer strings are mostly ASCII too. With room for one more character, `length` bytes written means that all were one byte.
    if (this.end - this.pos >= length + UTF8_BYTES_MAX && this.buf.write(value, this.pos, 'utf8') === length) {
      this.pos += length;
      return;
    }
    const bytes = Buffer.byteLength(value);
    if (bytes !== length && !isWellFormed(value)) throw mismatch;
    this.pos = start;
    this.writeLong(bytes);
    const { pos } = this;
    this.pos = pos + bytes;
    if (this.pos <= this.end) this.buf.write(value, pos, bytes, 'utf8');
  }

  writeFixed(value: Uint8Array, size: number): void {
    const { buf, pos } = this;
    this.pos = pos + size;
    if (this.pos > this.end) return;
    if (size > SHORT_COPY_MAX) {
      // With a `length` of the application's own, bytes of the buffer that nobody wrote would be sent.
      if (lengthOf(value) !== size) throw mismatch;
      buf.set(value, pos);
      return;
    }
    for (let i = 0; i < size; i++) buf[pos + i] = value[i];
  }

  private writeByte(byte: number): void {
    const { pos } = this;
    if (pos < this.end) this.buf[pos] = byte;
    this.pos = pos + 1;
  }
}
