/**
 * Mixed calls and faults on a simulated network, one seed after the other; `TRUNKLINE_SIM_SEEDS` runs more than the usual
 * number. And what the simulation is worth: it finds every planted bug, and says how to see it again.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedBugs } from './planted-bugs.js';
import { repeatCommand, runSeeds } from './seeds.js';

const seeds = Number(process.env['TRUNKLINE_SIM_SEEDS'] ?? 400);
/** Seeds within which a planted bug must be found. */
const PLANTED_SEEDS_MAX = 300;

test(`${seeds} seeds of mixed calls and faults keep all invariants, and run identically again`, async () => {
  const { failures, outcomes } = await runSeeds({
    scenario: 'connections',
    from: 1,
    count: seeds,
    plant: null,
    againEvery: 20,
  });
  assert.is(failures.map(({ text }) => text).join('\n'), '');
  // An outcome that no seed produces is not tested.
  const ends =
    'ok yes, ABORTED yes, INTERNAL yes, CANCELLED no, CANCELLED maybe, DEADLINE_EXCEEDED no, DEADLINE_EXCEEDED maybe';
  const faults = 'UNAVAILABLE no, UNAVAILABLE maybe, RESOURCE_EXHAUSTED no, CANCELLED yes';
  for (const end of [...ends.split(', '), ...faults.split(', ')]) {
    assert.ok((outcomes[`unary ${end}`] ?? 0) > 0, `no call ended with ${end}: ${JSON.stringify(outcomes)}`);
  }
  for (const kind of ['serverStream', 'clientStream', 'duplex', 'blob']) {
    for (const end of ['ok yes', 'ABORTED yes', 'CANCELLED maybe', 'DEADLINE_EXCEEDED maybe', 'UNAVAILABLE maybe']) {
      assert.ok((outcomes[`${kind} ${end}`] ?? 0) > 0, `no ${kind} call ended with ${end}`);
    }
  }
});

for (const { name } of plantedBugs) {
  test(`the planted bug ${name} is found within ${PLANTED_SEEDS_MAX} seeds`, async () => {
    const { failures, seeds: ran } = await runSeeds(
      { scenario: 'connections', from: 1, count: PLANTED_SEEDS_MAX, plant: name, againEvery: 0 },
      1,
    );
    assert.is(failures.length, 1, `not found in ${ran} seeds`);
    assert.match(failures[0].text, `repeat it: ${repeatCommand('connections', failures[0].seed, name)}`);
  });
}

test('a failing seed is printed with the command that reproduces it, which fails in the same way', async () => {
  const plant = plantedBugs[0].name;
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const run = (args: readonly string[]) =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 });
  const { stdout, stderr, status } = run(['--seeds', '100', '--jobs', '1', '--plant', plant]);
  assert.is(stderr, '');
  assert.is(status, 1);
  const command = /repeat it: npm run simulate -- (.*)$/m.exec(stdout);
  assert.ok(command !== null, stdout);
  const again = run((command?.[1] ?? '').split(' '));
  assert.is(again.status, 1);
  const told = (text: string) => /^seed \d+ failed [^]*?repeat it:/m.exec(text)?.[0];
  assert.match(told(stdout) ?? '', /^seed \d+ failed \(trace [0-9a-f]{8}\):/);
  assert.is(told(again.stdout), told(stdout));
});

test.run();
