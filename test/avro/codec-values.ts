/** Random values with the edges of every type among them, and the many ways in which Avro lets one value be written. */
import type { SchemaNode } from '../../src/avro/schema/schema.js';
import { isNamed } from '../../src/avro/schema/schema.js';
import type { Random } from '../support/seed.js';
import { join, long, text, varint } from './codec-bytes.js';

const ints = [
  0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  8191,
  8192,
  2 ** 27,
  2 ** 28 - 1,
  2 ** 30,
  -(2 ** 30) - 1,
  2 ** 31 - 1,
  -(2 ** 31),
];
// avsc writes longs below -2^52 wrongly, so they stay out of comparisons with it.
const longs = [...ints, 2 ** 31, 2 ** 32, 2 ** 34 - 1, -(2 ** 35), 2 ** 48, -(2 ** 52), 2 ** 52 + 1, 2 ** 53 - 2];
const doubles = [
  0,
  -0,
  1.5,
  -1e300,
  5e-324,
  Number.MAX_VALUE,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const alphabets = ['abcdefgh', 'ABCDEFGH', 'abc', 'aé', '処理結果', 'x\u{1f600}', '\u0000\u007f\u0080', '\ufffd'];
const lengths = [0, 1, 2, 5, 16, 23, 24, 25, 40, 70, 200];
/** Every alphabet in every length, in characters. */
const texts = alphabets.flatMap((alphabet) =>
  lengths.map((length) => Array.from(alphabet.repeat(length)).slice(0, length).join('')),
);
// Not `__proto__`: avsc makes it the prototype.
const keys = ['constructor', 'toString', '', '0', '12'];

const DEPTH_MAX = 8;

/** A value of `node`; in a union it is `{ branch: value }`, and null stays null, as avsc has it with `wrapUnions`. */
export function edgeValue(random: Random, node: SchemaNode, depth = 0): unknown {
  const many = depth > DEPTH_MAX ? 0 : random.pick([0, 0, 1, 1, 2, 3, 5]);
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
      return random.oneIn(2);
    case 'int':
      return random.oneIn(2) ? random.pick(ints) : random.u32() | 0;
    case 'long':
      return random.oneIn(2) ? random.pick(longs) : Math.floor((random.unit() - 0.5) * 2 ** random.between(1, 53));
    case 'float':
      return Math.fround(random.oneIn(2) ? random.pick(doubles) : random.unit());
    case 'double':
      return random.oneIn(2) ? random.pick(doubles) : random.unit() * 1e9;
    case 'bytes':
      return random.bytes(random.pick([0, 1, 5, 60, 300]));
    case 'string':
      return random.pick(texts);
    case 'fixed':
      return random.bytes(node.size);
    case 'enum':
      return random.pick(node.symbols);
    case 'array':
      return Array.from({ length: many }, () => edgeValue(random, node.items, depth + 1));
    case 'map':
      return mapValue(random, node.values, many, depth);
    case 'record':
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, edgeValue(random, type, depth + 1)]));
    case 'union': {
      const flat = (branch: SchemaNode): boolean => branch.kind !== 'record';
      const branch = (depth > DEPTH_MAX ? node.branches.find(flat) : undefined) ?? random.pick(node.branches);
      return branch.kind === 'null' ? null : { [nameOf(branch)]: edgeValue(random, branch, depth + 1) };
    }
  }
}

function mapValue(random: Random, values: SchemaNode, many: number, depth: number): object {
  const map: Record<string, unknown> = {};
  for (let i = 0; i < many; i++) {
    const key = random.oneIn(3) ? random.pick(keys) : random.pick(texts);
    map[key] = edgeValue(random, values, depth + 1);
  }
  return map;
}

function nameOf(branch: SchemaNode): string {
  return isNamed(branch) ? branch.name : branch.kind;
}

/** `value` (with wrapped unions) written as some other writer might: in blocks of any size, with their sizes or without. */
export function scattered(random: Random, node: SchemaNode, value: unknown): Buffer {
  switch (node.kind) {
    case 'array': {
      const items = (value as unknown[]).map((item) => scattered(random, node.items, item));
      return blocks(random, items);
    }
    case 'map': {
      const entries = Object.entries(value as object);
      return blocks(
        random,
        entries.map(([key, one]) => join(text(key), scattered(random, node.values, one))),
      );
    }
    case 'record': {
      const fields = value as Record<string, unknown>;
      return join(...node.fields.map(({ name, type }) => scattered(random, type, fields[name])));
    }
    case 'union': {
      const label = value === null ? 'null' : (Object.keys(value as object)[0] as string);
      const index = node.branches.findIndex((branch) => nameOf(branch) === label);
      const inner: unknown = value === null ? null : Object.values(value as object)[0];
      return join(long(index), scattered(random, node.branches[index] as SchemaNode, inner));
    }
    default:
      return scalar(node, value);
  }
}

function blocks(random: Random, items: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let rest = items;
  for (const size of random.pieces(items.length, 4)) {
    const bytes = join(...rest.slice(0, size));
    rest = rest.slice(size);
    parts.push(random.oneIn(2) ? join(long(size), bytes) : join(long(-size), long(bytes.length), bytes));
  }
  return join(...parts, 0);
}

function scalar(node: SchemaNode, value: unknown): Buffer {
  switch (node.kind) {
    case 'null':
      return Buffer.alloc(0);
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0]);
    case 'float':
    case 'double': {
      const bytes = Buffer.alloc(8);
      if (node.kind === 'double') bytes.writeDoubleLE(value as number);
      else bytes.writeFloatLE(value as number);
      return bytes.subarray(0, node.kind === 'double' ? 8 : 4);
    }
    case 'bytes':
    case 'string':
      return text(value as string | Buffer);
    case 'fixed':
      return value as Buffer;
    case 'enum':
      return long(node.symbols.indexOf(value as string));
    default:
      return long(value as number);
  }
}

/** Whether two decoded values hold the same, whatever their prototypes are. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Buffer.isBuffer(a) || Buffer.isBuffer(b)) return Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return names.every((name) => Object.hasOwn(right, name) && same(left[name], right[name]));
}

const telling = [
  long(-1),
  long(2 ** 31),
  long(2 ** 40),
  long(2n ** 63n - 1n),
  varint(2n ** 70n),
  Buffer.alloc(11, 0xff),
  long(65_536),
  long(-3),
];

/** The message with one to three things done to it. */
export function damaged(random: Random, message: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(message);
  for (let times = random.between(1, 3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(6)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), random.pick(telling), bytes.subarray(at)]);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), random.pick(telling), bytes.subarray(at + 1)]);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length + 1))]);
        break;
      case 4:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      default:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
  }
  return bytes;
}
