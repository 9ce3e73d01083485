/**
 * Checks the schemas that peers send. Code is generated from schemas, so no text of a peer gets there before it has passed here. Size
 * and JSON depth are measured before `JSON.parse`; the parser then checks names and limits; at the end the text must be the form of the
 * schema it describes (`exchangedFormOf`). So each schema has exactly one text, and no attribute, duplicate key or escape can be hidden
 * in it.
 *
 * Cost: one pass over the text for each of these steps. Nothing is kept of a schema that is refused. This file compiles nothing.
 * Called by the codec with the text of a SCHEMA frame, after the connection has compared it with the fingerprint it asked for.
 */
import { RpcError } from '../../base/errors.js';
import { exchangedFormOf } from './canonical.js';
import type { SchemaNode } from './schema.js';
import type { SchemaLimits } from './schema-limits.js';
import { defaultSchemaLimits, overLimit } from './schema-limits.js';
import { parseSchema } from './schema-parser.js';

/** Brackets that one level of schema takes at most: a record's object, its array of fields, the field's object. */
const JSON_LEVELS_PER_SCHEMA = 3;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Checks the text of a schema from a peer, which must be a canonical form. Throws an `RpcError` that says what is wrong. */
export function parseUntrustedSchema(text: string, limits: Partial<SchemaLimits> = {}): SchemaNode {
  checkSize(text, limits.schemaBytesMax ?? defaultSchemaLimits.schemaBytesMax);
  checkDepth(text, limits.schemaDepthMax ?? defaultSchemaLimits.schemaDepthMax);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', 'the peer sent a schema that is no JSON', { cause });
  }
  const node = parseSchema(json, { limits, canonical: true });
  if (exchangedFormOf(node) !== text) {
    throw new RpcError('INVALID_ARGUMENT', 'the peer sent a schema that is not in canonical form');
  }
  return node;
}

function checkSize(text: string, schemaBytesMax: number): void {
  // The length in UTF-16 units is never above the length in bytes, and costs nothing.
  if (text.length > schemaBytesMax || Buffer.byteLength(text) > schemaBytesMax) {
    throw overLimit('the peer sent a schema that is too long', 'schemaBytesMax', schemaBytesMax);
  }
}

/** Brackets open at once, outside strings. Needs no well-formed JSON: what it counts bounds the recursion of any parser. */
function checkDepth(text: string, schemaDepthMax: number): void {
  const max = JSON_LEVELS_PER_SCHEMA * (schemaDepthMax + 1);
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN_ARRAY || char === OPEN_OBJECT) {
      if (++depth > max)
        throw overLimit('the peer sent a schema that nests too deeply', 'schemaDepthMax', schemaDepthMax);
    } else if (char === CLOSE_ARRAY || char === CLOSE_OBJECT) depth--;
  }
}
