/** The machines of a connection's life, each alone on a virtual clock: every state of their drawings, and no timer after `stop`. */
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../../src/base/state-machine.js';
import { Drain } from '../../src/connection/lifecycle/drain.js';
import { Keepalive } from '../../src/connection/lifecycle/keepalive.js';
import { Pings } from '../../src/connection/lifecycle/pings.js';
import { StallWatch } from '../../src/connection/lifecycle/stall-watch.js';
import { transition } from '../../src/connection/lifecycle/state.js';
import { WriteQueue } from '../../src/connection/messages/write-queue.js';
import { defaultLimits } from '../../src/index.js';
import { encodeDrain } from '../../src/wire/records/drain.js';
import { NarrowTransport } from '../rpc/narrow-transport.js';
import { VirtualClock } from '../support/clock.js';
import { connectPair } from '../support/connection-pair.js';
import { magic } from '../support/frames.js';

interface Parts {
  readonly clock: VirtualClock;
  readonly transport: NarrowTransport;
  readonly queue: WriteQueue;
  readonly pings: Pings;
  /** Names of the frames written since the last call. */
  readonly written: () => string[];
}

function makeParts(): Parts {
  const clock = new VirtualClock();
  const transport = new NarrowTransport();
  transport.write(magic);
  const queue = new WriteQueue(transport, { onUnsent: () => {}, onOverflow: () => {} }, 1 << 20, 1 << 24);
  const pings = new Pings(queue, defaultLimits, clock.now());
  let seen = 0;
  const written = (): string[] => {
    queue.flush();
    transport.read();
    const names = transport.frames.map(({ name }) => name).slice(seen);
    seen += names.length;
    return names;
  };
  return { clock, transport, queue, pings, written };
}

function pong(number: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32LE(number);
  return payload;
}

function makeDrain(): Parts & { readonly drain: Drain; readonly told: string[] } {
  const parts = makeParts();
  const told: string[] = [];
  const drain = new Drain(parts.clock, parts.queue, parts.pings, {
    onGraceOver: () => told.push('grace over'),
    onLingerOver: () => told.push(`linger over, ${drain.state}`),
  });
  return { ...parts, drain, told };
}

test('a drain is confirmed by the PONG to its own PING, and not by an earlier one', () => {
  const { drain, pings, written } = makeDrain();
  pings.ask();
  drain.begin('restart', 1_000);
  assert.is(drain.state, 'pending');
  drain.send();
  assert.equal(written(), ['PING', 'DRAIN', 'PING']);
  assert.is(drain.state, 'asked');
  assert.not(drain.onIdle(), 'calls may have crossed DRAIN');
  drain.onPong(pings.onPong(pong(1), 0));
  assert.is(drain.state, 'asked');
  drain.onPong(pings.onPong(pong(2), 0));
  assert.is(drain.state, 'confirmed');
  assert.ok(drain.onIdle());
});

test('the end of what the peer sends confirms a drain, whether it was asked for or not', () => {
  const asked = makeDrain();
  asked.drain.begin('restart', 1_000);
  asked.drain.send();
  asked.drain.onReadEnd();
  assert.is(asked.drain.state, 'confirmed');
  const none = makeDrain();
  none.drain.onReadEnd();
  assert.is(none.drain.state, 'confirmed');
  none.drain.begin('restart', 1_000);
  assert.is(none.drain.state, 'confirmed', 'there is nothing left to ask');
});

test('a peer that drained and does not close has a second while no call is live, and another after a call', () => {
  const { clock, drain, told } = makeDrain();
  drain.onFrame(encodeDrain({ text: '', graceMs: 0 }), 0, encodeDrain({ text: '', graceMs: 0 }).length);
  assert.ok(drain.byPeer);
  assert.not(drain.onIdle());
  assert.is(drain.state, 'lingering');
  clock.advance(600);
  assert.not(drain.onIdle(), 'the time goes on');
  clock.advance(399);
  assert.equal(told, []);
  clock.advance(1);
  assert.equal(told, ['linger over, overdue']);
  assert.is(drain.state, 'none', 'a call was live');
  assert.not(drain.onIdle());
  clock.advance(1_000);
  assert.is(told.length, 2);
});

test('a drain of this side ends the lingering', () => {
  const { clock, drain, told, written } = makeDrain();
  drain.onIdle();
  drain.begin('restart', 60_000);
  drain.send();
  assert.equal(written(), ['DRAIN', 'PING']);
  clock.advance(2_000);
  assert.equal(told, []);
  drain.stop();
  assert.is(clock.pending, 0);
});

test('a drain that begins again shortens its grace, never prolongs it, and writes DRAIN once', () => {
  const { clock, drain, told, written } = makeDrain();
  drain.begin('restart', 5_000);
  drain.send();
  drain.begin('restart', 2_000);
  drain.begin('restart', 9_000);
  assert.is(drain.state, 'asked');
  assert.equal(written(), ['DRAIN', 'PING']);
  clock.advance(1_999);
  assert.equal(told, []);
  clock.advance(1);
  assert.equal(told, ['grace over']);
  assert.is(clock.pending, 0);
});

test('keepalive asks after silence, listens again after any byte, and gives up once', () => {
  const { clock, pings, written } = makeParts();
  let lastHeardAt = clock.now();
  let deaths = 0;
  const times = { silenceMs: 1_000, timeoutMs: 300, random: () => 0.5 };
  const keepalive = new Keepalive(
    clock,
    pings,
    times,
    () => lastHeardAt,
    () => deaths++,
  );
  clock.advance(999);
  assert.equal(written(), []);
  clock.advance(1);
  assert.equal(written(), ['PING']);
  clock.advance(200);
  lastHeardAt = clock.now();
  clock.advance(100);
  assert.is(deaths, 0);
  clock.advance(899);
  assert.equal(written(), [], 'silent since the last byte for less than a second');
  clock.advance(1);
  assert.equal(written(), [], 'the PING before is not answered, and asks already');
  clock.advance(300);
  assert.is(deaths, 1);
  assert.is(clock.pending, 0, 'no timer is left');
  keepalive.stop();
});

test('keepalive that is stopped asks nothing and holds no timer', () => {
  const { clock, pings, written } = makeParts();
  const times = { silenceMs: 1_000, timeoutMs: 300, random: () => 0.5 };
  const keepalive = new Keepalive(clock, pings, times, () => 0, assert.unreachable);
  keepalive.stop();
  assert.is(clock.pending, 0);
  clock.advance(5_000);
  assert.equal(written(), []);
});

test('a stall is nothing that leaves for stallMsMax; what leaves meanwhile begins it anew', () => {
  const clock = new VirtualClock();
  const transport = { unsentBytes: 100, sentBytes: 0 };
  const texts: string[] = [];
  const stall = new StallWatch(clock, transport, 1_000, ({ message }) => texts.push(message));
  stall.begin();
  clock.advance(900);
  stall.begin();
  transport.sentBytes = 1;
  clock.advance(1_000);
  assert.equal(texts, []);
  clock.advance(1_000);
  assert.equal(texts, ['the peer reads nothing: the limit stallMsMax is 1000 (setting: limits.stallMsMax)']);
  stall.begin();
  assert.is(clock.pending, 0, 'it is stopped for good');
});

test('a stall watch is idle once everything has left, and begins again', () => {
  const clock = new VirtualClock();
  const transport = { unsentBytes: 100, sentBytes: 0 };
  let stalls = 0;
  const stall = new StallWatch(clock, transport, 1_000, () => stalls++);
  stall.begin();
  transport.unsentBytes = 0;
  clock.advance(1_000);
  assert.is(stalls, 0);
  assert.is(clock.pending, 0);
  transport.unsentBytes = 5;
  stall.begin();
  clock.advance(1_000);
  assert.is(stalls, 1);
  stall.stop();
});

test('PONG answers the earliest PING and nothing else', () => {
  const { pings } = makeParts();
  assert.throws(() => pings.onPong(pong(1), 0), /answers no PING/);
  assert.is(pings.send(), 1);
  assert.is(pings.send(), 2);
  assert.throws(() => pings.onPong(pong(2), 0), /answers no PING/);
  assert.is(pings.onPong(pong(1), 0), 1);
  assert.throws(() => pings.onPong(pong(1), 0), /answers no PING/);
  assert.is(pings.onPong(pong(2), 0), 2);
});

test('a step that is not drawn is a defect', () => {
  assert.is(transition('greeting', 'open'), 'open');
  assert.throws(() => transition('open', 'greeting'), /a connection cannot go from open to greeting/);
  assert.throws(() => step('a lamp', { on: ['off'], off: [] }, 'off', 'on'), /a lamp cannot go from off to on/);
  const { drain } = makeDrain();
  assert.throws(() => drain.send(), /a drain cannot go from none to asked/);
});

test('a connection prints as one line without what it consists of', () => {
  const { dialing } = connectPair({ clock: new VirtualClock(), methods: [] });
  assert.is(inspect(dialing), 'Connection { peer: memory://memory:accepting:0, state: greeting }');
  dialing.close();
});

test.run();
