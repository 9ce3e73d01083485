/**
 * Measures this side's time on calls with the flag LEDGER, from the last byte of the request to the terminal frame: waiting,
 * handler, encoding. Everything that is neither handler nor encoding counts as waiting, so the three durations add up
 * (protocol 6.8). Kept by call number beside the slots, so that other calls pay one check of `open`.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import { LEDGER_BYTES, writeDurations } from '../../wire/prefix.js';

const DURATION_US_MAX = 0xffff_ffff;
/** After a request with LEDGER, how long the event loop stays watched for the next ones. */
const WATCH_MS = 60_000;

interface Marks {
  /** When the last byte of the request was read. */
  wholeAt: number;
  startedAt: number;
  endedAt: number;
  encodingAt: number;
  encodingMs: number;
}

export class CalleeLedgers {
  /** Calls that asked and have no terminal frame yet. */
  open = 0;
  private readonly marks = new Map<number, Marks>();

  constructor(private readonly clock: Clock) {}

  /** A REQUEST with LEDGER came, or its last frame: read at `readAt`. */
  requestRead(call: number, readAt: number): void {
    const { clock } = this;
    clock.watchReads?.(WATCH_MS);
    const wholeAt = Math.min(readAt, clock.readableSince?.() ?? readAt);
    this.marks.set(call, { wholeAt, startedAt: Infinity, endedAt: Infinity, encodingAt: Infinity, encodingMs: 0 });
    this.open = this.marks.size;
  }

  /** The rest of a request came, of a call that may have asked. */
  restRead(call: number, readAt: number): void {
    if (this.marks.has(call)) this.requestRead(call, readAt);
  }

  handlerStarts(call: number): void {
    const marks = this.marks.get(call);
    if (marks !== undefined) marks.startedAt = this.clock.now();
  }

  /** Only the first time counts: what follows is waiting for room. */
  handlerEnds(call: number): void {
    const marks = this.marks.get(call);
    if (marks !== undefined) marks.endedAt = Math.min(marks.endedAt, this.clock.now());
  }

  /** The answer of one message is being encoded, until its durations are written. */
  beginEncoding(call: number): void {
    const marks = this.marks.get(call);
    if (marks !== undefined) marks.encodingAt = this.clock.now();
  }

  /** The codec, with what it encodes for this call counted; the codec itself when the call did not ask. */
  measured(call: number, codec: MessageCodec): MessageCodec {
    const marks = this.marks.get(call);
    if (marks === undefined) return codec;
    const { clock } = this;
    return {
      fingerprint: codec.fingerprint,
      schemaText: codec.schemaText,
      encode: (value, into, offset) => {
        const before = clock.now();
        const end = codec.encode(value, into, offset);
        marks.encodingMs += clock.now() - before;
        return end;
      },
      decode: (from, start, end) => codec.decode(from, start, end),
      resolveWriter: (text) => codec.resolveWriter(text),
      gradeReader: (text) => codec.gradeReader(text),
    };
  }

  /** Whether this call asked and is not finished. */
  has(call: number): boolean {
    return this.open !== 0 && this.marks.has(call);
  }

  /** The call's terminal frame is being written: its durations at `at`, as the prefix has them. */
  write(call: number, buffer: Buffer, at: number): void {
    const marks = this.marks.get(call);
    assert(marks !== undefined, `call ${call} has no ledger`);
    const now = this.clock.now();
    if (marks.encodingAt !== Infinity) marks.encodingMs += now - marks.encodingAt;
    const started = marks.startedAt !== Infinity;
    // The items of a stream are encoded while its handler is at work.
    const handlerMs = started ? Math.min(marks.endedAt, now) - marks.startedAt : 0;
    const inHandlerMs = marks.endedAt === Infinity ? Math.min(marks.encodingMs, handlerMs) : 0;
    const waitingMs = now - marks.wholeAt - handlerMs - (marks.encodingMs - inHandlerMs);
    writeDurations(buffer, at, duration(waitingMs), duration(handlerMs - inHandlerMs), duration(marks.encodingMs));
  }

  /** The call has ended, answered or not. */
  forget(call: number): void {
    this.marks.delete(call);
    this.open = this.marks.size;
  }

  /** The durations of a call whose terminal frame is one frame, which is being written; null when it did not ask. */
  finish(call: number): Buffer | null {
    if (!this.has(call)) return null;
    const durations = Buffer.allocUnsafe(LEDGER_BYTES);
    this.write(call, durations, 0);
    this.forget(call);
    return durations;
  }

  close(): void {
    this.marks.clear();
    this.open = 0;
  }
}

function duration(ms: number): number {
  return Math.min(Math.max(0, Math.round(ms * 1_000)), DURATION_US_MAX);
}
