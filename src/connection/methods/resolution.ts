/** What becomes of a message whose two schemas differ: read from the fingerprints where they suffice, else from the peer's schema. */
import type { MessageCodec, Resolution } from '../../wire/message-codec.js';

/** What can be said from the fingerprints alone; null: the writer's schema is needed. */
export function resolveWithoutText(reader: MessageCodec | null, writer: Buffer | null): Resolution | null {
  const own = reader?.fingerprint ?? null;
  if (own === null && writer === null) return { grade: 'identical', codec: reader, path: '', reason: '' };
  if (own === null || writer === null) {
    const reason =
      own === null
        ? 'one side writes Avro, the other reads raw bytes'
        : 'one side writes raw bytes, the other reads Avro';
    return { grade: 'breaking', codec: null, path: '(message)', reason };
  }
  return own.equals(writer) ? { grade: 'identical', codec: reader, path: '', reason: '' } : null;
}

/** The writer's schema is here, or the peer would not give it. */
export function resolveText(reader: MessageCodec, text: string | null, fingerprint: Buffer | null): Resolution {
  if (text === null)
    return { grade: 'breaking', codec: null, path: '(schema)', reason: 'the peer does not give its schema' };
  try {
    return reader.resolveWriter(text, fingerprint ?? undefined);
  } catch (error) {
    // A schema that this side's limits refuse: the method cannot be used, the connection can.
    return {
      grade: 'breaking',
      codec: null,
      path: '(schema)',
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

export function gradeText(writer: MessageCodec, text: string | null, fingerprint: Buffer | null): Resolution {
  if (text === null) return resolveText(writer, null, null);
  try {
    return writer.gradeReader(text, fingerprint ?? undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { grade: 'breaking', codec: null, path: '(schema)', reason };
  }
}
