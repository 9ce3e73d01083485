/** What goes wrong before a TLS connection stands: each has an error of its own, and nobody else is disturbed. */
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, connect, type RpcError, Server, type ServerOptions } from '../../src/index.js';
import * as certificates from '../support/certificates.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';
import { onlyIn, runtime } from '../support/runtime.js';

const inNode = onlyIn(test, ['node'], 'Bun and Deno answer in another way when the TLS handshake fails');

const note = { id: 1, text: 'one' };
const { ca } = certificates;

async function listening(options: ServerOptions): Promise<{ readonly server: Server; readonly port: number }> {
  const server = new Server(options).add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  return { server, port };
}

/** The failure of one call over a new channel. */
async function refusal(port: number, options: ChannelOptions): Promise<RpcError> {
  const channel = connect(`tls://127.0.0.1:${port}`, options);
  const failure = await failureOf(channel.client(Notes).echo(note));
  await channel.close();
  return failure;
}

/** A good client is answered. */
async function assertServes(port: number, options: ChannelOptions['tls'] = {}): Promise<void> {
  const channel = connect(`tls://127.0.0.1:${port}`, { tls: { ca, ...options } });
  assert.equal(await channel.client(Notes).echo(note), note);
  await channel.close();
}

for (const [what, pair, text] of [
  ['that has expired', certificates.serverExpired, /expired.*CERT_HAS_EXPIRED/],
  ['for another name', certificates.serverWrongName, /127\.0\.0\.1.*ERR_TLS_CERT_ALTNAME_INVALID/],
  ['of another authority', certificates.serverOtherCa, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
] as const) {
  test(`F26 a server certificate ${what} is UNAVAILABLE, started=no, and says why`, async () => {
    const { server, port } = await listening({ tls: pair });
    const failure = await refusal(port, { tls: { ca } });
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'no');
    assert.match(failure.message, new RegExp(`cannot connect to tls://127\\.0\\.0\\.1:${port}`));
    // Deno has words of its own for what is wrong.
    if (runtime !== 'deno') assert.match(failure.message, text);
    assert.is(server.connectionCount, 0);
    await server.close();
  });
}

for (const [what, pair] of [
  ['of another authority', certificates.clientOtherCa],
  ['that is missing', {}],
] as const) {
  test(`F26 a client certificate ${what} is refused by the server, and a good one is served`, async () => {
    const { server, port } = await listening({ tls: { ...certificates.server, ca, requestCert: true } });
    const failure = await refusal(port, { tls: { ca, ...pair } });
    assert.is(failure.code, 'UNAVAILABLE');
    // By an alert where the server sends one, else by the end of the connection.
    assert.match(
      failure.message,
      /alert|ended inside the preface \(a server that refuses the TLS certificate of its client/,
    );
    await assertServes(port, certificates.client);
    assert.is(server.connectionCount, 0);
    await server.close();
  });
}

test('F26 a TLS handshake that stalls fails after connectMsMax and names the limit', async () => {
  const sockets: net.Socket[] = [];
  const silent = net.createServer((socket) => void sockets.push(socket.resume()));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as net.AddressInfo;
  const failure = await refusal(port, { tls: { ca }, limits: { connectMsMax: 100 } });
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(
    failure.message,
    /no connection in time: the limit connectMsMax is 100 \(setting: limits\.connectMsMax\)/,
  );
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('F26 a TLS handshake that stalls in the middle fails in the same time', async () => {
  const { server, port } = await listening({ tls: certificates.server });
  const proxy = await FaultProxy.start(port);
  proxy.hold('toClient');
  const failure = await refusal(proxy.port, { tls: { ca }, limits: { connectMsMax: 100 } });
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /connectMsMax/);
  proxy.close();
  await server.close();
});

test('F26 a client that never finishes its TLS handshake is dropped after handshakeMsMax, others are served meanwhile', async () => {
  const { server, port } = await listening({ tls: certificates.server, limits: { handshakeMsMax: 1_000 } });
  const mute = net.connect({ host: '127.0.0.1', port });
  mute.on('error', () => {});
  mute.resume();
  await once(mute, 'connect');
  await assertServes(port);
  if (!mute.closed) await once(mute, 'close');
  await assertServes(port);
  await server.close();
});

test('F26 TLS without trunkline/1 in ALPN is refused on both sides', async () => {
  const { server, port } = await listening({ tls: certificates.server });
  const stranger = tls.connect({ host: '127.0.0.1', port, ca });
  stranger.on('error', () => {}).resume();
  await once(stranger, 'close');
  await assertServes(port);
  await server.close();
  const other = tls.createServer({ ...certificates.server }, (socket) => socket.on('error', () => {}).resume());
  other.on('tlsClientError', () => {});
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const failure = await refusal((other.address() as net.AddressInfo).port, { tls: { ca } });
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /does not offer trunkline\/1 over TLS \(ALPN\)/);
  other.close();
});

inNode('F26 plain bytes on a TLS port, and TLS to a plain port, end that connection only', async () => {
  const secure = await listening({ tls: certificates.server });
  const plainChannel = connect(`tcp://127.0.0.1:${secure.port}`);
  assert.is((await failureOf(plainChannel.client(Notes).echo(note))).code, 'UNAVAILABLE');
  await plainChannel.close();
  await assertServes(secure.port);
  await secure.server.close();
  const plain = await listening({});
  const failure = await refusal(plain.port, { tls: { ca } });
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  await plain.server.close();
});

inNode('B48 TLS before 1.2 is refused with an alert, and the server goes on', async () => {
  const { server, port } = await listening({ tls: certificates.server });
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const stranger = tls.connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['trunkline/1'], ...old });
  const [error] = (await once(stranger, 'error')) as [Error];
  assert.match(error.message, /alert protocol version/);
  await assertServes(port);
  await server.close();
});

test('B48 renegotiation is refused on both sides, and the server keeps running', async () => {
  const { server, port } = await listening({ tls: certificates.server });
  const stranger = tls.connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['trunkline/1'], maxVersion: 'TLSv1.2' });
  await once(stranger, 'secureConnect');
  stranger.resume();
  let again = 0;
  stranger.on('secureConnect', () => void again++);
  const refused = new Promise<unknown>((resolve) => {
    stranger.on('error', resolve);
    stranger.renegotiate({}, resolve);
  });
  assert.instance(await refused, Error);
  assert.is(again, 0);
  stranger.destroy();
  await assertServes(port);
  await server.close();
});

test('B48 a garbage record after the TLS handshake ends that connection only', async () => {
  const { server, port } = await listening({ tls: certificates.server });
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const secured = tls.connect({ socket, ca, servername: 'localhost', ALPNProtocols: ['trunkline/1'] });
  secured.on('error', () => {});
  await once(secured, 'secureConnect');
  // Past the TLS layer of this side.
  socket.write(Buffer.from('17030300207777777777777777777777777777777777777777777777777777777777777777', 'hex'));
  // With its error before it.
  await new Promise((resolve) => secured.once('close', resolve));
  await assertServes(port);
  await server.close();
});

test.run();
