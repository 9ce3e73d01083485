/** How the bench begins and ends: without taskset, with wrong arguments, and killed in the middle. */
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBench, startBench } from './run-bench.js';

test('without taskset no process is pinned, and the bench says so', async () => {
  const args = [
    'floor',
    '--contenders',
    'engine',
    '--in-flight',
    '4',
    '--rounds',
    '1',
    '--seconds',
    '0.1',
    '--warm-up',
    '0',
  ];
  const { code, output } = await runBench(args, { ...process.env, PATH: '' });
  assert.is(code, 0, output);
  assert.match(output, /not pinned: there is no taskset here/);
});

test('an unknown command and a wrong option print the usage and exit with 2', async () => {
  for (const args of [[], ['flor'], ['floor', '--rounds', 'x'], ['smoke', '--quick'], ['memory', '--calls', '10']]) {
    const { code, output } = await runBench(args);
    assert.is(code, 2, output);
    assert.match(output, /npm run bench -- /);
  }
});

/** Processes that `pid` has started, as Linux tells it. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    assert.ok(waited < 30_000, `waited in vain until ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}

const tellsChildren = existsSync(`/proc/self/task/${process.pid}/children`);
const endings = tellsChildren ? (['SIGTERM', 'SIGKILL'] as const) : [];

for (const signal of endings) {
  test(`no process stays behind when the bench gets ${signal}`, async () => {
    const bench = startBench(['memory', '--calls', '1000000000', '--every', '500000000']);
    const pid = bench.pid as number;
    await until(() => childrenOf(pid).length === 2, 'both sides run');
    const children = childrenOf(pid);
    bench.kill(signal);
    await until(() => children.every((child) => !existsSync(`/proc/${child}`)), `${children.join(' and ')} are gone`);
  });
}

test.run();
