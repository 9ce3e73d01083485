/** The floor's incoming bytes: frames are decoded where they lie; only one cut by the end of a chunk is copied. No limits, no checks. */
import type { Type } from 'avsc';
import { HEADER_BYTES } from './frame-writer.js';

export class FrameReader {
  private cut: Buffer | null = null;
  private readonly type: Type;
  private readonly onFrame: (call: number, message: unknown) => void;

  constructor(type: Type, onFrame: (call: number, message: unknown) => void) {
    this.type = type;
    this.onFrame = onFrame;
  }

  read(received: Buffer): void {
    const chunk = this.cut === null ? received : Buffer.concat([this.cut, received]);
    this.cut = null;
    const bytes = chunk.length;
    let at = 0;
    while (bytes - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + readNumber(chunk, at);
      if (end > bytes) break;
      this.onFrame(readNumber(chunk, at + 4), this.type.decode(chunk, at + HEADER_BYTES).value);
      at = end;
    }
    if (at < bytes) this.cut = Buffer.from(chunk.subarray(at));
  }
}

function readNumber(from: Buffer, at: number): number {
  return (
    (from[at] as number) |
    ((from[at + 1] as number) << 8) |
    ((from[at + 2] as number) << 16) |
    ((from[at + 3] as number) << 24)
  );
}
