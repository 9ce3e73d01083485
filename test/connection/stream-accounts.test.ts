/** The accounts of streams, as pure numbers: what a receiver gives back, what a sender may write, whose turn it is, what is late. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LateFrames } from '../../src/connection/callee/late-frames.js';
import type { Link } from '../../src/connection/calls/link.js';
import { ItemBacklog } from '../../src/connection/streams/item-backlog.js';
import { ReceiveWindow } from '../../src/connection/streams/receive-window.js';
import { SendWindow } from '../../src/connection/streams/send-window.js';
import { StreamTurns } from '../../src/connection/streams/stream-turns.js';
import { CloseCode, FrameType } from '../../src/wire/constants.js';
import { WireError } from '../../src/wire/wire-error.js';
import { VirtualClock } from '../support/clock.js';
import { ScriptedTransport } from '../support/scripted-transport.js';
import { withSeed } from '../support/seed.js';

const KIB = 1024;

function wireCode(run: () => void): number {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return CloseCode.NONE;
}

test('credit goes back in portions of a quarter of the window, and all of it in the end', () => {
  const window = new ReceiveWindow(64 * KIB, 64 * KIB);
  const given: number[] = [];
  for (let item = 0; item < 640; item++) {
    assert.ok(window.receive(1_000));
    const credit = window.release(1_000, item);
    if (credit > 0) given.push(credit);
  }
  assert.ok(given.every((credit) => credit >= 16 * KIB));
  assert.ok(window.left > 48 * KIB && window.left <= 64 * KIB);
});

test('a frame that costs all that is left is within the credit, one byte more is not', () => {
  const window = new ReceiveWindow(1_000, 1_000);
  assert.ok(window.receive(400));
  assert.ok(window.receive(600));
  assert.not.ok(window.receive(1));
});

test('an incomplete message is given back when less than half of the window is left', () => {
  const window = new ReceiveWindow(64 * KIB, 64 * KIB);
  assert.ok(window.receive(32 * KIB));
  assert.is(window.lend(32 * KIB), 0);
  assert.ok(window.receive(12));
  assert.is(window.lend(32 * KIB + 12), 32 * KIB + 12);
  assert.is(window.release(32 * KIB + 12, 0), 32 * KIB + 12);
  assert.is(window.left, 64 * KIB);
});

/** A peer that sends all it may in one burst, `roundMs` behind the credit for it; the application takes everything at once. */
function run(sizeMax: number, roundMs: number, takenShare: number): number {
  const window = new ReceiveWindow(256 * KIB, sizeMax);
  let now = 0;
  let held = 0;
  for (let round = 0; round < 40; round++) {
    const silentMs = roundMs;
    now += roundMs;
    const burst = window.left;
    for (let sent = 0; sent + 16 * KIB <= burst; sent += 16 * KIB) {
      window.receive(16 * KIB);
      if (window.probing) window.probe(16 * KIB, now, sent === 0 ? silentMs : 0);
      held += 16 * KIB;
      if (takenShare === 1) {
        window.release(held, now);
        held = 0;
      }
    }
    if (takenShare < 1) {
      const taken = Math.floor(held * takenShare);
      window.release(taken, now);
      held -= taken;
    }
  }
  return window.left + held;
}

test('the window grows while the peer waits for credit and the application does not, and never beyond its limit', () => {
  assert.is(run(2048 * KIB, 20, 1), 2048 * KIB);
  // What was taken and not given back yet is missing.
  const odd = run(1000 * KIB, 20, 1);
  assert.ok(odd > 750 * KIB && odd <= 1000 * KIB);
  assert.is(run(256 * KIB, 20, 1), 256 * KIB);
});

test('the window does not grow while the application holds most of it, however long the peer waits', () => {
  assert.ok(run(2048 * KIB, 20, 0.3) <= 256 * KIB);
  assert.ok(run(2048 * KIB, 1_000, 0.5) <= 256 * KIB);
});

test('the window does not grow where bytes come without pauses', () => {
  assert.is(run(2048 * KIB, 0, 1), 256 * KIB);
});

test('whatever is received and released, left, owed and held make up the window', () =>
  withSeed((random) => {
    const window = new ReceiveWindow(64 * KIB, 64 * KIB);
    let left = 64 * KIB;
    let held = 0;
    for (let step = 0; step < 20_000; step++) {
      const cost = random.between(12, 2_000);
      if (random.oneIn(2)) {
        const fits = cost <= left;
        if (!fits) continue;
        assert.ok(window.receive(cost));
        left -= cost;
        held += cost;
      } else {
        const taken = Math.min(held, cost);
        held -= taken;
        left += window.release(taken, step);
      }
      assert.is(window.left, left);
      assert.ok(left + held <= 64 * KIB && left + held > 48 * KIB - 2_000);
    }
  }));

test('a sender spends credit and its share together, and refuses credit that is too much or too often', () => {
  const window = new SendWindow(64 * KIB);
  window.share = 16 * KIB;
  window.spend(1_000);
  assert.equal([window.left, window.share], [64 * KIB - 1_000, 16 * KIB - 1_000]);
  window.widen(1_000);
  assert.is(window.left, 64 * KIB);
  // 10 before the first ITEM frame and 10 for each.
  for (let credit = 0; credit < 20; credit++) window.give(1);
  assert.is(
    wireCode(() => window.give(1)),
    CloseCode.FLOOD,
  );
  const full = new SendWindow(0x7fff_fffe);
  full.give(1);
  assert.is(
    wireCode(() => full.give(1)),
    CloseCode.FLOW_CONTROL,
  );
});

test('streams write in turn, each its share, and a turn of the event loop passes between the rounds', async () => {
  const clock = new VirtualClock();
  const turns = new StreamTurns(new ScriptedTransport(), clock);
  const order: number[] = [];
  const streams = Array.from({ length: 20 }, (_, id) => {
    const window = new SendWindow(1e9);
    const stream = {
      window,
      onTurn: () => {
        order.push(id);
        assert.is(window.share, 16 * KIB);
        window.spend(16 * KIB);
        if (order.length < 60) queueMicrotask(() => turns.enter(stream));
      },
    };
    return stream;
  });
  for (const stream of streams) turns.enter(stream);
  await Promise.resolve();
  const inOneTurn = order.length;
  assert.ok(inOneTurn > 1 && inOneTurn < 20, `${inOneTurn} streams in one turn`);
  assert.equal(
    order,
    Array.from({ length: inOneTurn }, (_, id) => id),
  );
  await clock.advanceSettled(1);
  assert.ok(order.length >= 60);
  for (let at = 0; at + 20 <= 60; at += 20) assert.is(new Set(order.slice(at, at + 20)).size, 20);
});

test('short streams that end early do not add up to an endless turn', async () => {
  const served = async (endedBefore: number): Promise<number> => {
    const turns = new StreamTurns(new ScriptedTransport(), new VirtualClock());
    for (let ended = 0; ended < endedBefore; ended++) turns.leave(1_000);
    let count = 0;
    for (let stream = 0; stream < 100; stream++) turns.enter({ window: new SendWindow(1e9), onTurn: () => count++ });
    await Promise.resolve();
    return count;
  };
  assert.is(await served(10_000), await served(0));
});

test('the backlog gives back what it took, whatever the order of both', () =>
  withSeed((random) => {
    const backlog = new ItemBacklog();
    const expected: Buffer[] = [];
    let held = 0;
    for (let step = 0; step < 20_000; step++) {
      if (held < 50_000 && random.oneIn(2)) {
        const bytes = random.bytes(random.below(300));
        backlog.push(Buffer.concat([Buffer.alloc(3), bytes]), 3, 3 + bytes.length);
        expected.push(bytes);
        held += bytes.length;
      } else {
        const bytes = expected.shift();
        if (bytes === undefined) continue;
        const start = backlog.take(bytes.length);
        if (!backlog.buffer.subarray(start, start + bytes.length).equals(bytes)) assert.unreachable(`step ${step}`);
        held -= bytes.length;
      }
      assert.ok(backlog.buffer.length <= 4 * 50_000 + 2_048);
    }
  }));

/** Late frames of a call, and what they did: resets paid for, and the code that closed the connection. */
function late(credit: number, cancelIsFree = true) {
  const seen = { resets: 0, closed: 0 };
  const link = {
    chargeReset: () => ++seen.resets > 0,
    fail: (code: number) => {
      seen.closed = code;
    },
  } as unknown as Link;
  const frames = new LateFrames(1, credit, cancelIsFree);
  return { seen, admit: (type: number, cost = 0) => frames.admit(link, type, cost) };
}

test('late frames cost nothing while a conforming caller may have sent them, then one reset each', () => {
  const { seen, admit } = late(1_000);
  admit(FrameType.ITEM, 500);
  admit(FrameType.ITEM, 500);
  admit(FrameType.END);
  admit(FrameType.CANCEL);
  for (let credit = 0; credit < 10; credit++) admit(FrameType.CREDIT);
  assert.equal(seen, { resets: 0, closed: 0 });
  admit(FrameType.END);
  admit(FrameType.CANCEL);
  admit(FrameType.CREDIT);
  assert.equal(seen, { resets: 3, closed: 0 });
  admit(FrameType.ITEM, 12);
  assert.is(seen.closed, CloseCode.FLOW_CONTROL);
});

test('a late CANCEL costs one reset, unless the handler of the call had begun', () => {
  const { seen, admit } = late(1_000, false);
  admit(FrameType.ITEM, 500);
  admit(FrameType.END);
  assert.is(seen.resets, 0);
  admit(FrameType.CANCEL);
  assert.is(seen.resets, 1);
});

test('late items of a call that took none, or had its END, are paid for one by one', () => {
  const { seen, admit } = late(-1);
  for (let item = 0; item < 5; item++) admit(FrameType.ITEM, 100);
  assert.equal(seen, { resets: 5, closed: 0 });
});

test.run();
