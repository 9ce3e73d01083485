/** `bench -- limit`: its cases, its turns, and what it prints of samples. The C program itself is run by `smoke`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reportLimit } from '../../bench/commands/limit.js';
import { findLimit, type LimitSample, type LimitSettings, limitCases } from '../../bench/limit/run.js';
import { printed } from './printed.js';
import { runBench } from './run-bench.js';

const settings: LimitSettings = {
  connections: [1, 8],
  inFlight: [4, 64],
  rounds: 3,
  seconds: 1,
  warmUpSeconds: 0,
  pinning: { cores: null, text: '' },
};

const measured: Omit<LimitSample, 'round' | 'connections' | 'inFlight'> = {
  done: 1000,
  seconds: 1,
  perSecond: 1000,
  serverUs: 1,
  clientUs: 0.5,
  serverBusyShare: 0.99,
  clientBusyShare: 0.4,
  problem: null,
};

function samplesOf(...rates: readonly number[]): LimitSample[] {
  return rates.map((perSecond, index) => ({ round: index + 1, connections: 1, inFlight: 4, ...measured, perSecond }));
}

test('fewer calls than connections are no case', () => {
  assert.equal(limitCases(settings), [
    { connections: 1, inFlight: 4 },
    { connections: 1, inFlight: 64 },
    { connections: 8, inFlight: 64 },
  ]);
});

test('every case is measured once a round, the order turned on by one', async () => {
  const order: string[] = [];
  const samples = await findLimit(settings, 'peer', async (_, __, { connections, inFlight }) => {
    order.push(`${connections}/${inFlight}`);
    return measured;
  });
  assert.equal(order, ['1/4', '1/64', '8/64', '1/64', '8/64', '1/4', '8/64', '1/4', '1/64']);
  assert.equal(
    samples.map(({ round }) => round),
    [1, 1, 1, 2, 2, 2, 3, 3, 3],
  );
});

const one = { ...settings, connections: [1], inFlight: [4] };

test('the limit is the best of the medians, and how busy its core was is said', () => {
  const busy = printed(() => assert.is(reportLimit(one, samplesOf(100, 3000, 2000)), 0));
  assert.match(busy, /limit of one server process: 2,000 calls\/s \(4 in flight over 1 connections\)/);
  assert.not.match(busy, /may be higher/);
  const idle = samplesOf(100).map((sample) => ({ ...sample, serverBusyShare: 0.7 }));
  assert.match(
    printed(() => assert.is(reportLimit(one, idle), 0)),
    /busy 70 % only: the limit may be higher/,
  );
});

test('a wrong answer is a failure without figures', () => {
  const wrong = samplesOf(100, 200).map((sample) => ({ ...sample, problem: '1 answers were wrong' }));
  const text = printed(() => assert.is(reportLimit(one, wrong), 1));
  assert.is(text, 'FAILED: 4 in flight over 1 connections: 1 answers were wrong');
});

test('more calls than the connections take are refused before anything runs', async () => {
  const { code, output } = await runBench(['limit', '--connections', '1', '--in-flight', '1001']);
  assert.is(code, 2);
  assert.match(output, /at most 1000 a connection/);
});

test.run();
