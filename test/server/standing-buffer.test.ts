/** Sockets that a server accepted are read into one buffer that all share, and nobody's bytes come from somebody else. */
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, oneway, raw, Server, unary } from '../../src/index.js';
import { withStandingBuffer } from '../../src/transport/standing-buffer.js';
import { until } from '../rpc/until.js';
import { gate } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

const notInBun = onlyIn(test, ['node', 'deno'], 'Bun makes its sockets in another way');

const Bytes = defineService('test.Bytes', {
  keep: oneway({ request: raw }),
  echo: unary({ request: raw, response: raw }),
});

notInBun(
  'a socket that a server accepted moves to the standing buffer, with its address, its bytes and its place in the count',
  async () => {
    const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const client = dial((listener.address() as AddressInfo).port, '127.0.0.1');
    const [accepted] = (await once(listener, 'connection')) as [Socket];
    client.write('early');
    const { socket, standingBuffer } = withStandingBuffer(accepted);
    // Undefined here means that this version of Node makes its sockets in another way, and servers read as slowly as before.
    assert.ok(standingBuffer !== undefined);
    let text = '';
    standingBuffer.start((chunk) => {
      text += chunk.toString('latin1');
    });
    await until(() => text === 'early', 'what came before anybody read');
    assert.is(socket.remotePort, client.localPort);
    socket.write('answer');
    assert.is(String(((await once(client, 'data')) as [Buffer])[0]), 'answer');
    const count = (): Promise<number> =>
      new Promise((resolve, reject) => {
        listener.getConnections((error, connections) => (error === null ? resolve(connections) : reject(error)));
      });
    assert.is(await count(), 1);
    const ended = once(socket, 'end');
    client.end();
    await ended;
    socket.end();
    await once(socket, 'close');
    assert.is(await count(), 0);
    listener.close();
    await once(listener, 'close');
  },
);

test('what a paused connection has read stays its own while others are read', async () => {
  const pass = gate();
  const kept: Buffer[] = [];
  const server = new Server({ limits: { handlersMax: 1 } }).add(Bytes, {
    keep: async (bytes) => {
      kept.push(bytes);
      await pass.opened;
    },
    echo: (bytes) => bytes,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const paused = connect(`tcp://127.0.0.1:${port}`);
  const other = connect(`tcp://127.0.0.1:${port}`);
  await Promise.all([paused.ready(), other.ready()]);
  // Its first handler waits, so reading pauses with the others in the chunk that was read.
  const sent = Array.from({ length: 50 }, (_, index) => Buffer.alloc(200, index + 1));
  await Promise.all(sent.map((bytes) => paused.client(Bytes).keep(bytes)));
  await until(() => kept.length === 1, 'the first');
  for (let round = 0; round < 20; round++) {
    const noise = Buffer.alloc(20_000, 0xee);
    assert.ok((await other.client(Bytes).echo(noise)).equals(noise));
  }
  pass.open();
  await until(() => kept.length === sent.length, 'the rest');
  assert.equal(
    kept.map((bytes) => bytes.toString('hex')),
    sent.map((bytes) => bytes.toString('hex')),
  );
  await Promise.all([paused.close(), other.close()]);
  await server.close();
});

test.run();
