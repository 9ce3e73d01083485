/**
 * Random damage to right messages, and random bytes: a codec answers with a value or with a clean error, in bounded memory.
 * TRUNKLINE_RANDOM_VALUES sets how many messages are damaged (default 40,000, each decoded in three ways).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { canonicalOf } from '../../src/avro/schema/canonical.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import { RpcError } from '../../src/base/errors.js';
import { type Random, withSeed } from '../support/seed.js';
import { skipping } from './codec-bytes.js';
import { damaged, edgeValue, scattered } from './codec-values.js';
import { randomSchema } from './random-schema.js';

const MESSAGES = Number(process.env['TRUNKLINE_RANDOM_VALUES'] ?? 40_000);
const MESSAGES_PER_SCHEMA = 500;

test('damaged messages give values or clean errors, in bounded memory', () => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    withSeed((random) => {
      const seen = { value: 0, error: 0 };
      const start = memory();
      for (let done = 0; done < MESSAGES; done += MESSAGES_PER_SCHEMA) {
        damageOne(random, seen);
        assert.ok(memory() - start < 256 * 2 ** 20, 'memory');
      }
      assert.ok(seen.error > MESSAGES / 10 && seen.value > MESSAGES / 100, JSON.stringify(seen));
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
});

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function damageOne(random: Random, seen: { value: number; error: number }): void {
  const schema = randomSchema(random, {});
  const node = parseSchema(schema);
  const codecs = [avroCodec(schema), avroCodec(schema, { longs: 'bigint' }), skipping(schema)];
  const messages = Array.from({ length: 10 }, () => scattered(random, node, edgeValue(random, node)));
  for (let i = 0; i < MESSAGES_PER_SCHEMA; i++) {
    const message = damaged(random, random.pick(messages));
    for (const codec of codecs) {
      try {
        codec.decode(message, 0, message.length);
        seen.value++;
      } catch (error) {
        seen.error++;
        if (isRefusal(error)) continue;
        assert.unreachable(`${String(error)}: ${canonicalOf(node)} ${message.toString('hex')}`);
      }
    }
  }
}

/** An error that the codec itself made: not one that it met and only wrapped. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof RpcError &&
    (error.code === 'INVALID_ARGUMENT' || error.code === 'OUT_OF_RANGE') &&
    error.cause === undefined &&
    / at byte \d+ of \d+$/.test(error.message)
  );
}

test('B36 random bytes for schemas that peers send, too', () => {
  withSeed((random) => {
    for (let i = 0; i < 200; i++) {
      const node = parseSchema(randomSchema(random, {}));
      const codec = avroCodec({
        type: 'record',
        name: 'holder.Holder',
        fields: [{ name: 'own', type: 'int', default: 1 }],
      });
      const text = `{"name":"holder.Holder","type":"record","fields":[{"name":"value","type":${canonicalOf(node)}}]}`;
      const resolved = codec.resolveWriter(text).codec;
      assert.ok(resolved !== null);
      for (let j = 0; j < 50; j++) {
        const message = random.bytes(random.below(40));
        try {
          assert.equal(resolved.decode(message, 0, message.length), { own: 1 });
        } catch (error) {
          if (!isRefusal(error)) throw error;
        }
      }
    }
  });
});

test.run();
