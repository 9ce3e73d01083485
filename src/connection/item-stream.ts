/** A stream of items as the application that reads it sees it; `IncomingStream` is one. */
import type { CallLedger } from '../base/call-ledger.js';
import type { Metadata } from '../wire/records/metadata.js';

/** Items of a stream in order, for `for await`; leaving the loop early cancels a call that this side made. */
export interface ItemStream<T> extends AsyncIterableIterator<T, undefined> {
  /** The same items, each time all that are here: an array of at least one. Cheaper per item than one by one. */
  batches(): AsyncIterableIterator<T[], undefined>;
  /** Takes one item; `done` behind the last. Rejects, once, with the `RpcError` that ended the stream. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Takes no more items. A call that this side made is cancelled, unless it has ended. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** Metadata that came with the end of a call that this side made; null until then, or when none came. */
  readonly metadata: Metadata | null;
  /** Where the time went, of a call that this side made with `ledger: true`: once it has ended, and if the other side said. */
  readonly ledger: CallLedger | null;
}
