/** The guard's statistics, with seeded noise and planted losses: what it calls a loss is one, and what is one it finds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareCounts, leastLoss } from '../../bench/guard/counters.js';
import { type Run, type SideName, takeTurns } from '../../bench/guard/turns.js';
import { decide, looksOf, medianInterval, type Verdict } from '../../bench/guard/verdict.js';
import { Random } from '../support/seed.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('the interval runs between the ranks that the sign test gives', () => {
  // P(B(8) = 0) is 0.4 %, and with 1 it is 3.5 %.
  assert.equal(medianInterval(upTo(8), 0.05 / 3), { low: 1, high: 8 });
  assert.equal(medianInterval(upTo(8), 0.05), { low: 2, high: 7 });
  assert.equal(medianInterval(upTo(16).toReversed(), 0.05 / 3), { low: 4, high: 13 });
  assert.equal(medianInterval(upTo(32), 0.05 / 3), { low: 10, high: 23 });
});

test('too few rounds give no interval and no verdict', () => {
  assert.equal(medianInterval(upTo(5), 0.05 / 3), { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
  assert.is(decide([2, 2, 2], 3).verdict, 'undecided');
  assert.is(decide([2, 2, 2, 2, 2, 2], 3).verdict, 'loss');
});

test('a loss is one only when all of the interval is above 5 %, and held only when none of it is', () => {
  assert.is(decide([1.06, 1.07, 1.08, 1.09, 1.06, 1.07, 1.08, 1.09], 3).verdict, 'loss');
  assert.is(decide([1.04, 1.07, 1.08, 1.09, 1.06, 1.07, 1.08, 1.09], 3).verdict, 'undecided');
  assert.is(decide([1.04, 1.03, 1.05, 1.01, 1.02, 1.0, 0.9, 0.8], 3).verdict, 'held');
  assert.is(decide([1, 3, 2], 1).median, 2);
  assert.is(decide([1, 3, 2, 4], 1).median, 2.5);
});

/** Both sides share a mood that wanders from run to run, have noise of their own, and now and then one is disturbed for a whole run. */
async function verdictOf(loss: number, seed: number): Promise<Verdict> {
  const random = new Random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  let mood = 0;
  const run = (side: SideName): Promise<Run> => {
    mood += 0.02 * normal();
    const disturbed = random.unit() < 0.05 ? 1.5 : 1;
    const sumUs = 2 * Math.exp(mood + 0.02 * normal()) * disturbed * (side === 'head' ? 1 + loss : 1);
    return Promise.resolve({ sumUs, perSecond: 1e6 / sumUs, problem: null });
  };
  return (await takeTurns(looksOf(8), run)).decision.verdict;
}

async function shares(loss: number): Promise<Record<Verdict, number>> {
  const TRIALS = 400;
  const counts = { loss: 0, held: 0, undecided: 0 };
  for (let seed = 1; seed <= TRIALS; seed++) counts[await verdictOf(loss, seed)] += 1 / TRIALS;
  return counts;
}

test('no loss is found where none was planted, also with noise of half as much as is looked for', async () => {
  const found = await shares(0);
  assert.ok(found.loss <= 0.01, JSON.stringify(found));
  assert.ok(found.held >= 0.9, JSON.stringify(found));
});

test('a planted loss of 3 % is within what is allowed', async () => {
  const found = await shares(0.03);
  assert.ok(found.loss <= 0.05, JSON.stringify(found));
});

test('at the limit itself chance calls at most one in twenty a loss, all looks together', async () => {
  const found = await shares(0.05);
  assert.ok(found.loss <= 0.05, JSON.stringify(found));
});

test('a planted loss of 8 % is found, and never called held', async () => {
  const found = await shares(0.08);
  assert.ok(found.loss >= 0.7, JSON.stringify(found));
  assert.ok(found.held <= 0.02, JSON.stringify(found));
});

test('the sides take turns, and a look that decides ends them', async () => {
  const order: SideName[] = [];
  const run = (sumUs: number) => (side: SideName) => {
    order.push(side);
    return Promise.resolve({ sumUs: side === 'head' ? sumUs : 1, perSecond: 1, problem: null });
  };
  const found = await takeTurns(looksOf(8), run(1.2));
  assert.is(found.decision.verdict, 'loss');
  assert.is(found.decision.rounds, 8);
  assert.equal(order.slice(0, 6), ['base', 'head', 'head', 'base', 'base', 'head']);
  assert.is(order.length, 16);
});

test('while nothing is decided it goes on up to the last look', async () => {
  let run = 0;
  const found = await takeTurns([2, 4], (side) => {
    const sumUs = side === 'head' && run++ % 2 === 0 ? 1.5 : 1;
    return Promise.resolve({ sumUs, perSecond: 1, problem: null });
  });
  assert.is(found.decision.verdict, 'undecided');
  assert.is(found.head.length, 4);
});

test('a run that is worthless ends all', async () => {
  const run = (side: SideName): Promise<Run> =>
    Promise.resolve({ sumUs: 1, perSecond: 1, problem: side === 'head' ? '3 answers were wrong' : null });
  try {
    await takeTurns([8], run);
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), 'head: 3 answers were wrong');
  }
});

test('a count that rises by more than 5 % is a loss, unless next to nothing was counted', () => {
  const verdicts = (base: object, head: object): string[] =>
    compareCounts({ ...base }, { ...head }).map(({ name, verdict }) => `${name} ${verdict}`);
  assert.equal(verdicts({ promises: 2, heapBytes: 1000 }, { promises: 2.2, heapBytes: 1040 }), [
    'promises loss',
    'heapBytes held',
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
