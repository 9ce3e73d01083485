/**
 * Whether what a connection wrote is what a connection may write, whatever it was sent: one preface, HELLO first, whole frames
 * within the peer's limits, at most one terminal frame a call, CANCEL only for its own open calls, nothing behind CLOSE, and no
 * CLOSE for a defect of its own. Reads the bytes by itself, with nothing of `src`.
 */
import { magic, readFrame, types } from '../support/frames.js';
import { readRecord } from '../support/records.js';

const HEADER_BYTES = 12;
const MORE = 1;
const INTERNAL = 17;
const CODE_MAX = 19;

/** Flags that this connection may set, by type. Checksums are not asked for; whether a ledger was is not known here. */
const flagsBySender = new Uint8Array(256).fill(0xff);
flagsBySender.fill(0, types.HELLO, types.CLOSE + 1);
flagsBySender[types.SCHEMA] = 0x01;
flagsBySender[types.REQUEST] = 0x3f;
flagsBySender[types.RESPONSE] = 0x27;
flagsBySender[types.ITEM] = 0x03;
flagsBySender[types.END] = 0x24;
flagsBySender[types.FAILURE] = 0x24;

export class OutputCheck {
  /** Code of the CLOSE that was written, or -1. */
  closeCode = -1;
  closeText = '';
  /** Terminal frames written. */
  terminals = 0;
  private readonly ended = new Set<number>();
  private readonly asked = new Set<number>();
  /** Own calls of which nothing but CREDIT may follow: END or CANCEL was written. */
  private readonly left = new Set<number>();
  /** Calls with an item of which frames are to follow. */
  private readonly inside = new Set<number>();

  /** `opener`: bit 31 of the calls that the connection opens; `slots`: calls of the peer that it keeps. */
  constructor(
    private readonly opener: number,
    private readonly slots: number,
    private readonly frameBytesMax: number,
  ) {}

  /** The first fault of the output, or null. */
  judge(output: Buffer): string | null {
    const { length } = output;
    // A CLOSE that is read at once leaves no time to write.
    if (length === 0) return null;
    if (length < magic.length || !output.subarray(0, magic.length).equals(magic))
      return 'it does not begin with the preface';
    let at = magic.length;
    for (let count = 0; at < length; count++) {
      if (length - at < HEADER_BYTES) return 'it ends inside a header';
      const bytes = output.readUInt32LE(at);
      const type = output[at + 8] as number;
      const end = at + HEADER_BYTES + bytes;
      if (end > length) return 'it ends inside a frame';
      if (bytes > this.frameBytesMax) return `a frame of ${bytes} bytes`;
      if (this.closeCode >= 0) return `a frame of type ${type} behind CLOSE`;
      if ((count === 0) !== (type === types.HELLO) && !(count === 0 && type === types.CLOSE))
        return `frame ${count} has the type ${type}`;
      const wrong = this.judgeFrame(output, at, end, type);
      if (wrong !== null) return wrong;
      at = end;
    }
    return null;
  }

  /** Whether a terminal frame for the call was written. */
  hasEnded(call: number): boolean {
    return this.ended.has(call);
  }

  private judgeFrame(output: Buffer, at: number, end: number, type: number): string | null {
    const call = output.readUInt32LE(at + 4);
    const flags = output[at + 9] as number;
    if ((flags & ~(flagsBySender[type] as number)) !== 0) return `flags 0x${flags.toString(16)} on type ${type}`;
    const own = call !== 0 && (call & 0x8000_0000) >>> 0 === this.opener;
    switch (type) {
      case types.REQUEST:
        if (!own) return `REQUEST for the peer's call ${call}`;
        this.asked.add(call);
        return null;
      case types.CANCEL:
        this.left.add(call);
        return this.asked.has(call) ? null : `CANCEL for call ${call}, which was never opened`;
      case types.ITEM:
        return this.judgeItem(call, own, flags);
      case types.END:
        if (this.inside.has(call)) return `END inside an item of call ${call}`;
        if (!own) return this.judgeTerminal(call, own, true);
        if (flags !== 0) return `flags 0x${flags.toString(16)} on the END of a caller`;
        return this.judgeItem(call, own, flags) ?? (this.left.add(call), null);
      case types.CREDIT:
        if (output.readUInt32LE(at + HEADER_BYTES) === 0) return 'CREDIT of 0';
        return own && !this.asked.has(call) ? `CREDIT for call ${call}, which was never opened` : null;
      case types.RESPONSE:
      case types.FAILURE:
        return this.judgeTerminal(call, own, type === types.FAILURE || (flags & MORE) === 0);
      case types.CLOSE:
        return this.judgeClose(output.subarray(at, end));
      case types.HELLO:
      case types.METHOD:
      case types.SCHEMA:
      case types.PING:
      case types.PONG:
      case types.DRAIN:
        return call === 0 ? null : `type ${type} with call ${call}`;
      default:
        return `a frame of type ${type}`;
    }
  }

  private judgeItem(call: number, own: boolean, flags: number): string | null {
    if (own && !this.asked.has(call)) return `an item for call ${call}, which was never opened`;
    if (own ? this.left.has(call) : this.ended.has(call)) return `an item for call ${call} behind its end`;
    if ((flags & MORE) !== 0) this.inside.add(call);
    else this.inside.delete(call);
    return null;
  }

  private judgeTerminal(call: number, own: boolean, last: boolean): string | null {
    if (own || call === 0) return `an answer to call ${call}, which the peer did not open`;
    // Of a slot out of range no state is kept: every REQUEST frame is refused.
    if ((call & 0xffff) >= this.slots) return null;
    if (this.ended.has(call)) return `a second terminal frame for call ${call}`;
    if (last) {
      this.ended.add(call);
      this.terminals++;
    }
    return null;
  }

  private judgeClose(bytes: Buffer): string | null {
    const read = readFrame(bytes);
    if (read === null) return 'half a CLOSE';
    const { code, text } = readRecord('CLOSE', read.frame.payload);
    this.closeCode = code;
    this.closeText = text;
    if (code < 0 || code > CODE_MAX) return `CLOSE ${code}`;
    return code === INTERNAL ? `CLOSE INTERNAL: ${text}` : null;
  }
}
