/**
 * What an application gives to send items or bytes, from the moment it is handed over (by a stub, or by what a handler returned) until
 * it has ended. One owner, so that it is ended exactly once on every path, also when its call never began:
 *
 *   held --open()--> open --it says that it has ended, or throws--> ended
 *     |                |
 *     +----------------+--end(): its call is over---------------> ended
 *
 * To end a source is to destroy a `Readable`, to `cancel()` a web stream, and to `return()` an iterator, which runs a generator's
 * `finally`. An iterable that was never opened has nothing to end. An array may be opened again, for the next attempt of a call.
 *
 * A `Readable` may emit 'error' at any time, and without a listener that ends the process: it is heard from the start. While the source is
 * in use its iterator throws the same error. What comes later (such an event, what `finally` throws, a rejection of `return()`) goes to
 * `onLateError`.
 */

import { assert } from '../../base/assert.js';
import { AsyncContext } from '../../base/async-context.js';

/**
 * What gives the items of a stream: an array, a generator, an async generator, a `Readable` in object mode. The next item is taken
 * when the one before it has left.
 */
export type ItemSource<T = unknown> = readonly T[] | Iterable<T> | AsyncIterable<T>;

/** Whether something gives items. A string is iterable, but hardly meant as a stream of characters. */
export function isItemSource(value: unknown): value is ItemSource {
  return typeof value === 'object' && value !== null && (isAsyncIterable(value) || isIterable(value));
}

type Taken = IteratorResult<unknown>;

/** Hears of what a source threw when it was over. `emitted`: as an 'error' event of a stream. Never throws. */
export type LateErrorListener = (error: unknown, emitted: boolean) => void;

/** Iterables of this package's own whose pieces nobody fills again: the bodies of incoming blobs. */
export const givesFreshPieces = new WeakSet<object>();

export class Source {
  /** Of whoever handed it over: it runs in that one. */
  readonly context = new AsyncContext();
  private state: 'held' | 'open' | 'ended' = 'held';
  /** One of the two, from `open` on. */
  private iterator: Iterator<unknown> | null = null;
  private asyncIterator: AsyncIterator<unknown> | null = null;
  /** The iterable is inside its `next`, which is not async. */
  private taking = false;
  /** Its end was asked for. */
  private ending: Promise<void> | null = null;
  /** What `next` threw: an 'error' event says the same. */
  private thrown: unknown = null;

  constructor(
    private readonly given: unknown,
    private readonly onLateError: LateErrorListener,
  ) {
    try {
      if (isNodeStream(given)) given.on('error', (error: unknown) => this.onErrorEvent(error));
    } catch {
      // Something that only looks like a stream: what is wrong with it shows when it is opened.
    }
  }

  /** Another attempt of the call finds every item again. */
  get repeatable(): boolean {
    return this.state === 'held' || Array.isArray(this.given);
  }

  /** It was ended from here, perhaps while its `next` is still pending. */
  get left(): boolean {
    return this.ending !== null;
  }

  /**
   * The bytes that it gives may change when the next ones are asked for: a generator may fill one buffer again and again. The chunks of a
   * stream and the pieces of an incoming blob belong to their reader, and nobody can tell when the next element of an array is taken.
   */
  get lends(): boolean {
    const { given } = this;
    if (Array.isArray(given) || isNodeStream(given) || isWebStream(given)) return false;
    return typeof given !== 'object' || given === null || !givesFreshPieces.has(given);
  }

  /** Throws what the iterable throws, and a `TypeError` for what is none. */
  open(): void {
    const { given } = this;
    this.state = 'open';
    if (isAsyncIterable(given)) this.asyncIterator = given[Symbol.asyncIterator]();
    else if (isIterable(given)) this.iterator = given[Symbol.iterator]();
    else throw new TypeError('a stream of items must be an iterable or async iterable');
  }

  /** Its items come by `takeAsync`, else by `take`: an await for each would cost more than the item. Valid once it is open. */
  get isAsync(): boolean {
    return this.asyncIterator !== null;
  }

  take(): Taken {
    const { iterator } = this;
    assert(iterator !== null, 'items are taken from an open source');
    this.taking = true;
    try {
      return iterator.next();
    } finally {
      this.taking = false;
    }
  }

  takeAsync(): PromiseLike<Taken> {
    const { asyncIterator } = this;
    assert(asyncIterator !== null, 'items are taken from an open source');
    return asyncIterator.next();
  }

  /** It gave its last item. */
  finish(): void {
    this.state = 'ended';
  }

  /** It threw, and so has ended. */
  fail(error: unknown): void {
    this.thrown = error;
    this.state = 'ended';
  }

  /** Ends it, if it has not ended. Resolves when it has, and never rejects. An array may still be opened. */
  end(): Promise<void> {
    this.ending ??= this.context.run(() => this.endOnce());
    return this.ending;
  }

  private async endOnce(): Promise<void> {
    // A generator that ended its own call is at work, and can be ended when it has given its item.
    if (this.taking) await Promise.resolve();
    const { given, state } = this;
    if (state === 'ended' || Array.isArray(given)) return;
    this.state = 'ended';
    try {
      if (isNodeStream(given)) given.destroy();
    } catch (error) {
      this.tellLate(error, false);
    }
    try {
      if (state === 'open') await (this.asyncIterator?.return?.() ?? this.iterator?.return?.());
      else if (isIterator(given)) await given.return();
      else if (isWebStream(given)) await given.cancel();
    } catch (error) {
      this.tellLate(error, false);
    }
  }

  private onErrorEvent(error: unknown): void {
    if (this.state === 'ended' && error !== this.thrown) this.tellLate(error, true);
  }

  private tellLate(error: unknown, emitted: boolean): void {
    if (!isPrematureClose(error)) this.onLateError(error, emitted);
  }
}

/** How a `Readable` that was destroyed ends its iteration. */
export function isPrematureClose(error: unknown): boolean {
  return isObject(error) && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && hasMethod(value, Symbol.asyncIterator);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value === 'string') return true;
  return isObject(value) && hasMethod(value, Symbol.iterator);
}

/** A `Readable` of Node, or a stream that behaves like one. */
interface NodeStream {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  destroy(): unknown;
}

function isNodeStream(value: unknown): value is NodeStream {
  return isObject(value) && hasMethod(value, 'destroy') && hasMethod(value, 'on');
}

/** A generator, or another iterator, that is its own iterable. */
function isIterator(value: unknown): value is { return(): unknown } {
  return isObject(value) && hasMethod(value, 'next') && hasMethod(value, 'return');
}

function isWebStream(value: unknown): value is { cancel(): unknown } {
  return isObject(value) && hasMethod(value, 'getReader') && hasMethod(value, 'cancel');
}

function hasMethod(value: object, name: string | symbol): boolean {
  try {
    return typeof Reflect.get(value, name) === 'function';
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
