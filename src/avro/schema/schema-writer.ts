/**
 * Converts nodes back to JSON that is complete by itself: a type is written out at its first occurrence, with its full name and all of
 * its attributes, and named after that. avsc can compile this JSON whatever namespaces it uses. It could not compile every canonical
 * form: there a name without a namespace, inside a type that has one, would be taken for a name in that namespace.
 *
 * Used for the schemas of protocol files, and to hand a type to an application's class for its logical type.
 */
import type { FieldNode, NamedNode, SchemaJson, SchemaNode, UnionNode } from './schema.js';
import { isNamed, namespaceOf } from './schema.js';
import { defaultSchemaLimits, overLimit } from './schema-limits.js';

/** The schema of one node, with everything it refers to. */
export function schemaJsonOf(node: UnionNode): readonly SchemaJson[];
export function schemaJsonOf(node: SchemaNode): SchemaJson;
export function schemaJsonOf(node: SchemaNode): SchemaJson {
  return write(node, '', new Set(), 0);
}

/** `namespace` is the one that names without a dot would be taken to be in. */
function write(node: SchemaNode, namespace: string, written: Set<string>, depth: number): SchemaJson {
  const { schemaDepthMax } = defaultSchemaLimits;
  if (depth > schemaDepthMax) throw overLimit('a schema nests too deeply', 'schemaDepthMax', schemaDepthMax);
  if (isNamed(node)) {
    if (written.has(node.name)) return absolute(node.name, namespace);
    written.add(node.name);
    return named(node, namespace, written, depth);
  }
  switch (node.kind) {
    case 'union':
      return node.branches.map((branch) => write(branch, namespace, written, depth + 1));
    case 'array':
      return { type: 'array', items: write(node.items, namespace, written, depth + 1), ...node.attributes };
    case 'map':
      return { type: 'map', values: write(node.values, namespace, written, depth + 1), ...node.attributes };
    default:
      return Object.keys(node.attributes).length === 0 ? node.kind : { type: node.kind, ...node.attributes };
  }
}

function named(node: NamedNode, namespace: string, written: Set<string>, depth: number): SchemaJson {
  const own = namespaceOf(node.name);
  const naming = {
    name: node.name,
    // A name without a dot would inherit the enclosing namespace.
    ...(own === '' && namespace !== '' ? { namespace: '' } : {}),
    ...aliases(node.aliases.map((alias) => absolute(alias, own))),
  };
  switch (node.kind) {
    case 'enum':
      return { type: 'enum', ...naming, symbols: node.symbols, ...node.attributes };
    case 'fixed':
      return { type: 'fixed', ...naming, size: node.size, ...node.attributes };
    case 'record': {
      const field = ({ name, type, aliases: others, attributes }: FieldNode): unknown => ({
        name,
        type: write(type, own, written, depth + 1),
        ...aliases(others),
        ...attributes,
      });
      return { type: node.isError ? 'error' : 'record', ...naming, fields: node.fields.map(field), ...node.attributes };
    }
  }
}

function aliases(names: readonly string[]): { readonly aliases?: readonly string[] } {
  return names.length === 0 ? {} : { aliases: names };
}

/** A full name that means the same in any namespace. A leading dot stands for "no namespace", in Java and avsc alike. */
function absolute(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `.${name}`;
}
