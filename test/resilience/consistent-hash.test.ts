/** `consistentHash`: keys stay, shares follow weights, no endpoint is overrun. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { consistentHash } from '../../src/resilience/consistent-hash.js';
import { withSeed } from '../support/seed.js';
import { contextOf, endpoints, failedAt, type TestEndpoint } from './candidates.js';

const KEYS = 20_000;
const keys = Array.from({ length: KEYS }, (_, index) => `user-${index}`);

const contextless = consistentHash();

test('a key stays with its endpoint, whatever the order of the endpoints and the chance', () => {
  withSeed((random) => {
    const all = endpoints(Array.from({ length: 20 }, () => 1));
    const one = contextless(all, contextOf(random));
    const other = contextless(random.shuffled(all), contextOf(random));
    for (const key of keys.slice(0, 2000)) assert.is(one.pick(key, undefined), other.pick(key, undefined));
  });
});

test('when one of N leaves, its keys move and no other', () => {
  withSeed((random) => {
    for (const count of [2, 5, 50]) {
      const all = endpoints(Array.from({ length: count }, () => 1));
      const gone = all[random.below(count)];
      const before = contextless(all, contextOf(random));
      const after = contextless(
        all.filter((endpoint) => endpoint !== gone),
        contextOf(random),
      );
      let moved = 0;
      for (const key of keys) {
        const was = before.pick(key, undefined);
        const is = after.pick(key, undefined);
        if (was === gone) moved++;
        else assert.is(is, was);
      }
      const share = (moved / KEYS) * count;
      assert.ok(share > 0.6 && share < 1.5, `${share} of 1/${count} of the keys moved`);
    }
  });
});

test('shares of the keys follow the weights', () => {
  withSeed((random) => {
    const weights = [1, 2, 4, 8];
    const all = endpoints(weights);
    const picker = contextless(all, contextOf(random));
    const counts = all.map(() => 0);
    for (const key of keys) counts[all.indexOf(picker.pick(key, undefined))]++;
    for (const [index, weight] of weights.entries()) {
      const share = (counts[index] / KEYS / weight) * 15;
      assert.ok(share > 0.6 && share < 1.5, `weight ${weight} has ${share} of its share`);
    }
  });
});

test('no endpoint gets more than 1.25 times its share of the calls in flight, if all ask for one key too', () => {
  withSeed((random) => {
    for (const count of [2, 5, 16]) {
      const weights = Array.from({ length: count }, () => random.between(1, 3));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const all = endpoints(weights);
      const picker = contextless(all, contextOf(random));
      const open: TestEndpoint[] = [];
      for (let i = 0; i < 5000; i++) {
        const hot = random.oneIn(2) ? 'hot' : random.pick(keys);
        const picked = picker.pick(hot, undefined);
        picked.load++;
        open.push(picked);
        const bound = Math.ceil((1.25 * open.length * picked.weight) / sum);
        assert.ok(picked.load <= bound, `${picked.load} of ${open.length} calls, at most ${bound}`);
        if (open.length > 200) open.splice(random.below(open.length), 1)[0].load--;
      }
    }
  });
});

test('what is over the bound goes to the same next endpoint each time', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1, 1, 1]);
    const picker = contextless(all, contextOf(random));
    const home = picker.pick('hot', undefined);
    home.load = 10;
    const next = picker.pick('hot', undefined);
    assert.is.not(next, home);
    for (let i = 0; i < 10; i++) assert.is(picker.pick('hot', undefined), next);
    home.load = 0;
    assert.is(picker.pick('hot', undefined), home);
    assert.is(picker.pick('hot', failedAt(home)), next);
  });
});

test('Infinity lets every key stay', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1]);
    const picker = consistentHash({ loadFactor: Infinity })(all, contextOf(random));
    const home = picker.pick('hot', undefined);
    home.load = 1000;
    assert.is(picker.pick('hot', undefined), home);
  });
});

test('a load factor of 1 or less is refused', () => {
  for (const loadFactor of [1, 0, -1, Number.NaN]) {
    assert.throws(
      () => consistentHash({ loadFactor }),
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
    );
  }
});

test.run();
