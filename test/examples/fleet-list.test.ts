/** The fleet without an etcd: a list of its own takes the place, and what is left of the scenario holds. Its keys. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertGone, fleet, processesOf } from './fleet-run.js';
import { NodeRun, runNode } from './run-node.js';

/** Nothing is found in it, so no etcd either. */
const noPath = { PATH: '/nowhere' };

test('without etcd the fleet says how to install it, and plays with a list that it pushes', async () => {
  const { code, stdout, stderr } = await runNode(fleet, ['--seconds', '1'], noPath);
  assert.is(stderr, '');
  assert.is(code, 0, stdout);
  assert.match(stdout, 'There is no etcd here (apt-get install etcd-server)');
  assert.match(stdout, '8. etcd stops and starts again: skipped, there is no etcd');
  assert.match(stdout, '20 of 20 claims held.');
  await assertGone(stdout);
});

test('a server that dies unasked is told, and its calls go elsewhere', async () => {
  const run = new NodeRun(fleet, ['--seconds', '2'], noPath);
  await run.printed(/1\. three servers/);
  const [pid = 0] = processesOf(run.stdout);
  process.kill(pid, 'SIGKILL');
  await run.printed(/^server \d has died$/m);
  run.signal('SIGTERM');
  const { code, stdout } = await run.outcome();
  assert.is(code, 143);
  await assertGone(stdout);
});

test('by keys servers are killed, added, drained, slowed and started again', async () => {
  const run = new NodeRun(fleet, ['--interactive'], noPath);
  await run.printed(/^keys: /m);
  run.type('k1');
  await run.printed(/^server 1 is killed$/m);
  run.type('as2f3d3r1ek9q');
  const { code, stdout } = await run.outcome();
  for (const line of ['4 joins', '2 is slow', '3 is failing', '3 drains', '9 does not run']) {
    assert.match(stdout, `server ${line}\n`);
  }
  // Whether the first is gone by then is a matter of time.
  assert.match(stdout, /^server 1 (comes back|runs)$/m);
  assert.match(stdout, 'there is no etcd\n');
  assert.is(code, 0, stdout);
  await assertGone(stdout);
});

test.run();
