/**
 * HELLO: who this side is, what it can do and what it accepts (spec/schemas/hello.avsc). The record never changes its shape;
 * later versions of the protocol add to it through `extensions`, so this decoder reads the HELLO of any of them.
 */
import { assert } from '../../base/assert.js';
import { RpcError } from '../../base/errors.js';
import { type AnnouncedLimits, minimumLimits } from '../../base/limits.js';
import { type ByteReader, recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

export interface HelloAuth {
  readonly scheme: string;
  readonly credentials: Buffer;
}

export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  /** Names that the other side does not know mean nothing to it. */
  readonly capabilities: readonly string[];
  /** What this side accepts: it binds what the other one sends. */
  readonly limits: AnnouncedLimits;
  /** Codecs that this side can decompress. */
  readonly compression: readonly string[];
  readonly auth: HelloAuth | null;
  /** Name and version of the implementation, for people. */
  readonly software: string;
  /** 16 random bytes, the same for the life of a process. */
  readonly instance: Buffer;
  /** Null-prototype; entries that the other side does not know mean nothing to it. */
  readonly extensions: Readonly<Record<string, Buffer>>;
}

/** The longest HELLO: the smallest frame that every side accepts. */
export const HELLO_BYTES_MAX = 16_384;
const ENTRIES_MAX = 64;
const NAME_BYTES_MAX = 64;
const INSTANCE_BYTES = 16;

/** Fields of the record Limits in their order on the wire, each with the least and the most that may be announced. */
const limitRanges: readonly (readonly [name: keyof AnnouncedLimits, min: number, max: number])[] = [
  ['frameBytesMax', 16_384, 0x100_0000],
  ['messageBytesMax', 65_536, Number.MAX_SAFE_INTEGER],
  ['callsInFlightMax', 16, 0x1_0000],
  ['metadataBytesMax', 4_096, 0x7fff_ffff],
  ['metadataEntriesMax', 16, 0x7fff_ffff],
  ['methodsMax', 64, 0x1_0000],
  ['streamWindowBytes', 65_536, 0x7fff_ffff],
  ['pingIntervalMsMin', 0, 0x7fff_ffff],
];

/** The version both sides speak: the highest in both ranges, or 0 when there is none. */
export function agreedVersion(one: Pick<Hello, 'versionMin' | 'versionMax'>, other: typeof one): number {
  const version = Math.min(one.versionMax, other.versionMax);
  return version >= one.versionMin && version >= other.versionMin ? version : 0;
}

/**
 * The first announced limit outside the range that the protocol allows, as a text, or null. For the owner of the
 * settings, before anything is sent.
 */
export function describeLimitOutOfRange(limits: AnnouncedLimits): string | null {
  for (const [name, min, max] of limitRanges) {
    const value = limits[name];
    if (!(Number.isInteger(value) && value >= min && value <= max)) {
      return `the limit ${name} is ${value}, but may only be ${min} to ${max}`;
    }
  }
  return null;
}

/** Throws an `RpcError` (INVALID_ARGUMENT) when the record is too long for a HELLO frame, as credentials can be. */
export function encodeHello(hello: Hello): Buffer {
  const outOfRange = describeLimitOutOfRange(hello.limits);
  assert(outOfRange === null, outOfRange ?? '');
  const writer = new ByteWriter();
  writer.writeInt(hello.versionMin);
  writer.writeInt(hello.versionMax);
  writer.writeBlock(hello.capabilities, (name) => writer.writeString(name));
  for (const [name] of limitRanges) writer.writeLong(hello.limits[name]);
  writer.writeBlock(hello.compression, (name) => writer.writeString(name));
  writer.writeOptional(hello.auth, (auth) => {
    writer.writeString(auth.scheme);
    writer.writeBytes(auth.credentials);
  });
  writer.writeString(hello.software);
  writer.writeFixed(hello.instance, INSTANCE_BYTES);
  writer.writeBlock(Object.keys(hello.extensions), (key) => {
    writer.writeString(key);
    writer.writeBytes(hello.extensions[key]);
  });
  if (writer.length > HELLO_BYTES_MAX) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `HELLO has ${writer.length} bytes, more than ${HELLO_BYTES_MAX}: are the credentials too long?`,
    );
  }
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD on anything but one well-formed HELLO with limits in their ranges. */
export function decodeHello(buffer: Buffer, start: number, end: number): Hello {
  const reader = recordReader('HELLO', buffer, start, end);
  const versionMin = reader.readInt();
  const versionMax = reader.readInt();
  if (versionMin < 1 || versionMax < versionMin) reader.fail(`the versions are ${versionMin} to ${versionMax}`);
  const hello: Hello = {
    versionMin,
    versionMax,
    capabilities: readNames(reader, 'capabilities'),
    limits: readLimits(reader),
    compression: readNames(reader, 'compression'),
    auth: reader.readOptional(() => ({ scheme: readName(reader, 'auth.scheme'), credentials: reader.readBytes() })),
    software: reader.readString(),
    instance: reader.readFixed(INSTANCE_BYTES),
    extensions: readExtensions(reader),
  };
  reader.finish();
  return hello;
}

function readName(reader: ByteReader, field: string): string {
  const name = reader.readString();
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > NAME_BYTES_MAX)
    reader.fail(`a name in ${field} has ${bytes} bytes, not 1 to ${NAME_BYTES_MAX}`);
  return name;
}

function readNames(reader: ByteReader, field: string): string[] {
  const names: string[] = [];
  reader.readBlocks(2, () => {
    if (names.length === ENTRIES_MAX) reader.fail(`${field} has more than ${ENTRIES_MAX} names`);
    names.push(readName(reader, field));
  });
  return names;
}

function readLimits(reader: ByteReader): AnnouncedLimits {
  const limits: Record<keyof AnnouncedLimits, number> = { ...minimumLimits };
  for (const [name] of limitRanges) limits[name] = name === 'messageBytesMax' ? reader.readLong() : reader.readInt();
  const outOfRange = describeLimitOutOfRange(limits);
  if (outOfRange !== null) reader.fail(outOfRange);
  return limits;
}

function readExtensions(reader: ByteReader): Record<string, Buffer> {
  const extensions: Record<string, Buffer> = Object.create(null);
  let entries = 0;
  reader.readBlocks(3, () => {
    if (entries++ === ENTRIES_MAX) reader.fail(`extensions has more than ${ENTRIES_MAX} entries`);
    const key = readName(reader, 'extensions');
    if (key in extensions) reader.fail('extensions has a key twice');
    extensions[key] = reader.readBytes();
  });
  return extensions;
}
