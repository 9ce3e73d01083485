/** The codec as its callers see it: how values look, what is refused and how that is said, buffers that are too small, calls in calls. */
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AvroOptions, avroCodec } from '../../src/avro/codec/codec.js';
import { RpcError } from '../../src/base/errors.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { decodeWith, encodeWith, join, long, text } from './codec-bytes.js';

const point = {
  type: 'record',
  name: 'geo.Point',
  fields: [
    { name: 'lat', type: 'double' },
    { name: 'lon', type: 'double' },
  ],
};
const city = {
  type: 'record',
  name: 'demo.City',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'at', type: point },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'names', type: { type: 'map', values: 'string' } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['TOWN', 'CITY'] } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'note', type: ['null', 'string'] },
    { name: 'rank', type: 'int', default: 5 },
  ],
};
const rome = {
  id: 3169070,
  name: 'Roma',
  at: { lat: 41.89, lon: 12.51 },
  tags: ['capital', 'old'],
  names: { de: 'Rom', en: 'Rome' },
  kind: 'CITY',
  hash: Buffer.from('hash'),
  note: null,
  rank: 1,
};

function there(schema: unknown, value: unknown, options?: AvroOptions): unknown {
  const codec = avroCodec(schema, options);
  return decodeWith(codec, encodeWith(codec, value));
}

function assertWrong(codec: MessageCodec, value: unknown, expected: string): void {
  assert.throws(
    () => codec.encode(value, Buffer.alloc(1000), 0),
    (error: unknown) => {
      assert.instance(error, RpcError, String(error));
      const { code, started, message } = error as RpcError;
      assert.equal([code, started, message], ['INVALID_ARGUMENT', 'no', expected]);
      return true;
    },
    expected,
  );
}

test('a record is read as a plain object that equals what was written', () => {
  const read = there(city, rome) as typeof rome;
  assert.equal({ ...read, names: { ...read.names } }, rome);
  assert.is(Object.getPrototypeOf(read), Object.prototype);
  assert.equal(Object.keys(read), Object.keys(rome));
  assert.is(read.tags.length, 2);
});

test("encoded bytes are avsc's", () => {
  const bytes = encodeWith(avroCodec(city), rome);
  assert.equal(bytes, avro.Type.forSchema(city as avro.Schema).toBuffer(rome));
});

test('an error type is a record', () => {
  assert.equal(there({ type: 'error', name: 'NoCity', fields: [{ name: 'id', type: 'long' }] }, { id: 7 }), { id: 7 });
  assert.is(Object.getPrototypeOf(there({ type: 'error', name: 'E', fields: [] }, new Error('x'))), Object.prototype);
});

test('a union holds bare values where JavaScript can tell its branches apart', () => {
  assert.is(there(['null', 'string'], null), null);
  assert.is(there(['null', 'string'], 'x'), 'x');
  assert.is(there(['string', 'null'], null), null);
  assert.is(there(['int', 'string'], 5), 5);
  assert.is(there(['int', 'string'], 'five'), 'five');
  assert.equal(there(['null', point], { lat: 1, lon: 2 }), { lat: 1, lon: 2 });
  const all = ['null', 'boolean', 'double', 'string', 'bytes', { type: 'array', items: 'int' }, point];
  for (const value of [null, true, 1.5, 'x', Buffer.from('x'), [1, 2], { lat: 1, lon: 2 }])
    assert.equal(there(all, value), value);
});

test('a union wraps its values where two branches look alike', () => {
  const named = ['null', 'int', 'long', city, point.name, { type: 'array', items: 'int' }];
  for (const value of [null, { int: 1 }, { long: 1 }, { 'geo.Point': { lat: 1, lon: 2 } }, { array: [1] }]) {
    const read = there(named, value);
    assert.equal(read, value);
    if (read !== null) assert.is(Object.getPrototypeOf(read), Object.prototype);
  }
  const alike: [unknown[], unknown][] = [
    [['int', 'double'], { double: 1.5 }],
    [['string', { type: 'enum', name: 'E', symbols: ['A'] }], { E: 'A' }],
    [['bytes', { type: 'fixed', name: 'F', size: 1 }], { F: Buffer.from('A') }],
  ];
  for (const [union, value] of alike) assert.equal(there(union, value), value);
  assert.equal(there([point, { type: 'map', values: 'int' }], { 'geo.Point': { lat: 1, lon: 2 } }), {
    'geo.Point': { lat: 1, lon: 2 },
  });
});

test('options do not change which unions wrap', () => {
  assert.equal(there(['int', 'long'], { long: 5n }, { longs: 'bigint' }), { long: 5n });
  assert.is(there(['null', 'long', 'string'], 5n, { longs: 'bigint' }), 5n);
  assert.is(there(['long', 'string'], 'x', { longs: 'bigint' }), 'x');
});

test('bytes and fixed are copies, whatever Uint8Array they were', () => {
  for (const size of [0, 1, 48, 49, 5000]) {
    const bytes = new Uint8Array(size).fill(7);
    const fixed = { type: 'fixed', name: 'F', size };
    for (const schema of ['bytes', fixed]) {
      const codec = avroCodec(schema);
      const message = encodeWith(codec, bytes);
      const read = codec.decode(message, 0, message.length) as Buffer;
      assert.instance(read, Buffer);
      message.fill(0);
      assert.equal(read, Buffer.from(bytes));
    }
  }
});

test('strings of every length and alphabet come back', () => {
  for (const alphabet of ['a', 'é', '処', '\u{1f600}', 'aé', 'aaaaaaaaaaaaaaa処']) {
    for (let length = 0; length < 90; length++) {
      const value = alphabet
        .repeat(length)
        .slice(0, alphabet.length === 2 && alphabet > '\ud800' ? 2 * length : length);
      if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) continue;
      const bytes = encodeWith(avroCodec('string'), value);
      assert.equal(bytes, text(value));
      assert.is(decodeWith(avroCodec('string'), bytes), value);
    }
  }
});

test('a string with half of a surrogate pair is refused, not replaced', () => {
  const codec = avroCodec(city);
  for (const name of ['\ud800', `x\udc00`, `${'x'.repeat(100)}\ud83d`, '\ude00\ud83d']) {
    assertWrong(codec, { ...rome, name }, 'cannot write City.name: the string has half of a surrogate pair');
  }
  assert.throws(
    () => encodeWith(codec, { ...rome, names: { 'a\ud800': 'x' } }),
    /cannot write City\.names\["a\\ud800"\]: the string has half/,
  );
});

test('numbers are written as they are or not at all', () => {
  for (const n of [0, -0, 63, 64, -64, -65, 2 ** 30, -(2 ** 30), 2 ** 31 - 1, -(2 ** 31)])
    assert.is(there('int', n), n | 0);
  for (const n of [
    2 ** 30 - 1,
    -(2 ** 30) - 1,
    2 ** 31,
    2 ** 32,
    -(2 ** 52) - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ]) {
    assert.is(there('long', n), n);
    assert.equal(encodeWith(avroCodec('long'), n), long(n));
  }
  for (const n of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 0n, -1n, 127n, 2n ** 62n]) {
    assert.is(there('long', n, { longs: 'bigint' }), n);
    assert.equal(encodeWith(avroCodec('long', { longs: 'bigint' }), n), long(n));
  }
  for (const n of [-0, 5e-324, Number.MAX_VALUE, Number.NaN, Number.NEGATIVE_INFINITY])
    assert.ok(Object.is(there('double', n), n));
  for (const n of [-0, Math.fround(0.1), Number.NaN]) assert.ok(Object.is(there('float', n), n));
});

test('B46 an enum takes its symbols and nothing that objects inherit', () => {
  const codec = avroCodec(city);
  for (const kind of ['toString', 'constructor', '__proto__', 'hasOwnProperty', '', 'town', 'TOWN ']) {
    assertWrong(
      codec,
      { ...rome, kind },
      `cannot write City.kind: expected one of TOWN, CITY, got ${JSON.stringify(kind)}`,
    );
  }
  assertWrong(
    codec,
    { ...rome, kind: ['CITY'] },
    'cannot write City.kind: expected one of TOWN, CITY, got an array of 1',
  );
  assertWrong(codec, { ...rome, kind: 0 }, 'cannot write City.kind: expected one of TOWN, CITY, got 0');
  const wrapped = avroCodec(['null', 'int', 'double']);
  for (const name of ['constructor', 'toString', 'null', 'long'])
    assert.throws(() => encodeWith(wrapped, { [name]: null }), /^cannot write union: expected null or/);
});

test('B46 NaN and whatever else is no int or long is a local error', () => {
  const ints = avroCodec({ type: 'record', name: 'Row', fields: [{ name: 'n', type: 'int' }] });
  for (const n of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 31, -(2 ** 31) - 1])
    assertWrong(ints, { n }, `cannot write Row.n: expected int, got ${n}`);
  assertWrong(ints, { n: '5' }, 'cannot write Row.n: expected int, got "5"');
  assertWrong(ints, { n: 5n }, 'cannot write Row.n: expected int, got 5n');
  assertWrong(ints, { n: true }, 'cannot write Row.n: expected int, got true');
  const longs = avroCodec('long');
  for (const n of [Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 53, -(2 ** 53)])
    assertWrong(longs, n, `cannot write long: expected long, got ${n}`);
  const bigints = avroCodec('long', { longs: 'bigint' });
  assertWrong(bigints, 5, 'cannot write long: expected long, got 5');
  assertWrong(bigints, 2n ** 63n, 'cannot write long: expected long, got 9223372036854775808n');
  assertWrong(bigints, -(2n ** 63n) - 1n, 'cannot write long: expected long, got -9223372036854775809n');
});

test('the text for a wrong value has the path of its wrong part', () => {
  const codec = avroCodec(city);
  const wrong: [object, string][] = [
    [{ name: 5 }, '.name: expected string, got 5'],
    [{ name: undefined }, '.name: missing, expected string'],
    [{ at: null }, '.at: expected Point, got null'],
    [{ at: [1, 2] }, '.at: expected Point, got an array of 2'],
    [{ at: { lat: '41', lon: 1 } }, '.at.lat: expected double, got "41"'],
    [{ at: { lat: 41 } }, '.at.lon: missing, expected double'],
    [{ tags: 'capital' }, '.tags: expected array, got "capital"'],
    [{ tags: ['a', null] }, '.tags[1]: expected string, got null'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    [{ tags: ['a', , 'c'] }, '.tags[1]: missing, expected string'],
    [{ names: { en: 1 } }, '.names["en"]: expected string, got 1'],
    [{ names: ['x'] }, '.names: expected map, got an array of 1'],
    [
      { names: new Map([['en', 'Rome']]) },
      '.names: expected map, got a Map (Object.fromEntries makes an object of it)',
    ],
    [{ hash: Buffer.alloc(5) }, '.hash: expected 4 bytes, got 5 bytes'],
    [{ hash: 'hash' }, '.hash: expected 4 bytes, got "hash"'],
    [{ note: 7 }, '.note: expected null or string, got 7'],
    [{ note: undefined }, '.note: missing, expected null or string'],
    [{ rank: 'x' }, '.rank: expected int, got "x"'],
    [{ rank: null }, '.rank: expected int, got null'],
    [{ name: Symbol('x') }, '.name: expected string, got a symbol'],
    [{ name: () => 'x' }, '.name: expected string, got a function'],
    [{ name: 'x'.repeat(3), id: '9'.repeat(80) }, `.id: expected long, got "${'9'.repeat(59)}...`],
  ];
  for (const [part, expected] of wrong) assertWrong(codec, { ...rome, ...part }, `cannot write City${expected}`);
  for (const value of [null, undefined, 5, 'x', [], () => {}])
    assert.throws(() => encodeWith(codec, value), /^cannot write City: |City, got|missing/);
  assertWrong(codec, {}, 'cannot write City.id: missing, expected long');
});

test('the path leads through unions', () => {
  const optional = avroCodec({ type: 'record', name: 'Trip', fields: [{ name: 'to', type: ['null', point] }] });
  assertWrong(optional, { to: { lat: 1 } }, 'cannot write Trip.to.lon: missing, expected double');
  assertWrong(optional, { to: 'Rome' }, 'cannot write Trip.to: expected null or Point, got "Rome"');
  const wrapped = avroCodec({
    type: 'record',
    name: 'Trip',
    fields: [{ name: 'to', type: ['null', point, { type: 'map', values: 'int' }] }],
  });
  assertWrong(
    wrapped,
    { to: { 'geo.Point': { lat: 1 } } },
    'cannot write Trip.to["geo.Point"].lon: missing, expected double',
  );
  assertWrong(
    wrapped,
    { to: { lat: 1, lon: 2 } },
    'cannot write Trip.to: expected null or { "geo.Point": ... } or { "map": ... }, got an object',
  );
  assertWrong(
    wrapped,
    { to: { map: {}, 'geo.Point': {} } },
    'cannot write Trip.to: expected null or { "geo.Point": ... } or { "map": ... }, got an object',
  );
  const lists = avroCodec(['null', { type: 'array', items: 'int' }, 'string']);
  assertWrong(lists, [1, 'x'], 'cannot write union[1]: expected int, got "x"');
  assertWrong(avroCodec([]), null, 'cannot write union: expected nothing: the union has no branches, got null');
});

test('the wrong part is found at once, however deep it is', () => {
  const codec = avroCodec({
    type: 'record',
    name: 'Node',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'next', type: ['null', 'Node', { type: 'array', items: 'Node' }] },
    ],
  });
  let chain: unknown = { value: 'x', next: null };
  for (let i = 0; i < 63; i++) chain = { value: i, next: i % 2 === 0 ? chain : [chain] };
  assert.throws(
    () => encodeWith(codec, chain),
    /^cannot write Node(\.next\.next\[0\]){31}\.next\.value: expected int, got "x"$/,
  );
});

test('a field with a default may be left out', () => {
  const { rank: _, ...rest } = rome;
  assert.is((there(city, rest) as typeof rome).rank, 5);
  const defaults = {
    type: 'record',
    name: 'D',
    fields: [
      { name: 'list', type: { type: 'array', items: 'int' }, default: [1, 2] },
      { name: 'map', type: { type: 'map', values: ['null', 'string'] }, default: { a: null, b: 'x' } },
      { name: 'bytes', type: 'bytes', default: '\u00ff\u0000' },
      { name: 'fixed', type: { type: 'fixed', name: 'F', size: 2 }, default: 'ab' },
      { name: 'point', type: point, default: { lat: 1, lon: 2 } },
      { name: 'maybe', type: ['null', 'int'], default: null },
      { name: 'second', type: ['null', 'int'], default: 7 },
      { name: 'wrapped', type: ['int', 'double'], default: 1 },
      { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A', 'B'] }, default: 'B' },
      { name: 'long', type: 'long', default: 12 },
      { name: 'self', type: ['null', 'D'], default: null },
    ],
  };
  const read = there(defaults, {}) as Record<string, unknown>;
  assert.equal(
    { ...read, map: { ...(read['map'] as object) } },
    {
      list: [1, 2],
      map: { a: null, b: 'x' },
      bytes: Buffer.from([255, 0]),
      fixed: Buffer.from('ab'),
      point: { lat: 1, lon: 2 },
      maybe: null,
      second: 7,
      wrapped: { int: 1 },
      kind: 'B',
      long: 12,
      self: null,
    },
  );
  assert.is((there(defaults, {}, { longs: 'bigint' }) as { long: bigint }).long, 12n);
  assert.equal((there(defaults, { self: { second: 3 } }) as { self: { second: number } }).self.second, 3);
});

test('a default that its field does not take is an error of the schema', () => {
  const wrong: [unknown, unknown][] = [
    ['int', 'x'],
    ['int', 1.5],
    ['long', 2 ** 53],
    ['null', 0],
    ['boolean', 0],
    ['double', '1'],
    ['string', 1],
    ['bytes', '\u0100'],
    [{ type: 'fixed', name: 'F', size: 2 }, 'abc'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'toString'],
    [{ type: 'array', items: 'int' }, {}],
    [{ type: 'array', items: 'int' }, ['x']],
    [{ type: 'map', values: 'int' }, []],
    [point, { lat: 1 }],
    [['int', 'string'], true],
  ];
  for (const [type, preset] of wrong) {
    const schema = { type: 'record', name: 'a.R', fields: [{ name: 'f', type, default: preset }] };
    assert.throws(() => avroCodec(schema), /^not a valid schema: R\.f: the default is no /, JSON.stringify(type));
    assert.throws(
      () => avroCodec(schema),
      (error: unknown) => error instanceof RpcError,
    );
  }
});

test('a message that does not fit says exactly how many bytes are missing', () => {
  const codec = avroCodec(city);
  const value = { ...rome, name: 'Roma '.repeat(20), tags: ['処理結果', 'x'.repeat(300), 'é'], id: -(2 ** 40) };
  const whole = encodeWith(codec, value);
  for (let room = 0; room <= whole.length; room++) {
    const offset = room % 7;
    const small = Buffer.alloc(offset + room, 0xee);
    const end = codec.encode(value, small, offset);
    if (room === whole.length) {
      assert.is(end, offset + room);
      continue;
    }
    assert.is(end, room - whole.length, `${room}`);
    const enough = Buffer.alloc(offset + room - end, 0xee);
    assert.is(codec.encode(value, enough, offset), enough.length);
    assert.equal(enough.subarray(offset), whole);
    assert.ok(
      enough.subarray(0, offset).every((byte) => byte === 0xee),
      'bytes before the offset are not touched',
    );
  }
});

test('a string that ends where the buffer ends is written whole or not at all', () => {
  const codec = avroCodec('string');
  for (const value of [
    'é'.repeat(15) + 'a'.repeat(15),
    'a'.repeat(40),
    '処'.repeat(30),
    'x\u{1f600}'.repeat(10),
    'abc',
    'é',
    '',
  ]) {
    const whole = text(value);
    for (let room = 0; room <= whole.length + 5; room++) {
      const bytes = Buffer.alloc(room, 0xee);
      const end = codec.encode(value, bytes, 0);
      assert.is(end, room < whole.length ? room - whole.length : whole.length, `${value} in ${room}`);
      if (end >= 0) assert.equal(bytes.subarray(0, end), whole);
    }
  }
});

test('a wrong value is wrong in a buffer that is too small, too', () => {
  assert.throws(() => avroCodec(city).encode({ ...rome, rank: 'x' }, Buffer.alloc(3), 1), /City\.rank: expected int/);
  assert.throws(() => avroCodec('string').encode('\ud800', Buffer.alloc(0), 0), /half of a surrogate pair/);
});

test('values are not changed', () => {
  const frozen = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value))
      Object.values(Object.freeze(value)).forEach(frozen);
    return value;
  };
  const value = structuredClone({ ...rome, hash: undefined }) as Record<string, unknown>;
  value['hash'] = Buffer.from('hash');
  frozen(value);
  encodeWith(avroCodec(city), value);
  assert.equal(value['hash'], Buffer.from('hash'));
});

test('getters, class instances and undeclared fields will do', () => {
  class Place {
    readonly lon = 2;
    readonly more = 'not in the schema';
    get lat(): number {
      return 1;
    }
  }
  assert.equal(there(point, new Place()), { lat: 1, lon: 2 });
  assert.equal(there(point, Object.assign(Object.create(null) as object, { lat: 1, lon: 2 })), { lat: 1, lon: 2 });
});

test('a getter may encode another message, and one that throws is an error of the value', () => {
  const codec = avroCodec(point);
  const inner = (): number => {
    const bytes = encodeWith(codec, { lat: 9, lon: 9 });
    return (decodeWith(codec, bytes) as { lat: number }).lat;
  };
  const value = {
    get lat(): number {
      return inner();
    },
    lon: 3,
  };
  assert.equal(there(point, value), { lat: 9, lon: 3 });
  const broken = {
    get lat(): number {
      throw new Error('no signal');
    },
    lon: 3,
  };
  assertWrong(codec, broken, 'cannot write Point.lat: it cannot be read (no signal)');
  // The tap is free again after each of them.
  assert.equal(there(point, { lat: 1, lon: 2 }), { lat: 1, lon: 2 });
});

test('B42 a value that contains itself is a local error', () => {
  const codec = avroCodec({ type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] });
  const loop: Record<string, unknown> = {};
  loop['next'] = loop;
  assertWrong(
    codec,
    loop,
    "cannot write Node: records nest too deeply: the limit depthMax is 64 (setting: the codec's option depthMax)",
  );
  let chain: unknown = null;
  for (let i = 0; i < 64; i++) chain = { next: chain };
  assert.ok(encodeWith(codec, chain));
  assert.throws(() => encodeWith(codec, { next: chain }), /records nest too deeply/);
});

class DateType extends avro.types.LogicalType {
  protected override _fromValue(value: number): Date {
    if (value < 0) throw new Error('before 1970');
    return new Date(value);
  }
  protected override _toValue(value: unknown): number | undefined {
    return value instanceof Date ? +value : undefined;
  }
}

const moment = { type: 'long', logicalType: 'timestamp-millis' };

test('a logical type is its underlying type unless the codec is told otherwise', () => {
  assert.is(there(moment, 5), 5);
  const options = { logicalTypes: { 'timestamp-millis': DateType } };
  assert.equal(there(moment, new Date(5), options), new Date(5));
  const event = {
    type: 'record',
    name: 'Event',
    fields: [
      { name: 'at', type: moment },
      { name: 'end', type: ['null', moment], default: null },
    ],
  };
  assert.equal(there(event, { at: new Date(1), end: new Date(2) }, options), { at: new Date(1), end: new Date(2) });
  const codec = avroCodec(event, options);
  assertWrong(codec, { at: 5 }, 'cannot write Event.at: expected timestamp-millis, got 5');
  assert.throws(
    () => decodeWith(codec, join(long(-1), 0)),
    /^cannot read Event: its logical type refuses a value \(before 1970\), at byte 1 of 2$/,
  );
  // The bounds below the logical type stay.
  assert.throws(() => decodeWith(codec, Buffer.alloc(11, 0xff)), /a varint has more than 10 bytes/);
});

test('logical types in unions: a value belongs to the one branch that takes it', () => {
  const options = { logicalTypes: { 'timestamp-millis': DateType } };
  const union = ['null', moment, point, 'string'];
  for (const value of [null, new Date(5), { lat: 1, lon: 2 }, 'x']) assert.equal(there(union, value, options), value);
  // A date is no map.
  const nearby = ['null', moment, { type: 'map', values: 'int' }];
  for (const value of [new Date(5), { a: 1 }])
    assert.equal(Object.assign({}, there(nearby, value, options)), Object.assign({}, value));
  assert.throws(
    () => there(union, 5, options),
    /cannot write union: expected null or timestamp-millis or Point or string, got 5/,
  );
});

test('a logical type may decode and encode with other codecs', () => {
  class Inner extends avro.types.LogicalType {
    protected override _fromValue(value: Buffer): unknown {
      return decodeWith(avroCodec(point), value);
    }
    protected override _toValue(value: unknown): Buffer {
      return encodeWith(avroCodec(point), value);
    }
  }
  const nested = { type: 'array', items: { type: 'bytes', logicalType: 'inner' } };
  const value = [
    { lat: 1, lon: 2 },
    { lat: 3, lon: 4 },
  ];
  assert.equal(there(nested, value, { logicalTypes: { inner: Inner } }), value);
});

test('a logical type that does not suit its schema is an error of the schema', () => {
  class Strict extends avro.types.LogicalType {
    constructor(schema: avro.Schema, options?: object) {
      super(schema, options);
      throw new Error('a scale is needed');
    }
  }
  assert.throws(
    () => avroCodec(['null', { type: 'bytes', logicalType: 'strict' }], { logicalTypes: { strict: Strict } }),
    /^logical type strict of bytes: a scale is needed$/,
  );
});

test('fingerprint and text are those of the canonical form', () => {
  const codec = avroCodec({ type: 'long', doc: 'a number' });
  assert.is(codec.schemaText, '"long"');
  assert.is(codec.fingerprint?.toString('hex'), 'c32c497df6730c97fa07362aa5023f37d49a027ec452360778114cf427965add');
});

test('a message outside of its buffer is an error of the programmer', () => {
  for (const [start, end] of [
    [0, 4],
    [-1, 2],
    [2, 1],
  ] as const) {
    assert.throws(() => avroCodec('int').decode(Buffer.alloc(3), start, end), /invariant/);
  }
  assert.is(avroCodec('int').decode(Buffer.alloc(3), 1, 2), 0);
});

test.run();
