/**
 * Takes frames out of the chunks that come, and gives those of calls to the two halves of calling. RESPONSE, REQUEST and ITEM, nearly
 * every frame, are looked for first, the rarer frames of calls after them. A frame that belongs to no call is returned to the
 * connection, which is the only user.
 *
 * Reading can be paused between any two frames. What was read stays in the decoder, and the end of the stream waits behind it.
 */
import { type OpenerBit, openerOf } from '../wire/call-number.js';
import { FrameType } from '../wire/constants.js';
import { FAILED, FRAME, FrameDecoder } from '../wire/decoder.js';
import type { FrameChecksums } from '../wire/frame-checksums.js';
import type { WireError } from '../wire/wire-error.js';
import type { Callee } from './callee/callee.js';
import type { Caller } from './caller/caller.js';
import type { CreditDebtor } from './streams/stream-link.js';

export class FrameReader {
  /** The frame that `readCalls` returned true for, until it is called again. */
  readonly frame: FrameDecoder;
  /** The peer ended its half. */
  ended = false;
  private pauses = 0;
  /** Calls may come: the peer's HELLO was read. */
  private opened = false;
  private closed = false;
  /** Frames of a chunk are being handled. */
  private reading = false;
  /** Streams that owe credit: the rest of the chunk may make it needless, for example by ending the stream. */
  private readonly debtors: CreditDebtor[] = [];

  constructor(
    frameBytesMax: number,
    private readonly caller: Caller,
    private readonly callee: Callee,
    /** The opener bit in the numbers of calls that this side opened. */
    private readonly ownBit: OpenerBit,
  ) {
    this.frame = new FrameDecoder({ frameBytesMax });
  }

  get paused(): boolean {
    return this.pauses > 0;
  }

  /** From now on frames of calls go to the two halves; before that every frame is the connection's. */
  open(): void {
    this.opened = true;
  }

  /** Reads nothing more. */
  close(): void {
    this.closed = true;
  }

  /** Bytes came: `readCalls` follows until it returns false, then `endRead`. */
  push(chunk: Buffer): void {
    this.frame.push(chunk);
  }

  /** The chunk's buffer is about to be used again: what a pause left unread is copied. */
  keepRest(): void {
    if (this.pauses > 0) this.frame.keepRest();
  }

  /**
   * Handles frames of calls. True: `frame` belongs to no call and is to be handled before the next call of this. False: more bytes are
   * needed, reading is paused, or the connection is over. Throws a `WireError` for bytes that are no frame.
   */
  readCalls(): boolean {
    const { frame, caller, callee } = this;
    this.reading = true;
    while (this.pauses === 0 && !this.closed) {
      const found = frame.next();
      if (found !== FRAME) {
        if (found === FAILED && frame.error !== null) throw frame.error;
        return false;
      }
      if (!this.opened) return true;
      const { type } = frame;
      if (type === FrameType.RESPONSE) {
        caller.onResponse(frame.call, frame.flags, frame.buffer, frame.start, frame.end);
      } else if (type === FrameType.REQUEST) {
        const { call, flags, method, buffer, start, end } = frame;
        callee.onRequest(call, flags, method, buffer, start, end);
      } else if (type === FrameType.ITEM) {
        const { call, flags, buffer, start, end } = frame;
        if (openerOf(call) === this.ownBit) caller.streams.onItem(call, flags, buffer, start, end);
        else callee.streams.onItem(call, flags, buffer, start, end);
      } else if (!this.handleRareFrame(frame)) {
        return true;
      }
    }
    return false;
  }

  /** Everything that can be read for now was read, or reading failed. */
  endRead(): void {
    this.reading = false;
    const { debtors } = this;
    if (debtors.length > 0) for (const stream of debtors.splice(0)) stream.settleCredit();
  }

  /** As `FrameDecoder.claim`. */
  claim(buffer: Buffer): boolean {
    return this.frame.claim(buffer);
  }

  /** As `FrameDecoder.acceptChecksums`. */
  acceptChecksums(checksums: FrameChecksums): void {
    this.frame.acceptChecksums(checksums);
  }

  settleBehindChunk(stream: CreditDebtor): void {
    if (this.reading) this.debtors.push(stream);
    else stream.settleCredit();
  }

  /** The peer ended its half. False: frames that came before are still to be read. */
  end(): boolean {
    this.ended = true;
    return this.pauses === 0;
  }

  /** The error of a stream that ended inside a frame, or null. */
  finish(): WireError | null {
    return this.frame.finish();
  }

  /** True: it is the first pause, and the transport should bring nothing more. */
  pause(): boolean {
    return this.pauses++ === 0;
  }

  /** Takes one pause back. True: it was the last, and frames may be read again. */
  resume(): boolean {
    return --this.pauses === 0 && !this.closed;
  }

  /** False: the frame belongs to no call. */
  private handleRareFrame(frame: FrameDecoder): boolean {
    const { type, call, flags, buffer, start, end } = frame;
    const { caller, callee } = this;
    switch (type) {
      case FrameType.FAILURE:
        caller.onFailure(call, flags, buffer, start, end);
        return true;
      case FrameType.CANCEL:
        callee.onCancel(call, buffer, start, end);
        return true;
      case FrameType.END:
        if (openerOf(call) === this.ownBit) caller.streams.onEnd(call, flags, buffer, start, end);
        else callee.streams.onEnd(call, flags, start, end);
        return true;
      case FrameType.CREDIT:
        if (openerOf(call) === this.ownBit) caller.streams.onCredit(call, buffer, start);
        else callee.streams.onCredit(call, buffer, start);
        return true;
      default:
        return false;
    }
  }
}
