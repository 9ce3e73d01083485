/** Blobs: a head and raw bytes of any size, both ways, under flow control, from and to whatever has bytes. */
import { Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlobSource } from '../../src/index.js';
import { failureOf, sleep } from '../support/rpc.js';
import { Random } from '../support/seed.js';
import { info, MIB, openFiles } from './files.js';
import { until } from './until.js';

const random = new Random(11);

test('bytes of any size come back as they were sent, with the head', async () => {
  const { files, close } = await openFiles();
  for (const size of [0, 1, 4096, 4097, 65_523, 65_524, 65_525, 65_536, 100_000, MIB, 9 * MIB + 1]) {
    const sent = random.bytes(size);
    const answer = await files.put({ head: info(size), body: sent });
    assert.equal(answer.head, info(size));
    assert.ok((await answer.body.buffer({ bytesMax: 16 * MIB })).equals(sent), `${size} bytes`);
  }
  const none = await files.put({ head: info(0), body: null });
  assert.is((await none.body.buffer()).length, 0);
  await close();
});

test('64 MiB pass through a handler that sends them back while they still come', async () => {
  const { files, close } = await openFiles();
  const sent = random.bytes(64 * MIB);
  const answer = await files.put({ head: info(sent.length), body: sent });
  let at = 0;
  for await (const piece of answer.body) {
    assert.ok(sent.subarray(at, at + piece.length).equals(piece));
    at += piece.length;
  }
  assert.is(at, sent.length);
  await close();
});

test('a body comes from a Readable, a generator or a list, and goes to whoever iterates it', async () => {
  const { files, close } = await openFiles();
  const pieces = Array.from({ length: 40 }, (_, index) => random.bytes(index * 1000));
  const whole = Buffer.concat(pieces);
  const sources: BlobSource[] = [
    Readable.from(pieces, { objectMode: false }),
    pieces,
    (async function* () {
      for (const piece of pieces) {
        await sleep(0);
        yield piece;
      }
    })(),
    new Uint8Array(whole),
  ];
  for (const body of sources) {
    const answer = await files.put({ head: info(whole.length), body });
    const got: Buffer[] = [];
    for await (const piece of Readable.from(answer.body)) got.push(piece as Buffer);
    assert.ok(Buffer.concat(got).equals(whole));
  }
  await close();
});

test('heads that are raw bytes, and heads longer than a frame', async () => {
  const { files, close } = await openFiles();
  for (const size of [0, 10, 70_000, 3 * MIB]) {
    const head = random.bytes(size);
    const answer = await files.rawHead({ head, body: Buffer.from('body') });
    assert.ok(Buffer.from(answer.head).equals(head), `${size} bytes`);
    assert.is((await answer.body.buffer()).toString(), 'body');
  }
  await close();
});

test('a handler answers before, without and after reading; what it did not read is not sent on', async () => {
  let read = 0;
  const { files, close } = await openFiles({
    async put({ head, body }) {
      if (head.name === 'all') read = (await body.buffer({ bytesMax: 8 * MIB })).length;
      return { head: { name: 'done', bytes: read }, body: head.name === 'none' ? null : Buffer.from('x') };
    },
  });
  const none = await files.put({ head: { name: 'none' }, body: random.bytes(8 * MIB) });
  assert.equal(none.head, { name: 'done', bytes: 0 });
  assert.is((await none.body.buffer()).length, 0);
  const all = await files.put({ head: { name: 'all' }, body: random.bytes(8 * MIB) });
  assert.equal(all.head, { name: 'done', bytes: 8 * MIB });
  assert.is((await all.body.buffer()).toString(), 'x');
  await close();
});

test('a body that is too long to be collected says so and is cancelled', async () => {
  let reason: unknown = null;
  const { files, close } = await openFiles({
    put: ({ head }, context) => {
      context.signal.addEventListener('abort', () => {
        reason = context.signal.reason;
      });
      return { head, body: random.bytes(8 * MIB) };
    },
  });
  const { body } = await files.put({ head: info(0), body: null });
  const failure = await failureOf(body.buffer({ bytesMax: MIB }));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.equal(failure.limit, { name: 'bytesMax', value: MIB, setting: 'bytesMax of body.buffer()' });
  await until(() => reason !== null, 'the handler is told');
  await close();
});

test.run();
