/** What is counted for an endpoint, and how its latency follows. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcCodes } from '../../src/base/codes.js';
import { EndpointStats } from '../../src/resilience/endpoint-stats.js';

const near = (value: number, expected: number): void =>
  assert.ok(Math.abs(value / expected - 1) < 0.01, `${value}, not ${expected}`);

test('codes that are the fault of the endpoint are failures, all others are answers', () => {
  const faults = ['UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED', 'DATA_LOSS'];
  for (const code of Object.keys(RpcCodes) as (keyof typeof RpcCodes)[]) {
    const stats = new EndpointStats();
    let told = 0;
    stats.onFailed = () => told++;
    stats.onFailure(1, code);
    const fault = faults.includes(code) ? 1 : 0;
    assert.is(stats.failed, fault, code);
    assert.is(stats.answered, 1 - fault, code);
    assert.is(told, code === 'RESOURCE_EXHAUSTED' ? 0 : fault, code);
    assert.is(stats.latencyMs(1), 0, `${code} is no latency`);
  }
});

test('a slower answer moves the latency more than a faster one, by factors', () => {
  const stats = new EndpointStats();
  stats.onAnswer(1, 10);
  near(stats.latencyMs(1), 10);
  stats.onAnswer(2, 100);
  near(stats.latencyMs(2), 10 * 10 ** 0.3);
  for (let now = 3; now < 30; now++) stats.onAnswer(now, 100);
  near(stats.latencyMs(30), 100);
  stats.onAnswer(31, 10);
  near(stats.latencyMs(31), 100 / 10 ** (1 / 16));
});

test('of answers that were read together, the slowest counts', () => {
  const stats = new EndpointStats();
  for (let now = 1; now < 50; now++) for (const ms of [20, 5, 10, 5, 5]) stats.onAnswer(now, ms);
  near(stats.latencyMs(49), 20);
  assert.is(stats.answered, 49 * 5);
});

test('a latency that nothing was heard of since counts less with time', () => {
  const stats = new EndpointStats();
  stats.onAnswer(0, 100);
  near(stats.latencyMs(10_000), 100 / Math.E);
  stats.onAnswer(30_000, 1);
  assert.ok(stats.latencyMs(30_000) < 1.3, 'after 30 s the last answer says nearly all');
});

test('the end of a stream counts as an answer, but its length is no latency', () => {
  const stats = new EndpointStats();
  stats.onAnswer(1, 5);
  stats.onFailure(2, 'UNAVAILABLE');
  stats.onUntimedEnd(60_000);
  assert.is(stats.answered, 2);
  assert.is(stats.failuresInRow, 0);
  assert.ok(stats.latencyMs(60_000) <= 5);
});

test('no latency is 0, which would say that nothing is known', () => {
  for (const ms of [0, -1, Number.NaN]) {
    const stats = new EndpointStats();
    stats.onAnswer(1, ms);
    near(stats.latencyMs(1), 0.001);
  }
});

test('what is forgotten begins anew, with its counts', () => {
  const stats = new EndpointStats();
  for (let now = 1; now < 200; now++) stats.onAnswer(now, 5);
  stats.onFailure(200, 'UNAVAILABLE');
  stats.forget();
  assert.is(stats.latencyMs(200), 0);
  assert.is(stats.failuresInRow, 0);
  assert.is(stats.answersSinceBegin, 0);
  assert.is(stats.answered, 199);
  assert.is(stats.failed, 1);
});

test.run();
