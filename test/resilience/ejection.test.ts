/** Which endpoints are ejected, how many at once, for how long. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { Ejection } from '../../src/resilience/ejection.js';
import { leastLoaded } from '../../src/resilience/least-loaded.js';
import { withSeed } from '../support/seed.js';
import { contextOf, endpoints, type TestEndpoint } from './candidates.js';

const noChance = (): number => 0;

let moment = 0;

/** Each at a moment of its own. */
function failTimes(endpoint: TestEndpoint, times: number): void {
  for (let i = 0; i < times; i++) endpoint.stats.onFailure((moment += 1e-6), 'UNAVAILABLE');
}

const ejectedOf = (ejection: Ejection<TestEndpoint>, all: readonly TestEndpoint[]): TestEndpoint[] =>
  all.filter((endpoint) => ejection.isEjected(endpoint));

test('five failures in a row eject an endpoint, and an answer in between begins anew', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  failTimes(all[0], 4);
  all[0].stats.onAnswer(1, 5);
  failTimes(all[0], 4);
  assert.not.ok(ejection.update(all, 1));
  failTimes(all[0], 1);
  assert.ok(ejection.update(all, 1));
  assert.equal(ejectedOf(ejection, all), [all[0]]);
  assert.not.ok(ejection.update(all, 2), 'nothing has changed since');
});

test('all calls that are lost with their connection count as one failure', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  for (let broken = 1; broken <= 5; broken++) {
    for (let call = 0; call < 100; call++) all[0].stats.onFailure(broken, 'UNAVAILABLE');
    assert.is(all[0].stats.failuresInRow, broken);
    assert.is(ejection.update(all, broken), broken === 5);
  }
  assert.is(all[0].stats.failed, 500);
});

test('one that is down comes back in time too, so that nothing is due for ever', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  failTimes(all[0], 5);
  ejection.update(all, 0);
  const up = all.slice(1);
  ejection.update(up, 10_000);
  assert.is(ejection.nextAt, 30_000);
  ejection.update(up, 30_000);
  assert.ok(ejection.nextAt > 30_000);
  assert.not.ok(ejection.isEjected(all[0]));
});

test('codes that concern the call alone, and load shedding, eject no endpoint', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  for (let i = 0; i < 1000; i++) {
    all[0].stats.onFailure(i, 'NOT_FOUND');
    all[1].stats.onFailure(i, 'RESOURCE_EXHAUSTED');
    all[2].stats.onAnswer(i, 1);
  }
  assert.not.ok(ejection.update(all, 1000));
  assert.not.ok(ejection.update(all, 20_000));
  assert.is(all[0].stats.failed, 0);
  assert.is(all[1].stats.refused, 1000);
});

test('an ejected endpoint comes back on probation: one failure ejects it again for longer, an answer ends that', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  failTimes(all[0], 5);
  ejection.update(all, 0);
  let now = 0;
  for (const seconds of [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300]) {
    while (ejection.nextAt < now + seconds * 1000) {
      assert.not.ok(ejection.update(all, ejection.nextAt), 'only an interval has passed');
      assert.ok(ejection.isEjected(all[0]));
    }
    now += seconds * 1000;
    assert.is(ejection.nextAt, now);
    assert.ok(ejection.update(all, now));
    assert.not.ok(ejection.isEjected(all[0]));
    assert.is(all[0].stats.failuresInRow, 0);
    failTimes(all[0], 1);
    assert.ok(ejection.update(all, now), `after ${seconds} s`);
  }
  ejection.update(all, now + 300_000);
  all[0].stats.onAnswer(now, 5);
  failTimes(all[0], 4);
  assert.not.ok(ejection.update(all, now + 300_001), 'the probation is over');
});

test('three failures in a row are enough when no answer came for a second after the first', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  failTimes(all[0], 1);
  ejection.update(all, 100);
  failTimes(all[0], 1);
  assert.not.ok(ejection.update(all, 1_100), 'two are not');
  failTimes(all[1], 3);
  assert.not.ok(ejection.update(all, 1_200));
  assert.is(ejection.nextAt, 2_200);
  all[1].stats.onAnswer(2_000, 5);
  assert.not.ok(ejection.update(all, 2_200), 'an answer came');
  failTimes(all[1], 3);
  assert.not.ok(ejection.update(all, 2_300), 'a new row begins');
  failTimes(all[0], 1);
  assert.ok(ejection.update(all, 2_300));
  assert.ok(ejection.isEjected(all[0]));
  assert.is(ejection.nextAt, 3_300);
});

test('intervals without an ejection make the next one short again', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  let now = 0;
  for (let ejections = 0; ejections < 3; ejections++) {
    failTimes(all[0], 5);
    ejection.update(all, now);
    now += 30_000 * (ejections + 1);
    ejection.update(all, now);
  }
  all[0].stats.onAnswer(now, 5);
  while (ejection.nextAt < Infinity) ejection.update(all, (now = ejection.nextAt));
  failTimes(all[0], 5);
  ejection.update(all, now);
  ejection.update(all, now + 30_000);
  assert.not.ok(ejection.isEjected(all[0]));
});

test('while nothing fails there is nothing to wait for', () => {
  const all = endpoints([1, 1, 1]);
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  for (const endpoint of all) endpoint.stats.onAnswer(0, 5);
  assert.not.ok(ejection.update(all, 0));
  assert.is(ejection.nextAt, Infinity);
  failTimes(all[0], 1);
  ejection.update(all, 0);
  assert.is(ejection.nextAt, 10_000);
  ejection.update(all, 10_000);
  assert.is(ejection.nextAt, Infinity);
});

/** Calls of one interval: each endpoint answers so many and fails so many, mixed so that none fails five times in a row. */
function oneInterval(rates: readonly (readonly [answered: number, failed: number])[]): TestEndpoint[] {
  const all = endpoints(rates.map(() => 1));
  const ejection = new Ejection<TestEndpoint>({}, noChance);
  failTimes(all[0], 1);
  ejection.update(all, 0);
  for (const [index, [answered, failed]] of rates.entries()) {
    for (let i = 0; i < answered + failed; i++) {
      const fails =
        Math.floor(((i + 1) * failed) / (answered + failed)) > Math.floor((i * failed) / (answered + failed));
      if (fails) failTimes(all[index], 1);
      else all[index].stats.onAnswer(i, 5);
      ejection.update(all, 5000);
    }
  }
  ejection.update(all, 9999);
  assert.equal(ejectedOf(ejection, all), []);
  ejection.update(all, 10_000);
  return ejectedOf(ejection, all);
}

test('a success rate far below that of the others ejects, of three endpoints already', () => {
  const found = oneInterval([
    [100, 0],
    [60, 40],
    [99, 1],
  ]);
  assert.equal(
    found.map(({ address }) => address),
    ['tcp://e1:1'],
  );
});

for (const [why, rates] of [
  [
    'with two endpoints',
    [
      [100, 0],
      [60, 40],
    ],
  ],
  [
    'where all fail alike',
    [
      [70, 30],
      [65, 35],
      [75, 25],
      [68, 32],
    ],
  ],
  [
    'by less than a tenth',
    [
      [100, 0],
      [92, 8],
      [100, 0],
    ],
  ],
  [
    'with fewer than 100 calls',
    [
      [100, 0],
      [59, 40],
      [100, 0],
      [100, 0],
    ],
  ],
  [
    'where the others differ as much',
    [
      [100, 0],
      [60, 40],
      [75, 25],
      [70, 30],
    ],
  ],
] as const) {
  test(`a success rate ejects nobody ${why}`, () => {
    assert.equal(oneInterval(rates), []);
  });
}

test('never more than half are ejected, of two or more always one may be, of one none, as endpoints come and go', () => {
  withSeed((random) => {
    const pool = endpoints(Array.from({ length: 12 }, () => 1));
    const ejection = new Ejection<TestEndpoint>({}, () => random.unit());
    let members = pool.slice(0, 4);
    let now = 0;
    let most = 0;
    for (let i = 0; i < 5000; i++) {
      now += random.below(3000);
      if (random.oneIn(50)) {
        const next = random.shuffled(pool).slice(0, random.between(1, 12));
        for (const gone of members) if (!next.includes(gone)) ejection.forget(gone);
        members = next;
      }
      // Half of the time everything fails.
      const member = random.pick(members);
      if (i % 1000 < 500 || random.oneIn(10)) failTimes(member, random.between(1, 6));
      else member.stats.onAnswer(now, 5);
      ejection.update(members, now);
      const count = ejectedOf(ejection, members).length;
      const allowed = members.length === 1 ? 0 : Math.max(1, Math.floor(members.length / 2));
      assert.ok(count <= allowed, `${count} of ${members.length}`);
      most = Math.max(most, count);
      assert.ok(ejection.nextAt > now, 'what was due is done');
    }
    assert.ok(most >= 3, `${most}`);
  });
});

test('ejections end at different times', () => {
  withSeed((random) => {
    const ends = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const all = endpoints([1, 1]);
      const ejection = new Ejection<TestEndpoint>({}, () => random.unit());
      failTimes(all[0], 5);
      ejection.update(all, 0);
      let end = ejection.nextAt;
      while (ejection.isEjected(all[0])) ejection.update(all, (end = ejection.nextAt));
      assert.ok(end > 24_000 && end <= 30_000);
      ends.add(end);
    }
    assert.ok(ends.size > 90);
  });
});

test('an endpoint that comes back gets one call at once and no flood before it has answered', () => {
  withSeed((random) => {
    const all = endpoints([1, 1, 1]);
    const ejection = new Ejection<TestEndpoint>({}, noChance);
    for (let i = 1; i <= 100; i++) for (const { stats } of all) stats.onAnswer(i, 5);
    for (const endpoint of all.slice(1)) endpoint.load = 40;
    failTimes(all[0], 5);
    ejection.update(all, 0);
    ejection.update(all, 10_000);
    ejection.update(all, 30_000);
    assert.not.ok(ejection.isEjected(all[0]));
    const picker = leastLoaded(all, contextOf(random));
    for (let i = 0; i < 100; i++) picker.pick(undefined, undefined).load++;
    assert.ok(all[0].load >= 1 && all[0].load <= 12, `${all[0].load}`);
  });
});

test('options out of range are refused', () => {
  for (const options of [{ failuresInRowMax: 0 }, { shareMax: 1.1 }, { intervalMs: Number.NaN }, { rateGapMin: -1 }]) {
    assert.throws(
      () => new Ejection(options, noChance),
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
    );
  }
});

test.run();
