/**
 * Messages to frames. A message that fits one frame, nearly every one, is encoded straight into the write queue's slab
 * behind room for its header. A longer one is encoded once into a buffer of its own and given to the `FrameScheduler`, which
 * sends it in pieces between all other frames.
 *
 * When that holds too much, longer messages are not encoded: `send` returns LATER, and its caller keeps the value until `onRoom`.
 * Small messages pass.
 */
import { types } from 'node:util';
import type { Clock } from '../../base/clock.js';
import { limitError, RpcError } from '../../base/errors.js';
import { type AnnouncedLimits, peerLimitOf } from '../../base/limits.js';
import { compressMessage } from '../../compression/message.js';
import type { Transport } from '../../transport/transport.js';
import { Flag, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { writeU32 } from '../../wire/encoder.js';
import { isBytesCodec, type MessageCodec } from '../../wire/message-codec.js';
import { DEADLINE_BYTES, encodePrefix, type OutgoingPrefix } from '../../wire/prefix.js';
import { FRAGMENT_BYTES, FrameScheduler, type ItemCredit, LATER, LongMessage } from './frame-scheduler.js';
import type { MethodCompression } from './method-compression.js';
import { SLAB_BYTES, type WriteQueue } from './write-queue.js';

/** Room that every frame finds behind `end`: header, prefix without metadata, and a small message. */
const ROOM_BYTES = 1024;
/** Fewer bytes of a blob are copied: that is cheaper than a system call's own buffer for them. */
const PIECE_COPIED_BYTES_MAX = 4 * 1024;

/** A raw message of so many bytes that does not leave at once is copied as a whole; a longer one frame by frame, as it leaves. */
export const RAW_COPIED_BYTES_MAX: number = 64 * 1024;

/** Writes the durations of a call that asked for its ledger as the prefix has them: `LEDGER_BYTES` from `at` on. */
export type DurationsWriter = (into: Buffer, at: number) => void;

/** A message encoded into a buffer of its own. */
interface EncodedBody {
  readonly bytes: Buffer;
  /** COMPRESSED, or 0. */
  readonly flags: number;
  /** The bytes are the application's own. */
  readonly lent: boolean;
}

const noPrefix: OutgoingPrefix = encodePrefix(-1, false, null);

export class MessageSender {
  private readonly scheduler: FrameScheduler;
  private limits: AnnouncedLimits;
  private frameBytesMax = 0;

  /** `limits`: what the peer accepts; the protocol's minimum until `setLimits`. */
  constructor(
    private readonly queue: WriteQueue,
    transport: Transport,
    clock: Clock,
    limits: AnnouncedLimits,
    heldBytesMax: number,
  ) {
    this.scheduler = new FrameScheduler(queue, transport, clock, heldBytesMax);
    this.limits = limits;
    this.setLimits(limits);
  }

  setLimits(limits: AnnouncedLimits): void {
    this.limits = limits;
    this.frameBytesMax = this.scheduler.frameBytesMax = Math.min(limits.frameBytesMax, FRAGMENT_BYTES);
  }

  /**
   * Encodes and sends one message. `deadlineMs` < 0: none travels. `metadata`: already encoded, or null. Returns null when
   * it left in one frame, LATER when nothing was sent because too much is held, else the long message that is on its way.
   * Throws an `RpcError` (the value does not match, or is too long for the peer), and then nothing was sent.
   */
  send(
    type: number,
    flags: number,
    call: number,
    method: number,
    codec: MessageCodec,
    value: unknown,
    deadlineMs: number,
    metadata: Buffer | null,
    compression: MethodCompression,
  ): LongMessage | null {
    if (metadata !== null) {
      const prefix = this.encodePrefix(deadlineMs, false, metadata);
      const body = this.encodeApart(codec, value, ROOM_BYTES, compression);
      return this.sendEncoded(type, flags, call, method, prefix, body, null);
    }
    const { queue } = this;
    queue.reserve(ROOM_BYTES);
    const { slab, end: at } = queue;
    const payload = at + queue.headBytes;
    let body = payload;
    // The prefix of the usual request, written in place: as `encodePrefix`.
    if (deadlineMs >= 0) {
      writeU32(slab, body, deadlineMs);
      body += DEADLINE_BYTES;
    }
    let end: number;
    queue.lent = true;
    try {
      end = codec.encode(value, slab, body);
    } finally {
      queue.lent = false;
    }
    if (end < 0 || queue.slab !== slab || end - payload > this.frameBytesMax || end - body >= compression.bytesMin) {
      const bytes = end < 0 ? slab.length - body - end : end - body;
      // Known to be long: encoding it only to find no room would be wasted.
      if (bytes > this.frameBytesMax && bytes <= this.limits.messageBytesMax && this.scheduler.isFull()) return LATER;
      const prefix = this.encodePrefix(deadlineMs, false, null);
      const whole = this.encodeApart(codec, value, bytes, compression);
      return this.sendEncoded(type, flags, call, method, prefix, whole, null);
    }
    queue.commitFrame(end - payload, call, type, deadlineMs >= 0 ? flags | Flag.DEADLINE : flags, method);
    return null;
  }

  /**
   * The same for one item of a stream, whose frames cost `credit`. Null: it left in one frame, which was paid for. What the
   * credit does not cover leaves as a long message, as it comes.
   */
  sendItem(
    call: number,
    codec: MessageCodec,
    value: unknown,
    compression: MethodCompression,
    credit: ItemCredit,
  ): LongMessage | null {
    const { queue } = this;
    queue.reserve(ROOM_BYTES);
    const { slab, end: at } = queue;
    const body = at + queue.headBytes;
    let end: number;
    queue.lent = true;
    try {
      end = codec.encode(value, slab, body);
    } finally {
      queue.lent = false;
    }
    if (
      end < 0 ||
      queue.slab !== slab ||
      end - body > this.frameBytesMax ||
      HEADER_BYTES + end - body > credit.left ||
      end - body >= compression.bytesMin
    ) {
      const bytes = end < 0 ? slab.length - body - end : end - body;
      if (bytes > this.frameBytesMax && bytes <= this.limits.messageBytesMax) {
        if (this.scheduler.isFullForItem(bytes, credit)) return LATER;
      }
      const whole = this.encodeApart(codec, value, bytes, compression);
      return this.sendEncoded(FrameType.ITEM, 0, call, 0, noPrefix, whole, credit);
    }
    credit.spend(HEADER_BYTES + end - body);
    queue.commitFrame(end - body, call, FrameType.ITEM, 0, 0);
    return null;
  }

  /**
   * Bytes of a blob, as items of any size that cost `credit`. Null: they left. Otherwise a long message is on its way, however much is
   * held. `lent`: the application may change the bytes once it was sent; else they stay unchanged until the call has ended, and are not
   * copied. Throws an `RpcError` for other values.
   */
  sendPieces(call: number, bytes: unknown, lent: boolean, credit: ItemCredit): LongMessage | null {
    if (!types.isUint8Array(bytes)) {
      throw new RpcError('INVALID_ARGUMENT', 'the body of a blob must be of Buffers or Uint8Arrays');
    }
    if (bytes.length === 0) return null;
    const body = asBuffer(bytes);
    const cost = HEADER_BYTES + body.length;
    if (body.length <= PIECE_COPIED_BYTES_MAX && cost <= credit.left) {
      credit.spend(cost);
      this.queue.writeFrame(FrameType.ITEM, 0, call, 0, body);
      return null;
    }
    const long = new LongMessage(FrameType.ITEM, 0, call, 0, null, body, credit);
    long.pieces = true;
    long.lent = lent;
    this.scheduler.add(long);
    return long;
  }

  /** A RESPONSE of a call that asked for its ledger: `durations` writes them into the prefix once the message is encoded. */
  sendMeasured(
    call: number,
    codec: MessageCodec,
    value: unknown,
    metadata: Buffer | null,
    compression: MethodCompression,
    durations: DurationsWriter,
  ): LongMessage | null {
    const prefix = this.encodePrefix(-1, true, metadata);
    const body = this.encodeApart(codec, value, ROOM_BYTES, compression);
    if (prefix.bytes !== null) durations(prefix.bytes, prefix.durationsAt);
    return this.sendEncoded(FrameType.RESPONSE, 0, call, 0, prefix, body, null);
  }

  /** Several small frames follow in this tick: they leave together. */
  corkTick(): void {
    this.scheduler.corkTick();
  }

  /** The socket has room again, or a stream got credit. */
  pump(): void {
    this.scheduler.pump();
  }

  /** Whether long messages are answered LATER. After true, `onRoom` says when that has changed. */
  isFull(): boolean {
    return this.scheduler.isFull();
  }

  /** Calls back when long messages may be given again. */
  onRoom(listener: () => void): void {
    this.scheduler.onRoom(listener);
  }

  /** Sends nothing more of it. */
  drop(message: LongMessage): void {
    this.scheduler.drop(message);
  }

  close(): void {
    this.scheduler.close();
  }

  // Every case but the usual one: metadata, compression, messages beyond a frame or the slab, a value that makes calls while it is
  // encoded. Prefix and body are encoded into buffers of their own.

  /** As the function of that name. Throws an `RpcError` when it does not fit the first frame. */
  private encodePrefix(deadlineMs: number, withDurations: boolean, metadata: Buffer | null): OutgoingPrefix {
    const prefix = encodePrefix(deadlineMs, withDurations, metadata);
    const bytes = prefix.bytes === null ? 0 : prefix.bytes.length;
    if (bytes <= this.frameBytesMax) return prefix;
    const limit = peerLimitOf({ frameBytesMax: this.frameBytesMax }, 'frameBytesMax');
    throw limitError(`${bytes} bytes of metadata do not fit the first frame`, limit);
  }

  /** The message, compressed where that pays. `bytesGuess`: what it probably takes. */
  private encodeApart(
    codec: MessageCodec,
    value: unknown,
    bytesGuess: number,
    compression: MethodCompression,
  ): EncodedBody {
    const isBytes = isBytesCodec(codec) && types.isUint8Array(value);
    const bytes = isBytes ? asBuffer(value) : this.encodeValue(codec, value, bytesGuess);
    const { messageBytesMax } = this.limits;
    if (bytes.length > messageBytesMax) throw tooLong(bytes.length, messageBytesMax);
    const { compressor, bytesMin, choice } = compression;
    if (compressor === null || bytes.length < bytesMin) return { bytes, flags: 0, lent: isBytes };
    const compressed = compressMessage(compressor, bytes, 0, bytes.length, choice);
    return compressed === null
      ? { bytes, flags: 0, lent: isBytes }
      : { bytes: compressed, flags: Flag.COMPRESSED, lent: false };
  }

  private encodeValue(codec: MessageCodec, value: unknown, bytesGuess: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytesGuess);
    const end = codec.encode(value, buffer, 0);
    if (end >= 0) return buffer.subarray(0, end);
    const { messageBytesMax } = this.limits;
    const bytes = bytesGuess - end;
    // Known to be too long: the error needs no second encoding.
    if (bytes > messageBytesMax) throw tooLong(bytes, messageBytesMax);
    const whole = Buffer.allocUnsafeSlow(bytes);
    const wholeEnd = codec.encode(value, whole, 0);
    if (wholeEnd < 0) {
      throw new RpcError('INVALID_ARGUMENT', 'the message became longer while it was encoded', { started: 'no' });
    }
    return whole.subarray(0, wholeEnd);
  }

  /** In one frame where it fits and the credit allows; otherwise as a long message, or LATER. */
  private sendEncoded(
    type: number,
    ownFlags: number,
    call: number,
    method: number,
    prefix: OutgoingPrefix,
    body: EncodedBody,
    credit: ItemCredit | null,
  ): LongMessage | null {
    const { bytes, lent } = body;
    const flags = ownFlags | prefix.flags | body.flags;
    const length = (prefix.bytes === null ? 0 : prefix.bytes.length) + bytes.length;
    const cost = HEADER_BYTES + length;
    const fits = length <= this.frameBytesMax && this.queue.headBytes + length <= SLAB_BYTES;
    if (fits && (credit === null || cost <= credit.left)) {
      credit?.spend(cost);
      this.queue.writePrefixedFrame(type, flags, call, method, prefix.bytes, bytes);
      return null;
    }
    if (credit === null ? this.scheduler.isFull() : this.scheduler.isFullForItem(bytes.length, credit)) return LATER;
    // An item waits for no more than its own frames; other messages may, while their application goes on.
    const copied = lent && credit === null && bytes.length <= RAW_COPIED_BYTES_MAX;
    const message = copied ? Buffer.from(bytes) : bytes;
    const long = new LongMessage(type, flags, call, method, prefix.bytes, message, credit);
    long.lent = lent && !copied;
    this.scheduler.add(long);
    return long;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLong(bytes: number, messageBytesMax: number): RpcError {
  const limit = peerLimitOf({ messageBytesMax }, 'messageBytesMax');
  return limitError(`the message has ${bytes} bytes, more than the peer accepts`, limit);
}
