/** The commands that restart, slow down and kill servers, in their small form, so that none can rot. Few figures are judged. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Latencies } from '../../bench/latencies.js';
import { accountOf } from '../../bench/rolling/account.js';
import { Outcome } from '../../bench/rolling/outcome.js';
import { ID_BYTES } from '../../bench/rolling/server.js';
import { runBench } from './run-bench.js';

test('rolling restarts servers by SIGTERM and by SIGKILL, and finds no call lost or repeated', async () => {
  const { code, output } = await runBench([
    'rolling',
    '--calls',
    '3000',
    '--restarts',
    '1',
    '--servers',
    '2',
    '--callers',
    '50',
    '--cases',
    'drain,kill',
  ]);
  assert.is(code, 0, output);
  for (const part of ['SIGTERM with drain', 'SIGKILL, any other', 'retries', 'all of it took']) {
    assert.ok(output.includes(part), `no ${part} in:\n${output}`);
  }
});

test('what ran twice, or never, or though it was said not to, is found by the ids that servers wrote down', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-account-'));
  try {
    const began = join(folder, 'began');
    mkdirSync(began);
    const ids = (...of: number[]): Buffer => {
      const bytes = Buffer.alloc(of.length * ID_BYTES);
      for (const [index, id] of of.entries()) bytes.writeUInt32LE(id, index * ID_BYTES);
      return bytes;
    };
    writeFileSync(join(began, '0'), ids(0, 1, 3, 9));
    writeFileSync(join(began, '1'), ids(1, 4));
    const { answered, failedUnstarted, failedMaybe, notMade } = Outcome;
    const outcomes = join(folder, 'outcomes');
    writeFileSync(outcomes, Buffer.from([answered, answered, answered, failedUnstarted, failedMaybe, notMade]));
    assert.equal(accountOf(began, outcomes), {
      calls: 6,
      answered: 3,
      failedUnstarted: 1,
      failedMaybe: 1,
      failedOtherwise: 1,
      executions: 6,
      executedTwice: 1,
      answeredUnexecuted: 1,
      executedUnstarted: 1,
      unknown: 1,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('quantiles of many durations are right within 2 %', () => {
  const latencies = new Latencies();
  assert.ok(Number.isNaN(latencies.quantile(0.5)));
  for (let ms = 1; ms <= 10_000; ms++) latencies.add(ms);
  for (const q of [0.01, 0.5, 0.99, 1]) {
    const found = latencies.quantile(q);
    assert.ok(found >= 10_000 * q && found <= 10_000 * q * 1.021, `${q}: ${found}`);
  }
  assert.is(latencies.mostMs, 10_000);
});

test('balance makes servers slow, failing and gone', async () => {
  const { code, output } = await runBench(['balance', '--callers', '20', '--seconds', '0.3', '--warm-up', '0.2']);
  // Targets are not judged in so short a time: only what was answered is.
  assert.ok(code === 0 || /FAILED: missed/.test(output), output);
  for (const part of ['leastLoaded', 'roundRobin', 'gets slow', 'ejected', 'closed port', 'no ejection']) {
    assert.ok(output.includes(part), `no ${part} in:\n${output}`);
  }
  assert.not.match(output, /FAILED: (?!missed)/);
});

test('channel compares a channel with a bare connection, and times picks', async () => {
  const args = ['--in-flight', '64', '--turns', '2', '--calls-per-turn', '2000', '--pick-ms', '5'];
  const { code, output } = await runBench(['channel', ...args]);
  assert.is(code, 0, output);
  for (const part of ['bare connection', 'least loaded, 100', 'consistent hash, 2']) {
    assert.ok(output.includes(part), `no ${part} in:\n${output}`);
  }
});

test.run();
