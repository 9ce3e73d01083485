/**
 * The credit of one incoming stream: what its ITEM frames cost, and the CREDIT frames that give it back. CREDIT is written behind the
 * chunk that is being read, since the rest of the chunk may end the stream. The figures are those of `ReceiveWindow`. Used by
 * `IncomingStream`.
 */
import { CloseCode, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { writeU32 } from '../../wire/encoder.js';
import { WireError } from '../../wire/wire-error.js';
import { ReceiveWindow } from './receive-window.js';
import type { CreditDebtor, StreamLink } from './stream-link.js';

export class IncomingCredit extends ReceiveWindow implements CreditDebtor {
  /** Credit that is given back and not written yet. */
  private due = 0;
  /** The stream has ended: its peer needs no credit. */
  private stopped = false;

  constructor(
    readonly link: StreamLink,
    private readonly call: number,
  ) {
    super(link.limits.streamWindowBytes, link.limits.streamWindowBytesMax);
  }

  /** Takes the cost of an ITEM frame from the window and returns it. Throws a `WireError` when that is beyond the credit. */
  spend(bytes: number): number {
    const cost = HEADER_BYTES + bytes;
    if (!this.receive(cost)) {
      const text = `an ITEM frame that costs ${cost} for call ${this.call}, whose credit was ${this.left + cost}`;
      throw new WireError(CloseCode.FLOW_CONTROL, text);
    }
    if (this.probing) this.probe(cost, this.link.now, this.link.silentMs);
    return cost;
  }

  /** The application has taken so much, or it was dropped. */
  giveBack(cost: number): void {
    if (this.stopped) return;
    const credit = this.release(cost, this.link.now);
    if (credit === 0) return;
    this.due += credit;
    if (this.due === credit) this.link.reader.settleBehindChunk(this);
  }

  settleCredit(): void {
    const { due } = this;
    this.due = 0;
    if (this.stopped) return;
    const payload = Buffer.allocUnsafe(4);
    writeU32(payload, 0, due);
    this.link.queue.writeFrame(FrameType.CREDIT, 0, this.call, 0, payload);
  }

  stop(): void {
    this.stopped = true;
  }
}
