/**
 * How a message is read whose two schemas may differ: from the fingerprints where they suffice, else from the peer's schema.
 * Used by `SchemaExchange` and the two tables of methods.
 */
import { reasonOf } from '../../base/error-values.js';
import type { MessageCodec, Resolution } from '../../wire/message-codec.js';

const identical: Resolution = { grade: 'identical', codec: null, path: '', reason: '' };

/** The codec of a message without bytes: REQUEST of a call whose messages are items. */
export const emptyCodec: MessageCodec = {
  fingerprint: null,
  schemaText: '',
  encode: (_value, _into, offset) => offset,
  decode: () => undefined,
  resolveWriter: () => identical,
  gradeReader: () => identical,
};

/** What this side makes of the peer's schema. May throw for a schema that this side's limits refuse. */
export type Grader = (own: MessageCodec, text: string, fingerprint: Buffer) => Resolution;

/** Reads what the peer writes. */
export const resolutionOf: Grader = (reader, text, fingerprint) => reader.resolveWriter(text, fingerprint);

/** Says how the peer reads what this side writes. */
export const gradeOf: Grader = (writer, text, fingerprint) => writer.gradeReader(text, fingerprint);

/**
 * A resolution that needs no schema, or the two things of which one is made with it: this side's codec and the peer's fingerprint.
 */
export type KnownOrNeeded =
  | { readonly known: Resolution }
  | { readonly known: null; readonly own: MessageCodec; readonly fingerprint: Buffer };

/** What the fingerprints alone say. `own`: null when this side has no such message; `theirs`: null for raw bytes, or none. */
export function compareFingerprints(own: MessageCodec | null, theirs: Buffer | null): KnownOrNeeded {
  const ours = own?.fingerprint ?? null;
  if (own === null || ours === null || theirs === null) {
    if (ours === null && theirs === null) return { known: { grade: 'identical', codec: own, path: '', reason: '' } };
    const reason =
      ours === null
        ? 'one side writes Avro, the other reads raw bytes'
        : 'one side writes raw bytes, the other reads Avro';
    return { known: breaking('(message)', reason) };
  }
  if (ours.equals(theirs)) return { known: { grade: 'identical', codec: own, path: '', reason: '' } };
  return { known: null, own, fingerprint: theirs };
}

/** The peer's schema is here; null: the peer did not give it. */
export function gradeText(grade: Grader, own: MessageCodec, text: string | null, fingerprint: Buffer): Resolution {
  if (text === null) return breaking('(schema)', 'the peer does not give its schema');
  try {
    return grade(own, text, fingerprint);
  } catch (error) {
    // The method cannot be used, the connection can.
    return breaking('(schema)', reasonOf(error));
  }
}

function breaking(path: string, reason: string): Resolution {
  return { grade: 'breaking', codec: null, path, reason };
}
