/** What is made of the samples: medians, ratios, the table, and no figures at all when an answer was wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FloorSettings, report } from '../../bench/commands/floor.js';
import { growthOf } from '../../bench/commands/memory.js';
import type { ContenderName } from '../../bench/contenders/names.js';
import type { Sample } from '../../bench/measure.js';
import { coresIn } from '../../bench/process/cores.js';
import type { Mark } from '../../bench/process/marks.js';
import { comparisonTable, targetLines } from '../../bench/report/comparison.js';
import { median, ratio } from '../../bench/report/statistics.js';
import { printed } from './printed.js';

function sample(contender: ContenderName, sumUs: number, perSecond: number, more: Partial<Sample> = {}): Sample {
  const half = sumUs / 2;
  const counts = { done: 1000, seconds: 1, wrong: 0, failed: 0, failure: '' };
  return { contender, inFlight: 512, perSecond, clientUs: half, serverUs: half, sumUs, ...counts, ...more };
}

const settings: FloorSettings = {
  contenders: ['engine', 'floor'],
  inFlight: [512],
  rounds: 1,
  seconds: 1,
  warmUpSeconds: 0,
  handler: 'sync',
  pinning: { cores: null, text: 'not pinned' },
  profileFolder: null,
};

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 3, 2]), 2.5);
});

test('a ratio is made within each round, so that a slow round does not shift it', () => {
  const engine = [sample('engine', 2, 1), sample('engine', 20, 1), sample('engine', 2.2, 1)];
  const floor = [sample('floor', 1, 1), sample('floor', 10, 1), sample('floor', 1, 1)];
  assert.is(ratio(engine, floor, 'sumUs'), 2);
});

test('the table says what was won and what was lost', () => {
  const won = [sample('engine', 1, 200), sample('floor', 2, 100)];
  const lost = [sample('engine', 2, 100), sample('floor', 1, 200)];
  const mixed = [sample('engine', 1, 100), sample('floor', 2, 200)];
  const verdict = (samples: Sample[]): string =>
    comparisonTable(samples, ['engine', 'floor'], [512]).split('\n').at(-1) ?? '';
  assert.match(verdict(won), /won$/);
  assert.match(verdict(lost), /lost$/);
  assert.match(verdict(mixed), /lost calls\/s$/);
});

test('a missed target is printed like one that was met', () => {
  const lines = targetLines([sample('engine', 1.6, 100), sample('floor', 1.9, 90), sample('avsc-rpc', 40, 50)]);
  assert.is(lines.length, 3);
  assert.match(lines[0] ?? '', /^target met: CPU per call at 512/);
  assert.match(lines[1] ?? '', /^target met: calls\/s at 512 in flight at least 1\.05 x floor/);
  assert.match(lines[2] ?? '', /^target MISSED: calls\/s at 512/);
});

test('wrong answers, failed calls and silence end with exit code 1 and without figures', () => {
  for (const more of [{ wrong: 1 }, { failed: 1, failure: 'Error: gone' }, { done: 0 }]) {
    let code = -1;
    const text = printed(() => {
      code = report(settings, [sample('engine', 1, 1), sample('floor', 1, 1, more)]);
    });
    assert.is(code, 1);
    assert.match(text, /^FAILED\nfloor, 512 in flight: /);
    assert.not.match(text, /calls\/s/);
  }
});

test('right answers end with exit code 0, whichever contender was faster', () => {
  let code = -1;
  printed(() => {
    code = report(settings, [sample('engine', 9, 1), sample('floor', 1, 9)]);
  });
  assert.is(code, 0);
});

test('growth compares the last mark with the first', () => {
  const mark = (rssBytes: number): Mark => ({
    done: 0,
    cpuUs: 0,
    atMs: 0,
    rssBytes,
    wrong: 0,
    failed: 0,
    failure: '',
  });
  const rows = [100, 300, 110].map((bytes) => ({ calls: 1, server: mark(bytes), client: mark(2 * bytes) }));
  const { server, client } = growthOf(rows);
  assert.ok(Math.abs(server - 0.1) < 1e-9 && Math.abs(client - 0.1) < 1e-9);
});

test('the affinity list of taskset is read with its ranges', () => {
  assert.equal(coresIn("pid 7's current affinity list: 0,2-4\n"), [0, 2, 3, 4]);
  assert.equal(coresIn("pid 7's current affinity list: 5\n"), [5]);
  assert.equal(coresIn(''), []);
});

test.run();
