/**
 * Random Avro schemas, values of them, and schemas that a later version of the same program could have. Recursive schemas
 * recurse only through arrays, maps and unions with null, so that every schema has finite values.
 */
import type { SchemaNode } from '../../src/avro/schema/schema.js';
import { isNamed } from '../../src/avro/schema/schema.js';
import type { Random } from '../support/seed.js';

export interface RandomSchemaOptions {
  /** Some records are errors. Default true. */
  readonly errors?: boolean;
  /** Defaults, aliases, docs, order and logical types. Default false. */
  readonly attributes?: boolean;
  /** Levels at most. Default 4. */
  readonly depth?: number;
}

type Json = unknown;

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
const namespaces = ['x', 'y.z', 'org.example'];

class Generator {
  private readonly random: Random;
  private readonly options: RandomSchemaOptions;
  private readonly done: string[] = [];
  private readonly open: string[] = [];
  private count = 0;

  constructor(random: Random, options: RandomSchemaOptions) {
    this.random = random;
    this.options = options;
  }

  /** `guarded`: an array, a map or a union with null stands between here and the open records. */
  schema(depth: number, namespace: string, guarded: boolean): Json {
    const known = guarded ? [...this.done, ...this.open] : this.done;
    if (known.length > 0 && this.random.oneIn(6)) return this.reference(this.random.pick(known), namespace);
    if (depth <= 0) return this.leaf(namespace);
    switch (this.random.below(8)) {
      case 0:
      case 1:
      case 2:
        return this.record(depth, namespace);
      case 3:
        return { type: 'array', items: this.schema(depth - 1, namespace, true) };
      case 4:
        return { type: 'map', values: this.schema(depth - 1, namespace, true) };
      case 5:
        return this.union(depth, namespace);
      default:
        return this.leaf(namespace);
    }
  }

  private leaf(namespace: string): Json {
    const kind = this.random.below(12);
    if (kind === 0) return this.named('enum', namespace, { symbols: this.symbols() });
    if (kind === 1) return this.named('fixed', namespace, { size: this.random.below(9) });
    const type = this.random.pick(primitives);
    if (this.options.attributes === true && type === 'long' && this.random.oneIn(3)) {
      return { type, logicalType: 'timestamp-millis' };
    }
    return type;
  }

  private symbols(): string[] {
    return this.random.shuffled(['RED', 'GREEN', 'BLUE', 'class', '_1']).slice(0, this.random.between(1, 5));
  }

  private record(depth: number, namespace: string): Json {
    const { name, inside, naming } = this.naming(namespace);
    this.open.push(name);
    const fields = Array.from({ length: this.random.below(5) }, (_, index) => {
      const type = this.schema(depth - 1, inside, false);
      return { name: `f${index}`, type, ...this.fieldAttributes(type, index) };
    });
    this.open.pop();
    this.done.push(name);
    const isError = this.options.errors !== false && this.random.oneIn(5);
    return { type: isError ? 'error' : 'record', ...naming, fields, ...this.typeAttributes() };
  }

  private fieldAttributes(type: Json, index: number): object {
    if (this.options.attributes !== true) return {};
    const value = defaultOf(type);
    return {
      ...(value !== undefined && this.random.oneIn(2) ? { default: value } : {}),
      ...(this.random.oneIn(4) ? { aliases: [`old${index}`] } : {}),
      ...(this.random.oneIn(4) ? { doc: 'a field' } : {}),
      ...(this.random.oneIn(4) ? { order: 'descending' } : {}),
    };
  }

  private typeAttributes(): object {
    if (this.options.attributes !== true) return {};
    return {
      ...(this.random.oneIn(4) ? { aliases: [`old.Type${this.count}`, 'other.space.Name'] } : {}),
      ...(this.random.oneIn(4) ? { doc: 'a type' } : {}),
    };
  }

  private union(depth: number, namespace: string): Json {
    const plain = this.random.shuffled([...primitives, 'array', 'map']).slice(0, this.random.between(1, 4));
    const records = Array.from({ length: this.random.below(3) }, () => 'record');
    const back = plain.includes('null') && this.open.length > 0 ? ['back'] : [];
    // The order is settled before the branches are made: a reference must stand behind its definition.
    return this.random.shuffled([...plain, ...records, ...back]).map((kind) => {
      if (kind === 'array') return { type: 'array', items: this.schema(depth - 1, namespace, true) };
      if (kind === 'map') return { type: 'map', values: this.schema(depth - 1, namespace, true) };
      if (kind === 'back') return this.reference(this.random.pick(this.open), namespace);
      return kind === 'record' ? this.record(depth - 1, namespace) : kind;
    });
  }

  private named(type: string, namespace: string, rest: object): Json {
    const { name, naming } = this.naming(namespace);
    this.done.push(name);
    return { type, ...naming, ...rest, ...this.typeAttributes() };
  }

  private naming(enclosing: string): { name: string; inside: string; naming: object } {
    const short = `T${this.count++}`;
    const own = this.random.pick([...namespaces, enclosing].filter((space) => space !== ''));
    const name = `${own}.${short}`;
    if (own === enclosing && this.random.oneIn(2)) return { name, inside: own, naming: { name: short } };
    return { name, inside: own, naming: this.random.oneIn(2) ? { name } : { name: short, namespace: own } };
  }

  private reference(name: string, namespace: string): string {
    const short = name.slice(namespace.length + 1);
    return name === `${namespace}.${short}` && !short.includes('.') ? short : name;
  }
}

function defaultOf(type: Json): Json {
  const plain = Array.isArray(type) ? type[0] : type;
  switch (plain) {
    case 'null':
      return null;
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 7;
    case 'string':
    case 'bytes':
      return 'abc';
    case 'boolean':
      return true;
    default: {
      const { type: kind, symbols } = plain as { type?: string; symbols?: string[] };
      if (kind === 'array') return [];
      if (kind === 'map') return {};
      return symbols?.[0];
    }
  }
}

export function randomSchema(random: Random, options: RandomSchemaOptions): Json {
  return new Generator(random, options).schema(options.depth ?? 4, '', false);
}

/** A random value; in a union it is `{ branch: value }`, and null stays null, as avsc has it with `wrapUnions`. */
export function randomValue(random: Random, node: SchemaNode, depth = 0): unknown {
  const many = depth > 6 ? 0 : random.below(4);
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
      return random.oneIn(2);
    case 'int':
      return random.u32() | 0;
    case 'long':
      return (random.oneIn(2) ? 1 : -1) * Math.floor(random.unit() * 2 ** 52);
    case 'float':
      return Math.fround(random.unit() * 1e6);
    case 'double':
      return random.unit() * 1e6;
    case 'bytes':
      return Buffer.from(`bytes ${random.u32()}`);
    case 'string':
      return `text ${random.u32()}`;
    case 'fixed':
      return random.bytes(node.size);
    case 'enum':
      return random.pick(node.symbols);
    case 'array':
      return Array.from({ length: many }, () => randomValue(random, node.items, depth + 1));
    case 'map':
      return Object.fromEntries(
        Array.from({ length: many }, (_, i) => [`key${i}`, randomValue(random, node.values, depth + 1)]),
      );
    case 'record':
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, randomValue(random, type, depth + 1)]));
    case 'union': {
      const flat = (branch: SchemaNode): boolean => branch.kind !== 'record';
      const branch = (depth > 6 ? node.branches.find(flat) : undefined) ?? random.pick(node.branches);
      if (branch.kind === 'null') return null;
      return { [isNamed(branch) ? branch.name : branch.kind]: randomValue(random, branch, depth + 1) };
    }
  }
}
