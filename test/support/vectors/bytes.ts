/**
 * Views to bytes, straight from the words of `spec/protocol.md` and with nothing of `src`, so that the vectors are a second
 * opinion. Slow and plain on purpose.
 */
import { type CallView, expandHex, type FrameView, type MetadataEntryView, type RecordView } from './view.js';

export const typeNumbers: Readonly<Record<string, number>> = {
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
};

const flagBits: Readonly<Record<string, number>> = {
  MORE: 0x01,
  COMPRESSED: 0x02,
  METADATA: 0x04,
  DEADLINE: 0x08,
  ONEWAY: 0x10,
  LEDGER: 0x20,
  CHECKSUM: 0x40,
};

export const PREFACE_HEX = '8d544b4c0d0a1a0a';

const kinds = ['UNARY', 'SERVER_STREAM', 'CLIENT_STREAM', 'DUPLEX', 'ONEWAY', 'BLOB'];

// Avro's binary encoding.

export function varint(value: number | bigint): Buffer {
  let zigzag = BigInt(value) >= 0n ? BigInt(value) * 2n : -BigInt(value) * 2n - 1n;
  const bytes: number[] = [];
  while (zigzag >= 0x80n) {
    bytes.push(Number(zigzag & 0x7fn) | 0x80);
    zigzag >>= 7n;
  }
  return Buffer.from([...bytes, Number(zigzag)]);
}

export function avroBytes(value: Buffer): Buffer {
  return Buffer.concat([varint(value.length), value]);
}

export function avroString(value: string): Buffer {
  return avroBytes(Buffer.from(value, 'utf8'));
}

function avroBlock(items: readonly Buffer[]): Buffer {
  return items.length === 0 ? varint(0) : Buffer.concat([varint(items.length), ...items, varint(0)]);
}

function optional<T>(value: T | null, write: (value: T) => Buffer): Buffer {
  return value === null ? varint(0) : Buffer.concat([varint(1), write(value)]);
}

const hex = (value: string): Buffer => Buffer.from(value, 'hex');

type Fields = Readonly<Record<string, never>>;

const records: Readonly<Record<string, (record: Fields) => Buffer[]>> = {
  HELLO: ({ versionMin, versionMax, capabilities, limits, compression, auth, software, instance, extensions }) => [
    varint(versionMin),
    varint(versionMax),
    avroBlock((capabilities as string[]).map(avroString)),
    ...Object.values(limits as Record<string, number>).map(varint),
    avroBlock((compression as string[]).map(avroString)),
    optional(auth as { scheme: string; credentials: string } | null, ({ scheme, credentials }) =>
      Buffer.concat([avroString(scheme), avroBytes(hex(credentials))]),
    ),
    avroString(software),
    hex(instance),
    avroBlock(
      Object.entries(extensions as Record<string, string>).map(([key, value]) =>
        Buffer.concat([avroString(key), avroBytes(hex(value))]),
      ),
    ),
  ],
  METHOD: ({ role, name, kind, request, response, errors }) => [
    varint(['DECLARE', 'ANSWER'].indexOf(role)),
    avroString(name),
    varint(kinds.indexOf(kind)),
    ...[request, response, errors].map((fingerprint) => optional(fingerprint as string | null, hex)),
  ],
  SCHEMA: ({ fingerprint, schema }) => [hex(fingerprint), optional(schema as string | null, avroString)],
  FAILURE: ({ code, started, text, retryAfterMs, elsewhere, detail }) => [
    varint(code),
    varint(['NO', 'MAYBE', 'YES'].indexOf(started)),
    avroString(text),
    optional(retryAfterMs as number | null, varint),
    Buffer.from([elsewhere ? 1 : 0]),
    optional(detail as string | null, (value) => avroBytes(hex(value))),
  ],
  CANCEL: ({ code, text }) => [varint(code), avroString(text)],
  DRAIN: ({ text, graceMs }) => [avroString(text), varint(graceMs)],
  CLOSE: ({ code, text }) => [varint(code), avroString(text)],
};

export function recordBytes(type: string, record: RecordView): Buffer {
  const write = records[type];
  if (write === undefined) throw new Error(`${type} has no record`);
  return Buffer.concat(write(record as Fields));
}

export function metadataBytes(entries: readonly MetadataEntryView[]): Buffer {
  return avroBlock(
    entries.map(({ key, string, bytes }) =>
      Buffer.concat([
        avroString(key),
        string === undefined
          ? Buffer.concat([varint(1), avroBytes(hex(bytes ?? ''))])
          : Buffer.concat([varint(0), avroString(string)]),
      ]),
    ),
  );
}

// Frames.

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function callNumberOf(call: CallView): number {
  return (call.opener === 'acceptor' ? 0x8000_0000 : 0) + call.generation * 0x1_0000 + call.slot;
}

export function headerBytes(length: number, call: number, type: number, flags: number, method: number): Buffer {
  return Buffer.concat([u32(length), u32(call), Buffer.from([type, flags, method & 0xff, method >> 8])]);
}

function payloadParts(view: FrameView): Buffer[] {
  const parts: Buffer[] = [];
  if (view.deadlineMs !== undefined) parts.push(u32(view.deadlineMs));
  if (view.ledger !== undefined) {
    const { waiting, handler, encoding } = view.ledger;
    parts.push(u32(waiting), u32(handler), u32(encoding));
  }
  if (view.metadata !== undefined) {
    const metadata = metadataBytes(view.metadata);
    parts.push(u32(metadata.length), metadata);
  }
  if (view.body !== undefined) parts.push(expandHex(view.body));
  if (view.record !== undefined) parts.push(recordBytes(view.type, view.record));
  if (view.bytes !== undefined) parts.push(u32(view.bytes));
  if (view.opaque !== undefined) parts.push(hex(view.opaque));
  return parts;
}

/** One frame. A wrong checksum stays as the view has it; `checksum: 'right'` is computed. */
export function frameBytes(view: FrameView): Buffer {
  const type = typeNumbers[view.type];
  if (type === undefined) throw new Error(`no frame type ${view.type}`);
  const flags = (view.flags ?? []).reduce((bits, flag) => bits | (flagBits[flag] as number), 0);
  const call = view.call === undefined ? 0 : callNumberOf(view.call);
  const payload = Buffer.concat(payloadParts(view));
  if (view.checksum === undefined) {
    return Buffer.concat([headerBytes(payload.length, call, type, flags, view.method ?? 0), payload]);
  }
  const header = headerBytes(payload.length + 4, call, type, flags, view.method ?? 0);
  const checksum = view.checksum === 'right' ? u32(crc32(Buffer.concat([header, payload]))) : hex(view.checksum);
  return Buffer.concat([header, checksum, payload]);
}

/** Bit by bit, as in the definition: reflected polynomial 0xEDB88320, start and final xor 0xFFFFFFFF. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
