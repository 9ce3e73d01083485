/**
 * The codec does what the types say: each case writes a value that `InferInput` allows and reads the value that `InferOutput`
 * promises. A case whose values do not fit the types does not compile.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Checked } from '../../src/avro/service/typed-schema.js';
import {
  defineService,
  type InferInput,
  type InferOutput,
  type MessageCodec,
  type Schema,
  schema,
  unary,
} from '../../src/index.js';

function roundTrip(codec: MessageCodec, value: unknown): unknown {
  const bytes = Buffer.alloc(512);
  const end = codec.encode(value, bytes, 0);
  return codec.decode(bytes, 0, end);
}

/** `written` is what a caller may give, `read` what the other side gets. */
function reads<const S extends Schema>(
  name: string,
  definition: S & Checked<S>,
  written: InferInput<S>,
  read: InferOutput<S>,
): void {
  test(`${name} is read as its type says`, () => {
    const { get } = defineService('S', {
      get: unary<Schema, Schema>({ request: definition, response: definition }),
    }).methods;
    assert.equal(roundTrip(get.request, written), read);
  });
}

function readsBig<const S extends Schema>(
  name: string,
  definition: S & Checked<S>,
  written: InferInput<S, { longs: 'bigint' }>,
  read: InferOutput<S, { longs: 'bigint' }>,
): void {
  test(`${name} is read as its type says, with longs as bigint`, () => {
    const { get } = defineService(
      'S',
      { get: unary<Schema, Schema>({ request: definition, response: definition }) },
      { longs: 'bigint' },
    ).methods;
    assert.equal(roundTrip(get.request, written), read);
  });
}

const map = <T>(entries: { [key: string]: T }): { [key: string]: T } => Object.assign(Object.create(null), entries);

reads('null', 'null', null, null);
reads('boolean', 'boolean', true, true);
reads('long', 'long', 2 ** 53 - 1, 2 ** 53 - 1);
reads('bytes from a Uint8Array', 'bytes', new Uint8Array([1, 2]), Buffer.from([1, 2]));
reads('fixed from a Uint8Array', { type: 'fixed', name: 'F', size: 2 }, new Uint8Array([1, 2]), Buffer.from([1, 2]));
reads('enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', 'B');
reads('array', { type: 'array', items: 'string' }, ['a', 'b'] as const, ['a', 'b']);
reads('map', { type: 'map', values: 'int' }, { a: 1, ['__proto__']: 2 }, map({ a: 1, ['__proto__']: 2 }));
readsBig('long', 'long', -(2n ** 63n), -(2n ** 63n));
readsBig('optional long', ['null', 'long'], 1n, 1n);
readsBig('union of bare branches', ['null', 'long', 'string'], 1n, 1n);
readsBig('union of two numbers', ['int', 'long'], { long: 1n }, { long: 1n });
readsBig('int beside longs', { type: 'array', items: ['int', 'string'] }, [1, 'x'], [1, 'x']);

reads('optional value', ['null', 'string'], 'x', 'x');
reads('optional value, null second', ['string', 'null'], null, null);
reads('union of bare branches', ['null', 'int', 'string', 'bytes', 'boolean'], new Uint8Array([1]), Buffer.from([1]));
reads('union of two numbers', ['int', 'double'], { double: 1.5 }, { double: 1.5 });
reads('null in a wrapped union', ['null', 'int', 'long'], null, null);
reads(
  'union of records',
  [
    { type: 'record', name: 'a.A', fields: [{ name: 'x', type: 'int' }] },
    { type: 'record', name: 'B', namespace: 'b', fields: [{ name: 'x', type: 'int' }] },
  ],
  { 'b.B': { x: 1 } },
  { 'b.B': { x: 1 } },
);
reads(
  'union of a record and a map',
  [
    { type: 'map', values: 'int' },
    { type: 'record', name: 'R', fields: [] },
  ],
  { map: { a: 1 } },
  { map: map({ a: 1 }) },
);
reads(
  'union of fixed and bytes',
  ['bytes', { type: 'fixed', name: 'F', size: 1 }],
  { F: Buffer.from([1]) },
  { F: Buffer.from([1]) },
);
reads('union of one branch', ['int'], 1, 1);

reads(
  'record with defaults',
  {
    type: 'record',
    name: 'R',
    fields: [
      { name: 'text', type: 'string' },
      { name: 'limit', type: 'int', default: 10 },
      { name: 'near', type: ['null', 'string'], default: null },
      { name: 'hash', type: 'bytes', default: '\u00ff' },
      { name: 'list', type: { type: 'array', items: 'int' }, default: [1] },
    ],
  },
  { text: 'x', near: undefined },
  { text: 'x', limit: 10, near: null, hash: Buffer.from([255]), list: [1] },
);
reads(
  'names in namespaces',
  {
    type: 'record',
    name: 'N',
    namespace: 'a',
    fields: [
      { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X'] } },
      {
        name: 'inner',
        type: { type: 'record', name: 'b.Inner', fields: [{ name: 'e', type: ['null', 'a.E', 'Inner'] }] },
      },
      { name: 'union', type: ['E', 'string'] },
      { name: 'absolute', type: '.a.E' },
    ],
  },
  { e: 'X', inner: { e: { e: 'X' } }, union: { 'a.E': 'X' }, absolute: 'X' },
  { e: 'X', inner: { e: { e: 'X' } }, union: { 'a.E': 'X' }, absolute: 'X' },
);
reads(
  'tree',
  {
    type: 'record',
    name: 'Tree',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'children', type: { type: 'array', items: 'Tree' }, default: [] },
    ],
  },
  { value: 1, children: [{ value: 2 }, { value: 3, children: [{ value: 4 }] }] },
  {
    value: 1,
    children: [
      { value: 2, children: [] },
      { value: 3, children: [{ value: 4, children: [] }] },
    ],
  },
);

test('a class for a logical type makes the values that its methods declare', () => {
  class DateType {
    _fromValue(value: number): Date {
      return new Date(value);
    }
    _toValue(date: Date): number {
      return date.getTime();
    }
  }
  const At = schema({ type: 'array', items: { type: 'long', logicalType: 'timestamp-millis' } });
  const { mapped, plain } = defineService(
    'S',
    {
      mapped: unary({ request: At, response: At }),
      plain: unary({ request: At, response: At, logicalTypes: {} }),
    },
    { logicalTypes: { 'timestamp-millis': DateType } },
  ).methods;
  assert.equal(roundTrip(mapped.request, [new Date(7)]), [new Date(7)]);
  assert.equal(roundTrip(plain.request, [7]), [7]);
  assert.is(mapped.request, mapped.response);
});

test.run();
