/** The waits between attempts to connect. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '../../src/resilience/backoff.js';
import { withSeed } from '../support/seed.js';

test('waits grow by 1.6 from 100 ms to 30 s, each 20 % shorter or longer, and begin anew after a reset', () => {
  for (const [chance, factor] of [
    [0, 0.8],
    [0.5, 1],
    [1, 1.2],
  ]) {
    const backoff = new Backoff(() => chance);
    let expected = 100;
    for (let i = 0; i < 30; i++) {
      assert.ok(Math.abs(backoff.nextMs() - expected * factor) < 1e-6);
      expected = Math.min(expected * 1.6, 30_000);
    }
    backoff.reset();
    assert.is(backoff.nextMs(), 100 * factor);
  }
});

test('1,000 clients that fail together spread over the whole window of each attempt, and it widens', () => {
  withSeed((random) => {
    const times = Array.from({ length: 1000 }, () => {
      const backoff = new Backoff(() => random.unit());
      let at = 0;
      return [1, 2, 3, 4, 5].map(() => (at += backoff.nextMs()));
    });
    for (const [attempt, window] of [40, 80].entries()) {
      const all = times.map((client) => client[attempt]).sort((a, b) => a - b);
      assert.ok((all.at(-1) ?? 0) - all[0] > window * 0.8);
      // No tenth of the window holds a third of them.
      for (let i = 0; i + 333 < all.length; i++) assert.ok(all[i + 333] - all[i] > window * 0.1);
    }
  });
});

test.run();
