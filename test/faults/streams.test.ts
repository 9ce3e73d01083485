/**
 * Streams under load: a thousand at once, one that stalls among a hundred, consumers that are slow. Bounds and fairness are
 * counted in items of virtual time, on the simulated network, so that they are the same on every machine.
 *
 * TRUNKLINE_ITEMS sets how many items the slow consumers get (default 100,000):
 *
 *     TRUNKLINE_ITEMS=10000000 node .build/test/faults/streams.test.js
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, connect, type ItemStream, type Limits, type RpcError, Server } from '../../src/index.js';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/testing/index.js';
import { ItemQueue } from '../support/item-queue.js';
import { gate } from '../support/rpc.js';
import { type StreamHandlers, Streams, streamHandlers } from './stream-talk.js';

const ITEMS = Number(process.env['TRUNKLINE_ITEMS'] ?? 100_000);
/** What an ITEM frame costs beside its body. */
const HEADER_BYTES = 12;
const deadlineMs = Number.POSITIVE_INFINITY;

interface SimulatedEnds {
  readonly network: SimulatedNetwork;
  readonly client: Client<typeof Streams>;
  close(): Promise<void>;
}

async function simulate(
  handlers: Partial<StreamHandlers>,
  limits: Partial<Limits> = {},
  conditions: Partial<SimulatedNetworkOptions> = {},
): Promise<SimulatedEnds> {
  const network = new SimulatedNetwork({ seed: 1, settling: 'microtasks', ...conditions });
  const server = new Server({ ...network.options('far'), limits, onHandlerError: () => {} }).add(
    Streams,
    streamHandlers(handlers),
  );
  network.listen('far', server);
  const channel = connect('tcp://far:1', { ...network.options('near'), limits });
  const ready = channel.ready();
  // What is loaded on first use takes a turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await network.run(ready);
  return {
    network,
    client: channel.client(Streams),
    close: async () => {
      await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
    },
  };
}

/** Counts the items of an endless stream, until it is ended from outside. */
function countItems(stream: ItemStream<Buffer>): { count: number } {
  const counter = { count: 0 };
  const read = async (): Promise<void> => {
    for await (const batch of stream.batches()) counter.count += batch.length;
  };
  read().catch(() => {});
  return counter;
}

function* endless(item: Buffer): Generator<Buffer> {
  for (;;) yield item;
}

const STREAMS = 100;

/** Items that each of the streams brought within a second at 4 MB/s; the first so many of them are never read. */
async function rates(kind: 'down' | 'up' | 'chat', stalled: number): Promise<number[]> {
  const item = Buffer.alloc(500, 'i');
  const counters: { count: number }[] = [];
  let begun = 0;
  const { network, client, close } = await simulate(
    {
      down: () => endless(item),
      up: (items) => {
        if (begun++ >= stalled) counters.push(countItems(items));
        return new Promise(() => {});
      },
      chat: () => endless(item),
    },
    {},
    { bytesPerSecond: 4_000_000 },
  );
  for (let index = 0; index < STREAMS; index++) {
    if (kind === 'up') {
      client.up(endless(item), { deadlineMs }).catch(() => {});
      continue;
    }
    const stream = kind === 'down' ? client.down(item, { deadlineMs }) : client.chat(new ItemQueue(), { deadlineMs });
    if (index >= stalled) counters.push(countItems(stream));
  }
  await network.advance(1_000);
  const counts = counters.map(({ count }) => count);
  await close();
  return counts;
}

for (const kind of ['down', 'up', 'chat'] as const) {
  test(`F21 one stalled consumer of ${STREAMS}: each of the others keeps at least 90 % of its items (${kind})`, async () => {
    const all = await rates(kind, 0);
    const others = await rates(kind, 1);
    assert.is(all.length, STREAMS);
    assert.is(others.length, STREAMS - 1);
    const least = Math.min(...all);
    assert.ok(least > 50, `${least} items`);
    for (const count of others) assert.ok(count >= 0.9 * least, `${count} items, of ${least} without the stalled one`);
  });
}

test('F21 a stalled consumer stalls only its own calls: unary calls are answered as before', async () => {
  const { network, client, close } = await simulate({ down: () => endless(Buffer.alloc(1_000)) }, {}, { latencyMs: 5 });
  for (let index = 0; index < 50; index++) client.down(Buffer.of(index), { deadlineMs });
  await network.advance(1_000);
  const before = network.clock.now();
  await network.run(client.echo(Buffer.from('quick')));
  assert.is(network.clock.now() - before, 10);
  await close();
});

for (const [what, windowMax, size] of [
  ['a window that does not grow', 65_536, 1],
  ['the usual window', 2 * 1024 * 1024, 1],
  ['items of 1,000 bytes', 2 * 1024 * 1024, 1_000],
] as const) {
  const limits = { streamWindowBytes: 65_536, streamWindowBytesMax: windowMax };
  const heldMax = Math.ceil(windowMax / (HEADER_BYTES + size)) + 1;
  const count = Math.ceil(ITEMS / (size === 1 ? 1 : 20));
  const progress = () => ({ made: 0, taken: 0, most: 0 });
  type Progress = ReturnType<typeof progress>;

  const produce = function* (at: Progress): Generator<Buffer> {
    for (const item = Buffer.alloc(size, 'i'); at.made < count; ) {
      at.made++;
      at.most = Math.max(at.most, at.made - at.taken);
      yield item;
    }
  };
  const consume = async (at: Progress, items: ItemStream<Buffer>, sleep: (ms: number) => Promise<void>) => {
    for await (const item of items) {
      assert.is(item.length, size);
      if (++at.taken % 1_000 === 0) await sleep(2);
    }
  };

  test(`${count.toLocaleString('en')} items against a slow consumer: never more than the window is held (${what})`, async () => {
    const [down, up, chat] = [progress(), progress(), progress()];
    const { network, client, close } = await simulate(
      {
        down: () => produce(down),
        up: async (items) => {
          await consume(up, items, (ms) => network.clock.sleep(ms));
          return Buffer.alloc(0);
        },
        chat: (items) => items,
      },
      limits,
    );
    const sleep = (ms: number) => network.clock.sleep(ms);
    await network.run(consume(down, client.down(Buffer.of(1), { deadlineMs }), sleep));
    await network.run(client.up(produce(up), { deadlineMs }));
    await network.run(consume(chat, client.chat(produce(chat), { deadlineMs }), sleep));
    for (const at of [down, up, chat]) assert.equal([at.made, at.taken], [count, count]);
    assert.ok(down.most <= heldMax, `${down.most} items made and not taken, of ${heldMax}`);
    assert.ok(up.most <= heldMax, `${up.most} items made and not taken, of ${heldMax}`);
    // Sent back by a handler that is a consumer and a producer itself: two windows.
    assert.ok(chat.most <= 2 * heldMax + 1, `${chat.most} items made and not taken, of ${2 * heldMax}`);
    await close();
  });
}

const CALLS = 1_000;
const ROUNDS = 10;

/** Nobody goes on before all have begun. */
function meeting(): () => Promise<void> {
  const { opened, open } = gate();
  let here = 0;
  return () => {
    if (++here === CALLS) open();
    return opened;
  };
}

async function* chatter(id: number): AsyncGenerator<Buffer> {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.resolve();
    yield Buffer.from(`${id}:${round};`);
  }
}

const expected = (id: number): string => Array.from({ length: ROUNDS }, (_, round) => `${id}:${round};`).join('');

async function joined(items: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const item of items) parts.push(item);
  return Buffer.concat(parts).toString();
}

test(`${CALLS} calls of each kind at once on one connection, all begun before one may end`, async () => {
  const [met, metDown, metUp, metChat] = [meeting(), meeting(), meeting(), meeting()];
  const server = new Server().add(Streams, {
    echo: async (bytes) => {
      await met();
      return bytes;
    },
    async *down(bytes) {
      await metDown();
      yield* chatter(bytes.readUInt32LE(0));
    },
    up: async (items) => {
      await metUp();
      return Buffer.from(await joined(items));
    },
    async *chat(items) {
      await metChat();
      yield* items;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.ready();
  const { echo, down, up, chat } = channel.client(Streams);
  const options = { deadlineMs };
  const number = (id: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(id);
    return bytes;
  };
  const kinds: readonly ((id: number) => Promise<string>)[] = [
    async (id) => ((await echo(number(id), options)).readUInt32LE(0) === id ? expected(id) : 'another'),
    (id) => joined(down(number(id), options)),
    async (id) => (await up(chatter(id), options)).toString(),
    (id) => joined(chat(chatter(id), options)),
  ];
  for (const [kind, call] of kinds.entries()) {
    const answers = await Promise.all(Array.from({ length: CALLS }, (_, id) => call(id)));
    for (const [id, answer] of answers.entries()) assert.is(answer, expected(id), `kind ${kind}, call ${id}`);
  }
  assert.is(server.connectionCount, 1);
  await channel.close();
  await server.close();
});

test('a caller that has ended its stream still receives; a callee that ends its stream ends the call', async () => {
  const order: string[] = [];
  const { network, client, close } = await simulate({
    async *chat(items) {
      for await (const item of items) yield item;
      order.push('the callee has read the end');
      for (let late = 0; late < 3; late++) {
        await network.clock.sleep(100);
        yield Buffer.from(`late ${late}`);
      }
    },
  });
  const source = new ItemQueue<Buffer>();
  const stream = client.chat(source, { deadlineMs });
  source.push(Buffer.from('early'));
  source.end();
  assert.equal(await network.run(joined(stream)), 'earlylate 0late 1late 2');
  assert.equal(order, ['the callee has read the end']);
  await close();
});

test('items sent before an error are delivered before it, for all kinds', async () => {
  const fails = async function* (): AsyncGenerator<Buffer> {
    yield* [Buffer.from('one'), Buffer.from('two')];
    throw Object.assign(new Error('not for the peer'), { secret: 1 });
  };
  const { network, client, close } = await simulate({ down: fails, chat: fails });
  for (const stream of [client.down(Buffer.of(1)), client.chat([Buffer.of(1)])]) {
    // Everything is here before the first item is taken.
    await network.quiet();
    const items: string[] = [];
    let error: unknown = null;
    try {
      for await (const item of stream) items.push(item.toString());
    } catch (thrown) {
      error = thrown;
    }
    assert.equal(items, ['one', 'two']);
    assert.is((error as RpcError).code, 'INTERNAL');
    assert.is((error as RpcError).started, 'yes');
    assert.not.match((error as RpcError).message, /not for the peer/);
  }
  await close();
});

test('metadata of a handler arrives with the end of its stream, and not before', async () => {
  const { network, client, close } = await simulate({
    async *down(bytes, context) {
      yield bytes;
      await network.clock.sleep(100);
      context.responseMetadata = { rows: '1' };
    },
  });
  const stream = client.down(Buffer.of(7));
  assert.is((await network.run(stream.next())).value?.[0], 7);
  assert.is(stream.metadata, null);
  assert.is((await network.run(stream.next())).done, true);
  assert.equal({ ...stream.metadata }, { rows: '1' });
  await close();
});

test.run();
