/** `deadlineMs` of a call, from the caller's option to the frame and to the handler's context. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect } from '../../src/index.js';
import { flags, frame } from '../support/frames.js';
import { failureOf, gate, Notes } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { openMemoryEnds } from './memory-ends.js';

const note = { id: 1, text: 'one' };
const never = () => new Promise<never>(() => {});

for (const [state, connected] of [
  ['on an open connection', true],
  ['before there is a connection', false],
] as const) {
  test(`a deadline of 0 or less fails the call without sending it, ${state}`, async () => {
    let runs = 0;
    const { channel, notes, clock, close } = openMemoryEnds({
      handlers: {
        echo: (request) => {
          runs++;
          return request;
        },
      },
    });
    if (connected) {
      const ready = channel.ready();
      await clock.advanceSettled(1);
      await ready;
    }
    for (const deadlineMs of [0, -1, -0.001, Number.NEGATIVE_INFINITY]) {
      const failure = await failureOf(notes.echo(note, { deadlineMs }));
      assert.is(failure.code, 'DEADLINE_EXCEEDED', String(deadlineMs));
      assert.is(failure.started, 'no');
    }
    await clock.advanceSettled(10);
    assert.is(runs, 0);
    await close();
  });

  test(`a deadline that is not a number is the caller's mistake, ${state}`, async () => {
    const { channel, notes, clock, close } = openMemoryEnds();
    if (connected) {
      const ready = channel.ready();
      await clock.advanceSettled(1);
      await ready;
    }
    const failure = await failureOf(notes.echo(note, { deadlineMs: Number.NaN }));
    assert.is(failure.code, 'INVALID_ARGUMENT');
    assert.match(failure.message, /deadlineMs/);
    await close();
  });
}

test('without a deadline of its own a call has the channel one: the option, else the limit, else 30 s', async () => {
  for (const [options, expectedMs] of [
    [{ deadlineMs: 700, limits: { deadlineMsDefault: 900 } }, 700],
    [{ limits: { deadlineMsDefault: 900 } }, 900],
    [{}, 30_000],
  ] as const) {
    const { notes, clock, close } = openMemoryEnds({ channel: options, handlers: { echo: never } });
    const failed = failureOf(notes.echo(note));
    await clock.advanceSettled(expectedMs - 5);
    let settled = false;
    void failed.finally(() => (settled = true));
    await clock.advanceSettled(1);
    assert.is(settled, false, `${expectedMs} ms have not passed`);
    await clock.advanceSettled(10);
    assert.is((await failed).code, 'DEADLINE_EXCEEDED');
    await close();
  }
});

test('a default deadline that is not a number above 0 is refused when the channel is made', () => {
  for (const deadlineMs of [0, -5, Number.NaN]) {
    assert.throws(() => connect('tcp://127.0.0.1:1', { deadlineMs }), /deadlineMs/);
  }
});

test('Infinity means no deadline: none travels, and the handler sees Infinity', async () => {
  let seen = 0;
  const answer = gate();
  const { notes, clock, close } = openMemoryEnds({
    handlers: {
      echo: async (request, context) => {
        seen = context.deadlineMs;
        await answer.opened;
        return request;
      },
    },
  });
  const pending = notes.echo(note, { deadlineMs: Number.POSITIVE_INFINITY });
  await clock.advanceSettled(24 * 3_600_000);
  assert.is(seen, Number.POSITIVE_INFINITY);
  answer.open();
  await clock.advanceSettled(1);
  assert.equal(await pending, note);
  await close();
});

test('a deadline travels in whole milliseconds, rounded up, and is cut to 2^31 - 1', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const notes = channel.client(Notes);
  const ready = channel.ready();
  const peer = await listener.accept();
  await peer.handshake();
  await ready;
  const deadlineOf = async (deadlineMs: number): Promise<number | null> => {
    notes.echo(note, { deadlineMs }).catch(() => {});
    const request = await peer.skipTo('REQUEST');
    return (request.flags & flags.DEADLINE) === 0 ? null : request.payload.readUInt32LE(0);
  };
  // The first call also compiles what it needs, and its deadline passes meanwhile.
  await deadlineOf(1_000);
  assert.is(await deadlineOf(1_500), 1_500);
  assert.is(await deadlineOf(7.2), 8);
  assert.is(await deadlineOf(0.01), 1);
  assert.is(await deadlineOf(2 ** 31 + 5), 2 ** 31 - 1);
  assert.is(await deadlineOf(1e15), 2 ** 31 - 1);
  assert.is(await deadlineOf(Number.POSITIVE_INFINITY), null);
  await listener.close();
  await channel.close();
});

test('the handler sees what is left of the deadline, and no less than 0 once it has passed', async () => {
  const left: number[] = [];
  const { notes, clock, close } = openMemoryEnds({
    handlers: {
      echo: async (request, context) => {
        left.push(context.deadlineMs);
        for (const ms of [300, 800]) {
          await new Promise<void>((resolve) => clock.setTimer(resolve, ms));
          left.push(context.deadlineMs);
        }
        return request;
      },
    },
  });
  const failed = failureOf(notes.echo(note, { deadlineMs: 1_000 }));
  await clock.advanceSettled(0);
  await clock.advanceSettled(2_000);
  assert.is((await failed).code, 'DEADLINE_EXCEEDED');
  assert.equal(left, [1_000, 700, 0]);
  await close();
});

test('a deadline that passes while the connection opens fails the call as not started', async () => {
  const { notes, clock, close } = openMemoryEnds({ dial: never });
  const failed = failureOf(notes.echo(note, { deadlineMs: 50 }));
  await clock.advanceSettled(60);
  const failure = await failed;
  assert.is(failure.code, 'DEADLINE_EXCEEDED');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /connection/);
  await close();
});

test('a deadline that passes in the queue for a slot fails the call as not started', async () => {
  let runs = 0;
  const { notes, clock, close } = openMemoryEnds({
    server: { limits: { callsInFlightMax: 16 } },
    handlers: {
      echo: () => {
        runs++;
        return never();
      },
    },
  });
  const blocked = Array.from({ length: 16 }, () => failureOf(notes.echo(note)));
  const failed = failureOf(notes.echo(note, { deadlineMs: 50 }));
  await clock.advanceSettled(60);
  const failure = await failed;
  assert.is(failure.code, 'DEADLINE_EXCEEDED');
  assert.is(failure.started, 'no');
  assert.is(runs, 16);
  await close();
  await Promise.all(blocked);
});

test('the answer of a handler at its deadline or later is dropped, and the slot serves the next call', async () => {
  const { notes, clock, close } = openMemoryEnds({
    server: { limits: { callsInFlightMax: 16 } },
    handlers: {
      echo: async (request) => {
        if (request.id < 0) return request;
        await new Promise<void>((resolve) => clock.setTimer(resolve, 100));
        return request;
      },
    },
  });
  const late = Array.from({ length: 16 }, (_, id) => failureOf(notes.echo({ id, text: '' }, { deadlineMs: 100 })));
  await clock.advanceSettled(300);
  for (const failure of await Promise.all(late)) assert.is(failure.code, 'DEADLINE_EXCEEDED');
  const next = Promise.all(Array.from({ length: 16 }, (_, id) => notes.echo({ id: -1 - id, text: '' })));
  await clock.advanceSettled(1);
  assert.equal(
    (await next).map(({ id }) => id),
    Array.from({ length: 16 }, (_, id) => -1 - id),
  );
  await close();
});

test('an answer that has arrived counts, although the event loop was busy until after the deadline', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const pending = channel.client(Notes).bytes(Buffer.from('?'), { deadlineMs: 40 });
  const peer = await listener.accept();
  await peer.handshake();
  const { call } = await peer.skipTo('REQUEST');
  peer.send(frame('RESPONSE', { call, payload: 'in time' }));
  for (const start = performance.now(); performance.now() - start < 80; );
  assert.is((await pending).toString(), 'in time');
  await listener.close();
  await channel.close();
});

test.run();
