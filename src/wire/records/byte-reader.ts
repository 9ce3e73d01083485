/**
 * A cursor over the Avro binary encoding, for the few records of the protocol itself and for metadata. Strict: each
 * length and count is compared with the remaining bytes before anything is read or allocated. The owner's `refuse` decides what a
 * violation becomes (a connection error for records, a call error for metadata). Everything it returns is a copy.
 *
 * Invariant: `start` <= `at` <= `end`. The records' decoders are the only callers.
 */
import { isUtf8 } from 'node:buffer';
import { CloseCode } from '../constants.js';
import { WireError } from '../wire-error.js';

const SAFE_LONG_MAX = BigInt(Number.MAX_SAFE_INTEGER);
/** Bytes of a varint that a number adds up without losing bits: 7 * 7 = 49 of its 53. */
const EXACT_BYTES = 7;
const LONG_BYTES_MAX = 10;

export class ByteReader {
  private readonly buffer: Buffer;
  private readonly end: number;
  private readonly refuse: (text: string) => Error;
  private at: number;

  constructor(buffer: Buffer, start: number, end: number, refuse: (text: string) => Error) {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
    this.refuse = refuse;
  }

  fail(text: string): never {
    throw this.refuse(text);
  }

  /** The record must end exactly here. */
  finish(): void {
    if (this.at !== this.end) this.fail(`${this.end - this.at} bytes follow its end`);
  }

  readBoolean(): boolean {
    const byte = this.readByte();
    if (byte > 1) this.fail(`a boolean is ${byte}`);
    return byte === 1;
  }

  readInt(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.readByte();
      if (shift === 28 && byte > 0x0f) this.fail('an int has more than 32 bits');
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A long that a number holds exactly; any other is refused. */
  readLong(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < EXACT_BYTES; i++) {
      const byte = this.readByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 0x80;
    }
    return this.readLongTail(BigInt(value));
  }

  readBytes(): Buffer {
    const length = this.readLength();
    return this.readFixed(length);
  }

  readFixed(length: number): Buffer {
    const start = this.advance(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.buffer.copy(copy, 0, start, start + length);
    return copy;
  }

  readString(): string {
    const length = this.readLength();
    const start = this.advance(length);
    const end = start + length;
    if (!isUtf8(this.buffer.subarray(start, end))) this.fail('a string is not valid UTF-8');
    return this.buffer.toString('utf8', start, end);
  }

  readEnum<T>(symbols: readonly T[]): T {
    const index = this.readInt();
    if (index < 0 || index >= symbols.length) this.fail(`an enum of ${symbols.length} symbols has the index ${index}`);
    return symbols[index];
  }

  /** Index of the branch of a union; a long in the encoding. */
  readBranch(branches: number): number {
    const index = this.readLong();
    if (index < 0 || index >= branches) this.fail(`a union of ${branches} branches has the index ${index}`);
    return index;
  }

  /** The value of a union `["null", T]`. */
  readOptional<T>(read: () => T): T | null {
    return this.readBranch(2) === 0 ? null : read();
  }

  /**
   * The blocks of an array or map, with or without their size in bytes; `readItem` runs once per item. `itemBytesMin` is
   * the least that an item takes, at least 1, so that a count can be compared with the bytes that remain.
   */
  readBlocks(itemBytesMin: number, readItem: () => void): void {
    for (;;) {
      let count = this.readLong();
      if (count === 0) return;
      let blockEnd = -1;
      if (count < 0) {
        count = -count;
        const size = this.readLong();
        if (size < 0 || size > this.end - this.at) this.fail(`a block claims ${size} bytes`);
        blockEnd = this.at + size;
      }
      const remaining = this.end - this.at;
      if (count * itemBytesMin > remaining) this.fail(`a block claims ${count} items in ${remaining} bytes`);
      for (let i = 0; i < count; i++) readItem();
      if (blockEnd >= 0 && this.at !== blockEnd) this.fail('a block does not end where its size says');
    }
  }

  private readByte(): number {
    if (this.at >= this.end) this.fail('it ends too early');
    return this.buffer[this.at++];
  }

  private readLength(): number {
    const length = this.readLong();
    if (length < 0) this.fail(`a length is ${length}`);
    return length;
  }

  private advance(length: number): number {
    if (length > this.end - this.at) this.fail(`a length of ${length} with ${this.end - this.at} bytes left`);
    const start = this.at;
    this.at += length;
    return start;
  }

  private readLongTail(value: bigint): number {
    for (let i = EXACT_BYTES; i < LONG_BYTES_MAX; i++) {
      const byte = this.readByte();
      if (i === LONG_BYTES_MAX - 1 && byte > 1) this.fail('a long has more than 64 bits');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) break;
    }
    const long = (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
    if (long > SAFE_LONG_MAX || long < -SAFE_LONG_MAX) this.fail(`a long is ${long}, beyond 2^53 - 1`);
    return Number(long);
  }
}

/** A reader of one of the protocol's own records: what is wrong in it is a `WireError` BAD_RECORD that names the record. */
export function recordReader(record: string, buffer: Buffer, start: number, end: number): ByteReader {
  return new ByteReader(buffer, start, end, (text) => new WireError(CloseCode.BAD_RECORD, `${record}: ${text}`));
}
