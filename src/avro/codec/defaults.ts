/**
 * Defaults of record fields: JSON in the schema, here converted to values. A reader uses one when the writer does not send the
 * field; a writer sends it when the value lacks the field.
 *
 * The default of a union may be a value of any of its branches; the first branch that accepts it is used (the rule of the
 * specification since 1.12; before, only the first branch was allowed). `bytes` and `fixed` are a string with one character a byte.
 */
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { isBigLong, isFloat, isInt, isLong, isWellFormed } from '../encoding/write-tap.js';
import { isJsonObject, type JsonObject } from '../schema/json.js';
import type { FieldNode, RecordNode, SchemaNode, UnionNode } from '../schema/schema.js';
import { labelOf, unqualified } from '../schema/schema.js';
import type { CodecOptions } from './readers.js';
import { wrappings } from './unions.js';

/** Makes a new value at each call, so that a caller that changes it affects no other. */
export type Preset = () => unknown;

/** Thrown inside this file for a default that its type does not take. */
class Unfit extends Error {}

const unfit = new Unfit('');
const rounded = new Unfit(' that a number holds exactly; give it as a bigint');

/** The default of a field. Throws an `RpcError` when its type does not take it. */
export function presetOf(record: RecordNode, field: FieldNode, options: CodecOptions): Preset {
  const place = `not a valid schema: ${unqualified(record.name)}.${field.name}`;
  try {
    const preset = new Presets(options).make(field.type, field.attributes['default']);
    // Once for nothing: what a logical type refuses shows here.
    preset();
    return preset;
  } catch (error) {
    if (error instanceof Unfit) {
      const text = `${place}: the default is no ${labelOf(field.type)}${error.message}`;
      throw new RpcError('INVALID_ARGUMENT', text);
    }
    const reason = reasonOf(error);
    throw new RpcError('INVALID_ARGUMENT', `${place}: the default: ${reason}`, { cause: error });
  }
}

class Presets {
  private readonly options: CodecOptions;

  constructor(options: CodecOptions) {
    this.options = options;
  }

  make(node: SchemaNode, json: unknown): Preset {
    const conversion = this.options.conversions.of(node);
    const preset = this.underlying(node, json);
    return conversion === null ? preset : () => conversion.fromValue(preset());
  }

  private underlying(node: SchemaNode, json: unknown): Preset {
    switch (node.kind) {
      case 'long':
        return constant(this.long(node, json));
      case 'bytes':
        return bytes(json, undefined);
      case 'fixed':
        return bytes(json, node.size);
      case 'enum':
        return constant(accept(json, typeof json === 'string' && node.symbols.includes(json)));
      case 'array':
        return this.array(node.items, json);
      case 'map':
        return this.map(node.values, json);
      case 'record':
        return this.record(node, json);
      case 'union':
        return this.union(node, json);
      default:
        return constant(accept(json, isPrimitive(node.kind, json)));
    }
  }

  /** JSON rounds an integer beyond 2^53 before it is seen here, so such a default is taken only as a bigint. */
  private long(node: SchemaNode, json: unknown): unknown {
    if (Number.isInteger(json) && !isLong(json)) throw rounded;
    if (typeof json !== 'bigint' && !isLong(json)) throw unfit;
    const value = BigInt(json);
    if (!isBigLong(value)) throw unfit;
    if (this.options.conversions.bigLongs(node)) return value;
    return accept(Number(value), isLong(Number(value)));
  }

  private array(items: SchemaNode, json: unknown): Preset {
    if (!Array.isArray(json)) throw unfit;
    const presets = json.map((item: unknown) => this.make(items, item));
    return () => presets.map((preset) => preset());
  }

  private map(values: SchemaNode, json: unknown): Preset {
    const presets = Object.entries(object(json)).map(([key, value]) => [key, this.make(values, value)] as const);
    return () => {
      const map: Record<string, unknown> = Object.create(null);
      for (const [key, preset] of presets) map[key] = preset();
      return map;
    };
  }

  private record(node: RecordNode, json: unknown): Preset {
    const given = object(json);
    const presets = node.fields.map((field) => {
      const value = Object.hasOwn(given, field.name) ? given[field.name] : field.attributes['default'];
      return [field.name, this.make(field.type, value)] as const;
    });
    return () => Object.fromEntries(presets.map(([name, preset]) => [name, preset()]));
  }

  private union(node: UnionNode, json: unknown): Preset {
    const names = wrappings(node);
    for (const [i, branch] of node.branches.entries()) {
      let preset: Preset;
      try {
        preset = this.make(branch, json);
      } catch (error) {
        if (error instanceof Unfit) continue;
        throw error;
      }
      const name = names[i] ?? null;
      return name === null ? preset : () => ({ [name]: preset() });
    }
    throw unfit;
  }
}

function constant(value: unknown): Preset {
  return () => value;
}

function accept(value: unknown, fits: boolean): unknown {
  if (!fits) throw unfit;
  return value;
}

function isPrimitive(kind: SchemaNode['kind'], json: unknown): boolean {
  switch (kind) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return isInt(json);
    case 'float':
      return isFloat(json);
    case 'string':
      return typeof json === 'string' && isWellFormed(json);
    default:
      return typeof json === 'number';
  }
}

function bytes(json: unknown, size: number | undefined): Preset {
  if (typeof json !== 'string') throw unfit;
  const value = Buffer.from(json, 'latin1');
  // A character beyond U+00FF is no byte; latin1 would have cut it off.
  if (value.toString('latin1') !== json || (size !== undefined && value.length !== size)) throw unfit;
  return () => Buffer.from(value);
}

function object(json: unknown): JsonObject {
  if (!isJsonObject(json)) throw unfit;
  return json;
}
