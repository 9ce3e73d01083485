/** What all balancers have in common, and the shares of `leastLoaded` and `roundRobin`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { consistentHash } from '../../src/resilience/consistent-hash.js';
import { leastLoaded } from '../../src/resilience/least-loaded.js';
import type { Balancer } from '../../src/resilience/picker.js';
import { roundRobin } from '../../src/resilience/round-robin.js';
import { type Random, withSeed } from '../support/seed.js';
import { contextOf, endpoints, failedAt, type TestEndpoint } from './candidates.js';

const balancers: readonly (readonly [string, Balancer, string | undefined])[] = [
  ['leastLoaded', leastLoaded, undefined],
  ['roundRobin', roundRobin, undefined],
  ['consistentHash', consistentHash(), 'key'],
  ['consistentHash without a key', consistentHash(), undefined],
];

for (const [name, balancer, key] of balancers) {
  test(`${name}: an endpoint where the call failed is picked only when there is no other`, () => {
    withSeed((random) => {
      const all = endpoints([1, 1, 1]);
      const picker = balancer(all, contextOf(random));
      for (let i = 0; i < 100; i++) {
        assert.is(picker.pick(key, failedAt(all[0], all[2])), all[1]);
        assert.is.not(picker.pick(key, failedAt(all[1])), all[1]);
        assert.ok(all.includes(picker.pick(key, failedAt(...all))));
      }
    });
  });

  test(`${name}: one endpoint is always picked`, () => {
    withSeed((random) => {
      const [only] = endpoints([3]);
      const picker = balancer([only], contextOf(random));
      only.load = 1000;
      for (let i = 0; i < 3; i++) only.stats.onFailure(i, 'UNAVAILABLE');
      assert.is(picker.pick(key, undefined), only);
      assert.is(picker.pick(key, failedAt(only)), only);
    });
  });
}

/** How many of `picks` each endpoint gets when up to `inFlight` calls are open at once and end in random order. */
function shares(
  balancer: Balancer,
  all: readonly TestEndpoint[],
  random: Random,
  picks: number,
  inFlight: number,
): number[] {
  const picker = balancer(all, contextOf(random));
  const open: TestEndpoint[] = [];
  const counts = all.map(() => 0);
  for (let i = 0; i < picks; i++) {
    const picked = picker.pick(undefined, undefined);
    counts[all.indexOf(picked)]++;
    picked.load++;
    open.push(picked);
    if (open.length <= inFlight) continue;
    const [ended] = open.splice(random.below(open.length), 1);
    ended.load--;
    ended.stats.onAnswer(i, 5);
  }
  return counts.map((count) => count / picks);
}

for (const inFlight of [0, 3, 100]) {
  test(`leastLoaded: 100,000 picks follow the weights, with ${inFlight} calls in flight`, () => {
    withSeed((random) => {
      const weights = [1, 2, 3, 4];
      const got = shares(leastLoaded, endpoints(weights), random, 100_000, inFlight);
      for (const [index, weight] of weights.entries()) {
        const share = got[index];
        assert.ok(Math.abs(share - weight / 10) < 0.045, `weight ${weight}: ${share}`);
      }
    });
  });
}

test('leastLoaded: of two endpoints the one with fewer calls in flight is picked', () => {
  withSeed((random) => {
    const [one, two] = endpoints([1, 1]);
    const picker = leastLoaded([one, two], contextOf(random));
    for (const endpoint of [one, two]) endpoint.stats.onAnswer(1, 5);
    one.load = 9;
    two.load = 4;
    for (let i = 0; i < 100; i++) assert.is(picker.pick(undefined, undefined), two);
  });
});

test('leastLoaded: two choices are two different endpoints, so that the worst of all is never picked', () => {
  withSeed((random) => {
    for (const weights of [
      [1, 1, 1],
      [1, 100, 1],
    ]) {
      const all = endpoints(weights);
      const picker = leastLoaded(all, contextOf(random));
      for (const endpoint of all) endpoint.stats.onAnswer(1, 5);
      all[1].load = 10_000;
      for (let i = 0; i < 1000; i++) assert.is.not(picker.pick(undefined, undefined), all[1]);
    }
  });
});

test('leastLoaded: a new endpoint gets a call at once, and few more before it has answered', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1, 1]);
    for (const endpoint of all.slice(1)) {
      for (let i = 1; i <= 100; i++) endpoint.stats.onAnswer(i, 10);
      endpoint.load = 50;
    }
    const picker = leastLoaded(all, contextOf(random));
    for (let i = 0; i < 200; i++) picker.pick(undefined, undefined).load++;
    assert.ok(all[0].load >= 1 && all[0].load <= 15, `${all[0].load}`);
  });
});

test('leastLoaded: what begins gets calls as it answers them, however fast its first answers are', () => {
  withSeed((random) => {
    const all = endpoints([1, 1]);
    for (let i = 1; i <= 100; i++) all[1].stats.onAnswer(i, 250);
    all[1].load = 100;
    const picker = leastLoaded(all, contextOf(random));
    for (let answers = 0; answers < 6; answers++) {
      for (let i = 0; i < 50; i++) picker.pick(undefined, undefined).load++;
      const most = Math.max(1 + answers, (all[1].load + 1) / 8);
      assert.ok(all[0].load <= most, `${all[0].load} calls after ${answers} answers`);
      all[0].load--;
      all[0].stats.onAnswer(200 + answers, 1);
    }
  });
});

test('leastLoaded: what was slow is asked again after a while, once', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1]);
    for (let i = 1; i <= 200; i++) {
      for (const endpoint of all) endpoint.stats.onAnswer(i, endpoint === all[0] ? 100 : 5);
    }
    const picker = leastLoaded(all, contextOf(random));
    const picks = (from: number, seconds: number): number => {
      let count = 0;
      for (let i = 0; i < seconds * 100; i++) {
        const picked = picker.pick(undefined, undefined);
        if (picked === all[0]) count++;
        else picked.stats.onAnswer(from + i * 10, 5);
      }
      return count;
    };
    assert.is(picks(200, 20), 0);
    assert.is(picks(20_200, 20), 1);
    all[0].stats.onAnswer(40_200, 5);
    for (let i = 0; i < 100; i++) all[0].stats.onAnswer(40_201 + i, 5);
    assert.ok(picks(40_300, 10) > 200, 'as fast as the others, it has its share again');
  });
});

test('leastLoaded: failures make an endpoint dearer, and refusals too', () => {
  withSeed((random) => {
    for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'] as const) {
      const all = endpoints([1, 1]);
      for (let i = 1; i <= 200; i++) for (const { stats } of all) stats.onAnswer(i, 5);
      const picker = leastLoaded(all, contextOf(random));
      const share = (): number => {
        let count = 0;
        for (let i = 0; i < 1000; i++) if (picker.pick(undefined, undefined) === all[0]) count++;
        return count / 1000;
      };
      all[0].stats.onFailure(201, code);
      assert.ok(share() > 0.4, 'one failure among answers says little');
      for (let i = 0; i < 4; i++) all[0].stats.onFailure(202 + i, code);
      assert.is(share(), 0);
      all[1].load = 50;
      assert.ok(share() > 0.9, 'but it is better than a queue that is long enough');
      all[1].load = 0;
      for (let i = 0; i < 40; i++) all[0].stats.onAnswer(210 + i, 5);
      for (let i = 0; i < 40; i++) all[1].stats.onAnswer(210 + i, 5);
      assert.ok(share() > 0.4, 'answers make good for it');
    }
  });
});

test('roundRobin: every turn of whole weights is exact, and no endpoint comes in a row that it need not', () => {
  withSeed((random) => {
    const weights = [5, 1, 1];
    const all = endpoints(weights);
    const picker = roundRobin(all, contextOf(random));
    for (let turn = 0; turn < 50; turn++) {
      const picked = Array.from({ length: 7 }, () => all.indexOf(picker.pick(undefined, undefined)));
      for (const [index, weight] of weights.entries()) {
        assert.is(picked.filter((pick) => pick === index).length, weight, `${picked}`);
      }
    }
  });
});

test('roundRobin: clients begin at different endpoints', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1, 1]);
    const counts = all.map(() => 0);
    for (let client = 0; client < 4000; client++) {
      counts[all.indexOf(roundRobin(all, contextOf(random)).pick(undefined, undefined))]++;
    }
    for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
  });
});

test.run();
