/** A stream of items as the application that reads it sees it; `IncomingStream` is one. */
import type { CallLedger } from '../../base/call-ledger.js';
import type { Attempt } from '../../base/codes.js';
import type { Metadata } from '../../wire/records/metadata.js';

/**
 * Items of a stream in order, for `for await`. A caller gets one from a server stream or duplex method, a handler as its request.
 * Leaving the loop early cancels a call that this side made. An `RpcError` that ends the stream is thrown behind the items that
 * came before it. A reader that pauses lets its sender pause, once `streamWindowBytes` are here. A stream that nobody reads costs no
 * more than that, and leaves no unhandled rejection.
 */
export interface ItemStream<T> extends AsyncIterableIterator<T, undefined> {
  /**
   * The same items, each time all that are here: an array of at least one. Cheaper per item than one by one. Of items that are
   * compressed or large a batch has about 1 MiB.
   */
  batches(): AsyncIterableIterator<T[], undefined>;
  /** Takes one item; `done` behind the last. Rejects, once, with the `RpcError` that ended the stream. May be called many times at once. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Takes no more items: what is here is dropped. A call that this side made is cancelled, unless it has ended. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** `await using stream = ...`: as `return()`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Metadata that came with the end or the failure of a call that this side made; null until then, or when none came. */
  readonly metadata: Metadata | null;
  /** Where the time went, of a call that this side made with `ledger: true`: once it has ended, and if the other side said. */
  readonly ledger: CallLedger | null;
  /** Where a call that this side made was tried, in order; filled when it has ended. */
  readonly attempts: readonly Attempt[];
}
