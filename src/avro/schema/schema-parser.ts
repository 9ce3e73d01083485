/**
 * Checks a schema given as JSON and turns it into nodes (`schema.ts`). Everything that a code generator could not handle is
 * refused here, with the place and the reason: bad names, names defined twice or never, fields, symbols and union branches
 * that repeat, unions in unions, invalid sizes. The limits (`schema-limits.ts`) apply to local schemas and to those of peers.
 *
 * Cost: linear in the schema. Recursion: at most `schemaDepthMax` levels, so a JavaScript object that contains itself is an
 * error and not an endless loop. Used by `canonical.ts`, `schema-guard.ts`, `evolution.ts` and `protocol.ts`.
 */
import { RpcError } from '../../base/errors.js';
import { isJsonObject, type JsonObject, own, quote } from './json.js';
import type {
  ArrayNode,
  Attributes,
  EnumNode,
  FieldNode,
  FixedNode,
  MapNode,
  NamedNode,
  RecordNode,
  SchemaNode,
  UnionNode,
} from './schema.js';
import { isNamed, isPrimitiveKind, namespaceOf, unqualified } from './schema.js';
import type { SchemaLimits } from './schema-limits.js';
import { defaultSchemaLimits, overLimit } from './schema-limits.js';

export interface ParserOptions {
  readonly limits?: Partial<SchemaLimits>;
  /** The JSON is a canonical form: every name is a full name and nothing inherits a namespace. Default false. */
  readonly canonical?: boolean;
  /** A name may be used before it is defined, as in Avro IDL. Default false. */
  readonly forwardReferences?: boolean;
}

/** A name that was used before it was defined, and where its type goes. */
interface Pending {
  readonly name: string;
  readonly namespace: string;
  readonly where: string;
  readonly place: (node: SchemaNode) => void;
}

/** Takes the place of a nested schema until `child` has found it. */
const unresolved: SchemaNode = { kind: 'null', attributes: {} };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names of branches in unions. A type of the same name without a namespace could not be told from them. */
const unnamedKinds: ReadonlySet<string> = new Set(['array', 'map']);

/** Checks one schema. Throws an `RpcError` (INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a limit). */
export function parseSchema(json: unknown, options: ParserOptions = {}): SchemaNode {
  const parser = new SchemaParser(options);
  const node = parser.parse(json, '');
  parser.finish();
  return node;
}

/** A legal Avro name without dots. */
export function checkName(name: unknown, what: string, where: string): string {
  if (typeof name !== 'string' || !NAME.test(name)) fail(where, `${quote(name)} is no legal name for ${what}`);
  return name;
}

/** Whether a full name belongs to Avro itself: primitive types may not be defined in any namespace. */
export function isReserved(name: string): boolean {
  return isPrimitiveKind(unqualified(name)) || unnamedKinds.has(name);
}

/** Makes nodes of schemas that share their names: one schema, or the types and messages of a protocol. */
export class SchemaParser {
  private readonly limits: SchemaLimits;
  private readonly canonical: boolean;
  private readonly forwardReferences: boolean;
  private readonly named = new Map<string, NamedNode>();
  private readonly unions: { node: UnionNode; where: string }[] = [];
  private readonly pending: Pending[] = [];
  private parts = 0;

  constructor(options: ParserOptions) {
    this.limits = { ...defaultSchemaLimits, ...options.limits };
    this.canonical = options.canonical ?? false;
    this.forwardReferences = options.forwardReferences ?? false;
  }

  /** The node of `json`, a schema inside `namespace`. It is complete once `finish` has returned. */
  parse(json: unknown, namespace: string, where = ''): SchemaNode {
    return this.schema(json, namespace, where, 0);
  }

  /** The fields of a record that has no definition of its own: the parameters of a message. */
  parameters(json: unknown, namespace: string, where: string): readonly FieldNode[] {
    return this.fields(json, namespace, where, 0);
  }

  /** Resolves names that were used before they were defined, then checks what needs complete nodes. */
  finish(): void {
    for (const { name, namespace, where, place } of this.pending.splice(0)) {
      place(this.lookup(name, namespace) ?? fail(where, `the name ${quote(name)} is not defined`));
    }
    for (const { node, where } of this.unions.splice(0)) this.checkUnion(node, where);
  }

  /** The named types met so far, in the order of their definition. */
  definitions(): readonly NamedNode[] {
    return [...this.named.values()];
  }

  private schema(json: unknown, namespace: string, where: string, depth: number): SchemaNode {
    const node = this.schemaOrName(json, namespace, where, depth);
    if (typeof node === 'string') return fail(where, `the name ${quote(node)} is not defined`);
    return node;
  }

  /** Puts a nested schema where it belongs: now, or in `finish` when its name is defined later. */
  private child(
    json: unknown,
    namespace: string,
    where: string,
    depth: number,
    place: (node: SchemaNode) => void,
  ): void {
    const node = this.schemaOrName(json, namespace, where, depth);
    if (typeof node !== 'string') place(node);
    else if (this.forwardReferences) this.pending.push({ name: node, namespace, where, place });
    else fail(where, `the name ${quote(node)} is not defined`);
  }

  /** The node, or the name of a type that is not defined yet. */
  private schemaOrName(json: unknown, namespace: string, where: string, depth: number): SchemaNode | string {
    if (depth > this.limits.schemaDepthMax) {
      throw overLimit('a schema nests too deeply', 'schemaDepthMax', this.limits.schemaDepthMax);
    }
    if (typeof json === 'string') return this.reference(json, {}, namespace);
    this.count();
    if (Array.isArray(json)) return this.union(json, namespace, where, depth);
    if (!isJsonObject(json)) return fail(where, `${quote(json)} is no schema`);
    const type = own(json, 'type');
    switch (type) {
      case 'record':
      case 'error':
        return this.record(json, type === 'error', namespace, where, depth);
      case 'enum':
        return this.enumeration(json, namespace, where);
      case 'fixed':
        return this.fixed(json, namespace, where);
      case 'array':
        return this.array(json, namespace, where, depth);
      case 'map':
        return this.map(json, namespace, where, depth);
      default:
        // `{"type": "string", "logicalType": "uuid"}`, `{"type": "Name"}` and, as in Java, a schema instead of the name.
        if (typeof type === 'string') return this.reference(type, attributesOf(json, ['type']), namespace);
        if (type === undefined) return fail(where, 'a schema needs a type');
        return this.schemaOrName(type, namespace, where, depth + 1);
    }
  }

  private reference(name: string, attributes: Attributes, namespace: string): SchemaNode | string {
    if (isPrimitiveKind(name)) return { kind: name, attributes };
    return this.lookup(name, namespace) ?? name;
  }

  /** A name without a dot means the enclosing namespace, and if that has none such, the empty one (as Java does it). */
  private lookup(name: string, namespace: string): NamedNode | undefined {
    if (this.canonical) return this.named.get(name);
    if (name.startsWith('.')) return this.named.get(name.slice(1));
    if (name.includes('.') || namespace === '') return this.named.get(name);
    return this.named.get(`${namespace}.${name}`) ?? this.named.get(name);
  }

  private record(json: JsonObject, isError: boolean, namespace: string, where: string, depth: number): RecordNode {
    const node: Mutable<RecordNode> = {
      kind: 'record',
      ...this.naming(json, namespace, where),
      isError,
      fields: [],
      attributes: attributesOf(json, ['type', 'name', 'namespace', 'aliases', 'fields']),
    };
    this.named.set(node.name, node);
    const inside = this.canonical ? '' : namespaceOf(node.name);
    node.fields = this.fields(own(json, 'fields'), inside, where === '' ? unqualified(node.name) : where, depth);
    return node;
  }

  private fields(json: unknown, namespace: string, where: string, depth: number): FieldNode[] {
    if (!Array.isArray(json)) return fail(where, 'a record needs an array of fields');
    const names = new Set<string>();
    return json.map((field: unknown) => this.field(field, names, namespace, where, depth));
  }

  private field(json: unknown, names: Set<string>, namespace: string, where: string, depth: number): FieldNode {
    if (!isJsonObject(json)) return fail(where, `${quote(json)} is no field`);
    this.count();
    const name = checkName(own(json, 'name'), 'a field', where);
    const path = `${where}.${name}`;
    if (names.has(name)) fail(path, 'two fields of a record have this name');
    names.add(name);
    const node: Mutable<FieldNode> = {
      name,
      type: unresolved,
      aliases: this.names(own(json, 'aliases'), path).map((alias) => checkName(alias, 'an alias', path)),
      hasDefault: own(json, 'default') !== undefined,
      attributes: attributesOf(json, ['name', 'type', 'aliases']),
    };
    if (own(json, 'type') === undefined) fail(path, 'a field needs a type');
    this.child(own(json, 'type'), namespace, path, depth + 1, (type) => {
      node.type = type;
    });
    return node;
  }

  private enumeration(json: JsonObject, namespace: string, where: string): EnumNode {
    const naming = this.naming(json, namespace, where);
    const symbols = this.names(own(json, 'symbols'), where);
    if (symbols.length === 0) fail(where, 'an enum needs at least one symbol');
    for (const symbol of symbols) {
      this.count();
      checkName(symbol, 'a symbol', where);
    }
    if (new Set(symbols).size !== symbols.length) fail(where, `the enum ${naming.name} has a symbol twice`);
    const preset = own(json, 'default');
    if (preset !== undefined && (typeof preset !== 'string' || !symbols.includes(preset))) {
      return fail(where, `the default ${quote(preset)} is no symbol of the enum ${naming.name}`);
    }
    const attributes = attributesOf(json, ['type', 'name', 'namespace', 'aliases', 'symbols']);
    const node: EnumNode = { kind: 'enum', ...naming, symbols, default: preset, attributes };
    this.named.set(node.name, node);
    return node;
  }

  private fixed(json: JsonObject, namespace: string, where: string): FixedNode {
    const naming = this.naming(json, namespace, where);
    const size = own(json, 'size');
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
      return fail(where, `${quote(size)} is no size for the fixed ${naming.name}`);
    }
    const { fixedBytesMax } = this.limits;
    if (size > fixedBytesMax) throw overLimit(`a fixed of ${size} bytes`, 'fixedBytesMax', fixedBytesMax);
    const attributes = attributesOf(json, ['type', 'name', 'namespace', 'aliases', 'size']);
    const node: FixedNode = { kind: 'fixed', ...naming, size, attributes };
    this.named.set(node.name, node);
    return node;
  }

  private array(json: JsonObject, namespace: string, where: string, depth: number): SchemaNode {
    const node: Mutable<ArrayNode> = {
      kind: 'array',
      items: unresolved,
      attributes: attributesOf(json, ['type', 'items']),
    };
    if (own(json, 'items') === undefined) fail(where, 'an array needs items');
    this.child(own(json, 'items'), namespace, `${where}[]`, depth + 1, (items) => {
      node.items = items;
    });
    return node;
  }

  private map(json: JsonObject, namespace: string, where: string, depth: number): SchemaNode {
    const node: Mutable<MapNode> = {
      kind: 'map',
      values: unresolved,
      attributes: attributesOf(json, ['type', 'values']),
    };
    if (own(json, 'values') === undefined) fail(where, 'a map needs values');
    this.child(own(json, 'values'), namespace, `${where}{}`, depth + 1, (values) => {
      node.values = values;
    });
    return node;
  }

  private union(json: readonly unknown[], namespace: string, where: string, depth: number): UnionNode {
    const branches: SchemaNode[] = [];
    const node: UnionNode = { kind: 'union', branches };
    json.forEach((branch, index) => {
      this.count();
      this.child(branch, namespace, where, depth + 1, (type) => {
        branches[index] = type;
      });
    });
    this.unions.push({ node, where });
    return node;
  }

  private checkUnion(union: UnionNode, where: string): void {
    // The specification's own tests contain `[]`; it has no values, so a peer has no reason to send it.
    if (this.canonical && union.branches.length === 0) fail(where, 'a union needs a branch');
    const seen = new Set<string>();
    for (const branch of union.branches) {
      if (branch.kind === 'union') fail(where, 'a union may not contain a union');
      const label = isNamed(branch) ? branch.name : branch.kind;
      if (seen.has(label)) fail(where, `the union has the branch ${label} twice`);
      seen.add(label);
    }
  }

  /** Full name and aliases of a named type; refuses names that are taken. */
  private naming(json: JsonObject, enclosing: string, where: string): { name: string; aliases: readonly string[] } {
    const given = own(json, 'name');
    const attribute = own(json, 'namespace');
    if (attribute !== undefined && typeof attribute !== 'string') fail(where, `${quote(attribute)} is no namespace`);
    const name = this.fullName(given, attribute ?? enclosing, where);
    if (this.named.has(name)) fail(where, `the name ${quote(name)} is defined twice`);
    const namespace = namespaceOf(name);
    const aliases = this.names(own(json, 'aliases'), where).map((alias) => this.fullName(alias, namespace, where));
    return { name, aliases };
  }

  private fullName(given: unknown, namespace: string, where: string): string {
    if (typeof given !== 'string') return fail(where, `${quote(given)} is no legal name for a type`);
    let name = given;
    if (!this.canonical) {
      if (name.startsWith('.')) name = name.slice(1);
      else if (!name.includes('.') && namespace !== '') name = `${namespace}.${name}`;
    }
    for (const part of name.split('.')) {
      if (!NAME.test(part)) fail(where, `${quote(name)} is no legal name for a type`);
    }
    if (isReserved(name)) fail(where, `${quote(name)} is a name of Avro's own`);
    return name;
  }

  private names(json: unknown, where: string): readonly string[] {
    if (json === undefined) return [];
    if (!Array.isArray(json) || !json.every((name) => typeof name === 'string')) {
      return fail(where, `${quote(json)} is no list of names`);
    }
    return [...json];
  }

  private count(): void {
    const { schemaPartsMax } = this.limits;
    if (++this.parts > schemaPartsMax) throw overLimit('a schema has too many parts', 'schemaPartsMax', schemaPartsMax);
  }
}

function fail(where: string, text: string): never {
  throw new RpcError(
    'INVALID_ARGUMENT',
    where === '' ? `not a valid schema: ${text}` : `not a valid schema: ${where}: ${text}`,
  );
}

function attributesOf(json: JsonObject, structural: readonly string[]): Attributes {
  const entries = Object.entries(json).filter(([key, value]) => value !== undefined && !structural.includes(key));
  return Object.fromEntries(entries);
}
