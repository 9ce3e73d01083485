/**
 * The records that travel in frames, for peers that tests script: avsc with the schemas of `spec/schemas`, and nothing
 * of `src/wire/records`.
 */
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import { u32 } from './frames.js';
import { projectRoot } from './root.js';

export interface LimitsRecord {
  readonly frameBytesMax: number;
  readonly messageBytesMax: number;
  readonly callsInFlightMax: number;
  readonly metadataBytesMax: number;
  readonly metadataEntriesMax: number;
  readonly methodsMax: number;
  readonly streamWindowBytes: number;
  readonly pingIntervalMsMin: number;
}

export interface HelloRecord {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly capabilities: readonly string[];
  readonly limits: LimitsRecord;
  readonly compression: readonly string[];
  readonly auth: { readonly scheme: string; readonly credentials: Buffer } | null;
  readonly software: string;
  readonly instance: Buffer;
  readonly extensions: Readonly<Record<string, Buffer>>;
}

export interface MethodRecord {
  readonly role: 'DECLARE' | 'ANSWER';
  readonly name: string;
  readonly kind: 'UNARY' | 'SERVER_STREAM' | 'CLIENT_STREAM' | 'DUPLEX' | 'ONEWAY' | 'BLOB';
  readonly request: Buffer | null;
  readonly response: Buffer | null;
  readonly errors: Buffer | null;
}

export interface FailureRecord {
  readonly code: number;
  readonly started: 'NO' | 'MAYBE' | 'YES';
  readonly text: string;
  readonly retryAfterMs: number | null;
  readonly elsewhere: boolean;
  readonly detail: Buffer | null;
}

export interface FrameRecords {
  readonly HELLO: HelloRecord;
  readonly METHOD: MethodRecord;
  readonly SCHEMA: { readonly fingerprint: Buffer; readonly schema: string | null };
  readonly FAILURE: FailureRecord;
  readonly CANCEL: { readonly code: number; readonly text: string };
  readonly DRAIN: { readonly text: string; readonly graceMs: number };
  readonly CLOSE: { readonly code: number; readonly text: string };
}

export type RecordName = keyof FrameRecords;

const schemas = new Map<string, avro.Type>();

function schema(name: string): avro.Type {
  let type = schemas.get(name);
  if (type === undefined) {
    const file = new URL(`spec/schemas/${name.toLowerCase()}.avsc`, projectRoot);
    type = avro.Type.forSchema(JSON.parse(readFileSync(file, 'utf8')));
    schemas.set(name, type);
  }
  return type;
}

export function writeRecord<Name extends RecordName>(name: Name, record: FrameRecords[Name]): Buffer {
  return schema(name).toBuffer(record);
}

/** Throws when the payload is anything but this record. */
export function readRecord<Name extends RecordName>(name: Name, payload: Buffer): FrameRecords[Name] {
  return schema(name).fromBuffer(payload) as FrameRecords[Name];
}

/** Size and entries, as they stand in the prefix of a frame with METADATA. */
export function writeMetadata(entries: Readonly<Record<string, string | Buffer>>): Buffer {
  const map = schema('METADATA').toBuffer(entries);
  return Buffer.concat([u32(map.length), map]);
}

/** The HELLO of a plain peer, with some of its fields or limits changed. */
export function helloRecord(
  changes: Partial<Omit<HelloRecord, 'limits'>> & { readonly limits?: Partial<LimitsRecord> } = {},
): HelloRecord {
  return {
    versionMin: 1,
    versionMax: 1,
    capabilities: [],
    compression: [],
    auth: null,
    software: 'scripted peer',
    instance: Buffer.alloc(16, 0x5c),
    extensions: {},
    ...changes,
    limits: {
      frameBytesMax: 65_536,
      messageBytesMax: 4_194_304,
      callsInFlightMax: 1_000,
      metadataBytesMax: 16_384,
      metadataEntriesMax: 100,
      methodsMax: 1_024,
      streamWindowBytes: 262_144,
      pingIntervalMsMin: 5_000,
      ...changes.limits,
    },
  };
}
