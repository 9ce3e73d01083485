import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as certificates from './certificates.js';
import { frame, magic } from './frames.js';
import { FaultProxy } from './proxy.js';
import { type ListenerOptions, ScriptedListener } from './scripted-listener.js';
import { ScriptedPeer } from './scripted-peer.js';
import { withSeed } from './seed.js';

interface Setting {
  readonly proxy: FaultProxy;
  readonly client: ScriptedPeer;
  readonly server: ScriptedPeer;
  readonly listener: ScriptedListener;
}

/** A client and a server with the proxy between them, both past the magic bytes. */
async function between(talk: (setting: Setting) => Promise<void>, listening: ListenerOptions = {}): Promise<void> {
  const listener = await ScriptedListener.listen(listening);
  const proxy = await FaultProxy.start(listener.port);
  const secure = listening.tls === undefined ? {} : { tls: { ca: certificates.ca } };
  const client = await ScriptedPeer.dial({ port: proxy.port, ...secure });
  try {
    const server = await listener.accept();
    client.send(magic);
    server.send(magic);
    await Promise.all([client.expectMagic(), server.expectMagic()]);
    await talk({ proxy, client, server, listener });
  } finally {
    client.destroy();
    proxy.close();
    await listener.close();
  }
}

const ping = frame('PING', { payload: '12345678' });

test('bytes pass in both directions, FIN in one', () =>
  between(async ({ client, server, proxy }) => {
    client.send(ping);
    await server.expect('PING');
    client.end();
    assert.is(await server.expectEnd(), 'fin');
    server.send(frame('PONG'));
    await client.expect('PONG');
    server.end();
    assert.is(await client.expectEnd(), 'fin');
    assert.is(proxy.accepted, 1);
  }));

test('it passes TLS', () =>
  between(
    async ({ client, server, proxy }) => {
      proxy.slice(1);
      client.send(ping);
      await server.expect('PING');
    },
    { tls: certificates.server },
  ));

test('delay holds every byte back and keeps the order', () =>
  between(async ({ client, server, proxy }) => {
    proxy.delay(60, 20, 'toServer');
    const sentAt = performance.now();
    for (const type of ['PING', 'PONG', 'DRAIN', 'CLOSE'] as const) client.send(frame(type));
    for (const type of ['PING', 'PONG', 'DRAIN', 'CLOSE'] as const) await server.expect(type);
    assert.ok(performance.now() - sentAt >= 40, 'not before delay minus jitter');
  }));

test('slices reach the other side one by one, with nothing changed', () =>
  withSeed((random) =>
    between(async ({ client, server, proxy }) => {
      const chunks: Buffer[] = [];
      server.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      proxy.slice(1);
      const payload = random.bytes(300);
      client.send(frame('ITEM', { payload }));
      assert.ok((await server.expect('ITEM')).payload.equals(payload));
      assert.ok(chunks.length > 100, `only ${chunks.length} chunks for 312 bytes`);
    }),
  ));

test('bandwidth is limited, and what waits in the proxy is bounded', () =>
  between(async ({ client, server, proxy }) => {
    proxy.bandwidth(1_000_000, 'toServer');
    const startedAt = performance.now();
    client.send(frame('ITEM', { payload: Buffer.alloc(150_000) }));
    await server.expect('ITEM');
    assert.ok(performance.now() - startedAt >= 100, '150,000 bytes at 1 MB/s, less the first burst');

    proxy.bandwidth(1, 'toServer');
    client.send(Buffer.alloc(14 * 1024 * 1024));
    const flushed = client.flushed().then(() => 'flushed');
    const later = new Promise((resolve) => setTimeout(resolve, 100, 'waiting'));
    assert.is(await Promise.race([flushed, later]), 'waiting');
    client.reset();
    await flushed;
  }));

test('what is held passes after heal, FIN included', () =>
  between(async ({ client, server, proxy }) => {
    proxy.hold('toServer');
    client.send(ping);
    client.end();
    server.send(frame('PONG'));
    await client.expect('PONG');
    await server.expectSilence(20);
    proxy.heal();
    await server.expect('PING');
    assert.is(await server.expectEnd(), 'fin');
  }));

test('what went into a black hole is lost, RST included', () =>
  between(async ({ client, server, proxy }) => {
    proxy.blackhole('toClient');
    server.send(ping);
    client.send(ping);
    await server.expect('PING');
    server.reset();
    await client.expectSilence(20);
    proxy.heal();
    await client.expectSilence(20);
  }));

test('resetAfter lets exactly so many bytes pass, and the next connection through', () =>
  between(async ({ client, server, proxy, listener }) => {
    proxy.resetAfter(ping.length + 5, 'toServer');
    client.send(ping, ping);
    await server.expect('PING');
    await client.expectEnd();
    assert.is(client.ending, 'reset');
    const cutOff = await server.expectEnd().catch((error: Error) => error.message);
    assert.match(cutOff, '5 bytes of a frame before the end');
    assert.is(server.ending, 'reset');
    assert.is(server.bytesRead, magic.length + ping.length + 5);

    const next = await ScriptedPeer.dial({ port: proxy.port });
    next.send(magic, ping, ping);
    const nextServer = await listener.accept();
    await nextServer.expect('PING');
    await nextServer.expect('PING');
    assert.is(proxy.accepted, 2);
    next.destroy();
  }));

test('reset and finish act at once', async () => {
  await between(async ({ client, server, proxy }) => {
    proxy.reset();
    assert.is(await client.expectEnd(), 'reset');
    assert.is(await server.expectEnd(), 'reset');
  });
  await between(async ({ client, server, proxy }) => {
    proxy.finish('toClient');
    assert.is(await client.expectEnd(), 'fin');
    client.send(ping);
    await server.expect('PING');
  });
});

test('a refused port refuses, and opens again', () =>
  between(async ({ client, server, proxy, listener }) => {
    proxy.refuse();
    const refused = net.connect(proxy.port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    assert.is(error.code, 'ECONNREFUSED');
    client.send(ping);
    await server.expect('PING');
    await proxy.listen();
    const again = await ScriptedPeer.dial({ port: proxy.port });
    again.send(magic);
    await (await listener.accept()).expectMagic();
    again.destroy();
  }));

test('in front of a closed port, connections are reset', async () => {
  const listener = await ScriptedListener.listen();
  const { port } = listener;
  await listener.close();
  const proxy = await FaultProxy.start(port);
  const client = await ScriptedPeer.dial({ port: proxy.port });
  assert.is(await client.expectEnd(), 'reset');
  proxy.close();
});

test.run();
