/**
 * The items of an incoming stream that are here and not taken, in order, each with what it costs of the window: as values, or as
 * bytes that are decoded when their turn comes. Used by `IncomingStream`.
 */
import { assert } from '../../base/assert.js';
import { RpcError } from '../../base/errors.js';
import { Flag, HEADER_BYTES } from '../../wire/constants.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { MessageScope } from '../messages/message-scope.js';
import { ItemBacklog } from './item-backlog.js';

/** Items that are decoded ahead of the application: those of 20 bytes or more that fill a window of 256 KiB. */
const DECODED_MAX = 8_192;
/** A batch of items that were kept as bytes ends behind so many bytes of them, decompressed. */
const BATCH_BYTES_MAX = 1024 * 1024;
/** What an item counts for there when its few bytes may be many values. */
const AMPLIFIED_BYTES = 64 * 1024;
/** A message of several frames and at least so many bytes keeps the buffer that it was assembled in. */
const OWN_BUFFER_BYTES_MIN = 16 * 1024;
/** Placeholders for items still encoded in the backlog. */
const ENCODED = Symbol('encoded');
const COMPRESSED = Symbol('compressed');

export class ItemQueue {
  /** Null until the peer's schema is known; items wait for it. */
  codec: MessageCodec | null = null;
  /** Set before items come. */
  link: MessageScope | null = null;
  /** What the items that `take` or `takeBatch` took last cost. */
  takenCost = 0;
  private items: unknown[] = [];
  private costs: number[] = [];
  /** What all that are here cost. */
  private heldCost = 0;
  private head = 0;
  /** How many of them are undecoded. */
  private undecoded = 0;
  private decodedMax = DECODED_MAX;
  private readonly backlog = new ItemBacklog();
  /** Bytes that were decoded for the batch that is being made. */
  private batchBytes = 0;

  get isEmpty(): boolean {
    return this.head === this.items.length;
  }

  /** The next item may be decoded before the application asks for it. */
  get takesValues(): boolean {
    return this.items.length - this.head < this.decodedMax;
  }

  setCodec(codec: MessageCodec): void {
    this.codec = codec;
    this.decodedMax = codec.amplifies ? 0 : DECODED_MAX;
  }

  push(item: unknown, cost: number): void {
    this.items.push(item);
    this.costs.push(cost);
    this.heldCost += cost;
  }

  /** The last item, if it is a value; undefined: there is none. */
  get last(): unknown {
    return this.isEmpty ? undefined : this.items[this.items.length - 1];
  }

  /** Puts a value in place of the last item, which costs so much more. */
  replaceLast(value: unknown, moreCost: number): void {
    const cost = this.costs.pop();
    assert(cost !== undefined, 'there is a last item to replace');
    this.costs.push(cost + moreCost);
    this.items[this.items.length - 1] = value;
    this.heldCost += moreCost;
  }

  /** An item of one frame, which is copied. */
  pushBytes(flags: number, from: Buffer, start: number, end: number): void {
    this.backlog.push(from, start, end);
    this.undecoded++;
    this.push((flags & Flag.COMPRESSED) === 0 ? ENCODED : COMPRESSED, HEADER_BYTES + end - start);
  }

  /**
   * A whole item of several frames. `lent`: more of its cost was given back than its last frame's, so that its bytes stay charged
   * to the connection. Returns what of its cost is not held any more.
   */
  pushMessage(message: IncomingMessage, cost: number, lent: boolean): number {
    const { buffer, start, end, flags } = message;
    const ownCost = HEADER_BYTES + end - start;
    if (lent || end - start >= OWN_BUFFER_BYTES_MIN) {
      if (!lent) message.discharge();
      this.undecoded++;
      this.push(message, cost);
      return 0;
    }
    this.pushBytes(flags, buffer, start, end);
    message.release();
    return cost - ownCost;
  }

  /** The first item. Throws an `RpcError` when its bytes cannot be read; it is taken all the same. */
  take(): unknown {
    const { head, items, costs } = this;
    const item = items[head];
    const cost = costs[head] ?? 0;
    this.takenCost = cost;
    this.heldCost -= cost;
    if (head + 1 === items.length) {
      items.length = costs.length = 0;
      this.head = 0;
    } else {
      items[head] = undefined;
      this.head = head + 1;
      if (head > 1024 && head * 2 > items.length) this.compact();
    }
    return this.undecoded === 0 ? item : this.read(item, cost - HEADER_BYTES);
  }

  /** All that is here, at least one; of undecoded items perhaps not all. Throws as `take` when the first is wrong. */
  takeBatch(onWrong: (error: unknown) => void): unknown[] {
    if (this.head > 0 || this.undecoded > 0) return this.takeMixedBatch(onWrong);
    const { items, heldCost } = this;
    this.items = [];
    this.costs = [];
    this.heldCost = 0;
    this.takenCost = heldCost;
    return items;
  }

  /** Those before one that cannot be read are given, then its error. */
  private takeMixedBatch(onWrong: (error: unknown) => void): unknown[] {
    const batch: unknown[] = [];
    let cost = 0;
    this.batchBytes = 0;
    try {
      while (!this.isEmpty && this.batchBytes < BATCH_BYTES_MAX) {
        batch.push(this.take());
        cost += this.takenCost;
      }
    } catch (error) {
      cost += this.takenCost;
      onWrong(error);
    }
    this.takenCost = cost;
    return batch;
  }

  /** What is here is all there will be: it is the application's now, and the connection's ledger forgets it. */
  discharge(): void {
    if (this.undecoded === 0) return;
    for (const item of this.items) if (item instanceof IncomingMessage) item.discharge();
  }

  clear(): void {
    for (let index = this.head; this.undecoded > 0 && index < this.items.length; index++) {
      const item = this.items[index];
      if (item instanceof IncomingMessage) item.release();
    }
    this.items = [];
    this.costs = [];
    this.heldCost = this.head = this.undecoded = 0;
    this.backlog.clear();
  }

  /** An item, or what its bytes say. `bytes`: of one in the backlog. */
  private read(item: unknown, bytes: number): unknown {
    const { codec } = this;
    assert(codec !== null, 'items are taken once their schema is known');
    if (item === ENCODED) {
      this.undecoded--;
      this.batchBytes += codec.amplifies ? AMPLIFIED_BYTES : bytes;
      const start = this.backlog.take(bytes);
      return decodeItem(codec, this.backlog.buffer, start, start + bytes);
    }
    if (item === COMPRESSED) return this.readMessage(this.compressedMessage(bytes), codec);
    return item instanceof IncomingMessage ? this.readMessage(item, codec) : item;
  }

  private readMessage(message: IncomingMessage, codec: MessageCodec): unknown {
    this.undecoded--;
    try {
      message.expand();
      this.batchBytes += codec.amplifies ? AMPLIFIED_BYTES : message.end - message.start;
      return message.decode(codec);
    } catch (error) {
      throw unreadableItem(error);
    } finally {
      message.release();
    }
  }

  /** The oldest item of the backlog, which is compressed. */
  private compressedMessage(bytes: number): IncomingMessage {
    const { link, backlog } = this;
    assert(link !== null, 'items come over a connection');
    const start = backlog.take(bytes);
    return new IncomingMessage(link, Flag.COMPRESSED, false, backlog.buffer, start, start + bytes);
  }

  private compact(): void {
    this.items.splice(0, this.head);
    this.costs.splice(0, this.head);
    this.head = 0;
  }
}

/** The value of an item. Throws an `RpcError`, whatever a codec of the application's own throws. */
export function decodeItem(codec: MessageCodec, from: Buffer, start: number, end: number): unknown {
  try {
    return codec.decode(from, start, end);
  } catch (error) {
    throw unreadableItem(error);
  }
}

/** A codec of the application's own may throw anything. */
function unreadableItem(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError('INTERNAL', 'an item could not be decoded', { cause: error });
}
