/** The `signal` of a call, at every moment at which it can abort. */
import { getEventListeners } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError } from '../../src/index.js';
import { callNumber, frame } from '../support/frames.js';
import { writeRecord } from '../support/records.js';
import { failureOf, gate, Notes, openEnds } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { openMemoryEnds } from './memory-ends.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };
const never = () => new Promise<never>(() => {});
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

for (const connected of [true, false]) {
  test(`a signal that has aborted fails the call unsent, ${connected ? 'connected' : 'not connected'}`, async () => {
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
    const reason = new Error('changed my mind');
    const signal = AbortSignal.abort(reason);
    const failure = await failureOf(notes.echo(note, { signal }));
    assert.is(failure.code, 'CANCELLED');
    assert.is(failure.started, 'no');
    assert.is(failure.cause, reason);
    await clock.advanceSettled(10);
    assert.is(runs, 0);
    assert.is(listeners(signal), 0);
    await close();
  });
}

test('an abort while the connection opens ends the call at once, as not started', async () => {
  const { notes, clock, close } = openMemoryEnds({ dial: never });
  const controller = new AbortController();
  const failed = failureOf(notes.echo(note, { signal: controller.signal }));
  await clock.advanceSettled(1);
  assert.is(listeners(controller.signal), 1);
  controller.abort();
  const failure = await failed;
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'no');
  assert.is(listeners(controller.signal), 0);
  await close();
});

test('an abort in the queue for a slot ends that call alone, as not started', async () => {
  const answer = gate();
  const seen: number[] = [];
  const { notes, clock, close } = openMemoryEnds({
    server: { limits: { callsInFlightMax: 16 } },
    handlers: {
      echo: async (request) => {
        seen.push(request.id);
        await answer.opened;
        return request;
      },
    },
  });
  const running = Array.from({ length: 16 }, (_, id) => notes.echo({ id, text: '' }));
  const controller = new AbortController();
  const failed = failureOf(notes.echo({ id: 98, text: '' }, { signal: controller.signal }));
  const behind = notes.echo({ id: 99, text: '' });
  await clock.advanceSettled(1);
  controller.abort();
  const failure = await failed;
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'no');
  assert.is(listeners(controller.signal), 0);
  answer.open();
  await clock.advanceSettled(10);
  await Promise.all(running);
  assert.is((await behind).id, 99);
  assert.not.ok(seen.includes(98));
  await close();
});

test('an abort in flight fails the call at once and aborts the signal of its handler', async () => {
  const started = gate();
  let handlerReason: unknown;
  const ends = await openEnds({
    handlers: {
      echo: async (_request, context) => {
        started.open();
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        handlerReason = context.signal.reason;
        throw handlerReason;
      },
    },
  });
  const controller = new AbortController();
  const reason = new Error('enough');
  const failed = failureOf(ends.notes.echo(note, { signal: controller.signal }));
  await started.opened;
  assert.is(listeners(controller.signal), 1);
  controller.abort(reason);
  const failure = await failed;
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'maybe');
  assert.is(failure.cause, reason);
  assert.is(listeners(controller.signal), 0);
  await until(() => handlerReason !== undefined, 'the abort at the handler');
  assert.instance(handlerReason, RpcError);
  assert.is((handlerReason as RpcError).code, 'CANCELLED');
  await ends.close();
});

test('an abort after the answer changes nothing, and no listener is left', async () => {
  let aborted = false;
  const ends = await openEnds({
    handlers: {
      echo: async (request, context) => {
        context.signal.addEventListener('abort', () => (aborted = true));
        return request;
      },
    },
  });
  const controller = new AbortController();
  assert.equal(await ends.notes.echo(note, { signal: controller.signal }), note);
  assert.is(listeners(controller.signal), 0);
  controller.abort();
  assert.equal(await ends.notes.echo(note), note);
  assert.is(aborted, false);
  await ends.close();
});

test('no listener is left on the signal of a call that failed, was refused, or lost its connection', async () => {
  const { signal } = new AbortController();
  const ends = await openEnds({
    handlers: {
      echo: (request) => {
        if (request.id === 1) throw new RpcError('NOT_FOUND', 'no');
        return never();
      },
    },
  });
  assert.is((await failureOf(ends.notes.echo(note, { signal }))).code, 'NOT_FOUND');
  assert.is((await failureOf(ends.notes.echo({ id: 'x' } as never, { signal }))).code, 'INVALID_ARGUMENT');
  assert.is(
    (await failureOf(ends.notes.echo({ id: 2, text: '' }, { signal, deadlineMs: 20 }))).code,
    'DEADLINE_EXCEEDED',
  );
  await ends.notes.hit(note, { signal });
  assert.is(listeners(signal), 0);
  const lost = failureOf(ends.notes.echo({ id: 2, text: '' }, { signal }));
  assert.is(listeners(signal), 1);
  await ends.server.close();
  assert.is((await lost).code, 'UNAVAILABLE');
  assert.is(listeners(signal), 0);
  await ends.close();
});

test('one signal may serve many calls at once', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  const ends = await openEnds({ handlers: { echo: (request) => (request.id % 2 === 0 ? request : never()) } });
  const controller = new AbortController();
  const calls = Array.from({ length: 600 }, (_, id) =>
    ends.notes.echo({ id, text: '' }, { signal: controller.signal }).then(
      () => 'answered',
      (error: RpcError) => error.code,
    ),
  );
  await calls[598];
  controller.abort();
  const outcomes = await Promise.all(calls);
  assert.ok(outcomes.every((outcome, id) => outcome === (id % 2 === 0 ? 'answered' : 'CANCELLED')));
  assert.is(listeners(controller.signal), 0);
  // The connection has survived so many cancels, and every slot works.
  const answers = await Promise.all(Array.from({ length: 700 }, (_, id) => ends.notes.echo({ id: 2 * id, text: '' })));
  assert.is(answers.length, 700);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  assert.equal(warnings, []);
  await ends.close();
});

test('a cancelled call keeps its slot until the callee has answered the CANCEL', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const notes = channel.client(Notes);
  const controller = new AbortController();
  const first = failureOf(notes.bytes(Buffer.from('1'), { signal: controller.signal }));
  const peer = await listener.accept();
  await peer.handshake();
  assert.is((await peer.skipTo('REQUEST')).call, callNumber(0));
  controller.abort();
  assert.is((await first).code, 'CANCELLED');
  assert.is((await peer.expectRecord('CANCEL', { call: callNumber(0) })).code, 1);
  const second = notes.bytes(Buffer.from('2'));
  assert.is((await peer.expect('REQUEST')).call, callNumber(1));
  // The answer that crossed the CANCEL is thrown away; now the slot is free.
  peer.send(frame('RESPONSE', { call: callNumber(0), payload: 'late' }));
  peer.send(frame('RESPONSE', { call: callNumber(1), payload: 'second' }));
  assert.is((await second).toString(), 'second');
  const third = notes.bytes(Buffer.from('3'));
  const { call } = await peer.expect('REQUEST');
  assert.ok(call === callNumber(0, 2) || call === callNumber(1, 2), `call 0x${call.toString(16)}`);
  const failure = {
    code: 5,
    started: 'YES',
    text: 'gone',
    retryAfterMs: null,
    elsewhere: false,
    detail: null,
  } as const;
  peer.send(frame('FAILURE', { call, payload: writeRecord('FAILURE', failure) }));
  assert.is((await failureOf(third)).code, 'NOT_FOUND');
  await listener.close();
  await channel.close();
});

test.run();
