/** The queue of waiting calls against a plain list that is sorted each time, and the pace against rates that are known. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AdmissionQueue, type QueuedCall, QueueShare } from '../../src/resilience/admission/admission-queue.js';
import { ServicePace, TypicalDuration } from '../../src/resilience/admission/service-pace.js';
import { withSeed } from '../support/seed.js';

function callOf(dueAt: number, share: QueueShare, bytes = 1): QueuedCall {
  return { dueAt, share, bytes, order: 0 };
}

test('calls are taken by their due time, of equals in the order in which they came: the same as a sorted list', () => {
  withSeed((random) => {
    const queue = new AdmissionQueue<QueuedCall>();
    const shares = [new QueueShare(), new QueueShare(), new QueueShare()];
    let list: QueuedCall[] = [];
    for (let step = 0; step < 20_000; step++) {
      const what = random.below(10);
      // Long and short stretches, so that the queue grows, shrinks and runs empty.
      const growing = Math.floor(step / 700) % 2 === 0;
      if (what < (growing ? 6 : 3)) {
        const call = callOf(
          random.below(50) + Math.floor(step / 100),
          shares[random.below(3)] as QueueShare,
          random.below(9),
        );
        assert.is(queue.ahead(call.dueAt), list.filter(({ dueAt }) => dueAt <= call.dueAt).length);
        queue.add(call);
        list.push(call);
        list = list
          .map((one, at) => ({ one, at }))
          .sort((a, b) => a.one.dueAt - b.one.dueAt || a.at - b.at)
          .map(({ one }) => one);
      } else if (what < 8) {
        assert.is(queue.take(), list.shift());
      } else if (list.length > 0) {
        const [gone] = list.splice(random.below(list.length), 1) as [QueuedCall];
        assert.is(queue.remove(gone), true);
        assert.is(queue.remove(gone), false);
      }
      assert.is(queue.length, list.length);
      assert.is(queue.last, list.at(-1));
      assert.is(
        queue.bytes,
        list.reduce((sum, { bytes }) => sum + bytes, 0),
      );
      for (const share of shares) assert.is(share.waiting, list.filter((call) => call.share === share).length);
      assert.is(queue.shares, shares.filter(({ waiting }) => waiting > 0).length);
    }
  });
});

test('of the calls that go last, the one of a connection beyond its share is found', () => {
  const queue = new AdmissionQueue<QueuedCall>();
  const [greedy, modest] = [new QueueShare(), new QueueShare()];
  for (let at = 0; at < 10; at++) queue.add(callOf(at, greedy));
  queue.add(callOf(10, modest));
  assert.is(queue.lastBeyond(5)?.dueAt, 9);
  assert.is(queue.lastBeyond(10), undefined);
  assert.is(queue.lastBeyond(0)?.dueAt, 10);
});

test('a pace is known after enough calls, follows what changes, and waits for as many as end together', () => {
  const pace = new ServicePace();
  let now = 0;
  const run = (calls: number, everyMs: number): void => {
    for (let taken = 0; taken < calls; taken++) {
      now += everyMs;
      pace.onTaken(1, true, now);
    }
  };
  pace.begin(now);
  run(20, 2);
  assert.is(pace.interval(now, 1), 0, '20 calls say little');
  run(100, 2);
  assert.ok(Math.abs(pace.intervalMs - 2) < 1e-9);
  run(1_000, 5);
  assert.ok(Math.abs(pace.intervalMs - 5) < 0.1, `${pace.intervalMs}`);
  // Nothing is taken for a while: a stall of the process, or 10 that end together. Then it looks bad.
  assert.is(pace.interval(now + 500, 10), pace.intervalMs);
  assert.ok(pace.interval(now + 5_000, 10) > 30);
});

test('few calls taken because no more waited say nothing of how many could be', () => {
  const pace = new ServicePace();
  for (let at = 0; at < 100; at++) {
    pace.begin(at * 300);
    pace.onTaken(1, false, at * 300 + 260);
  }
  assert.is(pace.intervalMs, 0);
});

test('a typical duration is the median: one in five that takes a thousand times as long does not move it', () => {
  withSeed((random) => {
    const typical = new TypicalDuration();
    for (let at = 0; at < 2_000; at++) typical.observe(random.below(5) === 0 ? 5_000 : 4 + random.below(3));
    assert.ok(typical.ms > 3 && typical.ms < 9, `${typical.ms}`);
  });
});

test.run();
