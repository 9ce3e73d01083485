/** Runs every part of the bench in its small form, so that none can rot. No figure is judged. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBench } from './run-bench.js';

test('smoke runs every part and finds all answers right', async () => {
  const { code, output } = await runBench(['smoke']);
  assert.is(code, 0, output);
  for (const part of [
    'engine',
    'floor',
    'avsc RPC',
    'async handler',
    'engine: batches()',
    'engine: for await',
    'raw node:net (floor)',
    'one more, stalled',
    'duplex',
    'slow consumer',
    'raw node:net',
    'checksums, twin',
    'compute',
    'limit',
    'scavenges',
    'server processes',
    'the generator alone',
    'memory',
    "guards' share",
    'wireBytes',
    'too few turns',
    'decode, avsc',
    'chunks of 1 bytes',
  ]) {
    assert.ok(output.includes(part), `no ${part} in:\n${output}`);
  }
  assert.match(output, /all answers right\n$/);
});

test.run();
