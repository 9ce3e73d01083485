/** Checksums between two ends: on every frame once both want them, right ones, and on whatever is sent. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, connect, type RpcError, Server, type ServerOptions } from '../../src/index.js';
import { checksumTwin } from '../../src/wire/frame-checksums.js';
import { flags, frame } from '../support/frames.js';
import { handlers, Notes } from '../support/rpc.js';
import { Random } from '../support/seed.js';
import { crc32 } from '../support/vectors/bytes.js';
import { Files, info } from './files.js';
import { FrameTap } from './frame-tap.js';
import { itemsTo, Streams } from './stream-ends.js';

async function openTapped(server: ServerOptions, options: ChannelOptions) {
  const ends = new Server(server).add(Notes, handlers());
  ends.add(Streams, {
    down: (count) => itemsTo(count),
    up: () => 0,
    both: (items) => items,
    rawDown: (bytes) => [bytes],
    rawBoth: (items) => items,
  });
  ends.add(Files, { put: (request) => request, rawHead: (request) => request });
  const { port } = await ends.listen({ host: '127.0.0.1' });
  const tap = await FrameTap.start(port);
  const channel = connect(`tcp://127.0.0.1:${tap.port}`, options);
  await channel.ready();
  const close = async () => {
    await channel.close({ graceMs: 100 });
    await ends.close();
    tap.close();
  };
  return { channel, tap, close };
}

/** Long ones by zlib, since bit by bit takes its time; the tests of the sums themselves compare the two. */
function isRight(head: Buffer, payload: Buffer): boolean {
  const body = payload.subarray(4);
  const sum = body.length < 2_000 ? crc32(Buffer.concat([head, body])) : checksumTwin().add(crc32(head), body);
  return payload.readUInt32LE() === sum;
}

async function exchange(channel: Awaited<ReturnType<typeof openTapped>>['channel']): Promise<void> {
  const random = new Random(5);
  const notes = channel.client(Notes);
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, id) => notes.echo({ id, text: 'x'.repeat(id) }, { metadata: { id: String(id) } })),
  );
  for (const [id, { text }] of answers.entries()) assert.is(text.length, id);
  for (const size of [0, 1, 16_368, 16_384, 65_515, 65_519, 65_520, 65_521, 65_532, 65_536, 65_537, 1_000_000]) {
    const bytes = random.bytes(size);
    assert.ok(bytes.equals(await notes.bytes(bytes)), `${size} bytes`);
  }
  assert.equal(await notes.bytes(Buffer.alloc(300_000, 'abc')), Buffer.alloc(300_000, 'abc'));
  const streams = channel.client(Streams);
  let id = 0;
  for await (const item of streams.both(itemsTo(5_000, 'text'))) assert.is(item.id, id++);
  assert.is(id, 5_000);
  const large = random.bytes(700_000);
  for await (const item of streams.rawBoth([large, large])) assert.ok(large.equals(item));
  const files = channel.client(Files);
  const { head, body } = await files.put({ head: info(large.length), body: large });
  assert.equal(head, info(large.length));
  assert.ok(large.equals(await body.buffer()));
}

for (const compression of ['off', 'gzip'] as const) {
  test(`calls, streams, blobs and long messages, compression ${compression}: every frame has a right checksum`, async () => {
    const options = { checksums: true, compression } as const;
    const { channel, tap, close } = await openTapped(options, options);
    await exchange(channel);
    await close();
    assert.ok(tap.frames.length > 1_000);
    const compressed = tap.frames.filter((one) => (one.flags & flags.COMPRESSED) !== 0).length;
    assert.is(compressed > 0, compression === 'gzip');
    for (const one of tap.frames) {
      if (one.name === 'HELLO') continue;
      assert.ok((one.flags & flags.CHECKSUM) !== 0, `a ${one.name} without checksum`);
      assert.ok(one.payload.length <= 65_540, `${one.name} of ${one.payload.length} bytes`);
      const { type, call, method, payload } = one;
      const head = frame(type, { call, method, flags: one.flags, length: payload.length });
      assert.ok(isRight(head.subarray(0, 12), payload), `${one.name} of ${payload.length} bytes`);
    }
  });
}

for (const [which, server, client] of [
  ['the client', false, true],
  ['the server', true, false],
] as const) {
  test(`only ${which} wants checksums: no frame has one`, async () => {
    const { channel, tap, close } = await openTapped({ checksums: server }, { checksums: client });
    await exchange(channel);
    await close();
    assert.ok(tap.frames.every((one) => (one.flags & flags.CHECKSUM) === 0));
  });
}

test('what is no boolean is refused', () => {
  const wrong = { checksums: 1 } as unknown as ServerOptions;
  for (const make of [() => new Server(wrong), () => connect('tcp://127.0.0.1:1', wrong as ChannelOptions)]) {
    assert.throws(make, (error: RpcError) => error.code === 'INVALID_ARGUMENT' && /checksums is 1/.test(error.message));
  }
});

test.run();
