/**
 * Metadata against Avro itself and against hostile bytes: whatever is wrong with it is an `RpcError` of one call, and keys
 * are plain data.
 */
import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { decodeMetadata, encodeMetadata, type Metadata } from '../../src/wire/records/metadata.js';
import { randomText } from '../support/random-records.js';
import { projectRoot } from '../support/root.js';
import { type Random, withSeed } from '../support/seed.js';

const limits = { metadataBytesMax: 16_384, metadataEntriesMax: 100 };
const type = avsc.Type.forSchema(
  JSON.parse(readFileSync(new URL('spec/schemas/metadata.avsc', projectRoot), 'utf8')) as avsc.Schema,
  { wrapUnions: true },
);

const decode = (bytes: Buffer): Metadata => decodeMetadata(bytes, 0, bytes.length, limits);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, RpcError);
    assert.is((error as RpcError).started, 'no');
    return (error as RpcError).code;
  }
  return 'none';
}

function randomMetadata(random: Random): Record<string, string | Buffer> {
  const metadata = Object.create(null) as Record<string, string | Buffer>;
  for (let entries = random.below(8); entries > 0; entries--) {
    const key = `k${randomText(random, 12).replaceAll('\0', '')}`;
    metadata[key] = random.oneIn(2) ? randomText(random, 40) : random.bytes(random.below(40));
  }
  return metadata;
}

test('metadata is written as avsc writes it with the schema, and reads back equal', () => {
  withSeed((random) => {
    for (let round = 0; round < 1_000; round++) {
      const metadata = randomMetadata(random);
      const wrapped = Object.entries(metadata).map(([key, value]) => [
        key,
        typeof value === 'string' ? { string: value } : { bytes: value },
      ]);
      const expected = type.toBuffer(Object.fromEntries(wrapped));
      const written = encodeMetadata(metadata, limits);
      // avsc keeps the order of keys, so the bytes are the same and not only the meaning.
      assert.is(written.toString('hex'), expected.toString('hex'));
      assert.equal({ ...decode(written) }, { ...metadata });
    }
  });
});

test('decoded metadata is a copy on an object without prototype', () => {
  const bytes = encodeMetadata({ a: Buffer.from('value') }, limits);
  const metadata = decode(bytes);
  bytes.fill(0);
  assert.is(Object.getPrototypeOf(metadata), null);
  assert.is(String(metadata.a), 'value');
});

test('B28 keys such as __proto__ are own properties and change nothing else', () => {
  const sent = Object.create(null) as Record<string, string>;
  sent['__proto__'] = 'a';
  sent['constructor'] = 'b';
  sent['toString'] = 'c';
  const metadata = decode(encodeMetadata(sent, limits));
  assert.equal(Object.keys(metadata), ['__proto__', 'constructor', 'toString']);
  assert.is(metadata['__proto__'], 'a');
  assert.is(({} as Record<string, unknown>)['a'], undefined);
});

test('B28 bad UTF-8 and NUL in a key fail the call, NUL in a value does not', () => {
  assert.is(
    codeOf(() => decode(hex('02 04c328 00 0278 00'))),
    'INVALID_ARGUMENT',
  );
  assert.is(
    codeOf(() => decode(hex('02 0261 00 04c328 00'))),
    'INVALID_ARGUMENT',
  );
  assert.is(
    codeOf(() => decode(hex('02 06610062 00 0278 00'))),
    'INVALID_ARGUMENT',
  );
  assert.is(decode(hex('02 0261 00 0200 00')).a, '\0');
});

test('B27 metadata beyond its limits is refused before it is read, in both directions', () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, '']));
  const large = { a: Buffer.alloc(16_384) };
  const generous = { metadataBytesMax: 1_000_000, metadataEntriesMax: 100_000 };
  for (const metadata of [many, large]) {
    assert.is(
      codeOf(() => encodeMetadata(metadata, limits)),
      'RESOURCE_EXHAUSTED',
    );
    assert.is(
      codeOf(() => decode(encodeMetadata(metadata, generous))),
      'RESOURCE_EXHAUSTED',
    );
  }
  const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key${index}`, 'x']));
  const bytes = encodeMetadata(keys, generous);
  assert.is(
    codeOf(() => decodeMetadata(bytes, 0, bytes.length, { ...generous, metadataEntriesMax: 100 })),
    'RESOURCE_EXHAUSTED',
  );
});

test('the failure names the limit, its value and the setting', () => {
  try {
    encodeMetadata({ a: 'x'.repeat(5_000) }, { metadataBytesMax: 4_096, metadataEntriesMax: 16 });
    assert.unreachable();
  } catch (error) {
    const { limit, message } = error as RpcError;
    assert.equal(limit, { name: 'metadataBytesMax', value: 4_096, setting: 'limits.metadataBytesMax of the peer' });
    assert.match(message, /5\d\d\d bytes/);
  }
});

test('invalid metadata is refused before it is sent', () => {
  const refused: unknown[] = [
    { '': 'x' },
    { ['k'.repeat(256)]: 'x' },
    { 'a\0': 'x' },
    { a: 1 },
    { a: undefined },
    { a: 'x\ud800' },
    { 'a\udc00': 'x' },
  ];
  for (const metadata of refused) {
    assert.is(
      codeOf(() => encodeMetadata(metadata as Metadata, limits)),
      'INVALID_ARGUMENT',
      JSON.stringify(metadata),
    );
  }
});

test('B36 a count beyond the bytes that remain is refused at once', () => {
  // 2^40 entries, and 2^53 - 1 of them in a block with a size.
  assert.is(
    codeOf(() => decode(hex('808080808040 0261 00 0278'))),
    'INVALID_ARGUMENT',
  );
  assert.is(
    codeOf(() => decode(hex('fdffffffffffff1f 0a 0261 00 0278 00'))),
    'INVALID_ARGUMENT',
  );
});

test('damaged metadata is read or fails its call, and nothing else happens', () => {
  withSeed((random) => {
    for (let round = 0; round < 5_000; round++) {
      const bytes = encodeMetadata(randomMetadata(random), limits);
      for (let hits = random.below(3); hits >= 0; hits--) bytes[random.below(bytes.length)] = random.below(256);
      const code = codeOf(() => decode(bytes));
      assert.ok(['none', 'INVALID_ARGUMENT', 'RESOURCE_EXHAUSTED'].includes(code), code);
    }
  });
});

test('keys of the protocol itself are refused on sending, and read like all others', () => {
  for (const key of ['trunkline-', 'trunkline-trace']) {
    assert.is(
      codeOf(() => encodeMetadata({ [key]: 'x' }, limits)),
      'INVALID_ARGUMENT',
    );
    const wrapped = { [key]: { string: 'x' } };
    assert.equal({ ...decode(type.toBuffer(wrapped)) }, { [key]: 'x' });
  }
  for (const key of ['trunkline', 'Trunkline-x', 'x-trunkline-']) {
    assert.equal({ ...decode(encodeMetadata({ [key]: 'x' }, limits)) }, { [key]: 'x' });
  }
});

test.run();
