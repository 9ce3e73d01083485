/**
 * The Parsing Canonical Form of a schema (Avro specification, "Parsing Canonical Form for Schemas") and its fingerprint: two
 * schemas with the same form are read the same way, so equal fingerprints mean that nothing has to be resolved.
 *
 * In the form stand only name, type, fields, symbols, items, values and size, in this order; names are full names; a type is
 * written out where it is first met and named after that; nothing else is left: no doc, default, alias, order or logical type.
 * An `error` is written as a `record`, as Java does it (avsc writes `error`): the bytes are the same. A canonical form therefore
 * cannot tell whether a reader has a default or an alias; `evolution.ts` takes that into account.
 *
 * Called by the codec once a schema, and by `schema-guard.ts` for each schema that a peer sends.
 */
import { createHash } from 'node:crypto';
import { standardLogicalType } from './logical.js';
import type { SchemaNode } from './schema.js';
import { isNamed } from './schema.js';
import { defaultSchemaLimits, overLimit } from './schema-limits.js';
import type { ParserOptions } from './schema-parser.js';
import { parseSchema } from './schema-parser.js';

/** The canonical form of a schema given as JSON. Throws an `RpcError` when it is no valid schema. */
export function canonicalForm(schema: unknown, options?: ParserOptions): string {
  return canonicalOf(parseSchema(schema, options));
}

/** The canonical form of a schema that was checked before. */
export function canonicalOf(node: SchemaNode): string {
  return write(node, new Set(), 0, false);
}

/**
 * The form in which the sides of a connection name and exchange a schema (spec, 6.4): the canonical form, and the valid logical types of
 * the specification behind it, since a value of another scale or unit is another value.
 */
export function exchangedFormOf(node: SchemaNode): string {
  return write(node, new Set(), 0, true);
}

/** SHA-256 of the UTF-8 bytes of a canonical form: 32 bytes. */
export function fingerprintOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** Names need no escaping: they consist of letters, digits, `_` and dots. */
function write(node: SchemaNode, written: Set<string>, depth: number, logical: boolean): string {
  if (isNamed(node)) {
    if (written.has(node.name)) return `"${node.name}"`;
    written.add(node.name);
  }
  // A graph can be deeper than the text it came from, since a type is written out where it is first met.
  const { schemaDepthMax } = defaultSchemaLimits;
  if (depth > schemaDepthMax) throw overLimit('a schema nests too deeply', 'schemaDepthMax', schemaDepthMax);
  switch (node.kind) {
    case 'record': {
      const fields = node.fields.map(
        (field) => `{"name":"${field.name}","type":${write(field.type, written, depth + 1, logical)}}`,
      );
      return `{"name":"${node.name}","type":"record","fields":[${fields.join(',')}]}`;
    }
    case 'enum':
      return `{"name":"${node.name}","type":"enum","symbols":[${node.symbols.map((symbol) => `"${symbol}"`).join(',')}]}`;
    case 'fixed':
      return `{"name":"${node.name}","type":"fixed","size":${node.size}${logical ? annotation(node) : ''}}`;
    case 'array':
      return `{"type":"array","items":${write(node.items, written, depth + 1, logical)}}`;
    case 'map':
      return `{"type":"map","values":${write(node.values, written, depth + 1, logical)}}`;
    case 'union':
      return `[${node.branches.map((branch) => write(branch, written, depth + 1, logical)).join(',')}]`;
    default: {
      const annotated = logical ? annotation(node) : '';
      return annotated === '' ? `"${node.kind}"` : `{"type":"${node.kind}"${annotated}}`;
    }
  }
}

/** The attributes of a logical type, behind a comma; empty without a valid one. */
function annotation(node: SchemaNode): string {
  const type = standardLogicalType(node);
  if (type === null) return '';
  const { name, precision, scale } = type;
  return `,"logicalType":"${name}"${name === 'decimal' ? `,"precision":${precision},"scale":${scale}` : ''}`;
}
