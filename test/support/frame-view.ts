/**
 * Between the engine's decoder and encoders and the views of `spec/vectors`: what the vectors' algorithm calls decoding and
 * encoding. Keeps, per direction of a connection, which messages are incomplete, as a receiver has to.
 */

import { rpcCodeName } from '../../src/base/codes.js';
import { RpcError } from '../../src/base/errors.js';
import { defaultLimits } from '../../src/base/limits.js';
import { ACCEPTING_SIDE, callNumber, generationOf, openerOf, slotOf } from '../../src/wire/call-number.js';
import {
  CHECKSUM_BYTES,
  closeCodeName,
  Flag,
  FrameType,
  type FrameTypeName,
  frameTypeName,
} from '../../src/wire/constants.js';
import { FAILED, FRAME, FrameDecoder, NEED_MORE } from '../../src/wire/decoder.js';
import { encodeFrame, readU32 } from '../../src/wire/encoder.js';
import { frameChecksums } from '../../src/wire/frame-checksums.js';
import { decodeMetadata, encodeMetadata, type Metadata } from '../../src/wire/records/metadata.js';
import { WireError } from '../../src/wire/wire-error.js';
import { decodeRecordView, encodeRecordView } from './record-view.js';
import {
  type ErrorView,
  expandHex,
  type FrameView,
  type MetadataEntryView,
  type ReceiverView,
} from './vectors/view.js';

export interface Decoded {
  readonly frames: readonly FrameView[];
  readonly error: ErrorView | null;
}

const flagNames = Object.entries(Flag);
const messageTypes: ReadonlySet<number> = new Set([FrameType.REQUEST, FrameType.RESPONSE, FrameType.ITEM]);
const recordTypes: ReadonlySet<FrameTypeName> = new Set(['HELLO', 'METHOD', 'FAILURE', 'CANCEL', 'DRAIN', 'CLOSE']);
const LEDGER_BYTES = 12;

/** Decodes the chunks of one direction. Call errors end it like connection errors: a vector holds at most one error. */
export function decodeChunks(chunks: readonly Buffer[], receiver: ReceiverView = {}): Decoded {
  const limits = { ...defaultLimits, ...receiver.limits };
  const decoder = new FrameDecoder({ frameBytesMax: limits.frameBytesMax, preface: receiver.preface === true });
  if (receiver.checksum === true) decoder.acceptChecksums();
  const viewer = new FrameViewer(limits);
  const frames: FrameView[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let found = decoder.next(); found !== NEED_MORE; found = decoder.next()) {
        if (found === FAILED) throw decoder.error as WireError;
        if (found === FRAME) frames.push(viewer.view(decoder));
      }
    }
    const cut = receiver.ends === true ? decoder.finish() : null;
    if (cut !== null) throw cut;
  } catch (error) {
    return { frames, error: errorView(error) };
  }
  return { frames, error: null };
}

function errorView(error: unknown): ErrorView {
  if (error instanceof WireError) return { tier: 'connection', codes: [closeCodeName(error.code)] };
  if (error instanceof RpcError) return { tier: 'call', codes: [rpcCodeName(error.number)] };
  throw error;
}

/** Turns one direction's frames into views, in order. */
class FrameViewer {
  /** Calls with an incomplete message, by type and number. */
  private readonly partial = new Set<string>();
  private schema: Buffer[] = [];

  constructor(private readonly limits: typeof defaultLimits) {}

  view({ type, flags, call, method, buffer, start, end, checksummed }: FrameDecoder): FrameView {
    const name = frameTypeName(type) as FrameTypeName;
    const view: { -readonly [Field in keyof FrameView]: FrameView[Field] } = { type: name };
    const allFlags = checksummed ? flags | Flag.CHECKSUM : flags;
    const names = flagNames.filter(([, bit]) => (allFlags & bit) !== 0).map(([flag]) => flag);
    if (names.length > 0) view.flags = names;
    if (call !== 0) view.call = callView(call);
    if (type === FrameType.METHOD || type === FrameType.REQUEST) view.method = method;
    let at = start;
    if (checksummed) view.checksum = buffer.toString('hex', start - CHECKSUM_BYTES, start);
    if (type === FrameType.SCHEMA) return { ...view, ...this.schemaPart(flags, buffer, at, end) };
    if (type === FrameType.CREDIT) view.bytes = readU32(buffer, at);
    else if (type === FrameType.PING || type === FrameType.PONG) view.opaque = buffer.toString('hex', at, end);
    else {
      if (!this.continues(type, call, flags)) at = this.prefix(view, type, flags, buffer, at, end);
      if (messageTypes.has(type)) view.body = buffer.toString('hex', at, end);
      else if (recordTypes.has(name)) view.record = decodeRecordView(name, buffer, at, end);
    }
    return view;
  }

  private continues(type: number, call: number, flags: number): boolean {
    if (!messageTypes.has(type)) return false;
    const key = `${type} ${call}`;
    const known = this.partial.has(key);
    if ((flags & Flag.MORE) !== 0) this.partial.add(key);
    else this.partial.delete(key);
    return known;
  }

  private prefix(
    view: { -readonly [Field in keyof FrameView]: FrameView[Field] },
    type: number,
    flags: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): number {
    let at = start;
    const take = (bytes: number): number => {
      if (end - at < bytes) throw new RpcError('INVALID_ARGUMENT', 'the prefix does not fit the frame');
      at += bytes;
      return at - bytes;
    };
    if ((flags & Flag.DEADLINE) !== 0) view.deadlineMs = readU32(buffer, take(4));
    if ((flags & Flag.LEDGER) !== 0 && type !== FrameType.REQUEST) {
      const ledger = take(LEDGER_BYTES);
      const [waiting, handler, encoding] = [0, 4, 8].map((offset) => readU32(buffer, ledger + offset)) as [
        number,
        number,
        number,
      ];
      view.ledger = { waiting, handler, encoding };
    }
    if ((flags & Flag.METADATA) !== 0) {
      const size = readU32(buffer, take(4));
      const map = take(size);
      view.metadata = metadataView(decodeMetadata(buffer, map, map + size, this.limits));
    }
    return at;
  }

  private schemaPart(flags: number, buffer: Buffer, start: number, end: number): Partial<FrameView> {
    const parts = this.schema;
    parts.push(Buffer.from(buffer.subarray(start, end)));
    if ((flags & Flag.MORE) !== 0) return { body: buffer.toString('hex', start, end) };
    this.schema = [];
    const whole = Buffer.concat(parts);
    const record = decodeRecordView('SCHEMA', whole, 0, whole.length);
    return parts.length === 1 ? { record } : { body: buffer.toString('hex', start, end) };
  }
}

function callView(call: number): NonNullable<FrameView['call']> {
  return {
    opener: openerOf(call) === ACCEPTING_SIDE ? 'acceptor' : 'dialler',
    generation: generationOf(call),
    slot: slotOf(call),
  };
}

export function metadataView(metadata: Metadata): MetadataEntryView[] {
  return Object.entries(metadata).map(([key, value]) =>
    typeof value === 'string' ? { key, string: value } : { key, bytes: value.toString('hex') },
  );
}

export function metadataOf(entries: readonly MetadataEntryView[]): Metadata {
  const metadata = Object.create(null) as Record<string, string | Buffer>;
  for (const { key, string, bytes } of entries) metadata[key] = string ?? Buffer.from(bytes ?? '', 'hex');
  return metadata;
}

/** The bytes of one frame, by the engine's encoders: the checksum, where there is one, is not the view's but their own. */
export function encodeFrameView(view: FrameView): Buffer {
  const parts: Buffer[] = [];
  if (view.checksum !== undefined) parts.push(Buffer.alloc(CHECKSUM_BYTES));
  if (view.deadlineMs !== undefined) parts.push(u32(view.deadlineMs));
  if (view.ledger !== undefined) {
    const { waiting, handler, encoding } = view.ledger;
    parts.push(u32(waiting), u32(handler), u32(encoding));
  }
  if (view.metadata !== undefined) {
    const metadata = encodeMetadata(metadataOf(view.metadata), defaultLimits);
    parts.push(u32(metadata.length), metadata);
  }
  if (view.body !== undefined) parts.push(expandHex(view.body));
  if (view.record !== undefined) parts.push(encodeRecordView(view.type as FrameTypeName, view.record));
  if (view.bytes !== undefined) parts.push(u32(view.bytes));
  if (view.opaque !== undefined) parts.push(Buffer.from(view.opaque, 'hex'));
  const { call } = view;
  const frame = encodeFrame({
    type: FrameType[view.type as FrameTypeName],
    flags: (view.flags ?? []).reduce((bits, flag) => bits | Flag[flag as keyof typeof Flag], 0),
    call:
      call === undefined ? 0 : callNumber(call.opener === 'acceptor' ? ACCEPTING_SIDE : 0, call.generation, call.slot),
    method: view.method ?? 0,
    payload: Buffer.concat(parts),
  });
  frameChecksums().fill(frame, 0, frame.length);
  return frame;
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
