/**
 * The receiving half of a stream: what comes in ITEM frames, in order, for whoever iterates it: a caller over the answers of a
 * server stream or duplex call, a handler over what its caller sends.
 *
 *   ITEM --> items that are here --next(), batches()--> application
 *                                        |
 *            CREDIT <--------------------+    an item's bytes are credited when the application has taken it
 *
 * Items of one frame are decoded as they come, straight from the chunk; the others (compressed, in several frames, of a schema
 * still on its way, of a codec that `amplifies`, or more than `DECODED_MAX` ahead of the application) are kept as bytes until
 * they are taken. What is kept is bounded by the window and one long message. An error comes behind the items that came before
 * it, unless this side itself gave up.
 */
import type { InspectOptionsStylized } from 'node:util';
import { type Attempt, noAttempts } from '../../base/attempt.js';
import type { CallLedger } from '../../base/call-ledger.js';
import { RpcError, tellAttempts } from '../../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../../base/inspect.js';
import { CloseCode, Flag, FrameType, HEADER_BYTES } from '../../wire/constants.js';
import { writeU32 } from '../../wire/encoder.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import type { Metadata } from '../../wire/records/metadata.js';
import { WireError } from '../../wire/wire-error.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import { decodeItem, ItemQueue } from './item-queue.js';
import type { ItemStream } from './item-stream.js';
import { ReceiveWindow } from './receive-window.js';
import type { CreditDebtor, StreamLink } from './stream-link.js';

/** Whoever owns the call of a stream. */
export interface StreamOwner {
  /** The application takes no more items. */
  onLeave(): void;
  /** An item cannot be read: the call fails. */
  onUnreadable(error: RpcError): void;
}

type Waiter = {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
};

const DONE: IteratorResult<never, undefined> = Object.freeze({ value: undefined, done: true });

export class IncomingStream<T = unknown> implements ItemStream<T>, CreditDebtor {
  metadata: Metadata | null = null;
  ledger: CallLedger | null = null;
  attempts: readonly Attempt[] = noAttempts;
  /** The peer's items are complete, or the call has failed. */
  ended = false;
  /** The peer's END has come. */
  complete = false;
  /** Some item has come. */
  begun = false;
  protected link: StreamLink | null = null;
  private owner: StreamOwner | null = null;
  private call = 0;
  private window: ReceiveWindow | null = null;
  /** What is here and not taken. */
  protected readonly items = new ItemQueue();
  /** The item of which not all frames are here, what of its cost was not given back, and whether some was. */
  private partial: IncomingMessage | null = null;
  private partialCost = 0;
  private partialLent = false;
  /** Credit that was given back and is to be written. */
  private creditDue = 0;
  /** `next` calls that found nothing. */
  protected waiters: Waiter[] = [];
  private batchWaiters: (() => void)[] = [];
  private failure: RpcError | null = null;
  /** The application has left: what comes is dropped. */
  protected left = false;

  /** Binds the stream to a call; `ready` follows once the peer's schema is known. */
  attach(link: StreamLink, call: number, owner: StreamOwner): void {
    const { streamWindowBytes, streamWindowBytesMax } = link.limits;
    this.link = this.items.link = link;
    this.call = call;
    this.owner = owner;
    this.window = new ReceiveWindow(streamWindowBytes, streamWindowBytesMax);
  }

  /** Its items come over this connection. */
  isAttached(link: StreamLink): boolean {
    return this.link === link;
  }

  /** Whom to tell when the application leaves before the call has a connection. */
  set onLeaveEarly(leave: () => void) {
    this.owner = { onLeave: leave, onUnreadable: leave };
  }

  /** The peer's schema is known: items that wait can be read. */
  ready(codec: MessageCodec): void {
    this.items.setCodec(codec);
    this.wake();
  }

  /** The peer's schema cannot be read: the call fails, whatever has come. */
  onBreaking(error: RpcError): void {
    if (this.ended) this.fail(error, true);
    else this.owner?.onUnreadable(error);
  }

  /** Bytes that the peer may still send, for a call that ends before its stream does. */
  get creditLeft(): number {
    return this.window?.left ?? 0;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // The application's side.

  next(): Promise<IteratorResult<T, undefined>> {
    const { items } = this;
    if (!items.isEmpty && items.codec !== null && this.waiters.length === 0) {
      try {
        return Promise.resolve({ value: items.take() as T, done: false });
      } catch (error) {
        this.onUnreadable(error);
      } finally {
        this.onTaken(items.takenCost);
      }
    }
    if (this.left || (this.ended && items.isEmpty)) return this.atEnd();
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve: resolve as Waiter['resolve'], reject });
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.leave();
    return Promise.resolve(DONE);
  }

  batches(): AsyncIterableIterator<T[], undefined> {
    const iterator: AsyncIterableIterator<T[], undefined> = {
      next: () => this.nextBatch(),
      return: async () => {
        this.leave();
        return DONE;
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  private async nextBatch(): Promise<IteratorResult<T[], undefined>> {
    const { items } = this;
    while (items.isEmpty || items.codec === null) {
      if (this.left || (this.ended && items.isEmpty)) return this.atEnd();
      await new Promise<void>((resolve) => this.batchWaiters.push(resolve));
    }
    const batch = items.takeBatch((error) => this.onUnreadable(error)) as T[];
    this.onTaken(items.takenCost);
    return batch.length > 0 ? { value: batch, done: false } : this.atEnd();
  }

  /** The failure once, then the end. */
  private atEnd(): Promise<typeof DONE> {
    const { failure } = this;
    this.failure = null;
    return failure === null || this.left ? Promise.resolve(DONE) : Promise.reject(failure);
  }

  private leave(): void {
    if (this.left) return;
    const { owner, ended } = this;
    this.drop();
    this.left = true;
    this.wake();
    if (!ended) owner?.onLeave();
  }

  /** The application has taken items of this cost. */
  private onTaken(cost: number): void {
    this.giveBack(cost);
    if (this.partial !== null) this.lendPartial();
  }

  protected giveBack(cost: number): void {
    const { window, link } = this;
    if (this.ended || window === null || link === null) return;
    const credit = window.release(cost, link.now);
    if (credit === 0) return;
    this.creditDue += credit;
    if (this.creditDue === credit) link.reader.settleBehindChunk(this);
  }

  /** Writes the CREDIT that is due. */
  settleCredit(): void {
    const { link, creditDue } = this;
    this.creditDue = 0;
    if (this.ended || link === null) return;
    const payload = Buffer.allocUnsafe(4);
    writeU32(payload, 0, creditDue);
    link.queue.writeFrame(FrameType.CREDIT, 0, this.call, 0, payload);
  }

  // The connection's side.

  /** An ITEM frame. Throws a `WireError` that ends the connection or an `RpcError` that fails the call. */
  onItem(flags: number, buffer: Buffer, start: number, end: number): void {
    const cost = this.count(end - start);
    const { items } = this;
    const { codec } = items;
    const isPlain = flags === 0 && codec !== null && this.partial === null && !this.left && !this.ended;
    if (!isPlain || !(items.takesValues || this.waiters.length > 0)) {
      this.onOtherItem(flags, buffer, start, end, cost);
      return;
    }
    const value = decodeItem(codec, buffer, start, end);
    if (this.waiters.length > 0) {
      this.giveBack(cost);
      (this.waiters.shift() as Waiter).resolve({ value, done: false });
      return;
    }
    items.push(value, cost);
    if (this.batchWaiters.length > 0) this.wake();
  }

  /** Takes a frame's cost from the window and returns it. Throws a `WireError` when that is beyond the credit. */
  protected count(bytes: number): number {
    const window = this.window as ReceiveWindow;
    const link = this.link as StreamLink;
    const cost = HEADER_BYTES + bytes;
    if (!window.receive(cost)) {
      const text = `an ITEM frame that costs ${cost} for call ${this.call}, whose credit was ${window.left + cost}`;
      throw new WireError(CloseCode.FLOW_CONTROL, text);
    }
    if (window.probing) window.probe(cost, link.now, link.silentMs);
    this.begun = true;
    return cost;
  }

  /** An item that is kept as bytes, or a part of one, or one that nobody wants. */
  protected onOtherItem(flags: number, buffer: Buffer, start: number, end: number, cost: number): void {
    if (this.left || this.ended) return;
    const more = (flags & Flag.MORE) !== 0;
    if (this.partial === null && !more) {
      this.items.pushBytes(flags, buffer, start, end);
      this.wake();
      return;
    }
    if (this.partial === null) {
      this.partial = new IncomingMessage(this.link as StreamLink, flags, false, buffer, start, end);
      this.partialCost = cost;
      this.partialLent = false;
    } else {
      if ((flags & ~Flag.MORE) !== 0) {
        throw new WireError(CloseCode.FLAGS, describeWrongFlags(flags, 'a frame that continues an ITEM'));
      }
      this.partial.continue(flags, buffer, start, end);
      this.partialCost += cost;
    }
    if (more) {
      this.lendPartial();
      return;
    }
    const { partial, partialCost, partialLent } = this;
    this.partial = null;
    this.giveBack(this.items.pushMessage(partial, partialCost, partialLent));
    this.wake();
  }

  /**
   * An incomplete item may need more than the window. Its bytes are given back while nothing else of the stream is here, so that
   * no more than one such item is ever held beside the window.
   */
  private lendPartial(): void {
    if (this.partial === null || !this.items.isEmpty) return;
    const lent = (this.window as ReceiveWindow).lend(this.partialCost);
    if (lent === 0) return;
    this.partialCost -= lent;
    this.partialLent = true;
    this.giveBack(lent);
  }

  /** Whether something is missing that every stream of its kind has. */
  get lacksHead(): boolean {
    return false;
  }

  /** Whether a message is incomplete, so that the stream cannot end here. */
  get insideItem(): boolean {
    return this.partial !== null;
  }

  /** The stream is complete. */
  end(metadata: Metadata | null = null, ledger: CallLedger | null = null, attempts = noAttempts): void {
    this.metadata = metadata;
    this.ledger = ledger;
    this.attempts = attempts;
    this.ended = this.complete = true;
    this.items.discharge();
    this.wake();
  }

  /** The call has failed. `at once`: what is here and not taken is dropped, as when this side has given up. */
  fail(error: RpcError, atOnce = false): void {
    if (this.ended && !atOnce) return;
    this.failure = error;
    this.metadata = error.metadata;
    this.ledger = error.ledger;
    // What comes behind the end of the call, such as a schema that does not fit, knows of no attempt.
    if (error.attempts.length > 0) this.attempts = error.attempts;
    else if (this.attempts.length > 0) tellAttempts(error, this.attempts);
    if (atOnce) this.drop();
    this.partial?.release();
    this.partial = null;
    this.ended = true;
    this.items.discharge();
    this.wake();
  }

  private onUnreadable(error: unknown): void {
    if (!(error instanceof RpcError)) throw error;
    const { owner, failure } = this;
    // What stands behind it is lost with it.
    this.drop();
    owner?.onUnreadable(error);
    if (this.failure !== failure) return;
    // The call has ended, but what it brought cannot be read.
    const { attempts } = this;
    this.failure = new RpcError('INTERNAL', error.message, { started: 'yes', cause: error, attempts });
    this.ended = true;
  }

  private drop(): void {
    this.items.clear();
    this.partial?.release();
    this.partial = null;
  }

  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const { begun, ended, complete } = this;
    return shortView('ItemStream', { begun, ended, complete }, depth, options, inspect);
  }

  /** Whoever waits looks again. */
  private wake(): void {
    const { batchWaiters } = this;
    if (batchWaiters.length > 0) {
      this.batchWaiters = [];
      for (const resolve of batchWaiters) resolve();
    }
    if (this.waiters.length === 0) return;
    const { waiters } = this;
    this.waiters = [];
    for (const { resolve, reject } of waiters) this.next().then(resolve, reject);
  }
}
