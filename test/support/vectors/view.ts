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
  readonly wire: HexView;
  readonly frames: readonly FrameView[];
  readonly error: ErrorView | null;
  /** False: legal bytes that a writer does not produce, so they are decoded only. Default true. */
  readonly canonical?: boolean;
}

export interface FrameFile {
  /** A frame type, or what the cases have in common. */
  readonly frame: string;
  /** What an implementation must support for these cases to apply; see the README. */
  readonly needs?: readonly string[];
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

export type SideView = 'dialler' | 'acceptor';

export interface MethodView {
  readonly name: string;
  readonly kind: string;
  /** Avro schemas; null: raw bytes, or no errors. */
  readonly request: unknown;
  readonly response: unknown;
  readonly errors: unknown;
  /** What the handler does; see the README. Absent for a method that is only called. */
  readonly does?: string;
  /** What a handler that `does` "answer" answers. */
  readonly value?: unknown;
}

export interface SessionSideView {
  readonly limits?: Readonly<Record<string, number>>;
  readonly capabilities?: readonly string[];
  readonly compression?: readonly string[];
  /** Methods that this side serves or calls, in place of the standard ones. */
  readonly methods?: readonly MethodView[];
}

export interface ActionView {
  /** Begins a call and gives it a name for later actions and results. */
  readonly call?: string;
  readonly method?: string;
  readonly request?: HexView;
  readonly value?: unknown;
  readonly deadlineMs?: number | null;
  readonly metadata?: readonly MetadataEntryView[];
  readonly ledger?: boolean;
  readonly cancel?: string;
  /** Sends an item on the caller's stream of this call. */
  readonly send?: string;
  readonly item?: HexView;
  /** Ends the caller's stream of this call. */
  readonly end?: string;
  /** Takes so many items from the callee's stream of this call. */
  readonly take?: string;
  readonly items?: number;
  readonly drain?: { readonly graceMs: number };
  readonly close?: boolean;
}

export interface ResultView {
  readonly call: string;
  readonly response?: HexView;
  readonly value?: unknown;
  readonly items?: readonly HexView[];
  readonly metadata?: readonly MetadataEntryView[];
  readonly failure?: { readonly code: string; readonly started: string; readonly detail?: unknown };
}

export interface StepView {
  readonly note?: string;
  /** Frames of this side. */
  readonly from?: SideView;
  readonly do?: readonly ActionView[];
  /** The 8 bytes of the preface stand in front of the frames. */
  readonly preface?: boolean;
  readonly wire?: HexView;
  readonly frames?: readonly FrameView[];
  /** Other CLOSE codes that may stand in place of the one in `frames`. */
  readonly orCodes?: readonly string[];
  /** What a call or a handler of this side has come to. */
  readonly at?: SideView;
  readonly result?: ResultView;
  readonly handled?: { readonly method: string; readonly request: HexView };
  /** This side ends its direction of the stream. */
  readonly ends?: SideView;
}

export interface SessionFile {
  readonly description: string;
  readonly faults?: readonly string[];
  readonly needs?: readonly string[];
  /** Which side an implementation under test may play. */
  readonly tests: readonly SideView[];
  readonly dialler?: SessionSideView;
  readonly acceptor?: SessionSideView;
  readonly steps: readonly StepView[];
}

export function expandHex(hex: HexView): Buffer {
  if (typeof hex === 'string') return Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return Buffer.concat(
    hex.map((piece) => (typeof piece === 'string' ? expandHex(piece) : expandHex(piece.repeat.repeat(piece.times)))),
  );
}
