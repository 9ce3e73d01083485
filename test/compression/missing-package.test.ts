/** A process in which lz4-napi is not installed: everything but LZ4 works, and asking for LZ4 says what to do. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from '../examples/run-node.js';
import { projectRoot } from '../support/root.js';

const script = `
import { connect, defineService, raw, Server, unary } from './src/index.js';
const Echo = defineService('test.Echo', { echo: unary({ request: raw, response: raw }) });
const Packed = defineService('test.Packed', { echo: unary({ request: raw, response: raw, compression: 'lz4' }) });
const say = async (what, promise) => console.log(what + ': ' + (await promise.then(String, (error) => error.code + ' ' + error.message)));

const plain = new Server({ compression: 'gzip' }).add(Echo, { echo: (bytes) => bytes });
const { port } = await plain.listen({ host: '127.0.0.1' });
await say('server', new Server({ compression: 'lz4' }).listen({ host: '127.0.0.1' }));
await say('method of a server', new Server().add(Packed, { echo: (bytes) => bytes }).listen({ host: '127.0.0.1' }));
for (const [what, compression, service] of [['channel', 'lz4', Echo], ['method of a client', 'off', Packed], ['without', 'gzip', Echo]]) {
  const channel = connect('tcp://127.0.0.1:' + port, { compression });
  await say(what, channel.client(service).echo(Buffer.from('works')));
  await channel.close();
}
await plain.close();
`;

test('without lz4-napi a process says which package it needs, on either side, and does without LZ4 what it did', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-'));
  try {
    await cp(fileURLToPath(new URL('.build/src', projectRoot)), join(folder, 'src'), { recursive: true });
    await mkdir(join(folder, 'node_modules'));
    await symlink(fileURLToPath(new URL('node_modules/avsc', projectRoot)), join(folder, 'node_modules/avsc'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'main.js'), script);
    const { code, stdout, stderr } = await runNode(join(folder, 'main.js'));
    assert.is(code, 0, stderr);
    const missing =
      "FAILED_PRECONDITION compression 'lz4' needs the optional package lz4-napi, which is not installed: npm install lz4-napi";
    assert.equal(stdout.trim().split('\n'), [
      `server: ${missing}`,
      `method of a server: ${missing}`,
      `channel: ${missing}`,
      `method of a client: ${missing}`,
      'without: works',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
