/**
 * The bytes of a blob in one direction: what its source gave, what the other side took, and that it is the same. They come in
 * pieces that are cut anywhere.
 */
import type { VirtualClock } from '../../src/testing/index.js';
import { bodyOf } from './service.js';

export class BlobFlow {
  /** Bytes. */
  given = 0;
  taken = 0;
  /** Sources that have begun and not ended. */
  running = 0;
  /** The most bytes that were given and not taken. */
  heldMost = 0;
  private readonly content: Buffer;

  constructor(
    id: number,
    salt: number,
    readonly bytes: number,
    private readonly pieceBytes: number,
    private readonly problem: (text: string) => void,
  ) {
    this.content = bodyOf(id, salt, bytes);
  }

  *source(): Generator<Buffer> {
    this.running++;
    try {
      while (this.given < this.bytes) yield this.give();
    } finally {
      this.running--;
    }
  }

  async *sourceLater(clock: VirtualClock, ms: number): AsyncGenerator<Buffer> {
    this.running++;
    try {
      while (this.given < this.bytes) {
        await clock.sleep(ms);
        yield this.give();
      }
    } finally {
      this.running--;
    }
  }

  /** The other side has it. */
  take(piece: Buffer): void {
    const end = this.taken + piece.length;
    if (!piece.equals(this.content.subarray(this.taken, end)))
      this.problem(`bytes ${this.taken} to ${end} are not what was sent`);
    this.taken = end;
  }

  private give(): Buffer {
    const piece = this.content.subarray(this.given, this.given + Math.max(1, this.pieceBytes));
    this.given += piece.length;
    this.heldMost = Math.max(this.heldMost, this.given - this.taken);
    return piece;
  }
}
