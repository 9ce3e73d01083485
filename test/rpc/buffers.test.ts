/** Buffers that an application uses again: for the next item, or once the promise of the call has settled. What was sent arrives unchanged. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blob,
  clientStream,
  connect,
  defineService,
  oneway,
  raw,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { until } from './until.js';

const Bytes = defineService('test.Bytes', {
  down: serverStream({ request: 'int', response: raw }),
  up: clientStream({ request: raw, response: 'int' }),
  file: blob({ request: 'int', response: 'int' }),
  send: oneway({ request: raw }),
  swap: unary({ request: 'int', response: raw }),
});

const SIZES = [100, 4_000, 16_000, 65_000, 65_524, 70_000, 300_000];
const ROUNDS = 60;

/** One buffer, filled with another number for each item. */
function* refilled(size: number) {
  const bytes = Buffer.alloc(size);
  for (let round = 0; round < ROUNDS; round++) yield bytes.fill(round);
}

async function* refilledLater(size: number) {
  for (const bytes of refilled(size)) {
    yield bytes;
    if (bytes[0] === 7) await Promise.resolve();
  }
}

/** How many of the items are not what they were when they were given. */
async function wrongOf(items: AsyncIterable<Buffer>): Promise<number> {
  let round = 0;
  let wrong = 0;
  for await (const item of items) {
    if (!item.equals(Buffer.alloc(item.length, round))) wrong++;
    round++;
  }
  return round === ROUNDS ? wrong : -round;
}

const hits: Buffer[] = [];
const shared = Buffer.alloc(60_000);

async function open() {
  const server = new Server().add(Bytes, {
    down: (size) => (size % 8 === 0 ? refilled(size) : refilledLater(size)),
    up: wrongOf,
    async file({ head, body }) {
      const whole = await body.buffer({ bytesMax: 64 * 1024 * 1024 });
      let wrong = 0;
      for (let round = 0; round < ROUNDS; round++) {
        if (!whole.subarray(round * head, (round + 1) * head).equals(Buffer.alloc(head, round))) wrong++;
      }
      return { head: wrong, body: null };
    },
    send: (bytes) => void hits.push(bytes),
    swap: (fill) => shared.fill(fill),
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const close = async () => {
    await channel.close();
    await server.close();
  };
  return { client: channel.client(Bytes), close };
}

for (const size of SIZES) {
  test(`A3 one buffer of ${size} bytes that is filled for each item arrives unchanged, as items and as a blob`, async () => {
    const { client, close } = await open();
    assert.is(await wrongOf(client.down(size)), 0, 'of a handler');
    for (const make of [refilled, refilledLater]) {
      assert.is(await client.up(make(size)), 0, 'of a caller');
      const { head, body } = await client.file({ head: size, body: make(size) });
      await body.return();
      assert.is(head, 0, 'pieces of a blob');
    }
    await close();
  });

  test(`A3 a oneway request of ${size} bytes may be filled anew once its promise has settled`, async () => {
    const { client, close } = await open();
    const bytes = Buffer.alloc(size);
    for (let round = 0; round < 20; round++) await client.send(bytes.fill(round));
    await until(() => hits.length === 20, 'the requests');
    hits.splice(0).forEach((hit, round) => assert.ok(hit.equals(Buffer.alloc(size, round)), `request ${round}`));
    await close();
  });
}

test('A3 a handler may fill one buffer for each of its answers', async () => {
  const { client, close } = await open();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, fill) => client.swap(fill)));
  answers.forEach((answer, fill) => assert.ok(answer.equals(Buffer.alloc(60_000, fill)), `answer ${fill}`));
  await close();
});

test.run();
