/**
 * What TypeScript makes of schemas. This file is a test by being compiled: each `expectType` is an assertion, and each
 * `@ts-expect-error` fails the build when the line below it compiles. `compile-errors.test.ts` proves that such failures show.
 */
import type { Infer, InferInput, InferOutput } from '../../src/avro/service/infer.js';
import { type Schema, schema, schemaOf } from '../../src/avro/service/typed-schema.js';
import { type Equal, expectType } from './equal.js';

// Primitives.

expectType<Equal<Infer<'null'>, null>>(true);
expectType<Equal<Infer<'boolean'>, boolean>>(true);
expectType<Equal<Infer<'int'>, number>>(true);
expectType<Equal<Infer<'float'>, number>>(true);
expectType<Equal<Infer<'double'>, number>>(true);
expectType<Equal<Infer<'bytes'>, Buffer>>(true);
expectType<Equal<Infer<'string'>, string>>(true);
expectType<Equal<Infer<{ readonly type: 'string' }>, string>>(true);

// Longs: number, or bigint by option, wherever they stand.

const Counter = schema({
  type: 'record',
  name: 'Counter',
  fields: [
    { name: 'total', type: 'long' },
    { name: 'parts', type: { type: 'array', items: ['null', { type: 'long', logicalType: 'timestamp-millis' }] } },
    { name: 'small', type: 'int' },
  ],
});
expectType<Equal<Infer<'long'>, number>>(true);
expectType<Equal<Infer<'long', { longs: 'bigint' }>, bigint>>(true);
expectType<Equal<Infer<typeof Counter>, { total: number; parts: (number | null)[]; small: number }>>(true);
expectType<
  Equal<Infer<typeof Counter, { longs: 'bigint' }>, { total: bigint; parts: (bigint | null)[]; small: number }>
>(true);
// @ts-expect-error a bigint is not a number
export const counted: Infer<typeof Counter> = { total: 1n, parts: [], small: 0 };
// @ts-expect-error a number is not a bigint
export const countedBig: Infer<typeof Counter, { longs: 'bigint' }> = { total: 1, parts: [], small: 0 };

// Records, enums, fixed, arrays, maps, and names that refer to what was defined before.

const City = schema({
  type: 'record',
  name: 'City',
  namespace: 'demo',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['TOWN', 'VILLAGE'] } },
    { name: 'former', type: ['null', 'Kind'] },
    { name: 'hash', type: { type: 'fixed', name: 'other.MD5', size: 16 } },
    { name: 'others', type: { type: 'map', values: 'other.MD5' } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    {
      name: 'location',
      type: { type: 'record', name: 'other.Point', fields: [{ name: 'same', type: ['null', 'MD5'] }] },
    },
    { name: 'again', type: '.demo.Kind' },
  ],
});
expectType<
  Equal<
    Infer<typeof City>,
    {
      id: number;
      name: string;
      kind: 'TOWN' | 'VILLAGE';
      former: 'TOWN' | 'VILLAGE' | null;
      hash: Buffer;
      others: { [key: string]: Buffer };
      tags: string[];
      location: { same: Buffer | null };
      again: 'TOWN' | 'VILLAGE';
    }
  >
>(true);
// @ts-expect-error no symbol of the enum
export const kind: Infer<typeof City>['kind'] = 'HAMLET';
export const hash: InferInput<typeof City>['hash'] = new Uint8Array(16);
// @ts-expect-error what is read is a Buffer
export const readHash: Infer<typeof City>['hash'] = new Uint8Array(16);
export const tags: InferInput<typeof City>['tags'] = ['a', 'b'] as const;

// Fields with a default: absent or undefined when written, present when read.

const Query = schema({
  type: 'record',
  name: 'Query',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'limit', type: 'int', default: 10 },
    { name: 'near', type: ['null', 'string'], default: null },
  ],
});
expectType<
  Equal<InferInput<typeof Query>, { text: string; limit?: number | undefined; near?: string | null | undefined }>
>(true);
expectType<Equal<InferOutput<typeof Query>, { text: string; limit: number; near: string | null }>>(true);
export const shortest: InferInput<typeof Query> = { text: 'x' };
export const spelled: InferInput<typeof Query> = { text: 'x', limit: undefined, near: null };
// @ts-expect-error a null branch alone makes no field optional
export const missing: InferInput<typeof City>['location'] = {};
// @ts-expect-error text has no default
export const textless: InferInput<typeof Query> = { limit: 1 };

// Unions: bare where JavaScript tells the branches apart, wrapped by name where not.

expectType<Equal<Infer<readonly ['null', 'string']>, string | null>>(true);
expectType<Equal<Infer<readonly ['string', 'null']>, string | null>>(true);
expectType<
  Equal<Infer<readonly ['null', 'int', 'string', 'bytes', 'boolean']>, null | number | string | Buffer | boolean>
>(true);
expectType<Equal<Infer<readonly ['int', 'double']>, { int: number } | { double: number }>>(true);
expectType<Equal<Infer<readonly ['null', 'int', 'long']>, null | { int: number } | { long: number }>>(true);
const Shape = schema([
  'null',
  { type: 'record', name: 'geo.Circle', fields: [{ name: 'radius', type: 'double' }] },
  { type: 'map', values: 'double' },
  { type: 'array', items: 'double' },
]);
expectType<
  Equal<
    Infer<typeof Shape>,
    null | { 'geo.Circle': { radius: number } } | { map: { [key: string]: number } } | { array: number[] }
  >
>(true);
const Text = schema({
  type: 'record',
  name: 'Text',
  fields: [
    { name: 'code', type: { type: 'enum', name: 'Code', symbols: ['A', 'B'] } },
    { name: 'either', type: ['Code', 'string'] },
    { name: 'one', type: ['Code', 'int', 'null'] },
  ],
});
expectType<Equal<Infer<typeof Text>['either'], { Code: 'A' | 'B' } | { string: string }>>(true);
expectType<Equal<Infer<typeof Text>['one'], 'A' | 'B' | number | null>>(true);
// @ts-expect-error wrapped by the full name
export const circle: Infer<typeof Shape> = { Circle: { radius: 1 } };

// Logical types: their underlying type, or what a class makes of it.

class DateType {
  _fromValue(value: number): Date {
    return new Date(value);
  }
  _toValue(date: Date | string): number {
    return new Date(date).getTime();
  }
}
class HiddenType {
  protected _fromValue(value: number): string {
    return String(value);
  }
  protected _toValue(text: string): number {
    return this._fromValue(0) === text ? 0 : 1;
  }
}
interface Mapped {
  readonly logicalTypes: {
    readonly 'timestamp-millis': typeof DateType;
    readonly date: typeof HiddenType;
  };
}
const Event = schema({
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'seen', type: { type: 'array', items: ['null', { type: 'long', logicalType: 'timestamp-millis' }] } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'sum', type: { type: 'fixed', name: 'Sum', size: 8, logicalType: 'decimal' } },
  ],
});
expectType<Equal<Infer<typeof Event>, { at: number; seen: (number | null)[]; day: number; id: string; sum: Buffer }>>(
  true,
);
expectType<
  Equal<Infer<typeof Event, Mapped>, { at: Date; seen: (Date | null)[]; day: unknown; id: string; sum: Buffer }>
>(true);
expectType<Equal<InferInput<typeof Event, Mapped>['at'], Date | string>>(true);

// Recursion: the name of the record inside itself. An interface gives the type a name.

const Tree = schema({
  type: 'record',
  name: 'demo.Tree',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'children', type: { type: 'array', items: 'Tree' } },
    { name: 'next', type: ['null', 'demo.Tree'], default: null },
  ],
});
interface Tree extends Infer<typeof Tree> {}
export const leaf: Tree = { value: 1, children: [], next: null };
export const deep: number | undefined = leaf.children[0]?.next?.children[0]?.children[0]?.value;
export const sparse: InferInput<typeof Tree> = {
  value: 1,
  children: [{ value: 2, children: [], next: { value: 3, children: [] } }],
};
// @ts-expect-error wrong three levels down
export const wrongDeep: Tree = { value: 1, children: [{ value: 2, children: [{ value: '3', children: [] }] }] };
// @ts-expect-error every level needs its children
export const wrongSparse: InferInput<typeof Tree> = { value: 1, children: [{ value: 2 }] };

const Even = schema({
  type: 'record',
  name: 'Even',
  fields: [
    {
      name: 'odd',
      type: ['null', { type: 'record', name: 'Odd', fields: [{ name: 'even', type: ['null', 'Even'] }] }],
    },
  ],
});
expectType<Equal<NonNullable<NonNullable<Infer<typeof Even>['odd']>['even']>, Infer<typeof Even>>>(true);

// A constant inside another schema, more than once; objects `as const`; literals that are lost.

const Route = schema({
  type: 'record',
  name: 'Route',
  namespace: 'demo',
  fields: [
    { name: 'from', type: Query },
    { name: 'to', type: ['null', Query] },
  ],
});
expectType<Equal<Infer<typeof Route>['to'], Infer<typeof Query> | null>>(true);
const Plain = { type: 'array', items: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } } as const;
expectType<Equal<Infer<typeof Plain>, ('X' | 'Y')[]>>(true);
expectType<Equal<Infer<Schema>, unknown>>(true);
expectType<Equal<Infer<string>, unknown>>(true);

// Schemas that are none.

// @ts-expect-error no such type
schema('strng');
// @ts-expect-error no such type, inside
schema({ type: 'record', name: 'R', fields: [{ name: 'a', type: { type: 'array', items: ['null', 'strng'] } }] });
// @ts-expect-error Kind is in another namespace here
schema({
  type: 'record',
  name: 'a.R',
  fields: [
    { name: 'k', type: { type: 'enum', name: 'b.Kind', symbols: ['A'] } },
    { name: 'l', type: 'Kind' },
  ],
});
// @ts-expect-error misspelt kind
schema({ type: 'recrod', name: 'R', fields: [] });
// @ts-expect-error a record has fields
schema({ type: 'record', name: 'R' });
// @ts-expect-error a field has a name
schema({ type: 'record', name: 'R', fields: [{ type: 'int' }] });
// @ts-expect-error symbols are a list
schema({ type: 'enum', name: 'E', symbols: 'A' });
// @ts-expect-error a size is a number
schema({ type: 'fixed', name: 'F', size: '16' });

// Schemas from JSON, whose literals are lost: the type is written by hand.

const json = { type: 'record', name: 'City', fields: [{ name: 'id', type: 'long' }] };
interface WrittenCity {
  id: number;
  name: string;
}
const Written = schemaOf<WrittenCity, Partial<WrittenCity>>(json);
expectType<Equal<Infer<typeof Written>, WrittenCity>>(true);
expectType<Equal<InferInput<typeof Written>, Partial<WrittenCity>>>(true);
const Holder = schema({
  type: 'record',
  name: 'Holder',
  fields: [
    { name: 'one', type: Written },
    { name: 'some', type: { type: 'array', items: ['null', Written] } },
  ],
});
expectType<Equal<Infer<typeof Holder>, { one: WrittenCity; some: (WrittenCity | null)[] }>>(true);
// @ts-expect-error without it, what TypeScript knows of a JSON file is no schema
schema(json);
