/**
 * The reading tap of `src/avro/encoding/read-tap.ts` without its guards: no length is compared with the end of the message, varints may
 * have any width and blocks any count, and bytes after the message go unnoticed. The rest is the same, step by step, so that the
 * difference between the two is the cost of the guards. For measurements only: it reads beyond a broken message.
 *
 * It has what the canonical record's types use.
 */
import { readShortAscii, SHORT_STRING_MAX } from '../../src/avro/encoding/short-strings.js';

const nothing = Buffer.alloc(0);
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

export class UnguardedTap {
  buf: Buffer = nothing;
  pos = 0;
  blockEnd = -1;
  busy = false;

  begin(buf: Buffer, start: number): void {
    this.buf = buf;
    this.pos = start;
  }

  release(): void {
    this.buf = nothing;
    this.busy = false;
  }

  readLong(): number {
    const { pos } = this;
    const byte = this.buf[pos] as number;
    if (byte < 0x80) {
      this.pos = pos + 1;
      return (byte >> 1) ^ -(byte & 1);
    }
    return this.readLongTail();
  }

  /** 64 bits are taken apart as 28 and 36, each exact in a number. */
  private readLongTail(): number {
    const { buf } = this;
    let { pos } = this;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = buf[pos++] as number;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = pos;
        return (low >>> 1) ^ -(low & 1);
      }
    }
    let high = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = buf[pos++] as number;
      high += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    this.pos = pos;
    const half = (low >>> 1) + high * 0x800_0000;
    return (low & 1) === 0 ? half : -1 - half;
  }

  readDouble(): number {
    const { buf, pos } = this;
    this.pos = pos + 8;
    scratchBytes[0] = buf[pos] as number;
    scratchBytes[1] = buf[pos + 1] as number;
    scratchBytes[2] = buf[pos + 2] as number;
    scratchBytes[3] = buf[pos + 3] as number;
    scratchBytes[4] = buf[pos + 4] as number;
    scratchBytes[5] = buf[pos + 5] as number;
    scratchBytes[6] = buf[pos + 6] as number;
    scratchBytes[7] = buf[pos + 7] as number;
    return scratch.getFloat64(0, true);
  }

  readString(): string {
    const { buf, pos } = this;
    const first = buf[pos] as number;
    if (first <= 2 * SHORT_STRING_MAX) {
      const text = readShortAscii(buf, pos + 1, first >> 1);
      if (text !== null) {
        this.pos = pos + 1 + (first >> 1);
        return text;
      }
    }
    return this.readAnyString();
  }

  private readAnyString(): string {
    const length = this.readLong();
    const at = this.pos;
    this.pos = at + length;
    return this.buf.toString('utf8', at, this.pos);
  }

  readCount(): number {
    this.blockEnd = -1;
    const count = this.readLong();
    if (count >= 0) return count;
    this.readLong();
    return -count;
  }

  checkBlockEnd(): void {}
}
