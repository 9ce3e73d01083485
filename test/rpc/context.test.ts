/** What a handler is told about its call, and what it may do with that. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CallContext, RpcError } from '../../src/index.js';
import { failureOf, gate, openEnds } from '../support/rpc.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };

test('peer says who calls, the same for all calls of a connection', async () => {
  const seen: CallContext['peer'][] = [];
  const ends = await openEnds({
    channel: { limits: { callsInFlightMax: 77 } },
    handlers: {
      echo: (request, { peer }) => {
        seen.push(peer);
        return request;
      },
    },
  });
  await ends.notes.echo(note);
  await ends.notes.echo(note);
  const [peer] = seen as [CallContext['peer']];
  assert.is(seen[1], peer);
  assert.is(peer.kind, 'tcp');
  assert.match(peer.address, /127\.0\.0\.1$/);
  assert.ok(peer.port > 0 && peer.port !== ends.port);
  assert.is(peer.certificate, null);
  assert.match(peer.software, /^trunkline\/\d/);
  assert.match(peer.instance, /^[0-9a-f]{32}$/);
  assert.is(peer.limits.callsInFlightMax, 77);
  assert.is(String(peer), `tcp://${peer.address}:${peer.port}`);
  // And the caller is told the same of the server.
  assert.is(ends.channel.peer?.port, ends.port);
  assert.is(ends.channel.peer?.instance, peer.instance);
  await ends.close();
});

test('signal is one object, not aborted while the call runs, nor by the end of the call', async () => {
  let signal: AbortSignal | undefined;
  const ends = await openEnds({
    handlers: {
      echo: async (request, context) => {
        signal = context.signal;
        assert.is(context.signal, signal);
        await Promise.resolve();
        assert.is(signal.aborted, false);
        return request;
      },
    },
  });
  await ends.notes.echo(note);
  await ends.notes.echo(note);
  assert.is(signal?.aborted, false);
  await ends.close();
});

test('signal aborts when the connection is lost, also when it is asked for only afterwards', async () => {
  const started = gate();
  const lost = gate();
  let during: AbortSignal | undefined;
  const after = gate();
  let late: AbortSignal | undefined;
  const ends = await openEnds({
    handlers: {
      echo: async (request, context) => {
        if (request.id === 1) {
          during = context.signal;
        } else {
          started.open();
          await lost.opened;
          late = context.signal;
          after.open();
        }
        return new Promise(() => {});
      },
    },
  });
  const failures = [failureOf(ends.notes.echo(note)), failureOf(ends.notes.echo({ id: 2, text: '' }))];
  await started.opened;
  await ends.channel.close({ graceMs: 0 });
  await Promise.all(failures);
  await until(() => during?.aborted === true, 'the abort');
  assert.instance(during?.reason, RpcError);
  lost.open();
  await after.opened;
  assert.is(late?.aborted, true);
  assert.instance(late?.reason, RpcError);
  await ends.close();
});

test('a handler that gives up with its signal reason is not reported as an error', async () => {
  const reported: unknown[] = [];
  let ended = 0;
  const ends = await openEnds({
    server: { onHandlerError: (error) => void reported.push(error) },
    handlers: {
      echo: async (request, context) => {
        try {
          await new Promise((_resolve, reject) =>
            context.signal.addEventListener('abort', () => reject(context.signal.reason as Error)),
          );
          return request;
        } finally {
          ended++;
        }
      },
    },
  });
  assert.is((await failureOf(ends.notes.echo(note, { deadlineMs: 500 }))).code, 'DEADLINE_EXCEEDED');
  await until(() => ended === 1, 'the end of the handler');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reported, []);
  await ends.close();
});

test('a handler error after an aborted signal is reported, and the caller gets one answer', async () => {
  const reported: unknown[] = [];
  const ends = await openEnds({
    server: { onHandlerError: (error) => void reported.push(error) },
    handlers: {
      echo: async (request, context) => {
        if (request.id !== 1) return request;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        throw new Error('while cleaning up');
      },
    },
  });
  assert.is((await failureOf(ends.notes.echo(note, { deadlineMs: 20 }))).code, 'DEADLINE_EXCEEDED');
  await until(() => reported.length > 0, 'the report');
  assert.match(String(reported[0]), /while cleaning up/);
  // A second terminal frame would have closed the connection.
  assert.is((await ends.notes.echo({ id: 2, text: '' })).id, 2);
  await ends.close();
});

test('handlers keep their this, and may be methods of a class', async () => {
  class Counter {
    count = 0;
    echo(request: { id: number; text: string }) {
      this.count++;
      return { ...request, id: this.count };
    }
  }
  const counter = new Counter();
  const ends = await openEnds({ handlers: { echo: (request) => counter.echo(request) } });
  assert.is((await ends.notes.echo(note)).id, 1);
  assert.is((await ends.notes.echo(note)).id, 2);
  await ends.close();
});

test('an answer may come from any thenable, and from a handler that is sync once and async once', async () => {
  const ends = await openEnds({
    handlers: {
      echo: (request) => {
        if (request.id === 1) return request;
        if (request.id === 2) return Promise.resolve(request);
        // oxlint-disable-next-line no-thenable -- what some promise libraries return
        const thenable = { then: (resolve: (value: unknown) => void) => resolve(request) };
        return thenable as unknown as Promise<typeof request>;
      },
    },
  });
  const answers = await Promise.all([1, 2, 3, 1, 2, 3].map((id) => ends.notes.echo({ id, text: '' })));
  assert.equal(
    answers.map(({ id }) => id),
    [1, 2, 3, 1, 2, 3],
  );
  await ends.close();
});

test.run();
