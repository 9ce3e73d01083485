/**
 * The receiving half of a blob's bytes: what comes in ITEM frames, each frame a piece, copied once at most out of the chunk that
 * it came in. Where the callee's items are read, the first of them is a message, the head.
 */
import { CloseCode } from '../../wire/constants.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import { WireError } from '../../wire/wire-error.js';
import { IncomingStream } from './incoming-stream.js';
import type { StreamLink } from './stream-link.js';

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
    const credit = this.attached();
    const cost = credit.spend(end - start);
    this.begun = true;
    // What comes for a call that was given up is dropped, a head of several frames too.
    if (!this.open) return;
    if (this.headDue) {
      this.onOtherItem(flags, buffer, start, end, cost);
      this.headDue = this.insideItem;
      return;
    }
    if (flags !== 0) {
      throw new WireError(CloseCode.FLAGS, describeWrongFlags(flags, "an ITEM of a blob's bytes"));
    }
    const { link } = credit;
    link.sender.corkTick();
    if (end === start) credit.giveBack(cost);
    else if (this.waiters.length > 0 && this.items.codec !== null) {
      credit.giveBack(cost);
      this.waiters.shift()?.resolve({ value: pieceOf(link, buffer, start, end), done: false });
    } else {
      this.keepPiece(link, buffer, start, end, cost);
    }
  }

  private keepPiece(link: StreamLink, buffer: Buffer, start: number, end: number, cost: number): void {
    const { items } = this;
    const before = items.last;
    // Pieces of a byte each would take many times their bytes.
    if (Buffer.isBuffer(before) && before.length + end - start <= JOINED_BYTES_MAX) {
      items.replaceLast(Buffer.concat([before, buffer.subarray(start, end)]), cost);
    } else {
      items.push(pieceOf(link, buffer, start, end), cost);
    }
  }
}

/** The piece's bytes: the buffer itself, if nobody else has it, else a copy. */
function pieceOf(link: StreamLink, buffer: Buffer, start: number, end: number): Buffer {
  if (link.reader.claim(buffer)) return buffer.subarray(start, end);
  const piece = Buffer.allocUnsafe(end - start);
  buffer.copy(piece, 0, start, end);
  return piece;
}
