/**
 * The limits that every peer enforces on schemas it receives, so that no schema can keep a parser or code generator busy for long.
 * They apply to local schemas too: a schema beyond them could never be declared to a peer.
 */
import { limitError, type RpcError } from '../../base/errors.js';
import { SCHEMA_TEXT_BYTES_MAX } from '../../wire/records/schema.js';

/** Bounds of one schema, constants of the protocol. */
export interface SchemaLimits {
  /** Bytes of its canonical form. Default 262,144. */
  readonly schemaBytesMax: number;
  /** Schemas inside each other: a field's type, items, values and a union's branch are one level each. Default 64. */
  readonly schemaDepthMax: number;
  /** Types, fields, symbols and union branches in total. Default 10,000. */
  readonly schemaPartsMax: number;
  /** Size of a `fixed`. Default 16 MiB. */
  readonly fixedBytesMax: number;
}

export const defaultSchemaLimits: SchemaLimits = {
  schemaBytesMax: SCHEMA_TEXT_BYTES_MAX,
  schemaDepthMax: 64,
  schemaPartsMax: 10_000,
  fixedBytesMax: 16 * 1024 * 1024,
};

const FIXED_BY_PROTOCOL = 'none, it is the same for every peer';

/** The error for one of them. */
export function overLimit(what: string, name: keyof SchemaLimits, value: number): RpcError {
  return limitError(what, { name, value, setting: FIXED_BY_PROTOCOL });
}
