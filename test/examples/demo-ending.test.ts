/** The demo when it is stopped or its server dies: it ends, with a code that says so, and its server never outlives it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { demo, isAlive, serverPid } from './demo-run.js';
import { NodeRun } from './run-node.js';

test('Ctrl-C ends the demo and its server', async () => {
  const run = new NodeRun(demo, ['--seconds', '20']);
  await run.printed(/Every city by id/);
  run.signal('SIGINT');
  const { code, stdout } = await run.outcome();
  assert.is(code, 130);
  const pid = serverPid(stdout);
  assert.ok(pid > 0);
  for (let waits = 0; waits < 100 && isAlive(pid); waits += 1) await sleep(50);
  assert.not(isAlive(pid));
});

test('a server that dies fails the demo with a clear text', async () => {
  const run = new NodeRun(demo, ['--seconds', '20']);
  const [, pid] = await run.printed(/server {2}process (\d+)[^]*Every city by id/);
  process.kill(Number(pid), 'SIGKILL');
  const { code, stdout, stderr } = await run.outcome();
  assert.is(code, 1);
  assert.match(stdout, /error RpcError: .*tcp:\/\/127\.0\.0\.1/);
  assert.is(stderr, '');
});

test.run();
