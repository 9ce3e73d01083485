/** The waits between attempts to connect. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '../../src/resilience/backoff.js';

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

test.run();
