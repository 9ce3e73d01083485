/** What an application hands over as a value: it is sent as it is, or refused with the place and the reason; never as another value. */
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AvroOptions, avroCodec } from '../../src/avro/codec/codec.js';
import { raw } from '../../src/avro/service/raw.js';
import { RpcError } from '../../src/base/errors.js';
import { decodeWith, encodeWith, long, nearestFloat } from './codec-bytes.js';

const query = {
  type: 'record',
  name: 'demo.Query',
  fields: [
    { name: 'limit', type: 'int', default: 10 },
    { name: 'tags', type: { type: 'map', values: 'string' }, default: {} },
  ],
};
const point = {
  type: 'record',
  name: 'Point',
  fields: [
    { name: 'lat', type: 'double' },
    { name: 'lon', type: 'double' },
  ],
};

function there(schema: unknown, value: unknown, options?: AvroOptions): unknown {
  const codec = avroCodec(schema, options);
  return decodeWith(codec, encodeWith(codec, value));
}

function refused(schema: unknown, value: unknown, text: string, options?: AvroOptions): void {
  const codec = avroCodec(schema, options);
  assert.throws(
    () => codec.encode(value, Buffer.alloc(1000), 0),
    (error: unknown) => {
      assert.instance(error, RpcError, String(error));
      const { code, started, message } = error as RpcError;
      assert.equal([code, started, message], ['INVALID_ARGUMENT', 'no', `cannot write ${text}`]);
      return true;
    },
    text,
  );
}

function inProduction(body: () => void): void {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    body();
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

test('A7 a property that is no field is refused, with its path and the nearest field', () => {
  refused(query, { limt: 5 }, 'Query.limt: the record Query has no such field (did you mean limit?)');
  refused(query, { LIMIT: 5 }, 'Query.LIMIT: the record Query has no such field (did you mean limit?)');
  refused(query, { limit: 5, offset: 1 }, 'Query.offset: the record Query has no such field');
  refused(query, { limit: 5, tags: {}, 'a b': 1 }, 'Query["a b"]: the record Query has no such field');
  refused(query, { limit: 5, extra: undefined }, 'Query.extra: the record Query has no such field');
  refused(point, { lat: 1, lon: 2, alt: 3 }, 'Point.alt: the record Point has no such field (did you mean lat?)');
  refused({ type: 'record', name: 'Empty', fields: [] }, { a: 1 }, 'Empty.a: the record Empty has no such field');
  const trip = { type: 'record', name: 'Trip', fields: [{ name: 'stops', type: { type: 'array', items: point } }] };
  refused(
    trip,
    {
      stops: [
        { lat: 1, lon: 2 },
        { lat: 1, lon: 2, x: 3 },
      ],
    },
    'Trip.stops[1].x: the record Point has no such field',
  );
  refused(
    { type: 'map', values: query },
    { a: { limt: 1 } },
    'map["a"].limt: the record Query has no such field (did you mean limit?)',
  );
  refused(['null', query], { limt: 1 }, 'union.limt: the record Query has no such field (did you mean limit?)');
  refused(
    ['string', query, 'int'],
    { limt: 1 },
    'union.limt: the record Query has no such field (did you mean limit?)',
  );
  const two = [query, point];
  refused(
    two,
    { 'demo.Query': { limt: 1 } },
    'union["demo.Query"].limt: the record Query has no such field (did you mean limit?)',
  );
  // Where the field itself has to be there, its absence is found first, and what was given in its place is named.
  refused(point, { lat: 1, lng: 2 }, 'Point.lon: missing, expected double; there is no field "lng"');
});

test('A7 fields that are left out or undefined are their defaults', () => {
  const defaults = { limit: 10, tags: there({ type: 'map', values: 'int' }, {}) };
  for (const value of [{}, { limit: undefined }, { tags: undefined, limit: undefined }, Object.create(null)])
    assert.equal(there(query, value), defaults);
  assert.equal(there(query, { limit: 5, tags: undefined }), { ...defaults, limit: 5 });
});

test('A7 in production a property that is no field is refused where a default would stand in', () => {
  inProduction(() => {
    refused(query, { limt: 5 }, 'Query.limt: the record Query has no such field (did you mean limit?)');
    refused(query, { limit: 5, tgas: {} }, 'Query.tgas: the record Query has no such field (did you mean tags?)');
    refused(query, Promise.resolve({}), 'Query: expected Query, got a Promise (is an await missing?)');
    refused(
      query,
      { limit: 1, tags: new Map() },
      'Query.tags: expected map, got a Map (Object.fromEntries makes an object of it)',
    );
    // Nothing that was meant can be lost here; looking costs more than the record.
    assert.equal(there(point, { lat: 1, lon: 2, alt: 3 }), { lat: 1, lon: 2 });
    assert.equal(there(query, { limit: undefined }), there(query, {}));
  });
});

const otherObjects: readonly (readonly [unknown, string])[] = [
  [Promise.resolve({ limit: 5 }), 'a Promise (is an await missing?)'],
  [new Map([['limit', 5]]), 'a Map (Object.fromEntries makes an object of it)'],
  [new Set(['limit']), 'a Set'],
  [new Date(0), 'a Date'],
  [Buffer.from('x'), '1 bytes'],
  [new Uint16Array(2), 'a typed array'],
  [new ArrayBuffer(2), 'an ArrayBuffer (a Uint8Array of it is bytes)'],
  [/x/, 'a RegExp'],
  [new WeakMap(), 'a WeakMap'],
  [Object('x'), 'a boxed primitive'],
  [[1, 2], 'an array of 2'],
  [new URLSearchParams('limit=5'), 'an iterable object'],
  [(function* () {})(), 'a generator'],
  [runInNewContext('new Map()'), 'a Map (Object.fromEntries makes an object of it)'],
  [runInNewContext('Promise.resolve()'), 'a Promise (is an await missing?)'],
  [new AbortController(), 'an instance of AbortController'],
  ['limit=5', '"limit=5"'],
  [() => ({}), 'a function'],
];

test('A7 what is no record or map is refused in place of one, and named', () => {
  for (const [value, name] of otherObjects) {
    refused(query, value, `Query: expected Query, got ${name}`);
    refused({ type: 'map', values: 'string' }, value, `map: expected map, got ${name}`);
    refused({ type: 'array', items: query }, [{}, value], `array[1]: expected Query, got ${name}`);
  }
  // Fields that such objects have themselves do not make records of them.
  const sized = { type: 'record', name: 'Sized', fields: [{ name: 'size', type: 'int' }] };
  const measured = { type: 'record', name: 'Long', fields: [{ name: 'length', type: 'int', default: 1 }] };
  refused(sized, new Map(), 'Sized: expected Sized, got a Map (Object.fromEntries makes an object of it)');
  refused(measured, Buffer.from('x'), 'Long: expected Long, got 1 bytes');
  inProduction(() => refused(sized, new Set(), 'Sized: expected Sized, got a Set'));
});

test('A7 instances of classes are read by the names of the fields', () => {
  class Spot {
    private readonly degrees = [1, 2];
    constructor(readonly unit: string) {}
    get lat(): number {
      return this.degrees[0];
    }
    get lon(): number {
      return this.degrees[1];
    }
  }
  assert.equal(there(point, new Spot('deg')), { lat: 1, lon: 2 });
  assert.equal(there(point, Object.create({ lat: 1, lon: 2 })), { lat: 1, lon: 2 });
  assert.equal(there(point, runInNewContext('({ lat: 1, lon: 2 })')), { lat: 1, lon: 2 });
  class Search {
    limit = 5;
    tags = { a: 'b' };
    note = 'mine';
  }
  assert.equal({ ...(there(query, new Search()) as object) }, there(query, { limit: 5, tags: { a: 'b' } }));
  class Misspelt {
    limt = 5;
    tags = {};
  }
  refused(query, new Misspelt(), 'Query.limt: the record Query has no such field (did you mean limit?)');
  class Labels {
    de = 'Rom';
  }
  assert.equal({ ...(there({ type: 'map', values: 'string' }, new Labels()) as object) }, { de: 'Rom' });
});

test('A7 names that every object inherits are names like others', () => {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
  const record = { type: 'record', name: 'constructor', fields: names.map((name) => ({ name, type: 'int' })) };
  const value = Object.fromEntries(names.map((name, i) => [name, i]));
  const read = there(record, value) as Record<string, unknown>;
  assert.is(Object.getPrototypeOf(read), Object.prototype);
  assert.equal(Object.entries(read), Object.entries(value));
  refused(record, {}, 'constructor.constructor: missing, expected int');
  // A default stands in for one that is only inherited.
  const lenient = { ...record, fields: names.map((name) => ({ name, type: 'int', default: 7 })) };
  assert.equal(Object.values(there(lenient, {}) as object), [7, 7, 7, 7, 7, 7]);
  for (const name of names) {
    assert.is(there({ type: 'enum', name: 'E', symbols: names }, name), name);
    const inner = { type: 'record', name, fields: [{ name, type: 'string' }] };
    const wrapped = there([inner, point], { [name]: { [name]: 'x' } }) as Record<string, Record<string, unknown>>;
    assert.equal([Object.keys(wrapped), wrapped[name][name]], [[name], 'x']);
    assert.is(there({ type: 'fixed', name, size: 1 }, Buffer.of(1))?.constructor, Buffer);
  }
  const renamed = { ...record, fields: [{ name: 'a', type: 'int', aliases: ['__proto__'] }] };
  const resolution = avroCodec(renamed).resolveWriter(avroCodec(record).schemaText);
  assert.equal(resolution.codec && decodeWith(resolution.codec, encodeWith(avroCodec(record), value)), { a: 2 });
});

test('A7 bytes of another realm are bytes', () => {
  const bytes: unknown = runInNewContext('Uint8Array.of(1, 2, 3)');
  assert.not(bytes instanceof Uint8Array);
  const three = { type: 'fixed', name: 'F', size: 3 };
  for (const schema of ['bytes', three, ['null', 'bytes'], ['string', 'bytes', point]])
    assert.equal(there(schema, bytes), Buffer.of(1, 2, 3));
  assert.equal(there(['string', 'bytes', { type: 'map', values: 'int' }], bytes), Buffer.of(1, 2, 3));
  assert.equal(decodeWith(raw, encodeWith(raw, bytes)), Buffer.of(1, 2, 3));
  refused('bytes', new Uint8ClampedArray(2), 'bytes: expected bytes, got a typed array');
  refused('bytes', new ArrayBuffer(2), 'bytes: expected bytes, got an ArrayBuffer (a Uint8Array of it is bytes)');
  assert.throws(() => encodeWith(raw, 'text'), /a raw message must be a Buffer or a Uint8Array/);
});

test('A7 primitives are of their own type, and nothing passes for one', () => {
  const wrong: readonly (readonly [schema: unknown, value: unknown, text: string])[] = [
    ['int', 1n, 'int: expected int, got 1n'],
    ['int', '1', 'int: expected int, got "1"'],
    ['int', Object(1), 'int: expected int, got a boxed primitive'],
    ['int', new Date(0), 'int: expected int, got a Date'],
    ['int', Number.NaN, 'int: expected int, got NaN'],
    ['long', Number.POSITIVE_INFINITY, 'long: expected long, got Infinity'],
    ['double', '1', 'double: expected double, got "1"'],
    ['double', 1n, 'double: expected double, got 1n'],
    ['boolean', 1, 'boolean: expected boolean, got 1'],
    ['boolean', Object(true), 'boolean: expected boolean, got a boxed primitive'],
    ['string', Object('x'), 'string: expected string, got a boxed primitive'],
    ['string', Symbol('x'), 'string: expected string, got a symbol'],
    ['null', undefined, 'null: missing, expected null'],
    ['bytes', [1, 2], 'bytes: expected bytes, got an array of 2'],
    ['bytes', 'ab', 'bytes: expected bytes, got "ab"'],
    ['bytes', JSON.parse(JSON.stringify(Buffer.from('ab'))), 'bytes: expected bytes, got an object'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'constructor', 'E: expected one of A, got "constructor"'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 0, 'E: expected one of A, got 0'],
  ];
  for (const [schema, value, text] of wrong) refused(schema, value, text);
  assert.is(there('int', -0), 0);
  assert.ok(Object.is(there('double', -0), -0));
  const at = { type: 'long', logicalType: 'timestamp-millis' };
  const text = 'long: expected a Date (timestamp-millis), got a Date: it is an invalid Date';
  refused(at, new Date(Number.NaN), text, { logicalTypes: 'standard' });
});

test('A7 only an array is an array, whole', () => {
  const ints = { type: 'array', items: 'int' };
  // oxlint-disable-next-line no-sparse-arrays -- that is what is tested
  refused(ints, [1, , 3], 'array[1]: missing, expected int');
  refused(ints, { length: 1, 0: 1 }, 'array: expected array, got an object');
  refused({ type: 'array', items: 'string' }, 'abc', 'array: expected array, got "abc"');
  refused(ints, new Int32Array(2), 'array: expected array, got a typed array');
  refused(ints, new Set([1]), 'array: expected array, got a Set');
  for (const length of ['abc', 1.5, -1, Number.NaN]) {
    const proxy = new Proxy([], { get: (_, key) => (key === 'length' ? length : 1) });
    refused(ints, proxy, 'array: expected array, got a proxy');
  }
});

test('A7 what throws when it is looked at is refused at its place', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const thrower = Object.defineProperty({}, 'limit', { get: boom, enumerable: true });
  refused(query, thrower, 'Query.limit: it cannot be read (boom)');
  refused({ type: 'map', values: query }, { a: thrower }, 'map["a"].limit: it cannot be read (boom)');
  refused({ type: 'map', values: 'int' }, thrower, 'map["limit"]: it cannot be read (boom)');
  refused(
    { type: 'array', items: 'int' },
    Object.defineProperty([1, 2], 1, { get: boom }),
    'array[1]: it cannot be read (boom)',
  );
  refused(point, new Proxy({}, { get: boom }), 'Point.lat: it cannot be read (boom)');
  refused(query, new Proxy({ limit: 1 }, { ownKeys: boom }), 'Query: boom');
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const schema of [query, { type: 'map', values: 'int' }, { type: 'array', items: 'int' }, 'bytes']) {
    assert.throws(
      () => encodeWith(avroCodec(schema), proxy),
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
    );
  }
  assert.equal(there(point, new Proxy({ lat: 1, lon: 2 }, {})), { lat: 1, lon: 2 });
});

test('A7 bytes that are gone, or not as many as they say, are refused, and nothing else is sent in their place', () => {
  const detached = (size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  };
  refused('bytes', detached(3), 'bytes: expected bytes, got bytes that were transferred');
  refused({ type: 'fixed', name: 'F', size: 3 }, detached(3), 'F: expected 3 bytes, got bytes that were transferred');
  assert.throws(() => encodeWith(raw, detached(3)), /the bytes of a raw message were transferred/);
  for (const empty of [Buffer.alloc(0), new Uint8Array(0), Buffer.from('')]) {
    assert.equal(there('bytes', empty), Buffer.alloc(0));
    assert.equal(decodeWith(raw, encodeWith(raw, empty)), Buffer.alloc(0));
  }
  const boastful = Object.defineProperty(new Uint8Array(3).fill(7), 'length', { value: 100 });
  refused('bytes', boastful, 'bytes: expected bytes, got 3 bytes');
  assert.equal(decodeWith(raw, encodeWith(raw, boastful)), Buffer.of(7, 7, 7));
  for (const fake of [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(3), {})]) {
    assert.throws(() => encodeWith(raw, fake), /a raw message must be a Buffer or a Uint8Array/);
    assert.throws(() => encodeWith(avroCodec('bytes'), fake), /^cannot write bytes: /);
  }
});

test('A7 a float takes what rounds to a float, and nothing beyond its range', () => {
  const most = 2 ** 128 - 2 ** 104;
  const bound = 2 ** 128 - 2 ** 103;
  for (const value of [0.1, most, -most, bound - 2 ** 75, 1e-50, Number.NaN, Infinity, -Infinity])
    assert.is(Object.is(there('float', value), Math.fround(value)), true, String(value));
  for (const value of [bound, -bound, 1e39, -1e300, Number.MAX_VALUE])
    refused('float', value, `float: expected float, got ${value}`);
  const field = { name: 'a', type: 'float', default: 1e39 };
  assert.throws(() => avroCodec({ type: 'record', name: 'R', fields: [field] }), /R\.a: the default is no float/);
});

test('A7 a long is exact or refused', () => {
  for (const value of [2 ** 53, -(2 ** 53), 0.5, Number.NaN, 1n])
    refused('long', value, `long: expected long, got ${typeof value === 'bigint' ? '1n' : value}`);
  const big = { longs: 'bigint' } as const;
  for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) assert.is(there('long', value, big), value);
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) refused('long', value, `long: expected long, got ${value}n`, big);
  refused('long', 1, 'long: expected long, got 1', big);
});

test('A7 an integer is read as the nearest float or double', () => {
  const as = (reader: string, writer: string, value: bigint): unknown => {
    const { codec } = avroCodec(reader).resolveWriter(`"${writer}"`);
    return codec && decodeWith(codec, long(value));
  };
  const ints = [0n, 1n, -1n, 16_777_217n, -16_777_217n, 16_777_219n, 2_147_483_647n, -2_147_483_648n];
  for (const value of ints) {
    assert.is(as('float', 'int', value), Math.fround(Number(value)));
    assert.is(as('double', 'int', value), Number(value));
  }
  const longs = [
    ...ints,
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
    2n ** 60n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    -(2n ** 63n) + 512n,
  ];
  // Halfway between two floats, and a little beyond: rounded by way of a double these would end one off.
  for (let power = 24n; power < 62n; power++) {
    for (const off of [-1n, 0n, 1n])
      longs.push(2n ** power + 2n ** (power - 24n) + off, -(3n * 2n ** power) - 2n ** (power - 23n) + off);
  }
  for (const value of longs.filter((one) => BigInt.asIntN(64, one) === one)) {
    assert.is(as('double', 'long', value), Number(value), String(value));
    assert.is(as('float', 'long', value), nearestFloat(value), String(value));
  }
});

test('A7 a default beyond 2^53 is a bigint or an error', () => {
  const at = (json: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'long', default: json }] });
  const big = { longs: 'bigint' } as const;
  assert.equal(there(at(2n ** 60n + 1n), {}, big), { a: 2n ** 60n + 1n });
  assert.equal(there(at(7), {}, big), { a: 7n });
  assert.equal(there(at(7n), {}), { a: 7 });
  const rounded = /R\.a: the default is no long that a number holds exactly; give it as a bigint/;
  for (const options of [{}, big]) assert.throws(() => avroCodec(at(2 ** 60), options), rounded);
  assert.throws(() => avroCodec(at(2n ** 60n)), /R\.a: the default is no long/);
  assert.throws(() => avroCodec(at(2n ** 63n), big), /R\.a: the default is no long/);
});

test.run();
