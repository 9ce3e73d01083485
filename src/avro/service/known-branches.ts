/**
 * Reads a peer's union of errors as far as this side knows its branches. By Avro's rules a union that has a branch the reader does
 * not know cannot be resolved at all; a peer that declares one more error would then take the values of all others from its older
 * callers. Here each branch is resolved by itself, and only a value of an unknown branch cannot be read.
 *
 * Called by `declared-error.ts`, with a union that the codec refused to resolve as a whole.
 */
import { RpcError } from '../../base/errors.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import { decodeWith } from '../codec/decode.js';
import type { Read } from '../encoding/shapes.js';
import { exchangedFormOf, fingerprintOf } from '../schema/canonical.js';
import { parseUntrustedSchema } from '../schema/schema-guard.js';

/**
 * A codec that reads what is written with `writerSchemaText`, a union from a peer, as values of `reader`. Null when that is no
 * valid union, or none of its branches is known.
 */
export function knownBranches(reader: MessageCodec, writerSchemaText: string): MessageCodec | null {
  let texts: readonly string[];
  try {
    const node = parseUntrustedSchema(writerSchemaText);
    if (node.kind !== 'union') return null;
    texts = node.branches.map(exchangedFormOf);
  } catch {
    return null;
  }
  const branches = texts.map((text) => reader.resolveWriter(text).codec);
  if (branches.every((branch) => branch === null)) return null;
  return {
    fingerprint: fingerprintOf(writerSchemaText),
    schemaText: writerSchemaText,
    encode: () => {
      throw new RpcError('INTERNAL', "the codec that reads a peer's union only reads");
    },
    decode: (from, start, end) => decodeBranch(branches, from, start, end),
    resolveWriter: (text) => reader.resolveWriter(text),
    gradeReader: (text) => reader.gradeReader(text),
  };
}

function decodeBranch(branches: readonly (MessageCodec | null)[], from: Buffer, start: number, end: number): unknown {
  const read: Read = (tap) => {
    const at = tap.pos;
    const branch = branches[tap.readIndex(branches.length)] ?? null;
    if (branch === null) return tap.fail('a branch that this side does not know', at);
    const value = branch.decode(from, tap.pos, end);
    tap.pos = end;
    return value;
  };
  return decodeWith(read, 'union', from, start, end);
}
