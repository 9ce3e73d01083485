/**
 * Logical types. By default a logical type is its underlying type, as the specification asks of whoever does not know it. A codec's
 * option `logicalTypes` maps names to classes written for avsc (subclasses of `avsc.types.LogicalType`): their `_fromValue`
 * makes what a reader gets out of an underlying value, their `_toValue` the reverse; undefined from `_toValue` means that the
 * value is wrong. Nothing else of the classes is used, so what they do, they do to values that were read within all bounds.
 * `_resolve` is not called: a writer's type resolves to the underlying type by Avro's rules.
 *
 * What `_fromValue` throws is an error of that message; what the constructor throws, of the schema.
 */
import { RpcError } from '../../base/errors.js';
import type { SchemaNode } from '../schema/schema.js';
import { labelOf } from '../schema/schema.js';
import { schemaJsonOf } from '../schema/schema-writer.js';

/** A class such as avsc's documentation describes for its option of the same name. */
export type LogicalTypeClass = new (schema: never, options?: never) => object;

export type LogicalTypes = Readonly<Record<string, LogicalTypeClass>>;

export interface Conversion {
  fromValue(value: unknown): unknown;
  /** Undefined: the type does not take the value. */
  toValue(value: unknown): unknown;
}

interface LogicalType {
  _fromValue(value: unknown): unknown;
  _toValue(value: unknown): unknown;
}

/** Finds the conversion of a node, making it at most once. */
export class Conversions {
  private readonly known = new Map<SchemaNode, Conversion | null>();
  private readonly classes: LogicalTypes;

  constructor(classes: LogicalTypes) {
    this.classes = classes;
  }

  /** Makes the conversions of a type and of what stands in it, up to the next records, so that a mistake shows now. */
  prepare(node: SchemaNode): void {
    this.of(node);
    if (node.kind === 'array') this.prepare(node.items);
    else if (node.kind === 'map') this.prepare(node.values);
    else if (node.kind === 'union') for (const branch of node.branches) this.prepare(branch);
  }

  of(node: SchemaNode): Conversion | null {
    let conversion = this.known.get(node);
    if (conversion === undefined) this.known.set(node, (conversion = this.make(node)));
    return conversion;
  }

  private make(node: SchemaNode): Conversion | null {
    if (node.kind === 'union') return null;
    const name = node.attributes['logicalType'];
    if (typeof name !== 'string' || !Object.hasOwn(this.classes, name)) return null;
    const type = instantiate(name, this.classes[name] as LogicalTypeClass, node);
    return {
      fromValue: (value) => type._fromValue(value),
      toValue: (value) => type._toValue(value),
    };
  }
}

function instantiate(name: string, Class: LogicalTypeClass, node: SchemaNode): LogicalType {
  const where = `logical type ${name} of ${labelOf(node)}`;
  let type: object;
  try {
    type = new Class(schemaJsonOf(node) as never, { registry: {} } as never);
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `${where}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (!isLogicalType(type)) throw new RpcError('INVALID_ARGUMENT', `${where}: the class lacks _fromValue or _toValue`);
  return type;
}

function isLogicalType(type: object): type is LogicalType {
  const { _fromValue, _toValue } = type as Partial<LogicalType>;
  return typeof _fromValue === 'function' && typeof _toValue === 'function';
}
