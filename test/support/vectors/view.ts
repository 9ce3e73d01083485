/**
 * The decoded form of frames as it stands in `spec/vectors` (see the README there): plain JSON, bytes as hex. Shared by the
 * writer of the vectors, which turns views into bytes without any code of `src`, and by the tests, which go the other way with it.
 */

export interface CallView {
  readonly opener: 'dialler' | 'acceptor';
  readonly generation: number;
  readonly slot: number;
}

export interface MetadataEntryView {
  readonly key: string;
  readonly string?: string;
  readonly bytes?: string;
}

export interface LedgerView {
  readonly waiting: number;
  readonly handler: number;
  readonly encoding: number;
}

/** Bytes as hex, or in pieces, some of which repeat. */
export type HexView = string | readonly (string | { readonly repeat: string; readonly times: number })[];

export type RecordView = Readonly<Record<string, unknown>>;

export interface FrameView {
  readonly type: string;
  readonly flags?: readonly string[];
  readonly call?: CallView;
  readonly method?: number;
  /** Hex of the four bytes as they travel. */
  readonly checksum?: string;
  readonly deadlineMs?: number;
  readonly ledger?: LedgerView;
  readonly metadata?: readonly MetadataEntryView[];
  /** Body of REQUEST, RESPONSE and ITEM, and of a SCHEMA frame that is only a part of its message. */
  readonly body?: HexView;
  readonly record?: RecordView;
  /** CREDIT. */
  readonly bytes?: number;
  /** PING and PONG. */
  readonly opaque?: string;
}

export interface ErrorView {
  readonly tier: 'connection' | 'call';
  readonly codes: readonly string[];
}

export interface ReceiverView {
  /** The preface has still to come. Default false. */
  readonly preface?: boolean;
  /** The capability `checksum` is agreed. Default false. */
  readonly checksum?: boolean;
  /** The stream ends behind the bytes. Default false. */
  readonly ends?: boolean;
  /** Announced limits that differ from the reference defaults. */
  readonly limits?: Readonly<Record<string, number>>;
}

export interface FrameCase {
  readonly description: string;
  readonly faults?: readonly string[];
  readonly receiver?: ReceiverView;
  readonly wire: string;
  readonly frames: readonly FrameView[];
  readonly error: ErrorView | null;
  /** False: legal bytes that a writer does not produce, so they are decoded only. Default true. */
  readonly canonical?: boolean;
}

export interface FrameFile {
  readonly frame: string;
  readonly cases: readonly FrameCase[];
}

export interface CompressionCase {
  readonly description: string;
  readonly faults?: readonly string[];
  /** Codecs that the receiver listed in HELLO. */
  readonly accepted: readonly string[];
  readonly messageBytesMax: number;
  /** The message on the wire: `codec:1 rawLength:4 data`. */
  readonly wire: string;
  /** What it stands for; null in an error case. */
  readonly message: HexView | null;
  readonly error: ErrorView | null;
}

export function expandHex(hex: HexView): Buffer {
  if (typeof hex === 'string') return Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return Buffer.concat(
    hex.map((piece) => (typeof piece === 'string' ? expandHex(piece) : expandHex(piece.repeat.repeat(piece.times)))),
  );
}
