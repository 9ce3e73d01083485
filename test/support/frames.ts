/**
 * Frames by hand, for peers that tests script: written and read from the words of `spec/protocol.md` with a DataView
 * and nothing of `src/wire`, so that a mistake there meets a second opinion. Any header can be written, right or wrong.
 */

/** What each side sends first. */
export const magic: Buffer = Buffer.from('8d544b4c0d0a1a0a', 'hex');

export const types = {
  HELLO: 1,
  METHOD: 2,
  SCHEMA: 3,
  REQUEST: 4,
  RESPONSE: 5,
  ITEM: 6,
  END: 7,
  FAILURE: 8,
  CANCEL: 9,
  CREDIT: 10,
  PING: 11,
  PONG: 12,
  DRAIN: 13,
  CLOSE: 14,
} as const;

export type FrameName = keyof typeof types;

export const flags = {
  MORE: 0x01,
  COMPRESSED: 0x02,
  METADATA: 0x04,
  DEADLINE: 0x08,
  ONEWAY: 0x10,
  LEDGER: 0x20,
  CHECKSUM: 0x40,
} as const;

const headerBytes = 12;

export interface FrameFields {
  readonly call?: number;
  readonly flags?: number;
  readonly method?: number;
  /** A text is sent as UTF-8. Default: empty. */
  readonly payload?: Buffer | string;
  /** What the header claims; default: the truth. */
  readonly length?: number;
}

export interface Frame {
  readonly type: number;
  /** The type in words; `type 200` when it has none. */
  readonly name: string;
  readonly flags: number;
  readonly call: number;
  readonly method: number;
  readonly payload: Buffer;
}

/** The bytes of one frame. A name or any number from 0 to 255 will do as its type. */
export function frame(type: FrameName | number, fields: FrameFields = {}): Buffer {
  const payload = Buffer.from(fields.payload ?? '');
  const bytes = Buffer.alloc(headerBytes + payload.length);
  const header = viewOf(bytes);
  header.setUint32(0, fields.length ?? payload.length, true);
  header.setUint32(4, fields.call ?? 0, true);
  header.setUint8(8, typeof type === 'number' ? type : types[type]);
  header.setUint8(9, fields.flags ?? 0);
  header.setUint16(10, fields.method ?? 0, true);
  payload.copy(bytes, headerBytes);
  return bytes;
}

/** How many bytes must be there to read the first frame, as far as can be told from these. */
export function frameBytes(bytes: Buffer): number {
  return bytes.length < headerBytes ? headerBytes : headerBytes + viewOf(bytes).getUint32(0, true);
}

/** The first frame in `bytes` and where the next begins; null while it is not complete. */
export function readFrame(bytes: Buffer): { frame: Frame; end: number } | null {
  const end = frameBytes(bytes);
  if (bytes.length < end) return null;
  const header = viewOf(bytes);
  const type = header.getUint8(8);
  return {
    frame: {
      type,
      name: frameName(type),
      flags: header.getUint8(9),
      call: header.getUint32(4, true),
      method: header.getUint16(10, true),
      payload: Buffer.from(bytes.subarray(headerBytes, end)),
    },
    end,
  };
}

/** The number of a call; a slot's first call has generation 1. */
export function callNumber(slot: number, generation = 1, opener: 'dialler' | 'acceptor' = 'dialler'): number {
  return (opener === 'acceptor' ? 2 ** 31 : 0) + generation * 2 ** 16 + slot;
}

/** As the wire writes numbers: CREDIT's body, the deadline, sizes. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

function frameName(type: number): string {
  const entry = Object.entries(types).find(([, number]) => number === type);
  return entry === undefined ? `type ${type}` : entry[0];
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
