/** Applications that misbehave around streams: whatever their iterables and codecs throw ends that call and nothing else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  connect,
  defineService,
  duplex,
  type MessageCodec,
  RpcError,
  raw,
  Server,
  serverStream,
} from '../../src/index.js';
import { failureOf, sleep } from '../support/rpc.js';
import { Streams, streamHandlers } from './stream-talk.js';

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.message));

/** A source that throws at everything that ends it. */
function stubborn(item: Buffer): AsyncIterable<Buffer> & { on(): void; destroy(): void } {
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ value: item, done: false }),
      return: () => {
        throw new Error('I do not return');
      },
    }),
    on: () => {},
    destroy: () => {
      throw new Error('I will not be destroyed');
    },
  };
}

test('A2 iterables that throw when they are ended affect nothing else, and what they throw is told once', async () => {
  const source = stubborn(Buffer.from('item'));
  const told: string[] = [];
  const server = new Server({ onHandlerError: (error) => told.push(String(error)) }).add(
    Streams,
    streamHandlers({ down: () => source, up: async () => Buffer.from('enough') }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const client = channel.client(Streams);
  for await (const item of client.down(Buffer.of(1))) {
    assert.is(item.toString(), 'item');
    break;
  }
  assert.is((await client.up(source)).toString(), 'enough');
  const controller = new AbortController();
  const chat = client.chat(source, { signal: controller.signal });
  await chat.next();
  controller.abort();
  assert.is((await failureOf(chat.next())).code, 'CANCELLED');
  await sleep(20);
  assert.is((await client.echo(Buffer.from('still here'))).toString(), 'still here');
  await channel.close();
  await server.close();
  await sleep(20);
  assert.equal(unhandled, []);
  assert.equal(told, ['Error: I will not be destroyed', 'Error: I do not return']);
  const thrown = ['I will not be destroyed', 'I do not return'];
  const texts = ['up', 'chat'].flatMap((method) =>
    thrown.map((text) => `the items for test.Streams/${method} threw when they were ended: ${text}`),
  );
  assert.equal(warnings.splice(0), texts);
});

/** Reads everything but what begins with 'x', of which it says so in its own way. */
const moody: MessageCodec<Buffer> = {
  ...(raw as MessageCodec<Buffer>),
  decode: (from, start, end) => {
    if (from[start] === 0x78) throw new TypeError('I do not like this');
    return Buffer.from(from.subarray(start, end));
  },
};

const Moody = defineService('test.Moody', {
  down: serverStream({ request: raw, response: moody }),
  chat: duplex({ request: moody, response: raw }),
});

for (const size of [10, 200_000]) {
  test(`a codec that throws at an item of ${size} bytes fails that call, after the items before it`, async () => {
    const items = [Buffer.alloc(size, 'a'), Buffer.alloc(size, 'x'), Buffer.alloc(size, 'b')];
    const server = new Server({ onHandlerError: () => {} }).add(Moody, {
      down: () => items,
      async *chat(got) {
        for await (const one of got) yield Buffer.from(one.subarray(0, 1));
      },
    });
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`);
    const client = channel.client(Moody);
    for (const wait of [0, 50]) {
      const read: string[] = [];
      let error: unknown = null;
      const stream = client.down(Buffer.of(1));
      // With everything here before the first is taken, and without.
      await sleep(wait);
      try {
        for await (const one of stream) read.push(one.toString('latin1', 0, 1));
      } catch (thrown) {
        error = thrown;
      }
      assert.equal(read, ['a']);
      assert.instance(error, RpcError);
      assert.is((error as RpcError).code, 'INTERNAL');
    }
    const { peer } = channel;
    const failure = await failureOf(
      (async () => {
        for await (const _one of client.chat(items));
      })(),
    );
    assert.is(failure.code, 'INTERNAL');
    assert.is(channel.peer, peer, 'the connection goes on');
    await channel.close();
    await server.close();
    assert.equal([...unhandled, ...warnings], []);
  });
}

test('a handler that returns no iterable, and one that yields a value of another type, fail their call', async () => {
  const seen: string[] = [];
  const server = new Server({ onHandlerError: (error) => seen.push(String(error)) }).add(
    Streams,
    streamHandlers({
      down: (request) => (request[0] === 1 ? (7 as never) : [Buffer.of(1), 'no bytes' as never]),
    }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const client = channel.client(Streams);
  for (const kind of [1, 2]) {
    const stream = client.down(Buffer.of(kind));
    if (kind === 2) assert.is((await stream.next()).value?.[0], 1);
    const failure = await failureOf(stream.next());
    assert.is(failure.code, 'INTERNAL');
    assert.is(failure.started, 'yes');
  }
  assert.is(seen.length, 2);
  await channel.close();
  await server.close();
  assert.equal([...unhandled, ...warnings], []);
});

test.run();
