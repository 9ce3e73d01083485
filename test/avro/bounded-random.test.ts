/**
 * Random values of random schemas, compared with avsc. TRUNKLINE_RANDOM_VALUES sets how many (default 60,000; 1,000,000 for a
 * thorough run, which takes a minute or two).
 */
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { withSeed } from '../support/seed.js';
import { skipping } from './codec-bytes.js';
import { edgeValue, same, scattered } from './codec-values.js';
import { randomSchema } from './random-schema.js';

const VALUES = Number(process.env['TRUNKLINE_RANDOM_VALUES'] ?? 60_000);
const VALUES_PER_SCHEMA = 100;

const slab = Buffer.allocUnsafeSlow(1 << 20);

function encode(codec: MessageCodec, value: unknown): Buffer {
  const end = codec.encode(value, slab, 0);
  assert.ok(end >= 0);
  return Buffer.from(slab.subarray(0, end));
}

test('random values of random schemas are read and written as avsc does it', () => {
  withSeed((random) => {
    for (let done = 0; done < VALUES; done += VALUES_PER_SCHEMA) {
      const schema = randomSchema(random, { depth: random.between(1, 5) });
      const node = parseSchema(schema);
      const wrapping = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'always' });
      const plain = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'auto' });
      const codec = avroCodec(schema);
      for (let i = 0; i < VALUES_PER_SCHEMA; i++) {
        const bytes = wrapping.toBuffer(edgeValue(random, node));
        const expected: unknown = plain.fromBuffer(bytes);
        const value = codec.decode(bytes, 0, bytes.length);
        if (!same(value, expected)) assert.unreachable(`${JSON.stringify(schema)} ${bytes.toString('hex')}`);
        if (!encode(codec, value).equals(plain.toBuffer(expected)))
          assert.unreachable(`written: ${JSON.stringify(schema)}`);
      }
    }
  });
});

test('B38 random values in random blocks are read alike and skipped whole', () => {
  withSeed((random) => {
    for (let done = 0; done < 5_000; done += VALUES_PER_SCHEMA) {
      const schema = randomSchema(random, {});
      const node = parseSchema(schema);
      const codec = avroCodec(schema);
      const skip = skipping(schema);
      const wrapping = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'always' });
      for (let i = 0; i < VALUES_PER_SCHEMA; i++) {
        const value = edgeValue(random, node);
        const usual = wrapping.toBuffer(value);
        const unusual = scattered(random, node, value);
        const about = `${JSON.stringify(schema)} ${unusual.toString('hex')}`;
        assert.ok(same(codec.decode(unusual, 0, unusual.length), codec.decode(usual, 0, usual.length)), about);
        assert.equal(skip.decode(unusual, 0, unusual.length), {}, about);
      }
    }
  });
});

test.run();
