/**
 * A compression codec: its name in HELLO and in the settings, its number on the wire, the largest ratio that its format
 * can expand by, and two synchronous functions. A `Compressor` is ready for use: a missing optional package is reported
 * when it is loaded (`load.ts`).
 *
 * Implemented by `lz4.ts` and `gzip.ts`; used through `message.ts`, which does every check that the codecs share.
 */

import type { CompressionName } from '../wire/message-codec.js';

export type CompressorName = Exclude<CompressionName, 'off'>;

export interface Compressor {
  /** As in HELLO.compression and in the `compression` setting. */
  readonly name: CompressorName;
  /** As in the first byte of a compressed message. */
  readonly id: 1 | 2;
  /** Bytes that one byte of this format can stand for at most. A message that claims more is refused unread. */
  readonly ratioMax: number;
  /** The compressed form of the bytes `start` to `end` of `message`: the data alone, without codec and length. */
  compress(message: Buffer, start: number, end: number): Buffer;
  /**
   * Restores a message of at most `rawLength` bytes in a buffer of its own. `sized` is `rawLength u32 | data` as it
   * stands in the message; both limits on `rawLength` were checked. Throws when the data is anything but one whole,
   * well-formed piece of its format, or expands beyond `rawLength`. The caller compares the length of the result.
   */
  decompress(sized: Buffer, rawLength: number): Buffer;
}
