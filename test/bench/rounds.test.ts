/** The order of what is measured: all of it once a round, and never always in the same place. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { alternated, inRounds, rotated } from '../../bench/rounds.js';

test('each round begins one further, also before the rounds that count', () => {
  const items = ['a', 'b', 'c'];
  assert.equal(rotated(items, 0), ['a', 'b', 'c']);
  assert.equal(rotated(items, 4), ['b', 'c', 'a']);
  assert.equal(rotated(items, -1), ['c', 'a', 'b']);
  assert.equal(rotated([], 3), []);
  assert.equal(alternated(items, 2), ['a', 'b', 'c']);
  assert.equal(alternated(items, 3), ['c', 'b', 'a']);
});

test('every item is measured once a round, rotated within its group', async () => {
  const groups = [
    ['a', 'b'],
    ['c', 'd'],
  ];
  const order = await inRounds(
    2,
    groups,
    (item) => item,
    (item, round) => Promise.resolve(`${item}${round}`),
  );
  assert.equal(order, ['a0', 'b0', 'c0', 'd0', 'b1', 'a1', 'd1', 'c1']);
});

test.run();
