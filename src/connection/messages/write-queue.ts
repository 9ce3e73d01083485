/**
 * Outgoing frames of one connection. They are written one behind the other into a slab and leave in batches:
 *
 *   slab  |  sent  | frames waiting      | free ...        |
 *                  ^ start               ^ end
 *
 * A batch leaves at the end of the tick, behind all promises; or of the chunk that is being read, together with immediate answers. It
 * leaves before that when the waiting bytes reach a limit: the early first batch wakes the peer while the rest is still being encoded.
 * The limit starts at a quarter of what left together before, so that large ticks need no more system calls than small ones, and
 * doubles with each batch that follows (spec/decisions/012-what-one-call-costs.md).
 *
 * When the kernel took a batch at once, which is the usual case, the slab is used again from its beginning; otherwise its
 * bytes stay untouched until they have left, and a fresh slab follows when half of it is used.
 *
 * Bounds: from `soft` unsent bytes on the queue is `saturated`, and callers and answers wait until it has drained; at `hard`
 * the connection is given up.
 */

import { describeLimit, limitOf } from '../../base/limits.js';
import type { Transport } from '../../transport/transport.js';
import { CHECKSUM_BYTES, CloseCode, Flag, HEADER_BYTES } from '../../wire/constants.js';
import { writeHeader, writeU32 } from '../../wire/encoder.js';
import type { FrameChecksums } from '../../wire/frame-checksums.js';
import { WireError } from '../../wire/wire-error.js';

export const SLAB_BYTES = 64 * 1024;
/** Bounds of a tick's first batch, and of all of them. */
const FLUSH_BYTES_MIN = 1024;
const FLUSH_BYTES_FIRST_MAX = 16 * 1024;
const FLUSH_BYTES_MAX = 32 * 1024;
/** A tick's first batch is this part of what left in the tick before. */
const FLUSH_SHARE = 1 / 4;
/** Fewer bytes of a large frame's prefix or body are copied: that is cheaper than a buffer of their own in the system call. */
const COPIED_BYTES_MAX = 4 * 1024;
/** Keeps the count of batches a small integer. */
const BATCH_MASK = 0xffff;

/** What happens while frames leave, which may be at the end of a tick. */
export interface WriteQueueEvents {
  /** Bytes wait that the kernel did not take at once. */
  onUnsent(): void;
  /** The hard bound was reached. */
  onOverflow(error: WireError): void;
}

export class WriteQueue {
  /** Frames are written here, from `end` on; `commit` makes them part of the queue. */
  slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  end = 0;
  /** More than the soft bound is unsent: callers and answers wait until it has drained. */
  saturated = false;
  /** A batch is due at the end of this tick, or of the chunk that is being read. Written here only. */
  due = false;
  /** Tells the batch that is due from those before it. Written here only. */
  batch = 0;
  /**
   * A codec is writing behind `end`. Should the value that it encodes send something itself (a getter that makes a call),
   * that goes to a fresh slab, and the sender sees that `slab` has changed.
   */
  lent = false;
  /** Bytes between the begin of a frame and its payload: those of the header, and once checksums are agreed, of the checksum. */
  headBytes = HEADER_BYTES;
  /** Those bytes of it that belong to the header's `length`. */
  checksumBytes = 0;
  /** Flags that every frame has in addition. */
  frameFlags = 0;
  /** Runs when a batch has been handed over, for whoever measures that. */
  onHandedOver: (() => void) | null = null;

  private start = 0;
  private limit = FLUSH_BYTES_MIN;
  private closed = false;
  private checksums: FrameChecksums | null = null;
  private readonly transport: Transport;
  private readonly events: WriteQueueEvents;
  private readonly softBytes: number;
  private readonly hardBytes: number;
  /** Bytes handed to the transport so far. */
  private handedBytes = 0;
  /** The same when the last tick ended. */
  private handedBytesBefore = 0;

  constructor(transport: Transport, events: WriteQueueEvents, softBytes: number, hardBytes: number) {
    this.transport = transport;
    this.events = events;
    this.softBytes = softBytes;
    this.hardBytes = hardBytes;
  }

  /** The position in this connection's outgoing bytes behind everything committed: compare with `isHandedOver`. */
  get position(): number {
    return this.handedBytes + this.end - this.start;
  }

  /** False: the bytes before `position` never left this process, for certain. */
  isHandedOver(position: number): boolean {
    return position <= this.handedBytes;
  }

  /** Whether the kernel has the bytes before `position`. */
  hasLeft(position: number): boolean {
    return position <= this.handedBytes - this.transport.unsentBytes;
  }

  /** From the next frame on all have checksums, which are written when they leave. */
  writeChecksums(checksums: FrameChecksums): void {
    this.flush();
    this.checksums = checksums;
    this.checksumBytes = CHECKSUM_BYTES;
    this.headBytes = HEADER_BYTES + CHECKSUM_BYTES;
    this.frameFlags = Flag.CHECKSUM;
  }

  /** Makes room for `bytes` (at most a slab) behind `end`. */
  reserve(bytes: number): void {
    if (SLAB_BYTES - this.end >= bytes && !this.lent) return;
    this.flush();
    if (SLAB_BYTES - this.end < bytes || this.lent) this.renew();
    this.lent = false;
  }

  /** The bytes up to `end` of the slab are frames now. */
  commit(end: number): void {
    this.end = end;
    if (end - this.start >= this.limit) {
      this.flush();
      if (this.limit < FLUSH_BYTES_MAX) this.limit *= 2;
    }
    if (!this.due) {
      this.due = true;
      this.batch = (this.batch + 1) & BATCH_MASK;
      process.nextTick(this.onTickEnd);
    }
  }

  /** Writes the header at `end`, in front of a payload of `bytes` that is already there, and so queues the frame. */
  commitFrame(bytes: number, call: number, type: number, flags: number, method: number): void {
    this.writeHead(bytes, call, type, flags, method);
    this.commit(this.end + this.headBytes + bytes);
  }

  /** A chunk is being read: what is sent meanwhile leaves at `endBatch`. False: a batch is due anyway, at the end of this tick. */
  beginBatch(): boolean {
    if (this.due) return false;
    this.due = true;
    this.batch = (this.batch + 1) & BATCH_MASK;
    return true;
  }

  endBatch(): void {
    this.due = false;
    this.flush();
    const bytes = this.handedBytes - this.handedBytesBefore;
    if (bytes === 0) return;
    this.handedBytesBefore = this.handedBytes;
    this.limit = Math.min(Math.max(bytes * FLUSH_SHARE, FLUSH_BYTES_MIN), FLUSH_BYTES_FIRST_MAX);
  }

  /** One whole frame with its payload given, for control frames. */
  writeFrame(type: number, flags: number, call: number, method: number, payload: Uint8Array): void {
    const { headBytes } = this;
    const bytes = headBytes + payload.length;
    if (bytes > SLAB_BYTES) {
      this.writeLargeFrame(type, flags, call, method, null, payload);
      return;
    }
    this.reserve(bytes);
    this.slab.set(payload, this.end + headBytes);
    this.commitFrame(payload.length, call, type, flags, method);
  }

  /** One frame that fits the slab, with a prefix or without, copied. */
  writePrefixedFrame(
    type: number,
    flags: number,
    call: number,
    method: number,
    prefix: Uint8Array | null,
    body: Uint8Array,
  ): void {
    if (prefix === null) return this.writeFrame(type, flags, call, method, body);
    const { headBytes } = this;
    const length = prefix.length + body.length;
    this.reserve(headBytes + length);
    const at = this.end + headBytes;
    this.slab.set(prefix, at);
    this.slab.set(body, at + prefix.length);
    this.commitFrame(length, call, type, flags, method);
  }

  /**
   * One frame whose body, unless it is short, is not copied: it must stay unchanged until it has left. `prefix` goes before it.
   */
  writeLargeFrame(
    type: number,
    flags: number,
    call: number,
    method: number,
    prefix: Uint8Array | null,
    body: Uint8Array,
  ): void {
    const { headBytes, checksums } = this;
    const prefixBytes = prefix === null ? 0 : prefix.length;
    const short = prefixBytes + body.length <= COPIED_BYTES_MAX;
    const copied = prefixBytes <= COPIED_BYTES_MAX ? prefixBytes : 0;
    this.reserve(headBytes + copied + (short ? body.length : 0));
    if (this.closed) return;
    this.writeHead(prefixBytes + body.length, call, type, flags, method);
    if (checksums !== null && !short) this.sumLargeFrame(checksums, prefix, body);
    let end = this.end + headBytes;
    if (prefix !== null && copied > 0) this.slab.set(prefix, end);
    end += copied;
    if (short) {
      this.slab.set(body, end);
      this.commit(end + body.length);
      return;
    }
    this.end = end;
    this.transport.cork();
    // The bounds are judged behind the frame: a CLOSE must not stand inside it.
    this.handOver();
    this.handedBytes += prefixBytes - copied + body.length;
    if (prefix !== null && copied < prefixBytes) this.transport.write(prefix);
    if (body.length > 0) this.transport.write(body);
    this.transport.uncork();
    this.judge();
  }

  /** Writes a frame's header behind `end`, for a payload of `bytes` without the checksum. */
  private writeHead(bytes: number, call: number, type: number, flags: number, method: number): void {
    writeHeader(this.slab, this.end, this.checksumBytes + bytes, call, type, flags | this.frameFlags, method);
  }

  /** Hands everything committed to the transport. */
  flush(): void {
    if (this.end === this.start || this.closed) return;
    if (!this.handOver()) this.judge();
  }

  /** True: the kernel has taken it at once. */
  private handOver(): boolean {
    if (this.checksums !== null) this.checksums.fill(this.slab, this.start, this.end);
    const batch = this.slab.subarray(this.start, this.end);
    this.handedBytes += batch.length;
    this.transport.write(batch);
    if (this.onHandedOver !== null) this.onHandedOver();
    if (this.transport.unsentBytes === 0) {
      this.start = this.end = 0;
      return true;
    }
    this.start = this.end;
    if (SLAB_BYTES - this.end < SLAB_BYTES / 2) this.renew();
    return false;
  }

  /** The transport has drained. */
  onDrain(): void {
    this.saturated = false;
  }

  /** Drops what waits; later writes have no effect. */
  close(): void {
    this.closed = true;
    this.start = this.end = 0;
  }

  /** The frame at `end` has its body elsewhere. */
  private sumLargeFrame(checksums: FrameChecksums, prefix: Uint8Array | null, body: Uint8Array): void {
    const { slab, end } = this;
    const head = checksums.add(0, slab.subarray(end, end + HEADER_BYTES));
    const sum = checksums.add(prefix === null ? head : checksums.add(head, prefix), body);
    writeU32(slab, end + HEADER_BYTES, sum);
  }

  private renew(): void {
    this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.start = this.end = 0;
  }

  private judge(): void {
    const unsent = this.transport.unsentBytes;
    if (unsent > 0) this.events.onUnsent();
    if (unsent >= this.hardBytes) {
      const limit = limitOf({ writeQueueBytesHard: this.hardBytes }, 'writeQueueBytesHard');
      const text = describeLimit(`${unsent} bytes are unsent`, limit);
      this.events.onOverflow(new WireError(CloseCode.WRITE_QUEUE, text));
    } else if (unsent >= this.softBytes) {
      this.saturated = true;
    }
  }

  private readonly onTickEnd = (): void => this.endBatch();
}
