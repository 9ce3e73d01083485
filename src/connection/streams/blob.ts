/**
 * What a blob is to an application: a head, which is a message, and a body of raw bytes. The body goes out from whatever has the
 * bytes, copied only where they may change; it comes in as pieces, in the order in which they were sent and cut at any place.
 */
import { type InspectOptionsStylized, types } from 'node:util';
import type { CallLedger } from '../../base/call-ledger.js';
import type { Attempt } from '../../base/codes.js';
import { limitError, RpcError } from '../../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../../base/inspect.js';
import { defaultLimits } from '../../base/limits.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { IncomingStream } from './incoming-stream.js';
import type { ItemStream } from './item-stream.js';
import { givesFreshPieces, type ItemSource, isItemSource, type LateErrorListener, Source } from './source.js';

/** Bytes as they are, or what gives them: a `Readable`, a generator, a list of Buffers. Null: none. */
export type BlobSource = Uint8Array | ItemSource<Uint8Array> | null;

/**
 * A blob to be sent. Bytes that a generator or iterator gives may change when it is asked for the next; those of a Buffer, an array or a
 * stream must stay unchanged until the call has ended.
 */
export interface OutgoingBlob<Head = unknown> {
  readonly head: Head;
  readonly body: BlobSource;
}

/** A blob that comes in. */
export interface IncomingBlob<Head = unknown> {
  readonly head: Head;
  readonly body: BlobBody;
}

/** The bytes of a blob that comes in, for `for await`; leaving the loop early cancels a call that this side made. */
export class BlobBody implements AsyncIterableIterator<Buffer, undefined> {
  private readonly pieces: ItemStream<Buffer> & IncomingStream;

  /** @internal */
  constructor(pieces: IncomingStream) {
    // Behind its head, which is taken, an `IncomingPieces` holds nothing but Buffers.
    this.pieces = pieces as ItemStream<Buffer> & IncomingStream;
    givesFreshPieces.add(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next piece, which nobody else has. Rejects, once, with the `RpcError` that ended the call. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.pieces.next();
  }

  /** Takes no more bytes. A call that this side made is cancelled, unless it has ended. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    return this.pieces.return();
  }

  /** Metadata that came with the end of a call that this side made; null until then, or when none came. */
  get metadata(): Metadata | null {
    return this.pieces.metadata;
  }

  /** Where the time went, of a call that this side made with `ledger: true`: once it has ended, and if the other side said. */
  get ledger(): CallLedger | null {
    return this.pieces.ledger;
  }

  /** Where a call that this side made was tried, in order; filled when it has ended. */
  get attempts(): readonly Attempt[] {
    return this.pieces.attempts;
  }

  /**
   * All bytes that are still to come in one Buffer. Rejects with RESOURCE_EXHAUSTED, and takes no more, when they are more than
   * `bytesMax`: default 4 MiB.
   */
  async buffer({ bytesMax = defaultLimits.messageBytesMax }: { readonly bytesMax?: number } = {}): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this) {
      bytes += piece.length;
      if (bytes > bytesMax) {
        const limit = { name: 'bytesMax', value: bytesMax, setting: 'bytesMax of body.buffer()' };
        throw limitError('the body is longer than it may be to be collected', limit);
      }
      pieces.push(piece);
    }
    const [first] = pieces;
    return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces, bytes);
  }

  /** @internal */
  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const { ended, complete } = this.pieces;
    return shortView('BlobBody', { ended, complete }, depth, options, inspect);
  }
}

/** What gives the pieces of a body. Throws an `RpcError` (INVALID_ARGUMENT) for what is none. */
function piecesOf(body: unknown): ItemSource {
  if (body === null) return [];
  if (types.isUint8Array(body)) return [body];
  if (isItemSource(body)) return body;
  throw new RpcError('INVALID_ARGUMENT', 'the body of a blob must be bytes, an iterable of bytes, or null');
}

/** The two parts of what an application calls a blob. Throws an `RpcError` (INVALID_ARGUMENT) for anything else, whose body is ended. */
export function partsOf(
  blob: unknown,
  onLateError: LateErrorListener,
): { readonly head: unknown; readonly source: Source } {
  if (typeof blob === 'object' && blob !== null && 'body' in blob) {
    const source = new Source(piecesOf(blob.body), onLateError);
    if ('head' in blob) return { head: blob.head, source };
    void source.end();
  }
  throw new RpcError('INVALID_ARGUMENT', 'a blob is an object with head and body');
}
