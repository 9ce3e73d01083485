/**
 * Writes the Avro binary encoding of the protocol's own records and of metadata into a buffer that grows. Called by the
 * records' encoders only: control frames are rare, so each record gets a buffer of its own.
 *
 * Invariant: `at` <= `buffer.length`.
 */
import { assert } from '../../base/assert.js';

const FIRST_BYTES = 128;
const VARINT_BYTES_MAX = 10;

export class ByteWriter {
  private buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private at = 0;

  /** What was written. The writer is used up. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.at;
  }

  writeBoolean(value: boolean): void {
    this.grow(1);
    this.buffer[this.at++] = value ? 1 : 0;
  }

  writeInt(value: number): void {
    assert(value === (value | 0), `${value} is not an int`);
    this.writeLong(value);
  }

  writeLong(value: number): void {
    assert(Number.isSafeInteger(value) && value >= -(2 ** 52), `${value} is not a long that can be written exactly`);
    this.grow(VARINT_BYTES_MAX);
    let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
    while (zigzag >= 0x80) {
      this.buffer[this.at++] = (zigzag % 0x80) | 0x80;
      zigzag = Math.floor(zigzag / 0x80);
    }
    this.buffer[this.at++] = zigzag;
  }

  writeFixed(value: Uint8Array, length: number): void {
    assert(value.length === length, `a fixed of ${length} bytes was given ${value.length}`);
    this.grow(length);
    this.buffer.set(value, this.at);
    this.at += length;
  }

  writeBytes(value: Uint8Array): void {
    this.writeLong(value.length);
    this.writeFixed(value, value.length);
  }

  /** Lone surrogates, which UTF-8 cannot carry, become U+FFFD. */
  writeString(value: string): void {
    const length = Buffer.byteLength(value);
    this.writeLong(length);
    this.grow(length);
    this.buffer.write(value, this.at, length, 'utf8');
    this.at += length;
  }

  /** A text for people, cut to `bytesMax` bytes between two characters. */
  writeText(value: string, bytesMax: number): void {
    this.writeString(cutText(value, bytesMax));
  }

  writeEnum<T>(value: T, symbols: readonly T[]): void {
    const index = symbols.indexOf(value);
    assert(index >= 0, `${String(value)} is none of ${symbols.join(', ')}`);
    this.writeInt(index);
  }

  /** The value of a union `["null", T]`. */
  writeOptional<T>(value: T | null, write: (value: T) => void): void {
    this.writeLong(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  /** Items of an array or entries of a map, as one block without its size in bytes. */
  writeBlock<T>(items: readonly T[], writeItem: (item: T) => void): void {
    if (items.length > 0) {
      this.writeLong(items.length);
      for (const item of items) writeItem(item);
    }
    this.writeLong(0);
  }

  private grow(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * needed);
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
}

function cutText(text: string, bytesMax: number): string {
  // A UTF-16 unit takes at most 3 bytes, so most texts are not measured.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text);
  let end = bytesMax;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
