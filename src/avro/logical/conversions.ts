/**
 * Logical types. By default a logical type is its underlying type, as the specification asks of those that do not know it. A codec's
 * option `logicalTypes` is `'standard'` (the classes of `standard-types.ts`) or maps names to classes, such as subclasses of avsc's
 * `LogicalType`: their `_fromValue` turns an underlying value into what a reader gets, their `_toValue` the reverse; undefined
 * from `_toValue` means that the value is wrong. Nothing else of a class is used, apart from two static properties: `longs`, the
 * JavaScript type in which it wants its longs, and `values`, what error texts call its values. `_resolve` is not called.
 *
 * A class sees the values of its own logical type only: never undefined, nor a value that another branch of a union takes by its
 * JavaScript type. With `longs: 'bigint'` it sees all 64 bits of a long, before a check whether a number could hold it.
 *
 * Where the specification says that an annotation is not valid, the class is not asked and the underlying type is used. What a
 * constructor throws is an error of the schema; what `_fromValue` throws, of the message.
 */
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { isStandardName, logicalNameOf, standardLogicalType } from '../schema/logical.js';
import type { SchemaNode } from '../schema/schema.js';
import { labelOf } from '../schema/schema.js';
import { schemaJsonOf } from '../schema/schema-writer.js';
import { standardLogicalTypes } from './standard-types.js';

/** A class such as avsc's documentation describes for its option of the same name. */
export type LogicalTypeClass = new (schema: never, options?: never) => object;

/** Classes by the name of their logical type. */
export type LogicalTypes = Readonly<Record<string, LogicalTypeClass>>;

/** What the option `logicalTypes` takes. */
export type LogicalTypesOption = LogicalTypes | 'standard';

export interface Conversion {
  readonly name: string;
  /** What error texts call the values. */
  readonly values: string;
  /** Whether underlying longs are bigints; undefined: as the codec's option says. */
  readonly bigLongs: boolean | undefined;
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
  private readonly longs: boolean;

  /** `bigLongs`: longs without a class of their own are bigints. Throws an `RpcError` if `option` is not one. */
  constructor(option: LogicalTypesOption, bigLongs: boolean) {
    if (option !== 'standard' && (typeof option !== 'object' || option === null)) {
      throw new RpcError(
        'INVALID_ARGUMENT',
        `logicalTypes must be 'standard' or an object of classes, not ${String(option)}`,
      );
    }
    this.classes = option === 'standard' ? standardLogicalTypes : option;
    this.longs = bigLongs;
  }

  /** Makes the conversions of a type and of the types inside it, up to the next records, so that a mistake shows now. */
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

  /** Whether the longs of `node` are bigints in JavaScript, before a class converts them. */
  bigLongs(node: SchemaNode): boolean {
    return this.of(node)?.bigLongs ?? this.longs;
  }

  private make(node: SchemaNode): Conversion | null {
    const name = logicalNameOf(node);
    if (name === null || !Object.hasOwn(this.classes, name)) return null;
    if (isStandardName(name) && standardLogicalType(node) === null) return null;
    const Class = this.classes[name];
    const type = instantiate(name, Class, node);
    const longs: unknown = Reflect.get(Class, 'longs');
    const values: unknown = Reflect.get(Class, 'values');
    return {
      name,
      values: typeof values === 'string' ? `${values} (${name})` : name,
      bigLongs: longs === undefined ? undefined : longs === 'bigint',
      fromValue: (value) => type._fromValue(value),
      toValue: (value) => type._toValue(value),
    };
  }
}

function instantiate(name: string, Class: LogicalTypeClass, node: SchemaNode): LogicalType {
  const where = `logical type ${name} of ${labelOf(node)}`;
  let type: object;
  try {
    type = Reflect.construct(Class, [schemaJsonOf(node), { registry: {} }]);
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `${where}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  if (!isLogicalType(type)) throw new RpcError('INVALID_ARGUMENT', `${where}: the class lacks _fromValue or _toValue`);
  return type;
}

function isLogicalType(type: object): type is LogicalType {
  return (
    '_fromValue' in type &&
    typeof type._fromValue === 'function' &&
    '_toValue' in type &&
    typeof type._toValue === 'function'
  );
}
