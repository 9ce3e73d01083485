/**
 * From chunks to frames to whoever handles them. RESPONSE, REQUEST and ITEM, nearly every frame, go straight to the two
 * halves of calling, the rarer frames of calls behind them; what belongs to no call goes to the connection. Reading can be
 * paused between any two frames; what was read stays in the decoder, and the end of the stream waits behind it.
 */

import type { Transport } from '../transport/transport.js';
import { type OpenerBit, openerOf } from '../wire/call-number.js';
import { CloseCode, FrameType } from '../wire/constants.js';
import { FAILED, FRAME, FrameDecoder } from '../wire/decoder.js';
import type { FrameChecksums } from '../wire/frame-checksums.js';
import { WireError } from '../wire/wire-error.js';
import type { Callee } from './callee/callee.js';
import type { Caller } from './caller/caller.js';
import type { Link } from './calls/link.js';
import type { CreditDebtor } from './streams/stream-link.js';

export interface FrameReaderOwner {
  /** Nothing that comes is of interest any more. */
  readonly over: boolean;
  lastReadAt: number;
  silentMs: number;
  /** A frame that came while the connection is greeting. */
  onFirstFrame(frame: FrameDecoder): void;
  /** A frame that belongs to no call. */
  onConnectionFrame(frame: FrameDecoder): void;
  /** The peer ended its half, and everything before that has been handled. */
  onReadEnd(): void;
}

export class FrameReader {
  private readonly decoder: FrameDecoder;
  private pauses = 0;
  private ended = false;
  /** Frames of a chunk are being handled. */
  private reading = false;
  /** Those who owe credit: what the rest of the chunk brings, such as the end of their stream, may make it needless. */
  private readonly debtors: CreditDebtor[] = [];

  constructor(
    private readonly link: Link,
    private readonly transport: Transport,
    private readonly caller: Caller,
    private readonly callee: Callee,
    /** The opener bit in the numbers of calls that this side opened. */
    private readonly ownBit: OpenerBit,
    private readonly owner: FrameReaderOwner,
  ) {
    this.decoder = new FrameDecoder({ frameBytesMax: link.limits.frameBytesMax });
  }

  get paused(): boolean {
    return this.pauses > 0;
  }

  onData(chunk: Buffer): void {
    const { link, owner } = this;
    if (owner.over) return;
    const now = link.clock.now();
    owner.silentMs = now - owner.lastReadAt;
    owner.lastReadAt = now;
    link.noteTime(now);
    this.callee.admission.onRead(now);
    this.decoder.push(chunk);
    const { queue } = link;
    const batch = queue.beginBatch();
    this.pump();
    if (batch) queue.endBatch();
    if (this.pauses > 0) this.decoder.keepRest();
  }

  onEnd(): void {
    this.ended = true;
    if (this.pauses === 0) this.owner.onReadEnd();
  }

  /** As `FrameDecoder.claim`. */
  claim(buffer: Buffer): boolean {
    return this.decoder.claim(buffer);
  }

  /** As `FrameDecoder.acceptChecksums`. */
  acceptChecksums(checksums: FrameChecksums): void {
    this.decoder.acceptChecksums(checksums);
  }

  settleBehindChunk(stream: CreditDebtor): void {
    if (this.reading) this.debtors.push(stream);
    else stream.settleCredit();
  }

  /** The error of a stream that ended inside a frame, or null. */
  finish(): WireError | null {
    return this.decoder.finish();
  }

  pause(): void {
    if (this.pauses++ === 0) this.transport.pause();
  }

  /** The decoder is emptied before the transport may bring more. */
  resume(): void {
    if (--this.pauses > 0 || this.owner.over) return;
    this.callee.admission.onRead(this.link.clock.now());
    this.pump();
    if (this.pauses > 0 || this.owner.over) return;
    this.transport.resume();
    if (this.ended) this.owner.onReadEnd();
  }

  /** Takes frames from the decoder until it needs more, reading is paused, or the connection is over. */
  private pump(): void {
    const { decoder, link, owner, caller, callee, debtors } = this;
    this.reading = true;
    try {
      while (this.pauses === 0) {
        const found = decoder.next();
        if (found !== FRAME) {
          if (found === FAILED && decoder.error !== null) link.fail(decoder.error.code, decoder.error.message);
          break;
        }
        const { type } = decoder;
        if (link.state === 'greeting') {
          owner.onFirstFrame(decoder);
        } else if (type === FrameType.RESPONSE) {
          caller.onResponse(decoder.call, decoder.flags, decoder.buffer, decoder.start, decoder.end);
        } else if (type === FrameType.REQUEST) {
          const { call, flags, method, buffer, start, end } = decoder;
          callee.onRequest(call, flags, method, buffer, start, end);
        } else if (type === FrameType.ITEM) {
          const { call, flags, buffer, start, end } = decoder;
          if (openerOf(call) === this.ownBit) caller.streams.onItem(call, flags, buffer, start, end);
          else callee.streams.onItem(call, flags, buffer, start, end);
        } else {
          this.onRareFrame(decoder);
        }
        if (owner.over) break;
      }
      if (link.state === 'draining') link.onCallEnded();
    } catch (error) {
      this.onError(error);
    }
    this.reading = false;
    if (debtors.length > 0) for (const stream of debtors.splice(0)) stream.settleCredit();
  }

  private onRareFrame(frame: FrameDecoder): void {
    const { type, call, flags, buffer, start, end } = frame;
    const { caller, callee } = this;
    switch (type) {
      case FrameType.FAILURE:
        caller.onFailure(call, flags, buffer, start, end);
        break;
      case FrameType.CANCEL:
        callee.onCancel(call, buffer, start, end);
        break;
      case FrameType.END:
        if (openerOf(call) === this.ownBit) caller.streams.onEnd(call, flags, buffer, start, end);
        else callee.streams.onEnd(call, flags, start, end);
        break;
      case FrameType.CREDIT:
        if (openerOf(call) === this.ownBit) caller.streams.onCredit(call, buffer, start);
        else callee.streams.onCredit(call, buffer, start);
        break;
      default:
        this.owner.onConnectionFrame(frame);
    }
  }

  private onError(error: unknown): void {
    if (error instanceof WireError) {
      this.link.fail(error.code, error.message);
      return;
    }
    // A defect on this side: it ends this connection, is shown, and does not end the process.
    this.link.fail(CloseCode.INTERNAL, 'an internal error');
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  }
}
