/**
 * Channels of several endpoints on a simulated network, one seed after the other, while servers crash, drain and come back;
 * `TRUNKLINE_SIM_SEEDS` runs more than the usual number. And what that is worth: it finds every planted bug.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repeatCommand, runSeeds } from '../seeds.js';
import { plantedChannelBugs } from './planted-bugs.js';

const seeds = Number(process.env['TRUNKLINE_SIM_SEEDS'] ?? 100);
/** Seeds within which a planted bug must be found. */
const PLANTED_SEEDS_MAX = 300;

test(`${seeds} seeds of channels, restarts and crashes keep all invariants, and run identically again`, async () => {
  const { failures, outcomes } = await runSeeds({
    scenario: 'channels',
    from: 1,
    count: seeds,
    plant: null,
    againEvery: 20,
  });
  assert.is(failures.map(({ text }) => text).join('\n'), '');
  // An outcome that no seed produces is not tested.
  const ends = ['ok yes', 'ABORTED yes', 'CANCELLED no', 'CANCELLED maybe', 'DEADLINE_EXCEEDED no', 'UNAVAILABLE no'];
  for (const kind of ['get', 'put']) {
    for (const end of ends) assert.ok((outcomes[`${kind} ${end}`] ?? 0) > 0, `no call ended with ${kind} ${end}`);
  }
  for (const name of [
    'list ok yes',
    'fill ok yes',
    'put UNAVAILABLE maybe',
    'put RESOURCE_EXHAUSTED no',
    'made again: ok yes',
  ]) {
    assert.ok((outcomes[name] ?? 0) > 0, `no call ended with ${name}: ${JSON.stringify(outcomes)}`);
  }
});

for (const { name } of plantedChannelBugs) {
  test(`the planted bug ${name} is found within ${PLANTED_SEEDS_MAX} seeds`, async () => {
    const range = { scenario: 'channels', from: 1, count: PLANTED_SEEDS_MAX, plant: name, againEvery: 0 } as const;
    const { failures, seeds: ran } = await runSeeds(range, 1);
    assert.is(failures.length, 1, `not found in ${ran} seeds`);
    assert.match(failures[0].text, `repeat it: ${repeatCommand('channels', failures[0].seed, name)}`);
  });
}

test.run();
