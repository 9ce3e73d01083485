/** Time that only moves when it is told to. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/testing/random.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

test('timers run in order of time, then of making, each at its own time', () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  const set = (name: string, ms: number) => clock.setTimer(() => ran.push(`${name} at ${clock.now()}`), ms);
  set('c', 20);
  set('a', 10);
  set('d', 20);
  set('b', 10);
  clock.advance(9);
  assert.equal(ran, []);
  clock.advance(11);
  assert.equal(ran, ['a at 10', 'b at 10', 'c at 20', 'd at 20']);
  assert.is(clock.now(), 20);
  assert.is(clock.pending, 0);
});

test('a timer set by a timer runs in the same step when it falls due in it', () => {
  const clock = new VirtualClock(0);
  const ran: number[] = [];
  const tick = () => {
    ran.push(clock.now());
    clock.setTimer(tick, 10);
  };
  clock.setTimer(tick, 10);
  clock.advance(35);
  assert.equal(ran, [10, 20, 30]);
  assert.is(clock.msToNext, 5);
});

test('a cancelled timer does not run, and cancelling twice or late is harmless', () => {
  const clock = new VirtualClock();
  let runs = 0;
  const timer = clock.setTimer(() => runs++, 5);
  timer.cancel();
  timer.cancel();
  clock.advance(10);
  assert.is(runs, 0);
  const late = clock.setTimer(() => runs++, 5);
  clock.advance(10);
  late.cancel();
  assert.is(runs, 1);
});

test('afterReads runs after the timers of its instant and before later ones', () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.setTimer(() => {
    clock.afterReads(() => ran.push(`read at ${clock.now()}`));
    clock.setTimer(() => ran.push('same instant'), 0);
  }, 10);
  clock.setTimer(() => ran.push('later'), 11);
  clock.advance(20);
  assert.equal(ran, ['same instant', 'read at 10', 'later']);
});

test('after a blocked event loop the timers run late', () => {
  const clock = new VirtualClock(0);
  let ranAt = -1;
  clock.setTimer(() => {
    ranAt = clock.now();
  }, 10);
  clock.block(2_000);
  assert.is(ranAt, -1);
  clock.advance(0);
  assert.is(ranAt, 2_000);
});

test('input runs after the timers that are due, also after a blocked event loop', () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.setArrival(() => ran.push('input of 5'), 5);
  clock.setTimer(() => ran.push('timer of 5'), 5);
  clock.setArrival(() => ran.push('input of 6'), 6);
  clock.setTimer(() => clock.afterReads(() => ran.push('judged')), 9);
  clock.setTimer(() => ran.push('timer of 7'), 7);
  clock.advance(5);
  assert.equal(ran.splice(0), ['timer of 5', 'input of 5']);
  clock.block(1_000);
  clock.advance(0);
  assert.equal(ran, ['timer of 7', 'input of 6', 'judged']);
  assert.is(clock.pending, 0);
});

test('advanceSettled lets promises move between instants and before afterReads', async () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.setTimer(() => {
    clock.afterReads(() => ran.push('judged'));
    void Promise.resolve().then(() => ran.push('promise'));
  }, 10);
  const looped = (async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 5));
      ran.push(`loop at ${clock.now()}`);
    }
  })();
  await clock.advanceSettled(15);
  await looped;
  assert.equal(ran, ['loop at 5', 'promise', 'loop at 10', 'judged', 'loop at 15']);
  assert.is(clock.now(), 15);
});

test('promises settle after every callback, also between two of one instant', async () => {
  for (const settling of ['tasks', 'microtasks'] as const) {
    const clock = new VirtualClock(0, settling);
    const ran: string[] = [];
    for (const name of ['a', 'b']) {
      const chain = async () => {
        for (let i = 0; i < 5; i++) await Promise.resolve();
        ran.push(name);
      };
      clock.setTimer(() => void chain(), 1);
      clock.setTimer(() => ran.push(`behind ${name}`), 1);
    }
    await clock.advanceSettled(1);
    assert.equal(ran, ['a', 'behind a', 'b', 'behind b']);
  }
});

test('runUntil stops after the callback that fulfilled its condition', async () => {
  const clock = new VirtualClock(0);
  let runs = 0;
  for (let ms = 1; ms <= 9; ms++) clock.setTimer(() => runs++, ms);
  assert.is(await clock.runUntil(() => runs === 3), true);
  assert.is(clock.now(), 3);
  assert.is(await clock.runUntil(() => false, 5), false);
  assert.is(clock.now(), 5);
  assert.is(clock.pending, 4);
  assert.is(await clock.runUntil(() => false), false);
  assert.is(clock.pending, 0);
});

test('thousands of timers, most of them cancelled, run in order', () => {
  const clock = new VirtualClock(0);
  const random = new Random(1);
  const expected: number[] = [];
  const ran: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const ms = random.below(1_000);
    const timer = clock.setTimer(() => ran.push(ms), ms);
    if (random.oneIn(3)) expected.push(ms);
    else timer.cancel();
  }
  assert.is(clock.pending, expected.length);
  clock.advance(1_000);
  assert.equal(
    ran,
    expected.sort((a, b) => a - b),
  );
  assert.is(clock.pending, 0);
});

test('a timer that re-arms itself at once is an error, not a hang', () => {
  const clock = new VirtualClock();
  const again = () => void clock.setTimer(again, 0);
  again();
  assert.throws(() => clock.advance(1), /callbacks in one step/);
  assert.throws(() => clock.setTimer(again, Number.NaN), /NaN/);
});

test.run();
