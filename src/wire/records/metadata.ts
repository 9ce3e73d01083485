/**
 * Metadata of a call: an Avro `map<union{string, bytes}>` in front of a message. What is wrong with it is the fault of one
 * call, never of the connection: both directions throw an `RpcError`, INVALID_ARGUMENT when it is malformed and
 * RESOURCE_EXHAUSTED when it is beyond a limit.
 */
import { types } from 'node:util';
import { limitError, RpcError } from '../../base/errors.js';
import { type AnnouncedLimits, limitOf, peerLimitOf } from '../../base/limits.js';
import { shown } from '../../base/options.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** What the metadata of one call holds. Read from a peer it has no prototype, so every key is an own property. */
export type Metadata = Readonly<Record<string, string | Buffer>>;

export type MetadataLimits = Pick<AnnouncedLimits, 'metadataBytesMax' | 'metadataEntriesMax'>;

const KEY_BYTES_MAX = 255;
/** Reserved for later versions of the protocol: such keys are never sent, and a received one is plain data (spec, 3.6). */
const RESERVED_PREFIX = 'trunkline-';
/** Key length, one byte of key, branch, value length. */
const ENTRY_BYTES_MIN = 4;
const loneSurrogate = /\p{Surrogate}/u;

/** What is wrong with the object that holds metadata; null: nothing. A Map or Headers would be read as empty. */
export function describeWrongMetadata(metadata: unknown): string | null {
  if (typeof metadata !== 'object' || metadata === null) return `it is ${shown(metadata)}, but must be a plain object`;
  const prototype: unknown = Object.getPrototypeOf(metadata);
  if (prototype === Object.prototype || prototype === null) return null;
  // A plain object of another realm.
  if (Object.getPrototypeOf(prototype) === null && shown(metadata) === 'an object') return null;
  const help = Symbol.iterator in metadata && !Array.isArray(metadata) ? ': use Object.fromEntries' : '';
  const what = shown(metadata) === 'an object' ? 'an object of a class' : shown(metadata);
  return `it is ${what}, but must be a plain object${help}`;
}

/** The encoded map, without the size in front of it. `limits` are the peer's. */
export function encodeMetadata(metadata: Metadata, limits: MetadataLimits): Buffer {
  const unusable = describeWrongMetadata(metadata);
  if (unusable !== null) throw invalid(unusable);
  const keys = Object.keys(metadata);
  if (keys.length > limits.metadataEntriesMax) {
    throw limitError(`the metadata has ${keys.length} entries`, peerLimitOf(limits, 'metadataEntriesMax'));
  }
  const writer = new ByteWriter();
  writer.writeBlock(keys, (key) => {
    const value: unknown = metadata[key];
    const wrong = describeWrongKey(key, Buffer.byteLength(key));
    if (wrong !== null) throw invalid(wrong);
    if (key.startsWith(RESERVED_PREFIX))
      throw invalid(`the key '${key}' begins with '${RESERVED_PREFIX}', which is reserved`);
    writer.writeString(key);
    if (typeof value === 'string') {
      if (loneSurrogate.test(value)) throw invalid(`the value of '${key}' is not well-formed Unicode`);
      writer.writeLong(0);
      writer.writeString(value);
    } else if (types.isUint8Array(value)) {
      writer.writeLong(1);
      writer.writeBytes(value);
    } else {
      throw invalid(`the value of '${key}' is ${shown(value)}, but must be a string or a Buffer`);
    }
  });
  if (writer.length > limits.metadataBytesMax) {
    throw limitError(`the metadata has ${writer.length} bytes`, peerLimitOf(limits, 'metadataBytesMax'));
  }
  return writer.finish();
}

/** Reads exactly the bytes `start` to `end`: the encoded map without its size. `limits` are this side's. */
export function decodeMetadata(buffer: Buffer, start: number, end: number, limits: MetadataLimits): Metadata {
  if (end - start > limits.metadataBytesMax) {
    throw limitError(`the metadata has ${end - start} bytes`, limitOf(limits, 'metadataBytesMax'));
  }
  const reader = new ByteReader(buffer, start, end, invalid);
  const metadata: Record<string, string | Buffer> = Object.create(null);
  let entries = 0;
  reader.readBlocks(ENTRY_BYTES_MIN, () => {
    if (entries++ === limits.metadataEntriesMax) {
      const { metadataEntriesMax } = limits;
      throw limitError(
        `the metadata has more than ${metadataEntriesMax} entries`,
        limitOf(limits, 'metadataEntriesMax'),
      );
    }
    const key = reader.readString();
    const wrong = describeWrongKey(key, Buffer.byteLength(key));
    if (wrong !== null) throw invalid(wrong);
    if (key in metadata) throw invalid(`it has the key '${key}' twice`);
    metadata[key] = reader.readBranch(2) === 0 ? reader.readString() : reader.readBytes();
  });
  reader.finish();
  return metadata;
}

function describeWrongKey(key: string, bytes: number): string | null {
  if (bytes === 0 || bytes > KEY_BYTES_MAX) return `a key has ${bytes} bytes, not 1 to ${KEY_BYTES_MAX}`;
  if (key.includes('\0')) return 'a key contains NUL';
  if (loneSurrogate.test(key)) return 'a key is not well-formed Unicode';
  return null;
}

function invalid(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `metadata: ${text}`);
}
