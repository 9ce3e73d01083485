/** The bench of streams: what it counts with, and that it prints what is missed and nothing for items that were wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalRecord, canonicalSchema, frameBytes } from '../../bench/canonical.js';
import { reportStreams, type StreamSample, type StreamSettings } from '../../bench/commands/stream.js';
import { ItemCheck } from '../../bench/stream/item-check.js';
import type { StreamProgramName } from '../../bench/stream/names.js';
import { runSlowConsumer } from '../../bench/streams/slow-consumer.js';
import { Together } from '../../bench/streams/together.js';
import { avroCodec, defaultLimits } from '../../src/index.js';
import { printed } from './printed.js';

const settings: StreamSettings = {
  programs: ['floor', 'batches', 'for-await'],
  rounds: 1,
  seconds: 1,
  warmUpSeconds: 0,
  pinning: { cores: null, text: 'not pinned' },
  profileFolder: null,
};

function sample(program: StreamProgramName, sumUs: number, more: Partial<StreamSample> = {}): StreamSample {
  const half = sumUs / 2;
  const counts = { done: 1000, seconds: 1, wrong: 0, failed: 0, failure: '' };
  return { program, perSecond: 1000, clientUs: half, serverUs: half, sumUs, ...counts, ...more };
}

test('a frame of a record is counted as long as it is', () => {
  const codec = avroCodec(canonicalSchema);
  for (const id of [0, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576, 10_000_000]) {
    assert.is(12 + codec.encode(canonicalRecord(id), Buffer.alloc(100), 0), frameBytes(id), `id ${id}`);
  }
});

test('an item that is lost or doubled is wrong', () => {
  const check = new ItemCheck();
  for (const id of [0, 1, 3, 3]) check.take(canonicalRecord(id));
  assert.equal(check.counts(), { done: 4, wrong: 1, failed: 0, failure: '' });
  check.take(canonicalRecord(3));
  assert.is(check.wrong, 2);
});

test('no call passes the gate before all have arrived', async () => {
  const gate = new Together(2);
  let passed = 0;
  const first = gate.arrive().then(() => passed++);
  await Promise.resolve();
  assert.is(passed, 0);
  await Promise.all([first, gate.arrive()]);
  assert.is(passed, 1);
});

test('a slow consumer holds its producer within the window', async () => {
  const { check, aheadBytesMax } = await runSlowConsumer(20_000);
  assert.equal(check.counts(), { done: 20_000, wrong: 0, failed: 0, failure: '' });
  assert.ok(aheadBytesMax <= defaultLimits.streamWindowBytes && aheadBytesMax > defaultLimits.streamWindowBytes / 2);
});

test('a missed target of streams is printed like one that was met', () => {
  const text = printed(() => {
    assert.is(reportStreams(settings, [sample('floor', 1), sample('batches', 1.1), sample('for-await', 1.5)]), 0);
  });
  assert.match(text, /^target MISSED: engine: batches\(\), generator: .*: 1\.100$/m);
  assert.match(text, /^target met: engine: for await, generator: .*: 1\.500$/m);
});

test('wrong items end with exit code 1 and without figures', () => {
  const text = printed(() => {
    assert.is(reportStreams(settings, [sample('floor', 1), sample('batches', 1, { wrong: 1 })]), 1);
  });
  assert.match(text, /^FAILED\nengine: batches\(\), generator: 1 answers were wrong$/);
});

test.run();
