/** The poller with a clock and turns of the test's own: when it asks for another turn of the event loop, and when it lets that sleep. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { BusyPoller, type Pollable, pollingOn } from '../../src/transport/busy-poller.js';
import { VirtualClock } from '../support/clock.js';

class ScriptedLoop {
  now = 1_000;
  private readonly due: (() => void)[] = [];
  readonly poller = new BusyPoller(
    () => this.now,
    (callback) => void this.due.push(callback),
  );

  /** Turns that were asked for. */
  get asked(): number {
    return this.due.length;
  }

  /** `ms` later the loop takes its next turn. True: another one was asked for. */
  turn(ms: number): boolean {
    this.now += ms;
    const callbacks = this.due.splice(0);
    for (const callback of callbacks) callback();
    return this.due.length > 0;
  }
}

class Talker implements Pollable {
  hasOpenCalls = false;
  constructor(
    readonly idleMs: number,
    readonly callsMs: number,
  ) {}
}

test('no turn is requested before the first bytes, then turns until the budget after the last bytes is used up', () => {
  const loop = new ScriptedLoop();
  const talker = new Talker(0.5, 0.5);
  assert.is(loop.asked, 0);
  loop.poller.note(talker);
  assert.is(loop.asked, 1);
  assert.ok(loop.turn(0.1));
  assert.ok(loop.turn(0.4));
  loop.poller.note(talker);
  assert.is(loop.asked, 1, 'there is one chain of turns');
  assert.ok(loop.turn(0.05));
  assert.ok(loop.turn(0.45));
  assert.not(loop.turn(0.05));
  assert.is(loop.asked, 0);
  loop.poller.note(talker);
  assert.ok(loop.turn(10), 'the budget begins with the turn that sees the bytes');
  assert.not(loop.turn(0.5));
});

test('calls without an answer are polled longer, but not for ever, and from their last bytes on', () => {
  const loop = new ScriptedLoop();
  const talker = new Talker(0.1, 10);
  talker.hasOpenCalls = true;
  loop.poller.note(talker);
  for (let ms = 0; ms < 10; ms++) assert.ok(loop.turn(ms === 0 ? 0 : 1));
  assert.ok(loop.turn(0.9));
  assert.not(loop.turn(0.2), 'a call that hangs lets the loop sleep');
  loop.poller.note(talker);
  assert.ok(loop.turn(3_600_000));
  assert.ok(loop.turn(5));
  talker.hasOpenCalls = false;
  assert.not(loop.turn(0.01), 'the last call was given up');
});

test('the bytes of one connection do not prolong what another one waits for', () => {
  const loop = new ScriptedLoop();
  const hanging = new Talker(0.1, 10);
  const lively = new Talker(0.1, 10);
  hanging.hasOpenCalls = true;
  loop.poller.note(hanging);
  loop.turn(0);
  for (let turn = 0; turn < 12; turn++) {
    loop.poller.note(lively);
    assert.ok(loop.turn(1));
  }
  assert.not(loop.turn(0.1));
});

test('each connection has a budget of its own, and the longest counts', () => {
  const loop = new ScriptedLoop();
  loop.poller.note(new Talker(5, 10));
  loop.poller.note(new Talker(1, 10));
  loop.turn(0);
  assert.is(loop.asked, 1);
  assert.ok(loop.turn(1));
  assert.ok(loop.turn(3.9));
  assert.not(loop.turn(0.1));
});

test('a connection that is gone is not polled any more, and the others are', () => {
  const loop = new ScriptedLoop();
  const gone = new Talker(5, 5);
  const staying = new Talker(1, 1);
  for (const talker of [gone, staying, gone]) loop.poller.note(talker);
  loop.poller.forget(gone);
  loop.turn(0);
  assert.ok(loop.turn(0.9));
  assert.not(loop.turn(0.1));

  loop.poller.note(gone);
  loop.turn(0);
  loop.poller.note(staying);
  loop.turn(0);
  loop.poller.forget(gone);
  assert.ok(loop.turn(0.9));
  assert.not(loop.turn(0.1), 'the turns that were granted to it are taken back');
});

test('all that have one clock share one poller; without a budget, or on virtual time, there is none', () => {
  const one = pollingOn(systemClock, 0.05, 10);
  const other = pollingOn(systemClock, 20, 10);
  assert.ok(one !== null && other !== null);
  assert.is(one.poller, other.poller);
  assert.equal([one.idleMs, one.callsMs, other.idleMs, other.callsMs], [0.05, 10, 20, 20]);
  const clock: Clock = { ...systemClock };
  assert.is.not(pollingOn(clock, 0.05, 10)?.poller, one.poller);
  assert.is(pollingOn(systemClock, 0, 10), null);
  assert.is(pollingOn(new VirtualClock(), 0.05, 10), null);
});

test.run();
