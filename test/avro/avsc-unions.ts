/**
 * avsc as a second opinion on schema resolution: types whose unions choose the branch for a writer's value by the rules of
 * `evolution.ts`, not as "the first branch that can read it". Everything else is avsc's own resolver, built and run by avsc.
 *
 * `unionTypeHook` goes into the `typeHook` of `Type.forSchema`, `createResolver` replaces `readerType.createResolver`.
 */
import avro from 'avsc';
import { Grader } from '../../src/avro/schema/evolution.js';
import type { Attributes, FieldNode, SchemaNode, UnionNode } from '../../src/avro/schema/schema.js';

/** avsc's options, as they are handed down while types and resolvers are made. */
interface ResolverOptions {
  grader?: Grader;
}

interface Resolver {
  _read: (tap: unknown) => unknown;
}

type TypeOptions = NonNullable<Parameters<typeof avro.Type.forSchema>[1]>;
type Schema = Parameters<typeof avro.Type.forSchema>[0];

/** Builds a union; undefined for any other schema. For use in a `typeHook`. */
export function unionTypeHook(schema: Schema, options: TypeOptions): avro.Type | undefined {
  if (!Array.isArray(schema)) return undefined;
  const types = schema.map((branch) => avro.Type.forSchema(branch as Schema, options));
  const wrapped = options.wrapUnions ?? 'auto';
  const wrap = wrapped === 'auto' ? isAmbiguous(types) : wrapped === true || wrapped === 'always';
  return new (wrap ? WrappedUnion : UnwrappedUnion)(types as never, options);
}

/** A resolver for pairs that were graded `compatible`; throws for others. */
export function createResolver(reader: avro.Type, writer: avro.Type): ReturnType<avro.Type['createResolver']> {
  return reader.createResolver(writer, { ignoreNamespaces: true, grader: new Grader() } as never);
}

class UnwrappedUnion extends avro.types.UnwrappedUnionType {
  protected _update(resolver: Resolver, writer: avro.Type, options: ResolverOptions): void {
    const found = resolveBranch(this, writer, options);
    if (found !== undefined) resolver._read = (tap) => found.resolver._read(tap);
  }
}

class WrappedUnion extends avro.types.WrappedUnionType {
  protected _update(resolver: Resolver, writer: avro.Type, options: ResolverOptions): void {
    const found = resolveBranch(this, writer, options);
    if (found === undefined) return;
    const Branch = (found.branch as unknown as { _branchConstructor: (new (value: unknown) => unknown) | null })
      ._branchConstructor;
    resolver._read = Branch === null ? () => null : (tap) => new Branch(found.resolver._read(tap));
  }
}

function resolveBranch(
  union: avro.types.UnwrappedUnionType | avro.types.WrappedUnionType,
  writer: avro.Type,
  options: ResolverOptions,
): { readonly branch: avro.Type; readonly resolver: Resolver } | undefined {
  const grader = (options.grader ??= new Grader());
  const index = grader.chooseBranch(nodeOf(union) as UnionNode, nodeOf(writer));
  const branch = union.types[index];
  if (branch === undefined) return undefined;
  return { branch, resolver: branch.createResolver(writer, options as never) as unknown as Resolver };
}

/** Whether JavaScript cannot tell the branches apart by their values, so that they have to be wrapped: avsc's rule. */
function isAmbiguous(types: readonly avro.Type[]): boolean {
  const buckets = types.filter((type) => !type.typeName.startsWith('logical:')).map((type) => bucketOf(type.typeName));
  return new Set(buckets).size !== buckets.length;
}

function bucketOf(typeName: string): string {
  switch (typeName) {
    case 'int':
    case 'abstract:long':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'bytes':
    case 'fixed':
      return 'buffer';
    case 'enum':
      return 'string';
    case 'map':
    case 'record':
    case 'error':
      return 'object';
    default:
      return typeName;
  }
}

/** avsc's types seen as nodes, made when they are first looked at. */
const nodes = new WeakMap<avro.Type, SchemaNode>();

function nodeOf(type: avro.Type): SchemaNode {
  let node = nodes.get(type);
  if (node === undefined) nodes.set(type, (node = makeNode(type)));
  return node;
}

const noAttributes: Attributes = {};

/** Members that lead to other types are getters: types may be recursive, and are not complete while they are being made. */
function makeNode(type: avro.Type): SchemaNode {
  const attributes = noAttributes;
  const name = type.name ?? '';
  const aliases = type.aliases ?? [];
  switch (type.typeName) {
    case 'record':
    case 'error': {
      const { fields } = type as avro.types.RecordType;
      const isError = type.typeName === 'error';
      return { kind: 'record', name, aliases, isError, attributes, fields: fields.map(makeField) };
    }
    case 'enum': {
      const { symbols, default: preset } = type as avro.types.EnumType & { readonly default?: string };
      return { kind: 'enum', name, aliases, symbols, default: preset, attributes };
    }
    case 'fixed':
      return { kind: 'fixed', name, aliases, size: (type as avro.types.FixedType).size, attributes };
    case 'array':
      return {
        kind: 'array',
        attributes,
        get items() {
          return nodeOf((type as avro.types.ArrayType).itemsType);
        },
      };
    case 'map':
      return {
        kind: 'map',
        attributes,
        get values() {
          return nodeOf((type as avro.types.MapType).valuesType as avro.Type);
        },
      };
    case 'union:wrapped':
    case 'union:unwrapped': {
      const { types } = type as avro.types.WrappedUnionType;
      return { kind: 'union', branches: types.map((branch) => nodeOf(branch)) };
    }
    case 'abstract:long':
      return { kind: 'long', attributes };
    default:
      if (type.typeName.startsWith('logical:')) return nodeOf((type as avro.types.LogicalType).underlyingType);
      return { kind: type.typeName as 'null', attributes };
  }
}

function makeField(field: avro.types.Field): FieldNode {
  return {
    name: field.name,
    aliases: field.aliases,
    hasDefault: field.defaultValue() !== undefined,
    attributes: noAttributes,
    get type() {
      return nodeOf(field.type);
    },
  };
}
