/**
 * Avro schemas in this folder: as JSON, and as nodes, which are checked JSON. In nodes all names are full names and references point to
 * the type they name, so a recursive schema is a graph with cycles. `schema-parser.ts` makes nodes; `canonical.ts`,
 * `evolution.ts`, the codecs and `protocol/protocol.ts` walk them.
 *
 * Invariants of a graph of nodes: every name is legal and defined once; no union holds a union, or two branches that a reader could
 * not tell apart; the fields of a record and the symbols of an enum have different names. The parser never changes a node that it
 * has returned.
 */

/** A schema as JSON. Which types its values have is said by `service/infer.ts`. */
export type SchemaJson = string | SchemaObject | readonly SchemaJson[];

export interface SchemaObject {
  readonly type: SchemaJson;
  readonly [attribute: string]: unknown;
}

/** What the specification does not use for reading bytes: doc, default, order, logicalType and anything an author adds. */
export type Attributes = Readonly<Record<string, unknown>>;

export const primitiveKinds = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type PrimitiveKind = (typeof primitiveKinds)[number];

export interface PrimitiveNode {
  readonly kind: PrimitiveKind;
  readonly attributes: Attributes;
}

export interface FieldNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly hasDefault: boolean;
  readonly type: SchemaNode;
  readonly attributes: Attributes;
}

export interface RecordNode {
  readonly kind: 'record';
  readonly name: string;
  readonly aliases: readonly string[];
  /** Declared as `error`: the same bytes as a record, another meaning to applications. */
  readonly isError: boolean;
  readonly fields: readonly FieldNode[];
  readonly attributes: Attributes;
}

export interface EnumNode {
  readonly kind: 'enum';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly symbols: readonly string[];
  /** What a reader uses instead of a symbol it does not know. It is in `attributes` too. */
  readonly default: string | undefined;
  readonly attributes: Attributes;
}

export interface FixedNode {
  readonly kind: 'fixed';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly size: number;
  readonly attributes: Attributes;
}

export interface ArrayNode {
  readonly kind: 'array';
  readonly items: SchemaNode;
  readonly attributes: Attributes;
}

export interface MapNode {
  readonly kind: 'map';
  readonly values: SchemaNode;
  readonly attributes: Attributes;
}

export interface UnionNode {
  readonly kind: 'union';
  readonly branches: readonly SchemaNode[];
}

export type NamedNode = RecordNode | EnumNode | FixedNode;
export type SchemaNode = PrimitiveNode | NamedNode | ArrayNode | MapNode | UnionNode;

const primitives: ReadonlySet<string> = new Set(primitiveKinds);

export function isPrimitiveKind(name: string): name is PrimitiveKind {
  return primitives.has(name);
}

export function isPrimitive(node: SchemaNode): node is PrimitiveNode {
  return isPrimitiveKind(node.kind);
}

export function isNamed(node: SchemaNode): node is NamedNode {
  return node.kind === 'record' || node.kind === 'enum' || node.kind === 'fixed';
}

/** The last part of a full name. */
export function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** The part before the last dot of a full name; empty for a name without a namespace. */
export function namespaceOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(0, dot);
}

/** The name of a type in messages and paths: without its namespace, or its kind if it has no name. */
export function labelOf(node: SchemaNode): string {
  return isNamed(node) ? unqualified(node.name) : node.kind;
}
