/**
 * The receiving half of a blob's bytes: what comes in ITEM frames, each frame a piece, copied once at most out of the chunk that
 * it came in. Where the callee's items are read, the first of them is a message, the head.
 */
import { CloseCode } from '../../wire/constants.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import { WireError } from '../../wire/wire-error.js';
import { IncomingStream } from './incoming-stream.js';

/** Pieces that nobody has taken are joined up to this. */
const JOINED_BYTES_MAX = 4 * 1024;

export class IncomingPieces extends IncomingStream {
  /** `headDue`: the next item is the head. */
  constructor(private headDue: boolean) {
    super();
  }

  override get lacksHead(): boolean {
    return this.headDue;
  }

  override onItem(flags: number, buffer: Buffer, start: number, end: number): void {
    const cost = this.count(end - start);
    // Who has given up drops what comes, a head of several frames too.
    if (this.left || this.ended) return;
    if (this.headDue) {
      this.onOtherItem(flags, buffer, start, end, cost);
      this.headDue = this.insideItem;
      return;
    }
    if (flags !== 0) {
      throw new WireError(CloseCode.FLAGS, describeWrongFlags(flags, "an ITEM of a blob's bytes"));
    }
    this.link?.sender.corkTick();
    if (end === start) this.giveBack(cost);
    else if (this.waiters.length > 0 && this.items.codec !== null) {
      this.giveBack(cost);
      this.waiters.shift()?.resolve({ value: this.pieceOf(buffer, start, end), done: false });
    } else {
      this.keepPiece(buffer, start, end, cost);
    }
  }

  private keepPiece(buffer: Buffer, start: number, end: number, cost: number): void {
    const { items } = this;
    const before = items.last;
    // Pieces of a byte each would take many times their bytes.
    if (Buffer.isBuffer(before) && before.length + end - start <= JOINED_BYTES_MAX) {
      items.replaceLast(Buffer.concat([before, buffer.subarray(start, end)]), cost);
    } else {
      items.push(this.pieceOf(buffer, start, end), cost);
    }
  }

  private pieceOf(buffer: Buffer, start: number, end: number): Buffer {
    if (this.link?.reader.claim(buffer)) return buffer.subarray(start, end);
    const piece = Buffer.allocUnsafe(end - start);
    buffer.copy(piece, 0, start, end);
    return piece;
  }
}
