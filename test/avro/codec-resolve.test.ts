/**
 * Reading what another version of a program wrote. Random versions are compared in `evolution-random.test.ts`; here are the rules one by
 * one, and what a codec does with schemas that peers send.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { ResolutionCache } from '../../src/avro/codec/resolution-cache.js';
import { canGenerate } from '../../src/avro/encoding/generate.js';
import { RpcError } from '../../src/base/errors.js';
import type { Resolution } from '../../src/wire/message-codec.js';
import { decodeWith, encodeWith, join, long, resolving, text } from './codec-bytes.js';

const record = (...fields: readonly object[]): object => ({ type: 'record', name: 'R', fields });

function read(reader: unknown, writer: unknown, value: unknown): unknown {
  return decodeWith(resolving(reader, writer), encodeWith(avroCodec(writer), value));
}

test('the same canonical form needs no other codec', () => {
  const codec = avroCodec(record({ name: 'id', type: 'int', default: 1, doc: 'a number' }));
  const { schemaText } = avroCodec(record({ name: 'id', type: 'int' }));
  assert.equal(codec.resolveWriter(schemaText), { grade: 'identical', codec, path: '', reason: '' });
  assert.equal(codec.gradeReader(schemaText), { grade: 'identical', codec: null, path: '', reason: '' });
});

test('fields are found by name and alias, left out, filled in and reordered', () => {
  const writer = record(
    { name: 'gone', type: 'string' },
    { name: 'id', type: 'int' },
    { name: 'older', type: 'string' },
    { name: 'also', type: { type: 'array', items: 'bytes' } },
    { name: 'end', type: 'boolean' },
  );
  const reader = record(
    { name: 'end', type: 'boolean' },
    { name: 'name', type: 'string', aliases: ['old', 'older'] },
    { name: 'more', type: { type: 'array', items: 'int' }, default: [1] },
    { name: 'id', type: 'long' },
  );
  const value = { gone: 'x', id: 7, older: 'Ada', also: [Buffer.from('x')], end: true };
  const found = read(reader, writer, value);
  assert.equal(found, { end: true, name: 'Ada', more: [1], id: 7 });
  assert.equal(Object.keys(found as object), ['end', 'name', 'more', 'id']);
});

test('a default is made anew for each message', () => {
  const reader = record(
    { name: 'list', type: { type: 'array', items: 'int' }, default: [1] },
    { name: 'bytes', type: 'bytes', default: 'a' },
  );
  const codec = resolving(reader, record());
  const first = codec.decode(Buffer.alloc(0), 0, 0) as { list: number[]; bytes: Buffer };
  first.list.push(2);
  first.bytes.fill(0);
  assert.equal(codec.decode(Buffer.alloc(0), 0, 0), { list: [1], bytes: Buffer.from('a') });
});

test('two fields of the reader may mean the same one of the writer', () => {
  const reader = record(
    { name: 'a', type: 'string', aliases: ['b'] },
    { name: 'c', type: 'int' },
    { name: 'b', type: 'bytes' },
  );
  const writer = record({ name: 'b', type: 'string' }, { name: 'c', type: 'int' });
  assert.equal(read(reader, writer, { b: 'x', c: 5 }), { a: 'x', c: 5, b: Buffer.from('x') });
});

test('B42 two fields do not share one that recurses: each level would be read twice as often as the one above', () => {
  const next = { name: 'next', type: ['null', 'R'] };
  const codec = avroCodec(record({ ...next, name: 'also', aliases: ['next'] }, next));
  const { grade, reason } = codec.resolveWriter(avroCodec(record(next)).schemaText);
  assert.is(grade, 'breaking');
  assert.match(reason, /two fields of R take the writer's field next, which can contain itself/);
});

test('types are promoted', () => {
  for (const wider of ['long', 'float', 'double']) assert.is(read(wider, 'int', -7), -7);
  for (const wider of ['float', 'double']) assert.is(read(wider, 'long', 2 ** 40), 2 ** 40);
  assert.is(read('double', 'float', 0.5), 0.5);
  assert.is(read('string', 'bytes', Buffer.from('é')), 'é');
  assert.equal(read('bytes', 'string', 'é'), Buffer.from('é'));
});

test('an unknown symbol is read as the default symbol', () => {
  const symbols = (names: string[], preset?: string): object => ({
    type: 'enum',
    name: 'E',
    symbols: names,
    ...(preset === undefined ? {} : { default: preset }),
  });
  const reader = symbols(['B', 'OTHER', 'A'], 'OTHER');
  for (const [sent, seen] of [
    ['A', 'A'],
    ['B', 'B'],
    ['C', 'OTHER'],
  ]) {
    assert.is(read(reader, symbols(['A', 'B', 'C']), sent), seen);
  }
});

test('unions are entered, left, and read branch by branch', () => {
  assert.is(read(['null', 'string'], 'string', 'x'), 'x');
  assert.is(read('string', ['string'], 'x'), 'x');
  assert.is(read(['null', 'double', 'string'], ['string', 'int'], 5), 5);
  // Into a union whose values are wrapped: the branch of the same type first, then one that is wider.
  assert.equal(read(['long', 'int'], 'int', 5), { int: 5 });
  assert.equal(read(['double', 'long'], 'int', 5), { double: 5 });
  assert.equal(read(['null', 'long', 'double'], ['null', 'int', 'float'], { float: 0.5 }), { double: 0.5 });
  assert.is(read(['null', 'long', 'double'], ['null', 'int', 'float'], null), null);
});

test('recursive types resolve', () => {
  const tree = (name: string, extra: object[]): object =>
    record({ name, type: 'int' }, { name: 'children', type: { type: 'array', items: 'R' } }, ...extra);
  const codec = resolving(
    record(
      { name: 'children', type: { type: 'array', items: 'R' } },
      { name: 'id', type: 'long', aliases: ['number'] },
      { name: 'note', type: 'string', default: '-' },
    ),
    tree('number', [{ name: 'gone', type: 'string' }]),
  );
  const leaf = { number: 2, children: [], gone: 'y' };
  const bytes = encodeWith(avroCodec(tree('number', [{ name: 'gone', type: 'string' }])), {
    number: 1,
    children: [leaf, leaf],
    gone: 'x',
  });
  const seen = { children: [], id: 2, note: '-' };
  assert.equal(decodeWith(codec, bytes), { children: [seen, seen], id: 1, note: '-' });
});

test('a codec of declared errors reads a union with more and fewer errors', () => {
  const error = (name: string): object => ({ type: 'error', name, fields: [{ name: 'why', type: 'string' }] });
  const three = ['string', error('a.One'), error('a.Two'), error('a.Three')];
  assert.equal(read(three, three.slice(0, 3), { 'a.Two': { why: 'x' } }), { 'a.Two': { why: 'x' } });
  assert.equal(read(three, three.slice(0, 2), { why: 'x' }), { 'a.One': { why: 'x' } });
});

test('what cannot be read is breaking, with the path of the first field', () => {
  const codec = avroCodec(
    record({ name: 'at', type: { type: 'record', name: 'P', fields: [{ name: 'lat', type: 'double' }] } }),
  );
  const other = avroCodec(
    record({ name: 'at', type: { type: 'record', name: 'P', fields: [{ name: 'lat', type: 'string' }] } }),
  );
  const { grade, codec: none, path, reason } = codec.resolveWriter(other.schemaText);
  assert.equal([grade, none, path], ['breaking', null, 'R.at.lat']);
  assert.match(reason, /double/);
  assert.is(other.gradeReader(codec.schemaText).grade, 'breaking');
  assert.is(other.gradeReader(codec.schemaText).path, 'R.at.lat');
});

test('the reader of what is written is graded without its defaults and aliases', () => {
  const codec = avroCodec(record({ name: 'id', type: 'int' }));
  const newer = avroCodec(record({ name: 'id', type: 'long' }, { name: 'more', type: 'int', default: 1 }));
  assert.equal(codec.gradeReader(newer.schemaText), { grade: 'compatible', codec: null, path: '', reason: '' });
});

test('B47 what is no schema of a peer is breaking, and never thrown', () => {
  const codec = avroCodec('int');
  for (const bad of [
    '',
    '{',
    'null',
    '"nothing"',
    '{"type":"int"}',
    ' "long"',
    `"${'x'.repeat(300_000)}"`,
    '['.repeat(5000),
  ]) {
    for (const resolution of [codec.resolveWriter(bad), codec.gradeReader(bad)]) {
      assert.is(resolution.grade, 'breaking');
      assert.is(resolution.codec, null);
      assert.ok(resolution.reason.length > 0 && resolution.reason.length < 300, resolution.reason);
    }
  }
  assert.match(codec.resolveWriter('').reason, /the peer carries raw bytes/);
});

test('B47 a chain of records as long as the limits allow resolves and grades without trouble', () => {
  const chain = Array.from(
    { length: 3300 },
    (_, i) => `{"name":"R${i}","type":"record","fields":[{"name":"f","type":${i === 0 ? '"int"' : `"R${i - 1}"`}}]}`,
  );
  const writer = `{"name":"R","type":"record","fields":[{"name":"id","type":"int"},{"name":"chain","type":[${chain.join(',')}]}]}`;
  const codec = avroCodec(record({ name: 'id', type: 'int' }));
  const { grade, reason, codec: resolved } = codec.resolveWriter(writer);
  assert.is(grade, 'compatible', reason);
  assert.equal(resolved?.decode(join(long(5), long(9), long(1)), 0, 3), { id: 5 });
  assert.is(codec.gradeReader(writer).grade, 'compatible', 'the peer may have a default for the chain');
});

test('nothing of a peer stands in generated code', () => {
  const writer = record(
    { name: 'peers_field', type: { type: 'record', name: 'PeersType', fields: [{ name: 'own', type: 'int' }] } },
    { name: 'id', type: 'int' },
  );
  const generated: string[] = [];
  const { Function: original } = globalThis;
  globalThis.Function = new Proxy(original, {
    construct(target, parts: string[]) {
      generated.push(parts.join('\n'));
      return Reflect.construct(target, parts) as object;
    },
  });
  try {
    assert.equal(decodeWith(resolving(record({ name: 'id', type: 'int' }), writer), join(long(1), long(2))), { id: 2 });
  } finally {
    globalThis.Function = original;
  }
  const seen = generated.some((source) => source.includes('readR'));
  assert.is(seen, canGenerate, 'the code was seen');
  assert.not(generated.some((source) => /peers_field|PeersType|own/.test(source)));
});

test('what was found out about a schema is kept', () => {
  const codec = avroCodec(record());
  const { schemaText } = avroCodec(record({ name: 'id', type: 'int' }));
  for (const ask of [codec.resolveWriter.bind(codec), codec.gradeReader.bind(codec)]) {
    for (const sent of [schemaText, 'no schema']) assert.is(ask(sent), ask(sent));
  }
  assert.is.not(codec.resolveWriter(schemaText), codec.gradeReader(schemaText));
  assert.is.not(codec.resolveWriter(schemaText), avroCodec(record()).resolveWriter(schemaText));
});

test('what is kept about schemas is bounded, in number and in text', () => {
  const resolution = (path: string): Resolution => ({ grade: 'breaking', codec: null, path, reason: '' });
  const cache = new ResolutionCache(3, 100);
  for (const key of ['a', 'b', 'c']) cache.set(key, resolution(key), 10);
  assert.is(cache.get('a')?.path, 'a');
  cache.set('d', resolution('d'), 10);
  assert.is(cache.get('b'), undefined, 'not asked for longest');
  assert.equal(
    ['a', 'c', 'd'].map((key) => cache.get(key)?.path),
    ['a', 'c', 'd'],
  );
  cache.set('e', resolution('e'), 85);
  assert.equal(
    ['a', 'c', 'd', 'e'].map((key) => cache.get(key)?.path),
    [undefined, undefined, 'd', 'e'],
  );
  cache.set('f', resolution('f'), 101);
  assert.equal(
    ['d', 'e', 'f'].map((key) => cache.get(key)),
    [undefined, undefined, undefined],
  );
  cache.set('g', resolution('g'), 100);
  assert.is(cache.get('g')?.path, 'g');
});

test('a resolved codec says whose messages it reads, and writes none', () => {
  const writer = avroCodec(record({ name: 'id', type: 'int' }));
  const codec = resolving(record(), record({ name: 'id', type: 'int' }));
  assert.is(codec.schemaText, writer.schemaText);
  assert.equal(codec.fingerprint, writer.fingerprint);
  assert.throws(
    () => codec.encode({}, Buffer.alloc(10), 0),
    (error: unknown) => error instanceof RpcError && error.code === 'INTERNAL',
  );
  assert.is(codec.resolveWriter('"int"').grade, 'breaking');
  assert.is(codec.gradeReader('"int"').grade, 'breaking');
});

test('strings keep their bounds when they become bytes', () => {
  const codec = resolving('bytes', 'string');
  assert.throws(() => decodeWith(codec, text('abc').subarray(0, 3)), /a length is 3, and 2 bytes are left/);
});

test.run();
