/** The engine's records as they stand in views and in Avro's JSON: symbols in capitals, bytes as hex. */
import type { FrameTypeName } from '../../src/wire/constants.js';
import type { MethodKind } from '../../src/wire/message-codec.js';
import { methodKinds } from '../../src/wire/message-codec.js';
import { type CancelRecord, decodeCancel, encodeCancel } from '../../src/wire/records/cancel.js';
import { type CloseRecord, decodeClose, encodeClose } from '../../src/wire/records/close.js';
import { type DrainRecord, decodeDrain, encodeDrain } from '../../src/wire/records/drain.js';
import { decodeFailure, encodeFailure, type FailureRecord } from '../../src/wire/records/failure.js';
import { decodeHello, encodeHello, type Hello } from '../../src/wire/records/hello.js';
import { decodeMethod, encodeMethod, type MethodRecord } from '../../src/wire/records/method.js';
import { decodeSchema, encodeSchema, type SchemaRecord } from '../../src/wire/records/schema.js';
import type { RecordView } from './vectors/view.js';

/** The order of the enum in `spec/schemas/method.avsc`. */
export const kindSymbols = ['UNARY', 'SERVER_STREAM', 'CLIENT_STREAM', 'DUPLEX', 'ONEWAY', 'BLOB'] as const;

export const hex = (bytes: Buffer | null): string | null => (bytes === null ? null : bytes.toString('hex'));
export const unhex = (text: unknown): Buffer | null => (text === null ? null : Buffer.from(text as string, 'hex'));

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

export function helloView(hello: Hello): RecordView {
  const { auth, instance, extensions } = hello;
  return {
    ...hello,
    auth: auth === null ? null : { scheme: auth.scheme, credentials: hex(auth.credentials) },
    instance: hex(instance),
    extensions: mapValues(extensions, hex),
  };
}

export function helloOfView(view: RecordView): Hello {
  const auth = view.auth as { scheme: string; credentials: string } | null;
  return {
    ...(view as unknown as Hello),
    auth: auth === null ? null : { scheme: auth.scheme, credentials: Buffer.from(auth.credentials, 'hex') },
    instance: unhex(view.instance) as Buffer,
    extensions: mapValues(view.extensions as Record<string, string>, (value) => Buffer.from(value, 'hex')),
  };
}

export function methodView(method: MethodRecord): RecordView {
  const { kind, request, response, errors } = method;
  const symbol = kindSymbols[methodKinds.indexOf(kind)];
  return { ...method, kind: symbol, request: hex(request), response: hex(response), errors: hex(errors) };
}

export function methodOfView(view: RecordView): MethodRecord {
  return {
    ...(view as unknown as MethodRecord),
    kind: methodKinds[kindSymbols.indexOf(view.kind as (typeof kindSymbols)[number])] as MethodKind,
    request: unhex(view.request),
    response: unhex(view.response),
    errors: unhex(view.errors),
  };
}

export function decodeRecordView(type: FrameTypeName, buffer: Buffer, start: number, end: number): RecordView {
  switch (type) {
    case 'HELLO':
      return helloView(decodeHello(buffer, start, end));
    case 'METHOD':
      return methodView(decodeMethod(buffer, start, end));
    case 'SCHEMA': {
      const { fingerprint, schema } = decodeSchema(buffer, start, end);
      return { fingerprint: hex(fingerprint), schema };
    }
    case 'FAILURE': {
      const failure = decodeFailure(buffer, start, end);
      return { ...failure, started: failure.started.toUpperCase(), detail: hex(failure.detail) };
    }
    case 'CANCEL':
      return { ...decodeCancel(buffer, start, end) };
    case 'DRAIN':
      return { ...decodeDrain(buffer, start, end) };
    case 'CLOSE':
      return { ...decodeClose(buffer, start, end) };
    default:
      throw new Error(`${type} has no record`);
  }
}

export function encodeRecordView(type: FrameTypeName, view: RecordView): Buffer {
  switch (type) {
    case 'HELLO':
      return encodeHello(helloOfView(view));
    case 'METHOD':
      return encodeMethod(methodOfView(view));
    case 'SCHEMA':
      return encodeSchema({ ...(view as unknown as SchemaRecord), fingerprint: unhex(view.fingerprint) as Buffer });
    case 'FAILURE': {
      const started = (view.started as string).toLowerCase() as FailureRecord['started'];
      return encodeFailure({ ...(view as unknown as FailureRecord), started, detail: unhex(view.detail) });
    }
    case 'CANCEL':
      return encodeCancel(view as unknown as CancelRecord);
    case 'DRAIN':
      return encodeDrain(view as unknown as DrainRecord);
    case 'CLOSE':
      return encodeClose(view as unknown as CloseRecord);
    default:
      throw new Error(`${type} has no record`);
  }
}
