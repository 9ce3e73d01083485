/**
 * The sending half of a stream: takes items from an iterable, one after the other, and writes them as ITEM frames.
 *
 *   iterable --next()--> item --> ITEM frame      only while there is credit, a share of the turn, and room at the socket
 *
 * The next item is taken from the iterable when the one before it has been written, so what a slow consumer holds up is never
 * more than one item here, and the end of the iterable is seen without credit. An item that is longer than a frame or than the
 * credit left goes out in parts. Whoever stops the stream ends the iterable as well (`return()`), which runs a generator's `finally`.
 */
import { RpcError } from '../../base/errors.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import { LATER, type LongMessage } from '../messages/frame-scheduler.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { SendWindow } from './send-window.js';
import type { StreamLink } from './stream-link.js';
import { FIRST_SHARE_BYTES, type StreamInLine } from './stream-turns.js';

/** With less credit than this a stream waits for more, rather than to cut items into crumbs. */
const CREDIT_BYTES_MIN = 1_024;

/**
 * What gives the items of a stream: an array, a generator, an async generator, a `Readable` in object mode. The next item is taken
 * when the one before it has left.
 */
export type ItemSource<T = unknown> = readonly T[] | Iterable<T> | AsyncIterable<T>;

/** Whether something gives items. A string is iterable, but hardly meant as a stream of characters. */
export function isItemSource(value: unknown): value is ItemSource {
  if (typeof value !== 'object' || value === null) return false;
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = value as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  return typeof (async ?? sync) === 'function';
}

/** Whoever owns the call of a stream. At most one of these is called, once. */
export interface SourceOwner {
  /** Every item is written. Not when the stream was stopped. */
  onSourceEnd(): void;
  /** The iterable threw, perhaps after the stream was stopped. */
  onSourceError(error: unknown): void;
  /** An item cannot be sent: it does not match its schema, is too long, or no credit can come any more. */
  onUnsendable(error: unknown): void;
}

type Step = IteratorResult<unknown> | Promise<IteratorResult<unknown>>;

/** What an iterable or async iterable iterates with. */
interface AnyIterator {
  next(): Step;
  return?(): Step;
}

export class OutgoingStream implements StreamInLine {
  /** Some item was taken from the iterable. */
  begun = false;
  private stopped = false;
  private iterator: AnyIterator | null = null;
  private closing: Promise<void> | null = null;
  /** Why an item cannot be sent; null: there is none. */
  private problem: unknown = null;
  private isAsync = false;
  /** The iterable is at work on its next item. */
  private pulling = false;
  private running = false;
  private wake: (() => void) | null = null;
  private long: LongMessage | null = null;
  private inLine = false;
  /** An item waits for the peer's own limits. */
  private awaitsHello = false;
  /** No credit can come any more: the peer has ended its half. */
  private noCredit = false;

  constructor(
    private readonly link: StreamLink,
    private readonly call: number,
    /** Null: the items are the bytes of a blob. */
    private readonly codec: MessageCodec | null,
    private readonly compression: () => MethodCompression,
    private readonly source: unknown,
    readonly window: SendWindow,
    private readonly owner: SourceOwner,
    /** Of long items the higher goes first. */
    private readonly priority: () => number,
    /** Goes before the items. */
    private readonly head: { readonly value: unknown; readonly codec: MessageCodec } | null = null,
  ) {
    window.share = FIRST_SHARE_BYTES;
  }

  /** Writes until the iterable ends. Resolves when it has ended or was stopped, and never rejects. */
  async run(): Promise<void> {
    const { head } = this;
    this.running = true;
    try {
      const iterator = this.open();
      if (head === null || (await this.writeHead(head.value, head.codec))) await this.writeItems(iterator);
    } catch (error) {
      this.pulling = false;
      this.leaveTurns();
      if (this.closing === null || !isPrematureClose(error)) this.owner.onSourceError(error);
      return;
    }
    this.leaveTurns();
    if (!this.stopped && this.problem === null) {
      this.owner.onSourceEnd();
      return;
    }
    if (!this.stopped) this.owner.onUnsendable(this.problem);
    await this.close();
  }

  private async writeItems(iterator: AnyIterator): Promise<void> {
    const { window } = this;
    while (!this.stopped) {
      this.pulling = true;
      // An await for each item of a generator that is not async would cost more than the item.
      const next: Step = iterator.next();
      const step = this.isAsync ? await (next as Promise<IteratorResult<unknown>>) : (next as IteratorResult<unknown>);
      this.pulling = false;
      if (this.stopped || step.done) break;
      this.begun = true;
      const waits = window.left < CREDIT_BYTES_MIN || window.share <= 0;
      // It may have been stopped between the two promises.
      if (waits && (!(await this.untilReady()) || this.stopped)) break;
      if (!this.write(step.value, this.codec) && !(await this.finish(step.value, this.codec))) break;
    }
  }

  /** Writes nothing more, drops an item that is half written, and ends the iterable. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    if (this.long !== null && this.long !== LATER) this.link.sender.drop(this.long);
    this.long = null;
    this.goOn();
    // What waits inside `next` is told too; a generator that waits for something else hears of it when that is over.
    if ((this.pulling && this.isAsync) || !this.running) void this.close();
  }

  /** CREDIT came. Throws a `WireError` for too much or too often. */
  onCredit(bytes: number): void {
    this.window.give(bytes);
    this.onRoom();
  }

  /** The receiver's HELLO is here: it may take longer items, and `bytes` more of them, than was assumed. */
  widen(bytes: number): void {
    this.window.widen(bytes);
    if (this.awaitsHello) this.goOn();
    else this.onRoom();
  }

  /** The peer has ended its half: what needs more credit than there is can never be written. */
  onReadEnd(): void {
    this.noCredit = true;
    const { long } = this;
    if (long !== null && long !== LATER && long.affordable < long.body.length - long.at) {
      this.link.sender.drop(long);
      this.problem = noCreditError();
      this.goOn();
    } else if (this.wake !== null && this.window.left < CREDIT_BYTES_MIN) {
      this.goOn();
    }
  }

  onTurn(): void {
    this.inLine = false;
    if (this.stopped) this.leaveTurns();
    else this.goOn();
  }

  private onRoom(): void {
    if (this.long !== null) this.link.sender.pump();
    else if (this.wake !== null && !this.inLine && this.window.left >= CREDIT_BYTES_MIN) this.goOn();
  }

  private goOn(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** False: the stream ends here. */
  private async untilReady(): Promise<boolean> {
    const { window } = this;
    while (!this.stopped) {
      if (window.left < CREDIT_BYTES_MIN) {
        if (this.noCredit) {
          this.problem = noCreditError();
          return false;
        }
        await this.pause();
      } else if (window.share <= 0) {
        this.inLine = true;
        this.link.turns.enter(this);
        await this.pause();
      } else {
        return true;
      }
    }
    return false;
  }

  /** True: the item has left. */
  private write(item: unknown, codec: MessageCodec | null): boolean {
    const { sender } = this.link;
    try {
      this.long =
        codec === null
          ? sender.sendPieces(this.call, item, this.window)
          : sender.sendItem(this.call, codec, item, this.compression(), this.window);
    } catch (error) {
      // Too long for the protocol's minimum limits, perhaps not for this peer's own.
      this.awaitsHello = this.link.state === 'greeting' && error instanceof RpcError && error.limit !== undefined;
      this.long = this.awaitsHello ? LATER : null;
      if (!this.awaitsHello) this.problem = error;
      return false;
    }
    return this.long === null;
  }

  private async writeHead(value: unknown, codec: MessageCodec): Promise<boolean> {
    this.link.sender.corkTick();
    return (
      (await this.untilReady()) && !this.stopped && (this.write(value, codec) || (await this.finish(value, codec)))
    );
  }

  /** An item that leaves in parts, or not before others have. False: the stream ends here. */
  private async finish(item: unknown, codec: MessageCodec | null): Promise<boolean> {
    while (this.long === LATER) {
      if (!this.awaitsHello) this.link.turns.awaitRoom(() => this.goOn());
      await this.pause();
      if (this.stopped) return false;
      this.awaitsHello = false;
      if (this.write(item, codec)) return true;
    }
    const { long } = this;
    if (long === null) return false;
    long.priority = this.priority();
    long.onSent = () => {
      this.long = null;
      this.goOn();
    };
    await this.pause();
    return !this.stopped && this.problem === null;
  }

  private open(): AnyIterator {
    const source = this.source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
    const asyncIterator = source?.[Symbol.asyncIterator];
    this.isAsync = asyncIterator !== undefined;
    const iterator = asyncIterator?.call(source) ?? source?.[Symbol.iterator]?.call(source);
    if (iterator === undefined) throw new TypeError('a stream of items must be an iterable or async iterable');
    this.iterator = iterator as AnyIterator;
    return this.iterator;
  }

  private leaveTurns(): void {
    this.link.turns.leave(this.window.share);
    this.window.share = 0;
  }

  /** Ends the iterable, once. Resolves when it has ended. */
  private close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** What the iterable throws when it is ended concerns nobody: its call is over. */
  private async end(): Promise<void> {
    const source = this.source as { readonly destroy?: unknown } | null | undefined;
    try {
      if (typeof source?.destroy === 'function') source.destroy();
      await (this.iterator?.return?.() as Promise<unknown> | undefined);
    } catch {
      // See above.
    }
  }
}

function noCreditError(): RpcError {
  return new RpcError(
    'UNAVAILABLE',
    'the peer ended its half of the connection before the stream, and gives no more credit',
  );
}

/** How a `Readable` that is destroyed ends its iteration. */
function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}
