/** The engine does not keep a process alive that has closed everything it opened, and no fault of a peer ends a process. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from '../examples/run-node.js';

const script = fileURLToPath(new URL('./ending-process.js', import.meta.url));

for (const [what, scene] of [
  ['that has closed its channel and its server', 'closed'],
  ['that has drained its server', 'drained'],
  ['whose channel never reached anybody', 'refused'],
  ['whose channel lost its server', 'lost'],
  ['that was cancelled, was late and cancelled again', 'cancelled'],
  ['that has left open streams of every kind', 'streams'],
  ['whose channel watched etcd', 'etcd'],
  ['that only made a channel and a server', 'unused'],
  ['whose connections were polled', 'polled'],
  ['whose timers for a stalled, silent peer were armed', 'stalled'],
] as const) {
  test(`a process ${what} ends by itself`, async () => {
    const { code, stdout, stderr } = await runNode(script, [scene]);
    assert.is(stderr, '');
    assert.is(code, 0);
    assert.match(stdout, /^done after \d+ ms, ended after \d+ ms\n$/);
    const [, done = 0, ended = 0] = (/(\d+) ms, ended after (\d+)/.exec(stdout) ?? []).map(Number);
    // The longest wait of a teardown is 100 ms, that of a default timer 5,000 ms.
    assert.ok(ended - done < 3_000, stdout);
  });
}

test.run();
