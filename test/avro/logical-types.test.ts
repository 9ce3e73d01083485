/** The logical types of the specification as JavaScript values: exact or an error, never another value. */
import { runInNewContext } from 'node:vm';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AvroOptions, avroCodec } from '../../src/avro/codec/codec.js';
import { Decimal } from '../../src/avro/logical/decimal.js';
import {
  BigIntType,
  DecimalTextType,
  RoundedMicrosType,
  standardLogicalTypes,
} from '../../src/avro/logical/standard-types.js';
import { gradeSchemas } from '../../src/avro/schema/evolution.js';
import { unary } from '../../src/avro/service/method.js';
import { defineService } from '../../src/avro/service/service.js';
import { RpcError } from '../../src/base/errors.js';
import { decodeWith, encodeWith, join, long, text } from './codec-bytes.js';

const standard: AvroOptions = { logicalTypes: 'standard' };
const day = { type: 'int', logicalType: 'date' };
const millis = { type: 'long', logicalType: 'timestamp-millis' };
const micros = { type: 'long', logicalType: 'timestamp-micros' };
const nanos = { type: 'long', logicalType: 'timestamp-nanos' };
const uuid = { type: 'string', logicalType: 'uuid' };
const uuidBytes = { type: 'fixed', name: 'Id', size: 16, logicalType: 'uuid' };
const duration = { type: 'fixed', name: 'Every', size: 12, logicalType: 'duration' };
const decimal = (precision: unknown, scale?: unknown, size?: number): object => ({
  ...(size === undefined ? { type: 'bytes' } : { type: 'fixed', name: 'D', size }),
  logicalType: 'decimal',
  precision,
  ...(scale === undefined ? {} : { scale }),
});

function there(schema: unknown, value: unknown, options = standard): unknown {
  const codec = avroCodec(schema, options);
  return decodeWith(codec, encodeWith(codec, value));
}

/** Bytes as the underlying type has them. */
function underlying(schema: unknown, value: unknown, options = standard): unknown {
  return decodeWith(avroCodec(schema), encodeWith(avroCodec(schema, options), value));
}

function refused(schema: unknown, value: unknown, message: RegExp, options = standard): void {
  assert.throws(
    () => encodeWith(avroCodec(schema, options), value),
    (error: unknown) => {
      assert.instance(error, RpcError, String(error));
      assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
      assert.match((error as RpcError).message, message);
      return true;
    },
    String(message),
  );
}

function unreadable(schema: unknown, bytes: Buffer, message: RegExp, options = standard): void {
  assert.throws(() => decodeWith(avroCodec(schema, options), bytes), message);
}

test('A7 dates and timestamps are Dates, to the millisecond or not at all', () => {
  assert.equal(there(day, new Date('2026-02-28')), new Date('2026-02-28'));
  assert.is(underlying(day, new Date('1969-12-31')), -1);
  refused(day, new Date('2026-02-28T00:00:00.001Z'), /expected a Date \(date\), got a Date: it is not midnight UTC/);
  const moment = new Date('2026-02-28T12:34:56.789Z');
  for (const schema of [millis, micros]) {
    for (const value of [moment, new Date(-1), new Date(0), new Date(8.64e15), new Date(-8.64e15)])
      assert.equal(there(schema, value), value);
    refused(schema, new Date(Number.NaN), /it is an invalid Date/);
    for (const value of [5, 5n, '2026-02-28', null, {}, undefined])
      refused(schema, value, /expected a Date \(timestamp-/);
    assert.equal(there(schema, runInNewContext('new Date(7)')), new Date(7));
  }
  assert.is(underlying(millis, moment), moment.getTime());
  assert.is(underlying(micros, moment), moment.getTime() * 1000);
  // Beyond what a Date holds; microseconds that a Date would lose.
  unreadable(millis, long(8_640_000_000_000_001n), /it is beyond what a Date holds/);
  unreadable(micros, long(2n ** 63n - 1n), /a Date would lose its microseconds/);
  unreadable(micros, long(8_640_000_000_000_001_000n), /it is beyond what a Date holds/);
  unreadable(micros, long(1001n), /a Date would lose its microseconds/);
  const rounding: AvroOptions = { logicalTypes: { 'timestamp-micros': RoundedMicrosType } };
  assert.equal(decodeWith(avroCodec(micros, rounding), long(1999n)), new Date(1));
  assert.equal(decodeWith(avroCodec(micros, rounding), long(-1n)), new Date(-1));
  const exact: AvroOptions = { logicalTypes: { ...standardLogicalTypes, 'timestamp-micros': BigIntType } };
  assert.is(there(micros, 1001n, exact), 1001n);
});

test('A7 nanoseconds are bigints, whatever the other longs are', () => {
  const now = 1_772_282_096_789_012_345n;
  const event = {
    type: 'record',
    name: 'Event',
    fields: [
      { name: 'at', type: nanos },
      { name: 'count', type: 'long' },
    ],
  };
  assert.equal(there(event, { at: now, count: 5 }), { at: now, count: 5 });
  assert.equal(there(event, { at: now, count: 5n }, { ...standard, longs: 'bigint' }), { at: now, count: 5n });
  for (const value of [2n ** 63n - 1n, -(2n ** 63n)]) assert.is(there(nanos, value), value);
  refused(nanos, 2n ** 63n, /expected a bigint \(timestamp-nanos\), got 9223372036854775808n/);
  refused(nanos, 5, /expected a bigint \(timestamp-nanos\), got 5/);
  const preset = { type: 'record', name: 'R', fields: [{ name: 'at', type: nanos, default: now }] };
  assert.equal(there(preset, {}), { at: now });
  // As an int promoted to it a timestamp is of another unit.
  assert.match(
    avroCodec(nanos, standard).resolveWriter('"int"').reason,
    /expects timestamp-nanos, the writer writes int/,
  );
});

test('A7 decimals are exact at every scale', () => {
  const price = decimal(9, 2);
  for (const digits of ['0.00', '19.99', '-0.01', '9999999.99', '-9999999.99', '1.28', '-1.28', '327.67', '-327.68']) {
    const read = there(price, Decimal.of(digits));
    assert.instance(read, Decimal);
    assert.is(String(read), digits);
    assert.is(String(there(decimal(9, 2, 5), digits)), digits);
  }
  assert.equal(underlying(price, '1.27'), Buffer.of(127));
  assert.equal(underlying(price, '1.28'), Buffer.of(0, 128));
  assert.equal(underlying(price, '-1.28'), Buffer.of(128));
  assert.equal(underlying(decimal(9, 2, 4), '-0.01'), Buffer.alloc(4, 255));
  // A value of another scale is the same number or an error.
  assert.is(String(there(price, new Decimal(5n, 0))), '5.00');
  assert.is(String(there(price, new Decimal(15_000n, 4))), '1.50');
  refused(price, new Decimal(15_001n, 4), /it has more than 2 digits behind the point/);
  refused(price, '10000000.00', /it has more than 9 digits/);
  for (const value of [19.99, 5n, null, {}, Buffer.of(1), 'x', '1e5', '', '1.'])
    refused(price, value, /expected a Decimal \(decimal\)/);
  unreadable(price, join(long(4n), Buffer.of(0x3b, 0x9a, 0xca, 0)), /it has more than 9 digits/);
  unreadable(price, long(0n), /it has no bytes/);
  const copy = { unscaled: 1999n, scale: 2 };
  assert.is(String(there(price, copy)), '19.99');
  const many = decimal(60, 30);
  assert.is(String(there(many, `${'9'.repeat(30)}.${'1'.repeat(30)}`)), `${'9'.repeat(30)}.${'1'.repeat(30)}`);
});

test('A7 decimals may be texts', () => {
  const options: AvroOptions = { logicalTypes: { ...standardLogicalTypes, decimal: DecimalTextType } };
  const price = decimal(9, 2);
  assert.is(there(price, '5', options), '5.00');
  assert.is(there(price, '-19.90', options), '-19.90');
  for (const value of ['5.001', '12345678.00', 'five', 5, Decimal.of('5')])
    refused(price, value, /expected a decimal number as text/, options);
});

test('A Decimal says what it is and compares by number', () => {
  assert.is(JSON.stringify({ price: Decimal.of('-0.05') }), '{"price":"-0.05"}');
  assert.is(Decimal.of('1.50').equals(Decimal.of('1.5')), true);
  assert.is(Decimal.of('1.50').equals(Decimal.of('1.51')), false);
  assert.is(Decimal.of('+7').unscaled, 7n);
  assert.is(Decimal.of('1.5').rescaled(0), null);
  for (const bad of ['', '.', '-', '1.', '.5', '1e3', ' 1', '0x1', 'NaN', '9'.repeat(10_001)])
    assert.throws(() => Decimal.of(bad), /is not a decimal number/);
  assert.throws(() => new Decimal(1n, -1), /a decimal is a bigint and a scale/);
  assert.throws(() => new Decimal(1 as never, 0), /a decimal is a bigint and a scale/);
});

test('A7 UUIDs are checked both ways, and durations have three counts', () => {
  const id = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
  assert.is(there(uuid, id), id);
  assert.is(there(uuid, id.toUpperCase()), id.toUpperCase());
  assert.is(there(uuidBytes, id.toUpperCase()), id);
  assert.equal(underlying(uuidBytes, id), Buffer.from(id.replaceAll('-', ''), 'hex'));
  for (const value of ['', 'x', id.slice(1), `${id}0`, 5, null, Buffer.alloc(16)]) {
    refused(uuid, value, /expected a UUID \(uuid\)/);
    refused(uuidBytes, value, /expected a UUID \(uuid\)/);
  }
  unreadable(uuid, text('not a uuid'), /it is not a UUID/);
  const every = { months: 1, days: 2, millis: 4_294_967_295 };
  assert.equal(there(duration, every), every);
  assert.equal(underlying(duration, every), Buffer.of(1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255));
  for (const part of [{ months: -1 }, { days: 0.5 }, { millis: 2 ** 32 }, { millis: undefined }, { hours: 1 }])
    refused(duration, { ...every, ...part }, /expected \{ months, days, millis \} \(duration\)/);
});

test('A7 an annotation that is not valid leaves the underlying type, with a class too', () => {
  class Never {
    static asked = 0;
    constructor() {
      Never.asked++;
      throw new Error('asked');
    }
    _fromValue(): unknown {
      return undefined;
    }
  }
  const never = Object.fromEntries(Object.keys(standardLogicalTypes).map((name) => [name, Never]));
  const invalid: readonly (readonly [unknown, unknown])[] = [
    [decimal(undefined), Buffer.of(1)],
    [decimal(0), Buffer.of(1)],
    [decimal(2, 3), Buffer.of(1)],
    [decimal(2, -1), Buffer.of(1)],
    [decimal(2.5), Buffer.of(1)],
    [decimal('9'), Buffer.of(1)],
    [decimal(10, 0, 4), Buffer.of(1, 2, 3, 4)],
    [{ ...millis, type: 'int' }, 5],
    [{ ...day, type: 'long' }, 5],
    [{ ...uuid, type: 'bytes' }, Buffer.of(1)],
    [{ ...uuidBytes, size: 15 }, Buffer.alloc(15)],
    [{ ...duration, size: 11 }, Buffer.alloc(11)],
    [{ type: 'string', logicalType: 'decimal', precision: 4 }, 'x'],
  ];
  for (const [schema, value] of invalid) {
    assert.equal(there(schema, value), value, JSON.stringify(schema));
    assert.equal(there(schema, value, { logicalTypes: never }), value, JSON.stringify(schema));
  }
  assert.is(Never.asked, 0);
  assert.throws(() => avroCodec(millis, { logicalTypes: never }), /^logical type timestamp-millis of long: asked$/);
  assert.throws(() => avroCodec(millis, { logicalTypes: 'all' as never }), /logicalTypes must be 'standard' or/);
});

test('A7 a class sees only values of its own logical type', () => {
  const seen: unknown[] = [];
  class Spy {
    static readonly longs = 'bigint';
    _fromValue(value: unknown): unknown {
      seen.push(value);
      return { spied: value };
    }
    _toValue(value: unknown): unknown {
      seen.push(value);
      return typeof value === 'object' && value !== null && 'spied' in value ? value.spied : undefined;
    }
  }
  const options: AvroOptions = { logicalTypes: { 'timestamp-millis': Spy } };
  const point = { type: 'record', name: 'P', fields: [{ name: 'x', type: 'int' }] };
  const union = ['null', millis, 'string', 'boolean', 'bytes', { type: 'array', items: 'int' }];
  for (const value of [null, 'x', true, Buffer.of(1), [1]]) assert.equal(there(union, value, options), value);
  refused(['null', millis], undefined, /missing/, options);
  refused({ type: 'record', name: 'R', fields: [{ name: 'at', type: millis }] }, {}, /R\.at: missing/, options);
  assert.equal(seen, []);
  assert.equal(there([millis, point], { x: 1 }, options), { x: 1 });
  // It sees all 64 bits, before anything asks whether a number holds them.
  seen.length = 0;
  const most = 2n ** 63n - 1n;
  assert.equal(there(union, { spied: most }, options), { spied: most });
  assert.is(seen.at(-1), most);
  refused(['null', millis], { spied: 2n ** 63n }, /which its class makes a wrong long of/, options);
});

test('A7 in a union a value finds the branch of its logical type', () => {
  const union = [
    'null',
    millis,
    decimal(9, 2),
    uuid,
    'boolean',
    duration.type === 'fixed' ? { type: 'array', items: day } : day,
  ];
  for (const value of [null, new Date(5), true, [new Date(0)]]) assert.equal(there(union, value), value);
  assert.is(String(there(union, Decimal.of('1.25'))), '1.25');
  refused(
    union,
    5,
    /expected null or a Date \(timestamp-millis\) or a Decimal \(decimal\) or a UUID \(uuid\) or boolean or array, got 5/,
  );
  // Of two branches that hold a Date the schema's names decide.
  const both = [day, millis];
  assert.equal(there(both, { long: new Date(5) }), { long: new Date(5) });
  assert.equal(there(['null', millis, { type: 'map', values: 'int' }], new Date(5)), new Date(5));
});

test('A7 another scale or unit is breaking, and a logical type on one side only is its underlying type', () => {
  const record = (type: unknown): object => ({ type: 'record', name: 'R', fields: [{ name: 'a', type }] });
  const grades = (reader: unknown, writer: unknown): readonly string[] => {
    const { grade, path, reason } = gradeSchemas(record(reader), record(writer));
    return [grade, path, reason];
  };
  assert.equal(grades(decimal(9, 2), decimal(9, 4)), [
    'breaking',
    'R.a',
    'the reader expects a decimal of scale 2, the writer writes one of scale 4',
  ]);
  assert.equal(grades(decimal(5, 2), decimal(9, 2)), [
    'breaking',
    'R.a',
    'the reader expects a decimal of at most 5 digits, the writer writes up to 9',
  ]);
  assert.is(grades(decimal(9, 2), decimal(5, 2))[0], 'identical');
  assert.equal(grades(millis, micros), [
    'breaking',
    'R.a',
    'the reader expects timestamp-millis, the writer writes timestamp-micros',
  ]);
  assert.is(grades(['null', millis], ['null', nanos])[0], 'breaking');
  assert.is(grades(millis, day)[0], 'breaking');
  assert.is(grades(millis, 'long')[0], 'identical');
  assert.is(grades('long', millis)[0], 'identical');
  assert.is(grades(decimal(2, 3), decimal(9, 4))[0], 'identical', 'an invalid annotation counts for nothing');
  assert.is(grades(millis, { type: 'long', logicalType: 'app-time' })[0], 'identical');
  // Text read as the bytes of a decimal would be any number.
  assert.is(avroCodec(decimal(9, 2), standard).resolveWriter('"string"').grade, 'breaking');
  assert.is(avroCodec(decimal(9, 2)).resolveWriter('"string"').grade, 'compatible');
});

test('A7 the defaults of logical types are values of theirs, made anew', () => {
  const fields = [
    { name: 'at', type: millis, default: 5 },
    { name: 'price', type: decimal(9, 2), default: '\u0007\u00d0' },
  ];
  const codec = avroCodec({ type: 'record', name: 'R', fields }, standard);
  const first = decodeWith(codec, encodeWith(codec, {})) as { at: Date; price: Decimal };
  assert.equal([first.at, String(first.price)], [new Date(5), '20.00']);
  first.at.setTime(9);
  const resolution = codec.resolveWriter('{"name":"R","type":"record","fields":[]}');
  assert.equal(resolution.codec && decodeWith(resolution.codec, Buffer.alloc(0)), {
    at: new Date(5),
    price: first.price,
  });
  const wrong = { type: 'record', name: 'R', fields: [{ name: 'at', type: micros, default: 1001 }] };
  assert.throws(() => avroCodec(wrong, standard), /R\.at: the default: a Date would lose its microseconds/);
});

test("avsc's classes work beside the standard ones", () => {
  class Minutes extends avro.types.LogicalType {
    protected override _fromValue(value: number): string {
      return `${value} min`;
    }
    protected override _toValue(value: unknown): number | undefined {
      return typeof value === 'string' ? Number.parseInt(value, 10) : undefined;
    }
  }
  const fields = [
    { name: 'at', type: millis },
    { name: 'takes', type: { type: 'int', logicalType: 'minutes' } },
  ];
  const options: AvroOptions = { logicalTypes: { ...standardLogicalTypes, minutes: Minutes } };
  const value = { at: new Date(5), takes: '7 min' };
  assert.equal(there({ type: 'record', name: 'R', fields }, value, options), value);
});

test('a service has standard logical types, a method its own', () => {
  const { a, b } = defineService(
    'S',
    {
      a: unary({ request: millis as never, response: 'null' }),
      b: unary({ request: millis as never, response: 'null', logicalTypes: {} }),
    },
    { logicalTypes: 'standard' },
  ).methods;
  assert.equal(decodeWith(a.request, long(5n)), new Date(5));
  assert.is(decodeWith(b.request, long(5n)), 5);
});

test.run();
