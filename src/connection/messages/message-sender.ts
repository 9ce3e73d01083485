/**
 * Messages to frames. A message that fits one frame, nearly every one, is encoded straight into the write queue's slab
 * behind room for its header. A longer one is encoded once into a buffer of its own and given to the `FrameScheduler`, which
 * sends it in pieces between all other frames.
 *
 * When that holds too much, longer ones are not encoded: `send` answers LATER, and whoever called keeps the value until
 * `onRoom`. Small messages pass.
 */
import type { Clock } from '../../base/clock.js';
import { limitError, RpcError } from '../../base/errors.js';
import { type AnnouncedLimits, peerLimitOf } from '../../base/limits.js';
import { compressMessage } from '../../compression/message.js';
import type { Transport } from '../../transport/transport.js';
import { Flag, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { writeU32 } from '../../wire/encoder.js';
import { isBytesCodec, type MessageCodec } from '../../wire/message-codec.js';
import { encodePrefix, LEDGER_BYTES } from '../../wire/prefix.js';
import { FRAGMENT_BYTES, FrameScheduler, type ItemCredit, LATER, LongMessage } from './frame-scheduler.js';
import type { MethodCompression } from './method-compression.js';
import { SLAB_BYTES, type WriteQueue } from './write-queue.js';

/** Room that every frame finds behind `end`: header, prefix without metadata, and a small message. */
const ROOM_BYTES = 1024;
/** Fewer bytes of a blob are copied: that is cheaper than a system call's own buffer for them. */
const PIECE_COPIED_BYTES_MAX = 4 * 1024;

/** Writes the durations of a call that asked for its ledger as the prefix has them: `LEDGER_BYTES` from `at` on. */
export type DurationsWriter = (into: Buffer, at: number) => void;

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
    const { queue } = this;
    if (metadata !== null) {
      return this.sendApart(type, flags, call, method, codec, value, deadlineMs, metadata, compression);
    }
    queue.reserve(ROOM_BYTES);
    const { slab, end: at } = queue;
    let body = at + queue.headBytes;
    if (deadlineMs >= 0) {
      flags |= Flag.DEADLINE;
      writeU32(slab, body, deadlineMs);
      body += 4;
    }
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
      end - at - queue.headBytes > this.frameBytesMax ||
      end - body >= compression.bytesMin
    ) {
      if (deadlineMs >= 0) flags &= ~Flag.DEADLINE;
      const bytes = end < 0 ? slab.length - body - end : end - body;
      // Known to be long: nothing is gained by encoding it for nothing.
      if (bytes > this.frameBytesMax && bytes <= this.limits.messageBytesMax && this.scheduler.isFull()) return LATER;
      return this.sendApart(type, flags, call, method, codec, value, deadlineMs, metadata, compression, bytes);
    }
    queue.commitFrame(end - at - queue.headBytes, call, type, flags, method);
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
      return this.sendApart(FrameType.ITEM, 0, call, 0, codec, value, -1, null, compression, bytes, credit);
    }
    credit.spend(HEADER_BYTES + end - body);
    queue.commitFrame(end - body, call, FrameType.ITEM, 0, 0);
    return null;
  }

  /**
   * Bytes of a blob, as items of any size that cost `credit`. Null: they left. A long message is on its way else, however much
   * is held: the bytes are not copied and must stay unchanged until it was sent. Throws an `RpcError` for what is no bytes.
   */
  sendPieces(call: number, bytes: unknown, credit: ItemCredit): LongMessage | null {
    if (!(bytes instanceof Uint8Array)) {
      throw new RpcError('INVALID_ARGUMENT', 'the body of a blob must be of Buffers or Uint8Arrays');
    }
    if (bytes.length === 0) return null;
    const body = asBuffer(bytes);
    const cost = HEADER_BYTES + body.length;
    if (body.length <= PIECE_COPIED_BYTES_MAX && cost <= credit.left) {
      credit.spend(cost);
      this.writeWhole(FrameType.ITEM, 0, call, 0, null, body);
      return null;
    }
    const long = new LongMessage(FrameType.ITEM, 0, call, 0, null, body, credit);
    long.pieces = true;
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
    const { RESPONSE } = FrameType;
    return this.sendApart(RESPONSE, 0, call, 0, codec, value, -1, metadata, compression, ROOM_BYTES, null, durations);
  }

  /** More than one small frame is to come of this tick: they leave together. */
  corkTick(): void {
    this.scheduler.corkTick();
  }

  /** The socket has room again, or a stream got credit. */
  pump(): void {
    this.scheduler.pump();
  }

  /** Whether long messages are answered LATER. Who hears yes is told by `onRoom` when that has changed. */
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

  /**
   * Every case but the usual one: metadata, compression, messages beyond a frame or the slab, a value that
   * makes calls while it is encoded.
   */
  private sendApart(
    type: number,
    flags: number,
    call: number,
    method: number,
    codec: MessageCodec,
    value: unknown,
    deadlineMs: number,
    metadata: Buffer | null,
    compression: MethodCompression,
    bytesGuess = ROOM_BYTES,
    credit: ItemCredit | null = null,
    durations: DurationsWriter | null = null,
  ): LongMessage | null {
    const bare = deadlineMs < 0 && metadata === null && durations === null;
    const prefix = bare ? null : encodePrefix(deadlineMs, durations === null ? 0 : LEDGER_BYTES, metadata);
    const prefixBytes = prefix === null ? 0 : prefix.length;
    if (prefixBytes > this.frameBytesMax) {
      const limit = peerLimitOf({ frameBytesMax: this.frameBytesMax }, 'frameBytesMax');
      throw limitError(`${prefixBytes} bytes of metadata do not fit the first frame`, limit);
    }
    if (deadlineMs >= 0) flags |= Flag.DEADLINE;
    if (metadata !== null) flags |= Flag.METADATA;
    let body =
      isBytesCodec(codec) && value instanceof Uint8Array ? asBuffer(value) : this.encodeApart(codec, value, bytesGuess);
    const { messageBytesMax } = this.limits;
    if (body.length > messageBytesMax) throw tooLong(body.length, messageBytesMax);
    if (body.length >= compression.bytesMin && compression.compressor !== null) {
      const compressed = compressMessage(compression.compressor, body, 0, body.length, compression.choice);
      if (compressed !== null) {
        flags |= Flag.COMPRESSED;
        body = compressed;
      }
    }
    if (durations !== null && prefix !== null) {
      flags |= Flag.LEDGER;
      durations(prefix, 0);
    }
    const length = prefixBytes + body.length;
    const cost = HEADER_BYTES + length;
    const fits = length <= this.frameBytesMax && this.queue.headBytes + length <= SLAB_BYTES;
    if (fits && (credit === null || cost <= credit.left)) {
      credit?.spend(cost);
      this.writeWhole(type, flags, call, method, prefix, body);
      return null;
    }
    if (credit === null ? this.scheduler.isFull() : this.scheduler.isFullForItem(body.length, credit)) return LATER;
    const long = new LongMessage(type, flags, call, method, prefix, body, credit);
    this.scheduler.add(long);
    return long;
  }

  /** One frame, copied into the slab. */
  private writeWhole(
    type: number,
    flags: number,
    call: number,
    method: number,
    prefix: Buffer | null,
    body: Buffer,
  ): void {
    const { queue } = this;
    const { headBytes } = queue;
    const length = (prefix === null ? 0 : prefix.length) + body.length;
    queue.reserve(headBytes + length);
    const { slab, end: at } = queue;
    if (prefix !== null) slab.set(prefix, at + headBytes);
    slab.set(body, at + headBytes + length - body.length);
    queue.commitFrame(length, call, type, flags, method);
  }

  /** The message in a buffer of its own. */
  private encodeApart(codec: MessageCodec, value: unknown, bytesGuess: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytesGuess);
    const end = codec.encode(value, buffer, 0);
    if (end >= 0) return buffer.subarray(0, end);
    const { messageBytesMax } = this.limits;
    const bytes = bytesGuess - end;
    // Known to be too long: say so without the second encoding.
    if (bytes > messageBytesMax) throw tooLong(bytes, messageBytesMax);
    const whole = Buffer.allocUnsafeSlow(bytes);
    return whole.subarray(0, codec.encode(value, whole, 0));
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLong(bytes: number, messageBytesMax: number): RpcError {
  const limit = peerLimitOf({ messageBytesMax }, 'messageBytesMax');
  return limitError(`the message has ${bytes} bytes, more than the peer accepts`, limit);
}
