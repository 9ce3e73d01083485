/** The budget of retries, and which failures are worth one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { retryWaitMs } from '../../src/resilience/retry-policy.js';
import { withSeed } from '../support/seed.js';

const busy = (options: ConstructorParameters<typeof RpcError>[2] = {}): RpcError =>
  new RpcError('RESOURCE_EXHAUSTED', 'busy', options);

/** How many of these times, which ascend, are later than `after`. */
function since(times: readonly number[], after: number): number {
  const index = times.findLastIndex((at) => at <= after);
  return times.length - 1 - index;
}

test('the budget never gives more than 20 % of the calls of the last 10 s and 100, in any pattern', () => {
  withSeed((random) => {
    const budget = new RetryBudget();
    const calls: number[] = [];
    const retries: number[] = [];
    let now = 0;
    for (let i = 0; i < 20_000; i++) {
      now += random.oneIn(500) ? random.below(15_000) : random.unit() * 20;
      if (random.oneIn(10)) {
        for (let more = random.below(200); more > 0; more--) calls.push(now);
      }
      if (!random.oneIn(3) || !budget.withdraw(now, calls.length)) continue;
      retries.push(now);
      const [most, got] = [100 + 0.2 * since(calls, now - 10_000), since(retries, now - 10_000)];
      assert.ok(got <= most, `${got} retries, at most ${most}, in the 10 s before ${now}`);
    }
    assert.ok(retries.length > 1000, `${retries.length}`);
  });
});

test('the budget gives 20 % of steady calls, and 10 a second', () => {
  const budget = new RetryBudget();
  let granted = 0;
  for (let now = 0; now < 100_000; now += 10) {
    // 500 calls a second, half of which would like a retry.
    for (let retry = 0; retry < 2; retry++) if (budget.withdraw(now, now / 2)) granted++;
  }
  const expected = 100 * (500 * 0.2 + 10);
  assert.ok(granted > 0.85 * expected && granted <= 1.05 * expected, `${granted} of ${expected}`);
});

test('a channel without calls before has 100 retries at once, and 10 a second after that', () => {
  const budget = new RetryBudget();
  let granted = 0;
  while (budget.withdraw(0, 0)) granted++;
  assert.is(granted, 100);
  assert.not.ok(budget.withdraw(9_000, 0));
  assert.is(budget.left(11_001, 0), 100);
});

test('a budget of 0 gives nothing, and wrong ones are refused', () => {
  assert.not.ok(new RetryBudget({ share: 0, perSecondMin: 0 }).withdraw(0, 1e6));
  for (const options of [{ share: -1 }, { share: Number.NaN }, { perSecondMin: Infinity }, { perSecondMin: -1 }]) {
    assert.throws(
      () => new RetryBudget(options),
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
    );
  }
});

test('three attempts by default, and only after UNAVAILABLE and RESOURCE_EXHAUSTED', () => {
  const random = (): number => 0.5;
  assert.is(retryWaitMs(busy(), 0, {}, random, false), 12.5);
  assert.is(retryWaitMs(busy(), 1, {}, random, false), 25);
  assert.is(retryWaitMs(busy(), 2, {}, random, false), null);
  assert.is(retryWaitMs(busy(), 0, { attemptsMax: 1 }, random, false), null);
  assert.is(retryWaitMs(new RpcError('UNAVAILABLE', 'gone'), 0, {}, random, false), 12.5);
  assert.is(retryWaitMs(new RpcError('INTERNAL', 'broken'), 0, {}, random, false), null);
  assert.is(retryWaitMs(new RpcError('INTERNAL', 'broken'), 0, { codes: ['INTERNAL'] }, random, false), 12.5);
});

test('waits double up to their most, and are spread over their whole length', () => {
  const options = { attemptsMax: 20 };
  const most = [0, 1, 2, 3, 4, 5, 19 - 2].map((made) => retryWaitMs(busy(), made, options, () => 1, false));
  assert.equal(most, [25, 50, 100, 200, 250, 250, 250]);
  assert.is(
    retryWaitMs(busy(), 3, options, () => 0, false),
    0,
  );
});

test('the retry delay of the server is kept, and a refusal with "elsewhere" is retried at once, the first time', () => {
  const random = (): number => 1;
  assert.is(retryWaitMs(busy({ retryAfterMs: 300 }), 0, {}, random, false), 360);
  assert.is(retryWaitMs(busy({ elsewhere: true, retryAfterMs: 300 }), 0, {}, random, true), 0);
  assert.is(retryWaitMs(busy({ elsewhere: true, retryAfterMs: 300 }), 1, {}, random, false), 360);
  assert.is(retryWaitMs(busy({ elsewhere: true }), 1, {}, random, false), 50);
});

test.run();
