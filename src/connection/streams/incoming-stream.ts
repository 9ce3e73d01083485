/**
 * The receiving half of a stream: what comes in ITEM frames, in order, for whoever iterates it: a caller over the answers of a
 * server stream or duplex call, a handler over what its caller sends.
 *
 *   ITEM --> items that are here --next(), batches()--> application
 *                                        |
 *            CREDIT <--------------------+    an item's bytes are credited when the application has taken it
 *
 * Items of one frame are decoded as they come, straight from the chunk. The others are kept as bytes until they are taken: those that
 * are compressed, have several frames, wait for their schema, have a codec that `amplifies`, or are more than `DECODED_MAX` ahead
 * of the application. What is kept is bounded by the window and one long message. An error is delivered behind the items that came
 * before it, unless this side itself gave up.
 *
 *            end(), fail()
 *   open -------------------> ended
 *     |                         |
 *     | the application leaves  | the application leaves
 *     v      end(), fail()      v
 *   left -------------------> over
 *
 * - open: items come. ended: what is here is all there is, and `failure`, if there is one, is delivered behind it, once.
 * - left: what comes is dropped. over: nothing comes, and nothing is given out any more.
 */
import type { InspectOptionsStylized } from 'node:util';
import { assert } from '../../base/assert.js';
import type { CallLedger } from '../../base/call-ledger.js';
import { rejectCall } from '../../base/caller-stack.js';
import { type Attempt, noAttempts } from '../../base/codes.js';
import { RpcError, tellAttempts } from '../../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../../base/inspect.js';
import { type Steps, step } from '../../base/state-machine.js';
import { CloseCode, Flag } from '../../wire/constants.js';
import { describeWrongFlags } from '../../wire/frame-rules.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import type { Metadata } from '../../wire/records/metadata.js';
import { WireError } from '../../wire/wire-error.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import { IncomingCredit } from './incoming-credit.js';
import { decodeItem, ItemQueue } from './item-queue.js';
import type { ItemStream } from './item-stream.js';
import type { StreamLink } from './stream-link.js';

/** The call of a stream. A seam: both halves of calling implement it, and so does a call that waits for a connection. */
export interface StreamOwner {
  /** The application takes no more items. */
  onLeave(): void;
  /** An item cannot be read: the call fails. */
  onUnreadable(error: RpcError): void;
}

type Waiter = {
  readonly resolve: (result: IteratorResult<unknown, undefined> | Promise<never>) => void;
  readonly reject: (error: unknown) => void;
};

const DONE: IteratorResult<never, undefined> = Object.freeze({ value: undefined, done: true });

type IncomingState = 'open' | 'ended' | 'left' | 'over';

const steps: Steps<IncomingState> = { open: ['ended', 'left'], ended: ['over'], left: ['over'], over: [] };

export class IncomingStream implements ItemStream<unknown> {
  metadata: Metadata | null = null;
  ledger: CallLedger | null = null;
  attempts: readonly Attempt[] = noAttempts;
  private state: IncomingState = 'open';
  /** The peer's END has come. */
  complete = false;
  /** Some item has come. */
  begun = false;
  private owner: StreamOwner | null = null;
  /** Null until the call has a connection. */
  protected credit: IncomingCredit | null = null;
  /** What is here and not taken. */
  protected readonly items = new ItemQueue();
  /** The item of which not all frames are here, what of its cost was not given back, and whether some was. */
  private partial: IncomingMessage | null = null;
  private partialCost = 0;
  private partialLent = false;
  /** `next` calls that found nothing. */
  protected waiters: Waiter[] = [];
  private batchWaiters: (() => void)[] = [];
  private failure: RpcError | null = null;

  private transition(to: IncomingState): void {
    this.state = step('a stream that comes in', steps, this.state, to);
  }

  /** The peer's items are complete, or the call has failed. */
  get ended(): boolean {
    return this.state === 'ended' || this.state === 'over';
  }

  /** What comes is of use. */
  protected get open(): boolean {
    return this.state === 'open';
  }

  private get left(): boolean {
    return this.state === 'left' || this.state === 'over';
  }

  /** Binds the stream to a call; `ready` follows once the peer's schema is known. */
  attach(link: StreamLink, call: number, owner: StreamOwner): void {
    this.items.link = link;
    this.owner = owner;
    this.credit = new IncomingCredit(link, call);
  }

  /** Its items come over this connection. */
  isAttached(link: StreamLink): boolean {
    return this.credit?.link === link;
  }

  /** The call waits for a connection: called when the application leaves meanwhile. */
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
    return this.credit?.left ?? 0;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // The application's side.

  next(): Promise<IteratorResult<unknown, undefined>> {
    const { items } = this;
    if (!items.isEmpty && items.codec !== null && this.waiters.length === 0) {
      try {
        return Promise.resolve({ value: items.take(), done: false });
      } catch (error) {
        this.onUnreadable(error);
      } finally {
        this.onTaken(items.takenCost);
      }
    }
    if (this.left || (this.ended && items.isEmpty)) return this.atEnd();
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.leave();
    return Promise.resolve(DONE);
  }

  batches(): AsyncIterableIterator<unknown[], undefined> {
    const iterator: AsyncIterableIterator<unknown[], undefined> = {
      next: () => this.nextBatch(),
      return: async () => {
        this.leave();
        return DONE;
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  private async nextBatch(): Promise<IteratorResult<unknown[], undefined>> {
    const { items } = this;
    while (items.isEmpty || items.codec === null) {
      if (this.left || (this.ended && items.isEmpty)) return this.atEnd();
      await new Promise<void>((resolve) => this.batchWaiters.push(resolve));
    }
    const batch = items.takeBatch((error) => this.onUnreadable(error));
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
    this.transition(ended ? 'over' : 'left');
    this.wake();
    if (!ended) owner?.onLeave();
  }

  /** The application has taken items of this cost. */
  private onTaken(cost: number): void {
    this.credit?.giveBack(cost);
    if (this.partial !== null) this.lendPartial();
  }

  // The connection's side.

  /** An ITEM frame. Throws a `WireError` that ends the connection or an `RpcError` that fails the call. */
  onItem(flags: number, buffer: Buffer, start: number, end: number): void {
    const { items } = this;
    const { codec } = items;
    const credit = this.attached();
    const cost = credit.spend(end - start);
    this.begun = true;
    const isPlain = flags === 0 && codec !== null && this.partial === null && this.state === 'open';
    if (!isPlain || !(items.takesValues || this.waiters.length > 0)) {
      this.onOtherItem(flags, buffer, start, end, cost);
      return;
    }
    const value = decodeItem(codec, buffer, start, end);
    if (this.waiters.length > 0) {
      credit.giveBack(cost);
      this.waiters.shift()?.resolve({ value, done: false });
      return;
    }
    items.push(value, cost);
    if (this.batchWaiters.length > 0) this.wake();
  }

  /** The credit of a stream that has a connection. */
  protected attached(): IncomingCredit {
    const { credit } = this;
    assert(credit !== null, 'items come over a connection');
    return credit;
  }

  /** An item that is kept as bytes, or a part of one, or one that nobody wants. */
  protected onOtherItem(flags: number, buffer: Buffer, start: number, end: number, cost: number): void {
    if (this.state !== 'open') return;
    const more = (flags & Flag.MORE) !== 0;
    if (this.partial === null && !more) {
      this.items.pushBytes(flags, buffer, start, end);
      this.wake();
      return;
    }
    if (this.partial === null) {
      this.partial = new IncomingMessage(this.attached().link, flags, false, buffer, start, end);
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
    this.credit?.giveBack(this.items.pushMessage(partial, partialCost, partialLent));
    this.wake();
  }

  /**
   * An incomplete item may need more than the window. Its bytes are given back while nothing else of the stream is here, so that
   * no more than one such item is ever held beside the window.
   */
  private lendPartial(): void {
    if (this.partial === null || !this.items.isEmpty) return;
    const credit = this.attached();
    const lent = credit.lend(this.partialCost);
    if (lent === 0) return;
    this.partialCost -= lent;
    this.partialLent = true;
    credit.giveBack(lent);
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
    this.complete = true;
    this.settle();
  }

  /** The call has failed. `atOnce`: what is here and not taken is dropped, as when this side has given up. */
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
    this.settle();
  }

  /** Nothing more comes. What is here is the application's. */
  private settle(): void {
    this.setEnded();
    this.items.discharge();
    this.wake();
  }

  private setEnded(): void {
    this.credit?.stop();
    if (!this.ended) this.transition(this.left ? 'over' : 'ended');
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
    this.setEnded();
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
    for (const { resolve, reject } of waiters) {
      const { failure, left, items } = this;
      if (failure !== null && !left && items.isEmpty) {
        this.failure = null;
        rejectCall(resolve, null, failure);
      } else {
        this.next().then(resolve, reject);
      }
    }
  }
}
