/**
 * The sender's account of one stream: the credit that the receiver gave (protocol chapter 7) and the stream's share of the
 * current turn of the event loop (`stream-turns.ts`). Pure: numbers only.
 */
import { CloseCode } from '../../wire/constants.js';
import { WireError } from '../../wire/wire-error.js';
import type { ItemCredit } from '../messages/frame-scheduler.js';

const CREDIT_BYTES_MAX = 0x7fff_ffff;
/** CREDIT frames that a receiver may send for each ITEM frame, and before the first. */
const CREDITS_PER_ITEM_MAX = 10;

export class SendWindow implements ItemCredit {
  /** Bytes that the stream may write before others have their turn. */
  share = 0;
  private frames = 0;
  private credits = 0;

  /** `left`: what the receiver announced as the first credit of a stream. */
  constructor(public left: number) {}

  spend(bytes: number): void {
    this.left -= bytes;
    this.share -= bytes;
    this.frames++;
  }

  /** The receiver announced more than was assumed before its HELLO was read. */
  widen(bytes: number): void {
    this.left += bytes;
  }

  /** CREDIT came, of more than 0 bytes. Throws a `WireError` for too much, and for too many of them. */
  give(bytes: number): void {
    this.left += bytes;
    if (this.left > CREDIT_BYTES_MAX) {
      throw new WireError(CloseCode.FLOW_CONTROL, `credit of ${this.left} bytes, more than ${CREDIT_BYTES_MAX}`);
    }
    if (++this.credits > CREDITS_PER_ITEM_MAX * (1 + this.frames)) {
      throw new WireError(CloseCode.FLOOD, `${this.credits} CREDIT frames for ${this.frames} ITEM frames`);
    }
  }
}
