/**
 * One of five servers is 20 times slower: the p99 of all calls stays within twice that of five healthy servers, at any load, with the
 * default balancer; with round robin it does not. And one that fails at once gets few calls, and none once it is ejected.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { leastLoaded } from '../../src/resilience/least-loaded.js';
import type { Balancer } from '../../src/resilience/picker.js';
import { roundRobin } from '../../src/resilience/round-robin.js';
import { Random, withSeed } from '../support/seed.js';
import { closedLoop, type LoopModel, type LoopResult, type ServerModel } from './closed-loop.js';

const SEEDS = 20;
const SERVERS = 5;
const SLOWER = 20;
const SLOW = 2;

interface Load {
  readonly name: string;
  readonly workers: number;
  readonly callers: number;
  readonly channels: number;
  readonly thinkMs: number;
  /** The first half is not counted, or 12,000: at full load, calls made before anything is known wait for seconds at the slow one. */
  readonly calls: number;
  /** The most that the slow server may get. */
  readonly shareMax: number;
}

/** Service takes 5 ms on average. */
const loads: readonly Load[] = [
  { name: 'a load of 20 %', workers: 1, callers: 10, channels: 1, thinkMs: 45, calls: 10_000, shareMax: 0.005 },
  { name: 'a load of 60 %', workers: 1, callers: 60, channels: 1, thinkMs: 95, calls: 10_000, shareMax: 0.01 },
  {
    name: 'a load of 60 %, of ten clients',
    workers: 1,
    callers: 200,
    channels: 10,
    thinkMs: 300,
    calls: 24_000,
    shareMax: 0.02,
  },
  {
    name: 'all that one worker each can do',
    workers: 1,
    callers: 200,
    channels: 1,
    thinkMs: 0,
    calls: 40_000,
    shareMax: 0.015,
  },
  {
    name: 'all that eight workers each can do',
    workers: 8,
    callers: 200,
    channels: 1,
    thinkMs: 0,
    calls: 24_000,
    shareMax: 0.01,
  },
  {
    name: '50 callers and servers that never queue',
    workers: Infinity,
    callers: 50,
    channels: 1,
    thinkMs: 0,
    calls: 10_000,
    shareMax: 0.005,
  },
];

function run(load: Load, balancer: Balancer, slow: boolean, seed: number): LoopResult {
  const server: ServerModel = { serviceMs: 5, workers: load.workers };
  const servers = Array.from({ length: SERVERS }, (_, index) =>
    slow && index === SLOW ? { ...server, serviceMs: server.serviceMs * SLOWER } : server,
  );
  return closedLoop({ ...load, servers, balancer, warmUp: Math.min(load.calls / 2, 12_000) }, new Random(seed));
}

for (const load of loads) {
  test(`one of five servers 20 times slower at most doubles the p99, at ${load.name}`, () => {
    withSeed((random) => {
      const first = random.u32();
      for (let seed = first; seed < first + SEEDS; seed++) {
        const healthy = run(load, leastLoaded, false, seed);
        const slowed = run(load, leastLoaded, true, seed);
        const ratio = slowed.p99Ms / healthy.p99Ms;
        assert.ok(ratio <= 2, `the p99 is ${ratio} times that of healthy servers, with seed ${seed}`);
        const share = slowed.shares[SLOW];
        assert.ok(share <= load.shareMax, `the slow one got ${share} of the calls, with seed ${seed}`);
      }
    });
  });

  test(`round robin does not keep that, at ${load.name}`, () => {
    withSeed((random) => {
      const seed = random.u32();
      const ratio = run(load, roundRobin, true, seed).p99Ms / run(load, roundRobin, false, seed).p99Ms;
      assert.ok(ratio > 4, `the p99 is ${ratio} times that of healthy servers`);
    });
  });

  test(`healthy servers share the calls evenly, and the p99 is no worse than with round robin, at ${load.name}`, () => {
    withSeed((random) => {
      const seed = random.u32();
      const even = run(load, leastLoaded, false, seed);
      for (const share of even.shares) assert.ok(Math.abs(share - 0.2) < 0.06, `${even.shares}`);
      assert.ok(even.p99Ms < 1.3 * run(load, roundRobin, false, seed).p99Ms);
    });
  });
}

const failingLoop = (ejection: boolean, failing: number, calls = 10_000): LoopModel => ({
  servers: Array.from({ length: SERVERS }, (_, index) => ({
    serviceMs: 5,
    workers: 1,
    failing: index === SLOW ? failing : 0,
  })),
  balancer: leastLoaded,
  channels: 1,
  callers: 60,
  thinkMs: 95,
  calls,
  warmUp: 0,
  ejection,
});

test('a server where every call fails at once attracts no calls, without an ejection too', () => {
  withSeed((random) => {
    for (const failing of [1, 0.5]) {
      const { shares } = closedLoop(failingLoop(false, failing), random);
      // Without a penalty it would be the one with the fewest calls in flight, and get more than its fifth.
      assert.ok(shares[SLOW] < 0.1 / (1 / failing), `${shares}`);
    }
  });
});

test('a server where every call fails is ejected after a handful of calls, and gets none then', () => {
  withSeed((random) => {
    // A minute of calls: the ejection may end in it once.
    const { failed, madeWhileEjected, shares } = closedLoop(failingLoop(true, 1, 34_000), random);
    assert.ok(failed >= 3 && failed < 12, `${failed} failures`);
    assert.is(madeWhileEjected, 0);
    assert.ok(shares[SLOW] < 0.0005, `${shares}`);
  });
});

test.run();
