/**
 * Messages to frames. A message that fits one frame, nearly every one, is encoded straight into the write queue's slab
 * behind room for its header. A longer one is encoded once into a buffer of its own and leaves in frames of at most
 * 64 KiB, one frame of each long message in turn, and only while the socket takes them: so small calls written meanwhile
 * never wait behind more than what the socket already holds, and a message half sent can be dropped.
 *
 * Long messages are held in full while they leave. From `writeQueueBytesHard` bytes of them on, further ones are not
 * encoded: `send` answers LATER, and whoever called keeps the value until `onRoom`. Small messages pass.
 */
import type { Clock } from '../base/clock.js';
import { limitError, type RpcError } from '../base/errors.js';
import type { AnnouncedLimits } from '../base/limits.js';
import { compressMessage } from '../compression/message.js';
import { Flag, HEADER_BYTES } from '../wire/constants.js';
import { writeHeader, writeU32 } from '../wire/encoder.js';
import type { MessageCodec } from '../wire/message-codec.js';
import type { MethodCompression } from './method-compression.js';
import type { Transport } from './transport.js';
import { SLAB_BYTES, type WriteQueue } from './write-queue.js';

/** Payload bytes of one frame of a long message. */
const FRAGMENT_BYTES = 64 * 1024;
/** Long messages go on while the socket holds no more than this. */
const UNSENT_BYTES_MAX = 128 * 1024;
/** Frames written in one turn of the event loop, so that a fast reader does not keep this process from reading. */
const FRAGMENTS_A_TURN = 8;
/** Room that every frame finds behind `end`: header, prefix without metadata, and a small message. */
const ROOM_BYTES = 1024;

/** A message on its way in several frames. */
export class LongMessage {
  /** Runs once the last frame was handed over; not after `drop`. */
  onSent: (() => void) | null = null;
  at = 0;
  dropped = false;

  constructor(
    readonly type: number,
    readonly flags: number,
    readonly call: number,
    readonly method: number,
    /** Prefix parts and body, as they follow the first frame's header. */
    readonly bytes: Buffer,
  ) {}
}

/** In place of a long message that is not sent: it is to be given again when there is room. */
export const LATER: LongMessage = new LongMessage(0, 0, 0, 0, Buffer.alloc(0));

export class MessageSender {
  /** Bytes of the long messages that have not left in full. */
  private heldBytes = 0;
  /** Somebody was told that it is full, and not yet that there is room. */
  private awaited = false;
  private readonly roomListeners: (() => void)[] = [];
  private limits: AnnouncedLimits;
  private frameBytesMax: number;
  private long: LongMessage[] = [];
  private turn = 0;
  private pumpDue = false;

  /** `limits`: what the peer accepts; the protocol's minimum until `setLimits`. */
  constructor(
    private readonly queue: WriteQueue,
    private readonly transport: Transport,
    private readonly clock: Clock,
    limits: AnnouncedLimits,
    private readonly heldBytesMax: number,
  ) {
    this.limits = limits;
    this.frameBytesMax = Math.min(limits.frameBytesMax, FRAGMENT_BYTES);
  }

  setLimits(limits: AnnouncedLimits): void {
    this.limits = limits;
    this.frameBytesMax = Math.min(limits.frameBytesMax, FRAGMENT_BYTES);
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
    let body = at + HEADER_BYTES;
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
      end - at - HEADER_BYTES > this.frameBytesMax ||
      end - body >= compression.bytesMin
    ) {
      if (deadlineMs >= 0) flags &= ~Flag.DEADLINE;
      const bytes = end < 0 ? slab.length - body - end : end - body;
      // Known to be long: nothing is gained by encoding it for nothing.
      if (bytes > this.frameBytesMax && bytes <= this.limits.messageBytesMax && this.isFull()) return LATER;
      return this.sendApart(type, flags, call, method, codec, value, deadlineMs, metadata, compression, bytes);
    }
    writeHeader(slab, at, end - at - HEADER_BYTES, call, type, flags, method);
    queue.commit(end);
    return null;
  }

  /** The socket has room again, or a turn of the event loop has passed. */
  pump(): void {
    this.writeFragments();
    if (!this.awaited || this.heldBytes >= this.heldBytesMax) return;
    this.awaited = false;
    for (const listener of this.roomListeners) listener();
  }

  /** Whether long messages are answered LATER. Who hears yes is told by `onRoom` when that has changed. */
  isFull(): boolean {
    if (this.heldBytes < this.heldBytesMax) return false;
    this.awaited = true;
    return true;
  }

  /** Calls back when long messages may be given again. */
  onRoom(listener: () => void): void {
    this.roomListeners.push(listener);
  }

  private writeFragments(): void {
    const { queue, long } = this;
    for (let frames = 0; long.length > 0; frames++) {
      if (this.transport.unsentBytes > UNSENT_BYTES_MAX) return;
      if (frames === FRAGMENTS_A_TURN) {
        this.pumpSoon();
        return;
      }
      if (this.turn >= long.length) this.turn = 0;
      const message = long[this.turn] as LongMessage;
      const end = Math.min(message.at + this.frameBytesMax, message.bytes.length);
      const last = end === message.bytes.length;
      const flags = (message.at === 0 ? message.flags : 0) | (last ? 0 : Flag.MORE);
      queue.writeLargeFrame(message.type, flags, message.call, message.method, message.bytes.subarray(message.at, end));
      message.at = end;
      if (last) {
        long.splice(this.turn, 1);
        this.heldBytes -= message.bytes.length;
        message.onSent?.();
      } else {
        this.turn++;
      }
    }
  }

  /** Sends nothing more of it. */
  drop(message: LongMessage): void {
    message.dropped = true;
    const index = this.long.indexOf(message);
    if (index < 0) return;
    this.long.splice(index, 1);
    this.heldBytes -= message.bytes.length;
    this.pumpSoon();
  }

  close(): void {
    this.long = [];
    this.heldBytes = 0;
    this.awaited = false;
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
  ): LongMessage | null {
    const prefixBytes = (deadlineMs >= 0 ? 4 : 0) + (metadata === null ? 0 : 4 + metadata.length);
    if (prefixBytes > this.frameBytesMax) {
      const limit = { name: 'frameBytesMax', value: this.frameBytesMax, setting: 'limits.frameBytesMax of the peer' };
      throw limitError(`${prefixBytes} bytes of metadata do not fit the first frame`, limit);
    }
    let message = this.encodeApart(codec, value, prefixBytes, bytesGuess);
    const bytes = message.length - prefixBytes;
    const { messageBytesMax } = this.limits;
    if (bytes > messageBytesMax) throw tooLong(bytes, messageBytesMax);
    if (bytes >= compression.bytesMin && compression.compressor !== null) {
      const compressed = compressMessage(
        compression.compressor,
        message,
        prefixBytes,
        message.length,
        compression.choice,
      );
      if (compressed !== null) {
        flags |= Flag.COMPRESSED;
        const prefixed = Buffer.allocUnsafeSlow(prefixBytes + compressed.length);
        compressed.copy(prefixed, prefixBytes);
        message = prefixed;
      }
    }
    let at = 0;
    if (deadlineMs >= 0) {
      flags |= Flag.DEADLINE;
      writeU32(message, 0, deadlineMs);
      at = 4;
    }
    if (metadata !== null) {
      flags |= Flag.METADATA;
      writeU32(message, at, metadata.length);
      metadata.copy(message, at + 4);
    }
    if (message.length <= this.frameBytesMax && message.length + HEADER_BYTES <= SLAB_BYTES) {
      this.queue.writeFrame(type, flags, call, method, message);
      return null;
    }
    if (this.isFull()) return LATER;
    const long = new LongMessage(type, flags, call, method, message);
    this.heldBytes += message.length;
    this.long.push(long);
    this.pumpSoon();
    return long;
  }

  /** The message behind `prefixBytes` of room, in a buffer that ends with it. */
  private encodeApart(codec: MessageCodec, value: unknown, prefixBytes: number, bytesGuess: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(prefixBytes + bytesGuess);
    const end = codec.encode(value, buffer, prefixBytes);
    if (end >= 0) return buffer.subarray(0, end);
    const { messageBytesMax } = this.limits;
    const bytes = bytesGuess - end;
    // Known to be too long: say so without the second encoding.
    if (bytes > messageBytesMax) throw tooLong(bytes, messageBytesMax);
    const whole = Buffer.allocUnsafeSlow(prefixBytes + bytes);
    return whole.subarray(0, codec.encode(value, whole, prefixBytes));
  }

  private pumpSoon(): void {
    if (this.pumpDue) return;
    this.pumpDue = true;
    this.clock.afterReads(() => {
      this.pumpDue = false;
      this.pump();
    });
  }
}

function tooLong(bytes: number, messageBytesMax: number): RpcError {
  return limitError(`the message has ${bytes} bytes, more than the peer accepts`, {
    name: 'messageBytesMax',
    value: messageBytesMax,
    setting: 'limits.messageBytesMax of the peer',
  });
}
