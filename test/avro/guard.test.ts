/** What a peer sends is never decoded on trust: each row of bad input, read, resolved from another schema, and skipped. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import {
  assertRefused,
  assertTaken,
  decodeWith,
  join,
  long,
  meetings,
  nearestFloat,
  refusal,
  resolving,
  text,
  varint,
} from './codec-bytes.js';

const ints = { type: 'array', items: 'int' };
const nulls = { type: 'array', items: 'null' };
const longMap = { type: 'map', values: 'long' };
const pair = {
  type: 'record',
  name: 'Pair',
  fields: [
    { name: 'x', type: 'double' },
    { name: 'y', type: 'double' },
  ],
};
const empty = { type: 'record', name: 'Empty', fields: [] };
const list = {
  type: 'record',
  name: 'List',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'next', type: ['null', 'List'] },
  ],
};
const three = { type: 'enum', name: 'Three', symbols: ['A', 'B', 'C'] };

test('what is right is taken whole, however it is met', () => {
  const fixed = { type: 'fixed', name: 'Four', size: 4 };
  const bits = Buffer.alloc(8);
  bits.writeDoubleLE(1.5);
  const right: [unknown, Buffer, unknown][] = [
    ['null', join(), null],
    ['boolean', join(1), true],
    ['int', long(-300), -300],
    ['long', long(-(2 ** 50)), -(2 ** 50)],
    ['float', Buffer.from([0, 0, 0xc0, 0x3f]), 1.5],
    ['double', bits, 1.5],
    ['bytes', text('abc'), Buffer.from('abc')],
    ['string', text('abc'), 'abc'],
    ['string', text('a'.repeat(300)), 'a'.repeat(300)],
    [fixed, Buffer.from('abcd'), Buffer.from('abcd')],
    [three, long(2), 'C'],
    [empty, join(), {}],
    [pair, join(bits, bits), { x: 1.5, y: 1.5 }],
    [['null', 'bytes', pair], join(long(1), text('abc')), Buffer.from('abc')],
    [{ type: 'array', items: 'bytes' }, join(long(2), text('a'), text(''), 0), [Buffer.from('a'), Buffer.from('')]],
    [{ type: 'array', items: ['null', 'int'] }, join(long(3), 0, 0, 0, 0), [null, null, null]],
    [{ type: 'array', items: three }, join(long(1), long(1), long(1), long(0), 0), ['B', 'A']],
    [list, join(long(1), long(1), long(2), 0), { value: 1, next: { value: 2, next: null } }],
  ];
  for (const [type, field, value] of right) assertTaken(type, field, value);
});

test('B36 array or map count beyond the bytes that remain fails that call', () => {
  for (const count of [100, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    const block = join(long(count), long(1), long(2), 0);
    assertRefused(ints, block, /a block claims \d+ items, and \d+ bytes are left/);
    assertRefused(longMap, block, /a block claims \d+ items, and \d+ bytes are left/);
    assertRefused(nulls, join(long(count * 1000), 0), /items that take no bytes|beyond what a number/);
  }
});

test('B36 a count is compared with the fewest bytes that its items can take', () => {
  // 40 bytes are left, enough for two pairs of doubles but not for three.
  const two = join(long(2), Buffer.alloc(32), 0);
  assertTaken({ type: 'array', items: pair }, two, [
    { x: 0, y: 0 },
    { x: 0, y: 0 },
  ]);
  assertRefused(
    { type: 'array', items: pair },
    join(long(3), Buffer.alloc(32), 0),
    /a block claims 3 items, and 41 bytes/,
  );
  assertRefused(
    { type: 'map', values: 'double' },
    join(long(5), Buffer.alloc(32), 0),
    /a block claims 5 items, and 41 bytes/,
  );
});

test('B36 counts of a bad message allocate nothing', () => {
  const codec = avroCodec({ type: 'array', items: { type: 'array', items: 'int' } });
  const message = join(long(3), long(2 ** 30), long(1), 0);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1000; i++)
    assert.throws(() => decodeWith(codec, message), refusal(/a block claims 1073741824 items/));
  assert.ok(process.memoryUsage().heapUsed - before < 64 * 2 ** 20);
});

test('B37 items without bytes are capped per message, across fields', () => {
  for (const items of ['null', empty, { type: 'fixed', name: 'None', size: 0 }]) {
    const type = { type: 'array', items };
    for (const { decode } of meetings(type)) assert.ok(decode(join(long(65_536), 0)));
    assertRefused(
      type,
      join(long(65_537), 0),
      /arrays claim 65537 items that take no bytes: the limit emptyItemsMax is 65536/,
    );
    assertRefused(type, join(long(40_000), long(40_000), 0), /arrays claim 80000 items/);
    assertRefused(type, join(long(-40_000), long(0), long(-40_000), long(0), 0), /arrays claim 80000 items/);
    assertRefused(type, join(long(2 ** 40), 0), /arrays claim 1099511627776 items/);
    // An array of arrays is one message too.
    assertRefused(
      { type: 'array', items: type },
      join(long(2), long(40_000), 0, long(40_000), 0, 0),
      /arrays claim 80000/,
    );
  }
});

test('B37 the cap is a setting of the codec, and starts anew with each message', () => {
  assertRefused(nulls, join(long(11), 0), /the limit emptyItemsMax is 10/, { emptyItemsMax: 10 });
  const codec = avroCodec(nulls);
  for (let i = 0; i < 3; i++) assert.is((decodeWith(codec, join(long(60_000), 0)) as unknown[]).length, 60_000);
});

test('B37 a skipped record without bytes costs nothing, however its schema multiplies', () => {
  // Ten records, each with ten fields of the one before: 10^10 nulls in no byte.
  let type: unknown = 'null';
  for (let level = 0; level < 10; level++) {
    const name = `L${level}`;
    const fields = Array.from({ length: 10 }, (_, i) => ({
      name: `f${i}`,
      type: i === 0 ? type : level === 0 ? 'null' : `L${level - 1}`,
    }));
    type = { type: 'record', name, fields };
  }
  const writer = {
    type: 'record',
    name: 'R',
    fields: [
      { name: 'bomb', type },
      { name: 'id', type: 'int' },
    ],
  };
  const reader = { type: 'record', name: 'R', fields: [{ name: 'id', type: 'int' }] };
  assert.equal(decodeWith(resolving(reader, writer), long(5)), { id: 5 });
});

test('B38 a negative count with the size of its block is legal', () => {
  assertTaken(ints, join(long(-2), long(2), long(1), long(2), 0), [1, 2]);
  assertTaken(
    ints,
    join(long(-1), long(1), long(1), long(2), long(2), long(3), long(-1), long(1), long(4), 0),
    [1, 2, 3, 4],
  );
  assertTaken({ type: 'array', items: 'string' }, join(long(-1), long(4), text('abc'), 0), ['abc']);
  assertTaken(nulls, join(long(-3), long(0), 0), [null, null, null]);
  for (const { how, decode } of meetings(longMap)) {
    const found = decode(join(long(-1), long(3), text('k'), long(9), 0)) as { field: object };
    if (how !== 'skipped') assert.equal(Object.entries(found.field), [['k', 9]]);
  }
});

test('B38 a negative or false block size is refused, read and skipped', () => {
  for (const size of [-1, -(2 ** 31), 2 ** 31, 2 ** 52, 1000]) {
    const block = join(long(-2), long(size), long(1), long(2), 0);
    assertRefused(ints, block, /a block claims -?\d+ bytes/);
    assertRefused(longMap, block, /a block claims -?\d+ bytes/);
  }
  for (const size of [0, 1, 3, 4]) {
    assertRefused(ints, join(long(-2), long(size), long(1), long(2), 0), /a block does not end where its size says/);
  }
  assertRefused(
    { type: 'map', values: 'int' },
    join(long(-1), long(2), text('k'), long(9), 0),
    /does not end where its size says/,
  );
  assertRefused(nulls, join(long(-2), long(1), 0), /does not end where its size says/);
  assertRefused(ints, join(long(-(2n ** 63n)), long(1), 0), /beyond what a number holds/);
});

test('B39 a varint of more than 10 bytes or 64 bits is refused, whatever is read with it', () => {
  const endless = [
    Buffer.alloc(11, 0x80),
    Buffer.alloc(200, 0xff),
    join(Buffer.alloc(10, 0x80), 0),
    join(Buffer.alloc(9, 0xff), 2),
  ];
  for (const bad of endless) {
    for (const type of ['long', 'string', 'bytes', ints, longMap, nulls, three, ['null', 'long']]) {
      assertRefused(type, bad, /a varint has more than 10 bytes or 64 bits/);
    }
    assertRefused('int', bad, /an int has more than 5 bytes or 32 bits/);
    // A map's key, an array's second block, a block's size.
    assertRefused(longMap, join(long(1), bad), /a varint has more than 10 bytes or 64 bits/);
    assertRefused(ints, join(long(1), long(5), bad), /a varint has more than 10 bytes or 64 bits/);
    assertRefused(ints, join(long(-1), bad), /a varint has more than 10 bytes or 64 bits/);
  }
});

test('B39 a varint may be padded within its bytes', () => {
  assertTaken('long', Buffer.from([0x8e, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), 7);
  assertTaken('int', Buffer.from([0x8e, 0x80, 0x80, 0x80, 0x00]), 7);
  assertTaken('string', join(Buffer.from([0x82, 0x80, 0x00]), Buffer.from('x')), 'x');
  assertTaken(ints, join(Buffer.from([0x82, 0x00]), long(5), Buffer.from([0x80, 0x00])), [5]);
});

test('B39 NaN and the infinities are values of float and double, and of nothing else', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const bytes = Buffer.alloc(12);
    bytes.writeFloatLE(value, 0);
    bytes.writeDoubleLE(value, 4);
    for (const [type, field] of [
      ['float', bytes.subarray(0, 4)],
      ['double', bytes.subarray(4)],
    ] as const) {
      for (const { how, decode } of meetings(type)) {
        const found = decode(field) as { field: number };
        if (how !== 'skipped') assert.ok(Object.is(found.field, value));
      }
    }
  }
});

test('B40 a negative or huge length of string, bytes or key is refused', () => {
  for (const length of [
    -1,
    -(2 ** 31),
    1000,
    2 ** 31,
    2 ** 32,
    2 ** 52,
    2n ** 53n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
  ]) {
    for (const type of ['string', 'bytes'])
      assertRefused(type, join(long(length), Buffer.from('abc')), /a length is|beyond what a number/);
    assertRefused(longMap, join(long(1), long(length), Buffer.from('abc')), /a length is|beyond what a number/);
  }
});

test('B40 a length beyond the message is refused, though the buffer is longer', () => {
  const codec = avroCodec('string');
  assert.is(decodeWith(codec, text('abc')), 'abc');
  assert.throws(
    () => decodeWith(codec, text('abc').subarray(0, 3)),
    refusal(/a length is 3, and 2 bytes are left, at byte 0 of 3/),
  );
  for (const [type, size] of [
    ['double', 8],
    ['float', 4],
    [{ type: 'fixed', name: 'F', size: 20 }, 20],
  ] as const) {
    for (let cut = 0; cut < size; cut++) {
      assert.throws(
        () => decodeWith(avroCodec(type), Buffer.alloc(cut)),
        refusal(/bytes are needed, and \d+ are left, at byte 0 of/),
      );
    }
  }
  for (const type of ['boolean', 'int', 'long', ints, longMap, three, ['null', 'int']]) {
    assert.throws(() => decodeWith(avroCodec(type), Buffer.alloc(0)), refusal(/it ends too early, at byte 0 of 0/));
    if (type !== 'boolean')
      assert.throws(
        () => decodeWith(avroCodec(type), Buffer.from([0x80])),
        refusal(/it ends too early, at byte 1 of 1/),
      );
  }
});

test('B41 a union or enum index that is none is refused', () => {
  for (const index of [-1, 3, 4, 127, 2 ** 31, 2 ** 40, -(2 ** 40)]) {
    assertRefused(three, long(index), /an index is -?\d+, and there are 3 symbols or branches/);
    assertRefused(['null', 'int', 'string'], long(index), /an index is -?\d+, and there are 3 symbols or branches/);
    assertRefused({ type: 'map', values: three }, join(long(1), text('k'), long(index)), /an index is/);
  }
});

/** `depth` lists inside each other. */
function nested(depth: number): Buffer {
  return join(...Array.from({ length: depth }, (_, i) => join(long(i), i === depth - 1 ? 0 : 2)));
}

test('B42 records nest 64 deep and no deeper', () => {
  const whole = avroCodec(list);
  assert.ok(decodeWith(whole, nested(64)));
  assert.throws(() => decodeWith(whole, nested(65)), refusal(/records nest too deeply: the limit depthMax is 64/));
  // The record around the field is one level.
  for (const { decode } of meetings(list)) assert.ok(decode(nested(63)));
  assertRefused(
    list,
    nested(64),
    /records nest too deeply: the limit depthMax is 64 \(setting: the codec's option depthMax\)/,
  );
  assertRefused(list, nested(20_000), /records nest too deeply/);
  const codec = avroCodec(list, { depthMax: 1000 });
  assert.ok(decodeWith(codec, nested(1000)));
  assert.throws(() => decodeWith(codec, nested(1001)), refusal(/the limit depthMax is 1000/));
});

test('B42 depth is the depth of nesting, not the number of records', () => {
  const many = { type: 'array', items: list };
  const field = join(long(200), ...Array.from({ length: 200 }, () => nested(10)), 0);
  for (const { decode } of meetings(many)) assert.ok(decode(field));
});

test('B42 recursion through arrays, maps and other records ends there too', () => {
  const field = { name: 'f', type: ['int', { type: 'array', items: { type: 'map', values: 'Tree' } }] };
  const tree = { type: 'record', name: 'Tree', fields: [field] };
  const levels = (count: number): Buffer =>
    join(
      ...Array.from({ length: count - 1 }, () => join(long(1), long(1), long(1), text('k'))),
      long(0),
      long(9),
      Buffer.alloc(2 * count - 2),
    );
  for (const { decode } of meetings(tree)) assert.ok(decode(levels(63)));
  assertRefused(tree, levels(64), /records nest too deeply/);
  const ring = {
    type: 'record',
    name: 'A',
    fields: [{ name: 'b', type: { type: 'record', name: 'B', fields: [{ name: 'a', type: ['null', 'A'] }] } }],
  };
  const rounds = (count: number): Buffer => join(Buffer.alloc(count - 1, 2), 0);
  for (const { decode } of meetings(ring)) assert.ok(decode(rounds(31)));
  assertRefused(ring, rounds(32), /records nest too deeply/);
});

test('B42 a chain of records that does not recurse is held to the same depth', () => {
  const chain = (length: number): unknown[] =>
    Array.from({ length }, (_, i) => ({
      type: 'record',
      name: `R${i}`,
      fields: [{ name: 'f', type: i === 0 ? 'int' : `R${i - 1}` }],
    }));
  assert.ok(decodeWith(avroCodec(chain(64), {}), join(long(63), long(1))));
  assert.throws(() => decodeWith(avroCodec(chain(65)), join(long(64), long(1))), refusal(/records nest too deeply/));
  const skipping = resolving(
    { type: 'record', name: 'M', fields: [] },
    { type: 'record', name: 'M', fields: [{ name: 'c', type: chain(3000) }] },
  );
  assert.ok(decodeWith(skipping, join(long(50), long(1))));
  assert.throws(() => decodeWith(skipping, join(long(2999), long(1))), refusal(/records nest too deeply/));
});

test('B42 a record that holds itself without an end is refused', () => {
  const endless = { type: 'record', name: 'Endless', fields: [{ name: 'self', type: 'Endless' }] };
  assert.throws(() => decodeWith(avroCodec(endless), Buffer.alloc(0)), refusal(/records nest too deeply/));
  assertRefused({ type: 'array', items: endless }, join(long(3), 0), /records nest too deeply/);
});

test('B43 any map key is a property of its own', () => {
  const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', 'a b', '\u{1f600}'];
  const message = join(long(keys.length), ...keys.map((key, i) => join(text(key), long(i))), 0);
  for (const { how, decode } of meetings(longMap)) {
    const { field } = decode(message) as { field: Record<string, number> };
    if (how === 'skipped') continue;
    assert.equal(Object.keys(field).sort(), [...keys].sort());
    for (const [i, key] of keys.entries()) assert.is(Object.getOwnPropertyDescriptor(field, key)?.value, i);
    assert.is(Object.getPrototypeOf(field), null);
  }
  const map = decodeWith(
    avroCodec({ type: 'map', values: longMap }),
    join(long(1), text('__proto__'), long(1), text('polluted'), long(1), 0, 0),
  );
  assert.is(({} as Record<string, unknown>)['polluted'], undefined);
  assert.is((map as Record<string, unknown>)['polluted'], undefined);
});

test('B43 what a map does not hold is undefined', () => {
  const map = decodeWith(avroCodec(longMap), Buffer.from([0])) as Record<string, unknown>;
  for (const key of ['constructor', 'toString', '__proto__']) assert.is(map[key], undefined);
});

test('B44 an int beyond 32 bits is refused', () => {
  assertTaken('int', long(2 ** 31 - 1), 2 ** 31 - 1);
  assertTaken('int', long(-(2 ** 31)), -(2 ** 31));
  for (const value of [2 ** 31, -(2 ** 31) - 1, 2 ** 33, 2 ** 52])
    assertRefused('int', long(value), /an int has more than 5 bytes or 32 bits/);
  assertRefused('int', Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10]), /an int has more than 5 bytes or 32 bits/);
  // Also where it becomes something wider.
  for (const type of ['long', 'float', 'double']) {
    const codec = resolving(type, 'int');
    assert.is(decodeWith(codec, long(-5)), -5);
    assert.throws(() => decodeWith(codec, long(2 ** 31)), refusal(/an int has more than/));
  }
});

test('B44 a boolean is 0 or 1', () => {
  assertTaken('boolean', Buffer.from([0]), false);
  assertTaken('boolean', Buffer.from([1]), true);
  for (const byte of [2, 3, 0x7f, 0x80, 0x81, 0xff])
    assertRefused('boolean', Buffer.from([byte]), new RegExp(`a boolean is ${byte}`));
});

test('B44 text and keys must be UTF-8', () => {
  const bad = [
    [0xff],
    [0x80],
    [0xc0, 0x80],
    [0xc3],
    [0xed, 0xa0, 0x80],
    [0xed, 0xb0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
    [0xf0, 0x82, 0x82, 0xac],
  ];
  for (const bytes of bad) {
    for (const around of [0, 3, 22, 30, 200]) {
      const string = text(Buffer.concat([Buffer.alloc(around, 'a'), Buffer.from(bytes), Buffer.alloc(around, 'b')]));
      assertRefused('string', string, /a string is not valid UTF-8/);
      assertRefused({ type: 'array', items: 'string' }, join(long(1), string, 0), /a string is not valid UTF-8/);
      assertRefused(longMap, join(long(1), string, long(1), 0), /a string is not valid UTF-8/);
    }
    assert.throws(
      () => decodeWith(resolving('string', 'bytes'), text(Buffer.from(bytes))),
      refusal(/a string is not valid UTF-8/),
    );
    assert.equal(decodeWith(resolving('bytes', 'string'), text(Buffer.from(bytes))), Buffer.from(bytes));
  }
  for (const good of [
    '',
    'é',
    '\u{1f600}',
    '\ufffd',
    `${'a'.repeat(30)}\ufffd`,
    '\u0000',
    '\ufeffx',
    '処理結果',
    'ÿ'.repeat(24),
    'x'.repeat(5000),
  ]) {
    assertTaken('string', text(good), good);
  }
});

test('B44 bytes after the message are refused', () => {
  for (const type of ['null', 'int', 'string', ints, longMap, list, ['null', 'int']]) {
    assert.throws(
      () => decodeWith(avroCodec(type), join(0, 0, 0, 0, 0)),
      refusal(/\d bytes follow its end, at byte \d of 5/),
    );
  }
  const codec = resolving(
    { type: 'record', name: 'M', fields: [] },
    { type: 'record', name: 'M', fields: [{ name: 'n', type: 'int' }] },
  );
  assert.equal(decodeWith(codec, long(1)), {});
  assert.throws(() => decodeWith(codec, join(long(1), 0)), refusal(/1 bytes follow its end/));
});

test('B45 a long beyond what a number holds is refused, never rounded', () => {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  for (const value of [max, -max, max - 1n, 2n ** 52n + 1n, -(2n ** 52n) - 1n, 2n ** 31n, -(2n ** 31n) - 1n, 0n]) {
    assertTaken('long', long(value), Number(value));
  }
  const reject = (type: unknown, value: bigint): void => {
    for (const { how, decode } of meetings(type)) {
      if (how === 'skipped') assert.ok(decode(long(value)), 'nobody looks at it');
      else
        assert.throws(
          () => decode(long(value)),
          refusal(/a long is beyond what a number holds exactly .*longs: 'bigint'/, 'OUT_OF_RANGE'),
        );
    }
  };
  for (const value of [max + 1n, -max - 1n, max + 2n, 2n ** 60n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    reject('long', value);
    // Only a floating reader has asked for the nearest number.
    assert.is(decodeWith(resolving('double', 'long'), long(value)), Number(value));
    assert.is(decodeWith(resolving('float', 'long'), long(value)), nearestFloat(value));
  }
});

test('B45 with longs as bigint, all 64 bits are read', () => {
  for (const value of [
    0n,
    -1n,
    63n,
    -64n,
    2n ** 27n,
    2n ** 28n,
    -(2n ** 28n),
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ]) {
    assertTaken('long', long(value), value, { longs: 'bigint' });
  }
  assertRefused('long', varint(2n ** 64n), /more than 10 bytes or 64 bits/, { longs: 'bigint' });
  assert.is(decodeWith(resolving('long', 'int', { longs: 'bigint' }), long(-7)), -7n);
  assert.is(decodeWith(resolving('double', 'long', { longs: 'bigint' }), long(-7)), -7);
});

test.run();
