/** Where servers listen and what channels dial. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CallContext, connect, RpcError, Server } from '../../src/index.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';

const note = { id: 1, text: 'one' };

function serverThatSees(peers: CallContext['peer'][]): Server {
  const echo = (request: typeof note, { peer }: CallContext) => {
    peers.push(peer);
    return request;
  };
  return new Server().add(Notes, handlers({ echo }));
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a unix socket is served and called; large messages go through it as well', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'socket');
    const peers: CallContext['peer'][] = [];
    const server = serverThatSees(peers);
    assert.equal(await server.listen({ path }), { host: '', port: 0, path });
    for (const target of [`unix:${path}`, `unix://${path}`]) {
      const channel = connect(target);
      const notes = channel.client(Notes);
      assert.equal(await notes.echo(note), note);
      assert.is((await notes.bytes(Buffer.alloc(1_000_000))).length, 1_000_000);
      assert.is(String(channel.peer), `unix:${path}`);
      await channel.close();
    }
    assert.is(peers[0]?.kind, 'unix');
    assert.is(peers[0]?.address, path);
    assert.is(peers[0]?.port, 0);
    await server.close();
    assert.is(existsSync(path), false);
  });
});

test('A10 a unix path that is too long is refused, where it would be cut off', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, `${'d'.repeat(120)}.sock`);
    const refused = await failureOf(new Server().listen({ path }));
    assert.is(refused.code, 'INVALID_ARGUMENT');
    assert.match(refused.message, /at most \d+ bytes here, and .* has \d+/);
    assert.throws(() => connect(`unix:${path}`), /the path of a unix socket has at most/);
    // Counted in bytes, not in characters.
    const umlauts = await failureOf(new Server().listen({ path: join(folder, '\u00fc'.repeat(50)) }));
    assert.is(umlauts.code, 'INVALID_ARGUMENT');
  });
});

test('A10 a socket file that a killed server left is taken over', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'socket');
    const text = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn('node', ['-e', text]), 'exit');
    assert.is(existsSync(path), true);
    const server = serverThatSees([]);
    await server.listen({ path });
    const channel = connect(`unix:${path}`);
    assert.equal(await channel.client(Notes).echo(note), note);
    await channel.close();
    await server.close();
    assert.is(existsSync(path), false);
  });
});

test('A10 a path where somebody answers, or that is no socket, is in use, and stays as it is', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'socket');
    const server = serverThatSees([]);
    await server.listen({ path });
    const codeOf = (error: NodeJS.ErrnoException): unknown => error.code;
    assert.is(await new Server().listen({ path }).then(() => 'listens', codeOf), 'EADDRINUSE');
    const file = join(folder, 'file');
    await writeFile(file, 'text');
    assert.is(await new Server().listen({ path: file }).then(() => 'listens', codeOf), 'EADDRINUSE');
    assert.is(await readFile(file, 'utf8'), 'text');
    const channel = connect(`unix:${path}`);
    assert.equal(await channel.client(Notes).echo(note), note);
    await channel.close();
    await server.close();
  });
});

test('A10 a server that closes leaves the socket file of its successor', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'socket');
    const first = serverThatSees([]);
    await first.listen({ path });
    await rm(path);
    const second = serverThatSees([]);
    await second.listen({ path });
    await first.close();
    const channel = connect(`unix:${path}`);
    assert.equal(await channel.client(Notes).echo(note), note);
    await channel.close();
    await second.close();
    assert.equal(await readdir(folder), []);
  });
});

test('a unix path without a socket is UNAVAILABLE and names the path', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'nobody');
    const channel = connect(`unix:${path}`);
    const failure = await failureOf(channel.client(Notes).echo(note));
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'no');
    assert.ok(failure.message.includes(`unix:${path}`) && failure.message.includes('ENOENT'), failure.message);
    await channel.close();
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

test('IPv6 addresses stand in brackets', async () => {
  if (!hasIpv6) return;
  const peers: CallContext['peer'][] = [];
  const server = serverThatSees(peers);
  const { host, port } = await server.listen({ host: '::1' });
  assert.is(host, '::1');
  const channel = connect(`tcp://[::1]:${port}`);
  assert.equal(await channel.client(Notes).echo(note), note);
  assert.is(peers[0]?.address, '::1');
  await channel.close();
  await server.close();
  const after = connect(`tcp://[::1]:${port}`);
  assert.match((await failureOf(after.ready())).message, new RegExp(`tcp://\\[::1\\]:${port}`));
  await after.close();
});

test('a name with several addresses reaches a server that listens on one of them', async () => {
  const server = new Server().add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://localhost:${port}`);
  assert.equal(await channel.client(Notes).echo(note), note);
  await channel.close();
  await server.close();
  const after = connect(`tcp://localhost:${port}`);
  const failure = await failureOf(after.ready());
  assert.match(failure.message, /ECONNREFUSED/);
  await after.close();
});

test('a server listens on several addresses at once, by default on any free port of all interfaces', async () => {
  const server = new Server().add(Notes, handlers());
  const [one, two] = [await server.listen({ host: '127.0.0.1' }), await server.listen()];
  assert.ok(one.port > 0 && two.port > 0 && one.port !== two.port);
  for (const { port } of [one, two]) {
    const channel = connect(`tcp://127.0.0.1:${port}`);
    assert.equal(await channel.client(Notes).echo(note), note);
    await channel.close();
  }
  await server.close();
  for (const { port } of [one, two]) {
    const channel = connect(`tcp://127.0.0.1:${port}`);
    assert.is((await failureOf(channel.ready())).code, 'UNAVAILABLE');
    await channel.close();
  }
});

test('listening on a port that is taken rejects with the error of node:net, and the server can listen elsewhere', async () => {
  const first = new Server().add(Notes, handlers());
  const { port } = await first.listen({ host: '127.0.0.1' });
  const second = new Server().add(Notes, handlers());
  let error: unknown;
  await second.listen({ host: '127.0.0.1', port }).catch((thrown: unknown) => (error = thrown));
  assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  const elsewhere = await second.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${elsewhere.port}`);
  assert.equal(await channel.client(Notes).echo(note), note);
  await channel.close();
  await first.close();
  await second.close();
});

test('a target that has none of the forms is refused at once, and the forms are shown', () => {
  for (const target of [
    '',
    'localhost',
    'localhost:80',
    'http://localhost:80',
    'tcp://localhost',
    'tcp://localhost:0',
    'tcp://localhost:65536',
    'tcp://:80',
    'tcp://::1:80',
    'tcp://a b:80',
    'tcp://localhost:80/path',
    'unix:',
  ]) {
    let error: unknown;
    try {
      connect(target);
    } catch (thrown) {
      error = thrown;
    }
    assert.instance(error, RpcError, target);
    assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
    assert.match((error as RpcError).message, /tcp:\/\/host:port/);
  }
});

test('a name that does not resolve is UNAVAILABLE, as not started', async () => {
  const channel = connect('tcp://nobody.invalid:1', { limits: { connectMsMax: 2_000 } });
  const failure = await failureOf(channel.ready());
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /tcp:\/\/nobody\.invalid:1/);
  await channel.close();
});

test.run();
