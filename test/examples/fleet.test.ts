/** The fleet with an etcd: its whole scenario in short, and that it ends with all its processes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whereEtcdIs } from '../support/etcd.js';
import { assertGone, fleet } from './fleet-run.js';
import { NodeRun, runNode } from './run-node.js';

const etcdTest = whereEtcdIs(test);

etcdTest('the fleet plays its scenario with etcd, and all that it claims holds', async () => {
  const { code, stdout, stderr } = await runNode(fleet, ['--seconds', '1']);
  assert.is(stderr, '');
  assert.is(code, 0, stdout);
  assert.match(stdout, /^etcd +process \d+, etcd:\/\/127\.0\.0\.1:\d+\/fleet$/m);
  for (let step = 1; step <= 8; step++) assert.match(stdout, `\n${step}. `);
  assert.match(stdout, '23 of 23 claims held.');
  assert.not.match(stdout, 'BROKEN');
  assert.not.match(stdout, '\u001b');
  await assertGone(stdout);
});

etcdTest('Ctrl-C ends the fleet, its servers and etcd', async () => {
  const run = new NodeRun(fleet, ['--seconds', '60']);
  await run.printed(/1\. three servers/);
  run.signal('SIGINT');
  const { code, stdout } = await run.outcome();
  assert.is(code, 130);
  await assertGone(stdout);
});

test.run();
