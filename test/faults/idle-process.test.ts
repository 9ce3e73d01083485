/** A channel that was not closed keeps its process alive while calls are in flight or wait, and no longer, unless it is told to. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Server } from '../../src/index.js';
import { type Outcome, runNode } from '../examples/run-node.js';
import { Idle, idleHandlers } from './idle-service.js';

const script = fileURLToPath(new URL('./idle-process.js', import.meta.url));

const server = new Server().add(Idle, idleHandlers);
const scenes = [
  ['ends behind its last call, with the channel open', 'called', '1'],
  ['ends with a channel that was only made ready', 'greeted', 'ready'],
  ['lives until a call that is in flight has its answer', 'pending', '300'],
  ['lives until a call that is in flight is late, and no longer', 'late', 'DEADLINE_EXCEEDED'],
  ['lives until a call that waits for a connection has failed', 'waiting', 'DEADLINE_EXCEEDED'],
  ['lives until a stream has ended', 'streamed', '1,2,3,4,5'],
  ['ends while one of several endpoints is not reached', 'endpoints', '1'],
  ['lives until its idle channel has closed', 'closing', 'closed'],
  ['lives while its channel is asked to keep it alive', 'asked', 'still here'],
  ['lives while a channel without a connection is asked to keep it alive', 'askedUnconnected', 'still here'],
  ['lives while its channel serves', 'serving', 'still here'],
  ['ends when its channel serves and is told to let it end', 'servingReleased', 'ready'],
  ['ends with a server that is told to let it end', 'server', '1'],
  ['lives while its server is told to keep it alive again', 'serverKept', 'still here'],
  ['ends with a channel over TLS, behind its last call', 'tls', '1\n300'],
  ['ends with a channel that polls', 'polled', '1'],
] as const;

/** They wait more than they work, so they run together. */
let runs: readonly Promise<Outcome>[] = [];

test.before(async () => {
  // Each run is ended with this process.
  process.setMaxListeners(scenes.length + 10);
  const { port } = await server.listen({ host: '127.0.0.1' });
  runs = scenes.map(([, scene]) => runNode(script, [scene, `tcp://127.0.0.1:${port}`]));
});

test.after(() => server.close());

for (const [index, [what, , said]] of scenes.entries()) {
  test(`A10 E3 a process ${what}`, async () => {
    const { code, stdout, stderr } = (await runs[index]) ?? assert.unreachable();
    assert.is(stderr, '');
    assert.is(stdout, `${said}\n`);
    assert.is(code, 0);
  });
}

test.run();
