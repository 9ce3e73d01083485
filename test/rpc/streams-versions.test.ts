/** Streams between versions of a service, compressed, before the schema or the connection is there, and of items that amplify. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  clientStream,
  connect,
  defineService,
  duplex,
  type MessageCodec,
  RpcError,
  raw,
  Server,
  schema,
  serverStream,
} from '../../src/index.js';
import { flags, frame } from '../support/frames.js';
import { failureOf, sleep } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { FrameTap } from './frame-tap.js';
import { collect, collectUntilFailure } from './stream-ends.js';
import { between } from './versions.js';

const older = (name: string) => schema({ type: 'record', name, fields: [{ name: 'id', type: 'int' }] });
const newer = (name: string) =>
  schema({
    type: 'record',
    name,
    fields: [
      { name: 'id', type: 'long' },
      { name: 'text', type: 'string', default: 'none' },
    ],
  });

/** Longer than what one chunk brings, so that items arrive before the schema and behind it. */
const many = Array.from({ length: 5_000 }, (_, id) => ({ id, text: `item ${id}` }));

test('items that come before their schema wait for it, on both sides and through an early end', async () => {
  const served = defineService('s1.S', {
    down: serverStream({ request: 'int', response: newer('s1.Item') }),
    up: clientStream({ request: newer('s1.Item'), response: 'int' }),
    both: duplex({ request: newer('s1.Item'), response: newer('s1.Item') }),
  });
  const called = defineService('s1.S', {
    down: serverStream({ request: 'int', response: older('s1.Item') }),
    up: clientStream({ request: older('s1.Item'), response: 'int' }),
    both: duplex({ request: older('s1.Item'), response: older('s1.Item') }),
  });
  const texts = new Set<string>();
  const handlers = {
    down: (count: number) => many.slice(0, count),
    async up(items: AsyncIterable<{ id: number; text: string }>) {
      let sum = 0;
      for await (const { id, text } of items) {
        sum += id;
        texts.add(text);
      }
      return sum;
    },
    both: (items: AsyncIterable<{ id: number; text: string }>) => items,
  };
  // An int is promoted to a long on its way there; back it does not fit.
  await between(served, handlers, called, async (client) => {
    const items = many.slice(0, 1_000).map(({ id }) => ({ id }));
    assert.is(await client.up(items), (1_000 * 999) / 2);
    assert.equal([...texts], ['none']);
    const { code, started } = await failureOf(collect(client.down(3)));
    assert.equal([code, started], ['FAILED_PRECONDITION', 'no']);
  });
});

test('items of another version come as values of this one', async () => {
  const fields = [{ name: 'id', type: 'long' }] as const;
  const served = defineService('s2.S', { down: serverStream({ request: 'int', response: newer('s2.Item') }) });
  const called = defineService('s2.S', {
    down: serverStream({ request: 'int', response: schema({ type: 'record', name: 's2.Item', fields }) }),
  });
  await between(served, { down: (count: number) => many.slice(0, count) }, called, async (client) => {
    for (const count of [5_000, 1, 0]) {
      const batches = client.down(count).batches();
      assert.is((await collect(batches)).flat().length, count);
      const items = await collect(client.down(count));
      assert.equal(items.at(-1), count === 0 ? undefined : { id: count - 1 });
    }
  });
});

test('a connection that ends while items wait for their schema fails their stream, whose end had come already', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const called = defineService('s3.S', { down: serverStream({ request: 'int', response: newer('s3.Item') }) });
  const stream = channel.client(called).down(3);
  const pending = failureOf(stream.next());
  const peer = await listener.accept();
  await peer.handshake();
  await peer.expect('METHOD');
  const { call } = await peer.expect('REQUEST');
  const { fingerprint: request } = called.methods.down.request;
  const answer = { role: 'ANSWER', name: 's3.S/down', kind: 'SERVER_STREAM', request, errors: null } as const;
  peer.sendRecord('METHOD', { ...answer, response: Buffer.alloc(32, 9) }, 0, 0);
  await peer.expect('SCHEMA');
  peer.send(frame('ITEM', { call, payload: Buffer.from([2]) }), frame('END', { call }));
  peer.sendRecord('CLOSE', { code: 19, text: 'gone' });
  assert.is((await pending).code, 'UNAVAILABLE');
  assert.equal(await stream.next(), { value: undefined, done: true });
  await channel.close({ graceMs: 0 });
  await listener.close();
});

for (const name of ['lz4', 'gzip'] as const) {
  test(`${name}: items are compressed one by one where it pays, and arrive as they were`, async () => {
    const Pack = defineService('test.PackItems', {
      echo: duplex({ request: raw, response: raw, compression: name }),
    });
    const server = new Server().add(Pack, { echo: (items) => items });
    const { port } = await server.listen({ host: '127.0.0.1' });
    const tap = await FrameTap.start(port);
    const channel = connect(`tcp://127.0.0.1:${tap.port}`);
    const pack = channel.client(Pack);
    await channel.ready();
    const sizes = [10, 5_000, 100_000, 1_000_000, 20, 300_000];
    const items = sizes.map((size) => Buffer.alloc(size, `all the cities of the world, ${size} `));
    const echoed = await collect(pack.echo(items));
    assert.ok(echoed.every((bytes, index) => bytes.equals(items[index] as Buffer)));
    // One that is read slowly, so that items wait as compressed bytes.
    const slow = pack.echo(Array.from({ length: 200 }, (_, index) => Buffer.alloc(50_000, index)));
    await sleep(50);
    let read = 0;
    for await (const batch of slow.batches()) {
      for (const bytes of batch) assert.is(bytes[49_999], read++);
      assert.ok(batch.length <= 24, `${batch.length} items of 50,000 bytes were decompressed for one batch`);
    }
    assert.is(read, 200);
    const frames = tap.frames.filter(({ name: type }) => type === 'ITEM');
    assert.ok(frames.some((one) => (one.flags & flags.COMPRESSED) !== 0));
    assert.ok(frames.reduce((sum, { payload }) => sum + payload.length, 0) < 400_000);
    await channel.close();
    await server.close();
    tap.close();
  });
}

test('items of which a few bytes are many values are decoded when they are taken, a batch of them at most 16 at once', async () => {
  const Empty = defineService('test.Empty', {
    down: serverStream({ request: 'int', response: { type: 'array', items: 'null' } }),
  });
  const nulls = Array.from({ length: 60_000 }, () => null);
  const server = new Server().add(Empty, { down: (count) => Array.from({ length: count }, () => nulls) });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const empty = channel.client(Empty);
  const before = process.memoryUsage().heapUsed;
  const stream = empty.down(4_000);
  assert.is((await stream.next()).value?.length, 60_000);
  await sleep(50);
  // Decoded ahead they would take 2 GB.
  assert.ok(process.memoryUsage().heapUsed - before < 200e6);
  for await (const batch of stream.batches()) {
    assert.ok(batch.length <= 16);
    break;
  }
  assert.ok((await collect(empty.down(30))).every(({ length }) => length === 60_000));
  await channel.close();
  await server.close();
});

test('a codec of the application that throws anything fails its own stream and nothing else', async () => {
  const picky: MessageCodec<number> = {
    ...(raw as MessageCodec as MessageCodec<number>),
    encode: (value, into, offset) => ((into[offset] = value), offset + 1),
    decode: (from, start) => {
      if (from[start] === 3) throw new TypeError('three');
      return from[start] as number;
    },
  };
  const Picky = defineService('test.Picky', {
    down: serverStream({ request: raw, response: picky }),
    up: clientStream({ request: picky, response: raw }),
    of: serverStream({ request: picky, response: raw }),
  });
  const server = new Server({ onHandlerError: () => {} }).add(Picky, {
    down: () => [1, 2, 3, 4],
    of: () => [],
    async up(items) {
      for await (const item of items) void item;
      return Buffer.alloc(0);
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const client = channel.client(Picky);
  const { got, error } = await collectUntilFailure(client.down(Buffer.alloc(0)));
  assert.equal(got, [1, 2]);
  assert.ok(error instanceof RpcError && error.code === 'INTERNAL');
  assert.is((await failureOf(client.up([1, 3]))).code, 'INTERNAL');
  assert.is((await failureOf(collect(client.of(3)))).code, 'INTERNAL');
  assert.is((await client.up([1, 2])).length, 0);
  await channel.close();
  await server.close();
});

test.run();
