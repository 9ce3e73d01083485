/** The quantile of latencies that hedging waits for, and when it does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { HedgePolicy } from '../../src/resilience/hedge-policy.js';
import { LatencyQuantile } from '../../src/resilience/latency-quantile.js';
import { withSeed } from '../support/seed.js';

test('a quantile is at most 2.5 % off, from 10 us to 10 minutes', () => {
  withSeed((random) => {
    for (let round = 0; round < 50; round++) {
      const latencies = new LatencyQuantile();
      const scale = 10 ** (random.unit() * 6 - 1.9);
      const all = Array.from({ length: random.between(1, 2000) }, () => scale * Math.exp(random.unit() * 2));
      for (const ms of all) latencies.observe(ms);
      all.sort((a, b) => a - b);
      for (const quantile of [0.01, 0.5, 0.95, 0.99, 1]) {
        const exact = all[Math.max(0, Math.ceil(quantile * all.length) - 1)];
        const off = Math.abs(latencies.quantile(quantile) / exact - 1);
        assert.ok(off < 0.0251, `${latencies.quantile(quantile)} for ${exact}`);
      }
    }
  });
});

test('what is shorter or longer than the buckets counts as their ends', () => {
  const latencies = new LatencyQuantile();
  for (const ms of [0, -1, 1e-9]) latencies.observe(ms);
  assert.is(latencies.quantile(1), 0.01);
  latencies.observe(1e12);
  latencies.observe(Infinity);
  const longest = latencies.quantile(1);
  assert.ok(longest > 590_000 && longest < 640_000, `${longest}`);
});

test('without a sample the quantile is NaN', () => {
  assert.ok(Number.isNaN(new LatencyQuantile().quantile(0.5)));
});

test('old latencies are forgotten as new ones come', () => {
  const latencies = new LatencyQuantile();
  for (let i = 0; i < 100_000; i++) latencies.observe(1000);
  assert.ok(latencies.observations <= 2048);
  for (let i = 0; i < 20 * 1024; i++) latencies.observe(1);
  assert.ok(latencies.quantile(0.999) < 1.03);
});

test('no call is hedged before 100 were answered, then each after the 95th percentile', () => {
  withSeed((random) => {
    const policy = new HedgePolicy();
    for (let i = 0; i < 99; i++) policy.onAnswer(10);
    assert.is(policy.delayMs(), null);
    for (let i = 0; i < 3000; i++) policy.onAnswer(random.unit() * 100);
    const delay = policy.delayMs();
    assert.ok(delay !== null && delay > 88 && delay < 106, `${delay}`);
  });
});

test('the delay follows within some 2,000 calls, and is at least a millisecond', () => {
  const policy = new HedgePolicy();
  for (let i = 0; i < 10_000; i++) policy.onAnswer(0.1);
  assert.is(policy.delayMs(), 1);
  for (let i = 0; i < 2000; i++) policy.onAnswer(50);
  const delay = policy.delayMs() ?? 0;
  assert.ok(delay > 50 && delay < 55, `${delay}`);
});

test('fewer than one call in twenty outlasts the delay, and more than one in fifty', () => {
  withSeed((random) => {
    const policy = new HedgePolicy();
    let late = 0;
    for (let i = 0; i < 20_000; i++) {
      const ms = Math.exp(random.unit() * 3);
      const delay = policy.delayMs();
      if (delay !== null && ms > delay) late++;
      policy.onAnswer(ms);
    }
    assert.ok(late > 400 && late < 1200, `${late} of 20,000`);
  });
});

test('options out of range are refused', () => {
  for (const options of [
    { percentile: 1 },
    { percentile: 95 },
    { callsMin: 0 },
    { callsMin: 5000 },
    { delayMsMin: -1 },
  ]) {
    assert.throws(
      () => new HedgePolicy(options),
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
    );
  }
});

test.run();
