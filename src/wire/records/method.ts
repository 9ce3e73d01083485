/** METHOD: binds a method number to a name, a kind and the fingerprints of its schemas (spec/schemas/method.avsc). */
import type { MethodKind } from '../message-codec.js';
import { methodKinds } from '../message-codec.js';
import { recordReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** DECLARE: the caller's definition. ANSWER: the callee's, sent when a fingerprint differs from the caller's. */
export type MethodRole = 'DECLARE' | 'ANSWER';

export interface MethodRecord {
  readonly role: MethodRole;
  /** Service and method: `demo.Cities/get`. */
  readonly name: string;
  readonly kind: MethodKind;
  /** Fingerprint of the request's schema; null: raw bytes. */
  readonly request: Buffer | null;
  /** Fingerprint of the response's schema; null: raw bytes. */
  readonly response: Buffer | null;
  /** Fingerprint of the union of declared errors; null: none are declared. */
  readonly errors: Buffer | null;
}

export const FINGERPRINT_BYTES = 32;
const roles: readonly MethodRole[] = ['DECLARE', 'ANSWER'];

export function encodeMethod(method: MethodRecord): Buffer {
  const writer = new ByteWriter();
  const writeFingerprint = (fingerprint: Buffer): void => writer.writeFixed(fingerprint, FINGERPRINT_BYTES);
  writer.writeEnum(method.role, roles);
  writer.writeString(method.name);
  writer.writeEnum(method.kind, methodKinds);
  writer.writeOptional(method.request, writeFingerprint);
  writer.writeOptional(method.response, writeFingerprint);
  writer.writeOptional(method.errors, writeFingerprint);
  return writer.finish();
}

/** Throws a `WireError` BAD_RECORD. The name may be any text: one that no method has is judged per call. */
export function decodeMethod(buffer: Buffer, start: number, end: number): MethodRecord {
  const reader = recordReader('METHOD', buffer, start, end);
  const readFingerprint = (): Buffer => reader.readFixed(FINGERPRINT_BYTES);
  const method: MethodRecord = {
    role: reader.readEnum(roles),
    name: reader.readString(),
    kind: reader.readEnum(methodKinds),
    request: reader.readOptional(readFingerprint),
    response: reader.readOptional(readFingerprint),
    errors: reader.readOptional(readFingerprint),
  };
  reader.finish();
  return method;
}
