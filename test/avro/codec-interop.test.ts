/** What Apache Avro's own implementations wrote is read, and written again to the same bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { ReadTap } from '../../src/avro/encoding/read-tap.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import { withSeed } from '../support/seed.js';
import { avroData } from './avro-data.js';
import { decodeWith, encodeWith } from './codec-bytes.js';
import { randomValue } from './random-schema.js';

/** A data file: the schema it was written with, and its blocks of messages. */
interface DataFile {
  readonly schema: unknown;
  readonly blocks: readonly { readonly count: number; readonly bytes: Buffer }[];
}

const SYNC_BYTES = 16;

function dataFile(name: string): DataFile {
  const bytes = readFileSync(avroData(name));
  assert.is(bytes.toString('latin1', 0, 4), 'Obj\u0001', name);
  const tap = new ReadTap();
  tap.begin(bytes, 4, bytes.length);
  const meta = new Map<string, Buffer>();
  for (let count = tap.readCount(2); count !== 0; count = tap.readCount(2)) {
    for (let i = 0; i < count; i++) meta.set(tap.readString(), tap.readBytes());
  }
  const sync = tap.readFixed(SYNC_BYTES);
  const blocks = [];
  while (tap.pos < tap.end) {
    const count = tap.readLong();
    const block = tap.readBytes();
    blocks.push({ count, bytes: meta.get('avro.codec')?.toString() === 'deflate' ? inflateRawSync(block) : block });
    assert.equal(tap.readFixed(SYNC_BYTES), sync);
  }
  return { schema: JSON.parse((meta.get('avro.schema') as Buffer).toString()), blocks };
}

/** The values of a data file. A block has no bounds between its messages, so it is read as one: an array without its counts. */
function valuesOf(file: DataFile, schema: unknown = file.schema): unknown[] {
  const codec = avroCodec({ type: 'array', items: schema });
  return file.blocks.flatMap(({ count, bytes }) => {
    const message = Buffer.concat([Buffer.from([count << 1]), bytes, Buffer.from([0])]);
    const values = decodeWith(codec, message) as unknown[];
    assert.equal(encodeWith(codec, values), message);
    return values;
  });
}

const json = (name: string): unknown => JSON.parse(readFileSync(avroData(name), 'utf8'));

test('the weather is read from plain and deflated files', () => {
  const expected = readFileSync(avroData('data/weather.json'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { station: string; temp: number });
  const schema = json('schemas/weather.avsc');
  assert.equal(valuesOf(dataFile('data/weather.avro')), expected);
  assert.equal(valuesOf(dataFile('data/weather.avro'), schema), expected);
  const sorted = valuesOf(dataFile('data/weather-sorted.avro')) as typeof expected;
  const known = new Set(expected.map((one) => JSON.stringify(one)));
  assert.is(sorted.length, expected.length);
  assert.ok(sorted.every((one) => known.has(JSON.stringify(one))));
});

test('data files are read with the schemas beside them', () => {
  assert.equal(valuesOf(dataFile('data/schemas/simple/data.avro'), json('data/schemas/simple/schema.json')), [
    { text: 'hello' },
    { text: 'bonjour' },
    { text: 'guten tag' },
  ]);
  const [first, ...others] = valuesOf(dataFile('data/schemas/withUnion/data.avro')) as Record<string, unknown>[];
  assert.type(first?.['data1'], 'string');
  assert.equal(valuesOf(dataFile('data/schemas/withUnion/data.avro'), json('data/schemas/withUnion/schema.json')), [
    first,
    ...others,
  ]);
});

test('a message in single-object encoding is read after its header', () => {
  const message = readFileSync(avroData('data/messageV1/test_message.bin'));
  const codec = avroCodec(json('data/messageV1/test_schema.avsc'));
  assert.equal(codec.decode(message, 10, message.length), { id: 42, name: 'Bill', tags: ['dog_lover', 'cat_hater'] });
});

interface Protocol {
  readonly namespace: string;
  readonly types: readonly unknown[];
  readonly messages: Readonly<Record<string, { readonly request: readonly object[]; readonly response: unknown }>>;
}

test('recorded calls of simple.avpr are read with the types of the protocol', () => {
  const { namespace, types, messages } = json('schemas/simple.avpr') as Protocol;
  // The types are defined in fields that are not written; the message itself is the last one.
  const withTypes = (schema: unknown): unknown => ({
    type: 'record',
    name: 'Around',
    namespace,
    fields: [
      { name: 'types', type: { type: 'array', items: types } },
      { name: 'message', type: schema },
    ],
  });
  const read = (name: string, schema: unknown): unknown => {
    const [block] = dataFile(name).blocks;
    const codec = avroCodec(withTypes(schema));
    const message = Buffer.concat([Buffer.from([0]), block?.bytes ?? Buffer.alloc(0)]);
    const value = decodeWith(codec, message) as { message: unknown };
    assert.equal(encodeWith(codec, value), message);
    return value.message;
  };
  const recordings = {
    hello: ['world', { greeting: 'Hello World!' }, 'Hello World'],
    add: ['onePlusOne', { arg1: 1, arg2: 1 }, 2],
    echo: ['foo', null, null],
  } as const;
  for (const [name, [folder, request, response]] of Object.entries(recordings)) {
    const call = messages[name];
    assert.ok(call !== undefined);
    const sent = read(`interop/rpc/${name}/${folder}/request.avro`, {
      type: 'record',
      name: 'Request',
      fields: call.request,
    });
    const answered = read(`interop/rpc/${name}/${folder}/response.avro`, call.response);
    if (request !== null) assert.equal([sent, answered], [request, response]);
    else assert.equal((sent as { record: unknown }).record, answered);
  }
});

test('every schema of Apache compiles, and random values of it are read as avsc reads them', () => {
  const names = readdirSync(avroData('schemas')).filter((name) => name.endsWith('.avsc'));
  assert.ok(names.length >= 5);
  withSeed((random) => {
    for (const name of names) {
      const schema = json(`schemas/${name}`);
      const wrapping = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'always' });
      const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'auto' });
      const codec = avroCodec(schema);
      const node = parseSchema(schema);
      for (let i = 0; i < 20; i++) {
        const bytes = wrapping.toBuffer(randomValue(random, node));
        const value = decodeWith(codec, bytes);
        assert.equal(JSON.stringify(value), JSON.stringify(type.fromBuffer(bytes)), name);
        assert.equal(encodeWith(codec, value), bytes, name);
      }
    }
  });
});

test.run();
