/** The guard's statistics, with seeded noise and planted losses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareCounts, leastLoss } from '../../bench/guard/counters.js';
import { verdictText } from '../../bench/guard/report.js';
import { type Cost, type TurnCosts, takeTurns } from '../../bench/guard/turns.js';
import { decide, looksOf, ranksOutside, type Verdict } from '../../bench/guard/verdict.js';
import { Random } from '../support/seed.js';

const BOUND = 0.02;
const looks = looksOf(8, 64);
const never = Number.POSITIVE_INFINITY;

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, not ${expected}`);
}

test('the looks double up to the last one', () => {
  assert.equal(looksOf(8, 64), [8, 16, 32, 64]);
  assert.equal(looksOf(8, 40), [8, 16, 32, 40]);
  assert.equal(looksOf(8, 3), [3]);
});

test('the ranks outside the interval are those of the signed-rank test', () => {
  // Tables of Wilcoxon's test: the largest T with a one-sided chance of at most 2.5 %, and k is one more.
  assert.is(ranksOutside(6, 0.025), 1);
  assert.is(ranksOutside(10, 0.025), 9);
  assert.is(ranksOutside(20, 0.025), 53);
  assert.is(ranksOutside(5, 0.025), 0);
});

test('the interval runs between means of pairs', () => {
  // Six values have 21 means, and k is 1: the ends are the least and the most value.
  const { estimate, interval } = decide([1.01, 1.02, 1.03, 1.04, 1.05, 1.06], 2, BOUND);
  near(interval.low, 1.01);
  near(interval.high, 1.06);
  assert.ok(estimate > 1.034 && estimate < 1.036, String(estimate));
});

test('too few turns give no interval and no verdict', () => {
  assert.equal(decide([2, 2, 2], 4, BOUND).interval, { low: 0, high: Number.POSITIVE_INFINITY });
  assert.is(decide([2, 2, 2], 4, BOUND).verdict, 'undecided');
  assert.is(decide([2, 2, 2, 2, 2, 2, 2], 4, BOUND).verdict, 'loss');
});

test('more than the bound is claimed only when all of the interval is above it, and within only when none of it is', () => {
  assert.is(decide([1.03, 1.04, 1.05, 1.03, 1.04, 1.03, 1.05, 1.04], 4, BOUND).verdict, 'loss');
  assert.is(decide([1.01, 1.04, 1.05, 1.03, 1.04, 1.03, 1.05, 1.04], 4, BOUND).verdict, 'undecided');
  assert.is(decide([1.01, 1.0, 1.01, 1.0, 0.99, 1.015, 0.9, 0.8], 4, BOUND).verdict, 'within');
});

test('a verdict says the bound, the confidence, and what is lost', () => {
  const interval = { low: 1.022, high: 1.04 };
  assert.is(verdictText('cpuUs', { verdict: 'within', estimate: 1, interval, turns: 8 }, BOUND), 'within 2 % at 95 %');
  assert.is(
    verdictText('cpuUs', { verdict: 'loss', estimate: 1.031, interval, turns: 8 }, BOUND),
    'slower: +3.1 % (2.2 to 4)',
  );
  assert.match(
    verdictText('heapBytes', { verdict: 'loss', estimate: 1.031, interval, turns: 8 }, BOUND),
    /^allocates more: /,
  );
  assert.is(
    verdictText('cpuUs', { verdict: 'undecided', estimate: 1, interval, turns: 8 }, BOUND),
    'undecided: needs more turns',
  );
});

const cost = (cpuUs: number): Cost => ({ cpuUs, heapBytes: 400, bufferBytes: 0.1 });

/** Both sides of a turn share a mood and have noise of their own, and now and then one side is disturbed for a whole turn. */
async function verdictOf(loss: number, seed: number): Promise<Verdict> {
  const random = new Random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  let mood = 0;
  const { results } = await takeTurns(
    { bound: BOUND, looks: looksOf(8, 32), untilMs: never },
    (): Promise<TurnCosts> => {
      mood += 0.05 * normal();
      const side = (): number => 2 * Math.exp(mood + 0.015 * normal()) * (random.unit() < 0.05 ? 1.3 : 1);
      return Promise.resolve({ base: cost(side()), head: cost(side() * (1 + loss)) });
    },
  );
  return results[0]?.decision?.verdict ?? 'undecided';
}

async function shares(loss: number): Promise<Record<Verdict, number>> {
  const TRIALS = 300;
  const counts = { loss: 0, within: 0, undecided: 0 };
  for (let seed = 1; seed <= TRIALS; seed++) counts[await verdictOf(loss, seed)] += 1 / TRIALS;
  return counts;
}

test('no loss is found where none was planted', async () => {
  const found = await shares(0);
  assert.ok(found.loss <= 0.01, JSON.stringify(found));
  assert.ok(found.within >= 0.9, JSON.stringify(found));
});

test('at the bound itself each of the two claims is wrong in at most one case of twenty, all looks together', async () => {
  const found = await shares(BOUND);
  assert.ok(found.loss <= 0.05, JSON.stringify(found));
  assert.ok(found.within <= 0.05, JSON.stringify(found));
});

test('a planted loss of 4 % is found, and never called within', async () => {
  const found = await shares(0.04);
  assert.ok(found.loss >= 0.8, JSON.stringify(found));
  assert.is(found.within, 0, JSON.stringify(found));
});

test('a look that decides every measure ends the turns', async () => {
  const found = await takeTurns({ bound: BOUND, looks, untilMs: never }, () =>
    Promise.resolve({ base: cost(1), head: cost(1.2) }),
  );
  assert.is(found.costs.length, 8);
  assert.equal(
    found.results.map(({ measure, decision }) => `${measure} ${decision?.verdict}`),
    ['cpuUs loss', 'heapBytes within', 'bufferBytes undefined'],
  );
});

test('while a measure is undecided more turns are taken, up to the last look or the end of the time', async () => {
  const undecided = (index: number): Promise<TurnCosts> =>
    Promise.resolve({ base: cost(1), head: { ...cost(1), heapBytes: index % 2 === 0 ? 380 : 430 } });
  const all = await takeTurns({ bound: BOUND, looks: [8, 16], untilMs: never }, undecided);
  assert.is(all.costs.length, 16);
  assert.is(all.results[1]?.decision?.verdict, 'undecided');
  let now = 0;
  const cut = await takeTurns({ bound: BOUND, looks: [8, 16], untilMs: 10 }, undecided, () => ++now);
  assert.is(cut.costs.length, 10);
});

test('a turn that fails ends all', async () => {
  try {
    await takeTurns({ bound: BOUND, looks, untilMs: never }, () => Promise.reject(new Error('an answer was wrong')));
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), 'an answer was wrong');
  }
});

test('a count that rises by more than 5 % is a loss, unless next to nothing was counted', () => {
  const verdicts = (base: object, head: object): string[] =>
    compareCounts({ ...base }, { ...head }).map(({ name, verdict }) => `${name} ${verdict}`);
  assert.equal(verdicts({ promises: 2, wireBytes: 1000 }, { promises: 2.2, wireBytes: 1040 }), [
    'promises loss',
    'wireBytes held',
  ]);
  assert.equal(verdicts({ timers: 0.0001 }, { timers: 0.001 }), ['timers held']);
  assert.equal(verdicts({ immediates: 0 }, { immediates: 1 }), ['immediates loss']);
  assert.equal(verdicts({ promises: 3 }, { promises: 2, other: 1 }), ['promises held']);
});

test('a count that is no loss the second time is none', () => {
  const lost = compareCounts({ promises: 2, writes: 1 }, { promises: 3, writes: 2 });
  const held = compareCounts({ promises: 2, writes: 1 }, { promises: 2, writes: 2 });
  assert.equal(
    leastLoss(lost, held).map(({ name, verdict }) => `${name} ${verdict}`),
    ['promises held', 'writes loss'],
  );
});

test.run();
