/** Faults of handlers and callers: they throw, never end, cancel, are late; and call numbers wrap. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/index.js';
import { failureOf, gate, openEnds, sleep } from '../support/rpc.js';
import { withSeed } from '../support/seed.js';

const note = { id: 1, text: 'one' };

test('F24 a handler that throws gives one INTERNAL, without the text of the error', async () => {
  const seen: unknown[] = [];
  const ends = await openEnds({
    server: { onHandlerError: (error) => void seen.push(error) },
    handlers: {
      echo: (request) => {
        if (request.id === 1) throw new Error('the password is 1234');
        return Promise.reject(new TypeError('later'));
      },
    },
  });
  for (const id of [1, 2]) {
    const failure = await failureOf(ends.notes.echo({ id, text: '' }));
    assert.is(failure.code, 'INTERNAL');
    assert.is(failure.started, 'yes');
    assert.not.match(failure.message, /password|later/);
    assert.match(failure.message, /test\.Notes\/echo/);
  }
  assert.equal(
    seen.map((error) => (error as Error).message),
    ['the password is 1234', 'later'],
  );
  await ends.close();
});

test('F24 the code and hints of an RpcError that a handler throws reach the caller', async () => {
  const ends = await openEnds({
    handlers: {
      echo: (_request, context) => {
        context.responseMetadata = { why: 'full' };
        throw new RpcError('RESOURCE_EXHAUSTED', 'come back', { retryAfterMs: 250, elsewhere: true });
      },
    },
  });
  const failure = await failureOf(ends.notes.echo(note));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.is(failure.message, 'come back');
  assert.is(failure.started, 'yes');
  assert.is(failure.retryAfterMs, 250);
  assert.is(failure.elsewhere, true);
  assert.is(failure.metadata?.['why'], 'full');
  await ends.close();
});

test('F24 a handler that never ends is answered at the deadline and counts as executing until it ends', async () => {
  const end = gate();
  let reason: unknown;
  const ends = await openEnds({
    server: { limits: { handlersMax: 1 } },
    handlers: {
      echo: async (request, context) => {
        if (request.id !== 1) return request;
        context.signal.addEventListener('abort', () => {
          reason = context.signal.reason;
        });
        await end.opened;
        return request;
      },
    },
  });
  const late = await failureOf(ends.notes.echo(note, { deadlineMs: 30 }));
  assert.is(late.code, 'DEADLINE_EXCEEDED');
  for (let waited = 0; reason === undefined && waited < 2_000; waited += 10) await sleep(10);
  assert.instance(reason, RpcError);
  assert.is((reason as RpcError).code, 'DEADLINE_EXCEEDED');
  // Its slot is free again, but its handler is not.
  const refused = await failureOf(ends.notes.echo({ id: 2, text: '' }));
  assert.is(refused.code, 'RESOURCE_EXHAUSTED');
  assert.is(refused.started, 'no');
  assert.is(refused.elsewhere, true);
  assert.match(refused.message, /handlersMax is 1 .*limits\.handlersMax/);
  end.open();
  await sleep(10);
  assert.is((await ends.notes.echo({ id: 2, text: '' })).id, 2);
  await ends.close();
});

test('F27 cancels and deadlines that race answers leave one outcome each and every slot free', async () => {
  await withSeed(async (random) => {
    let running = 0;
    const ends = await openEnds({
      channel: { limits: { callsQueuedMax: 100_000 } },
      handlers: {
        echo: (request) => {
          if (random.oneIn(2)) return request;
          running++;
          return new Promise((resolve) =>
            setTimeout(() => {
              running--;
              resolve(request);
            }, random.below(4)),
          );
        },
      },
    });
    const outcomes = { answered: 0, CANCELLED: 0, DEADLINE_EXCEEDED: 0 };
    const calls = Array.from({ length: 5_000 }, async (_, id) => {
      const controller = new AbortController();
      const raced = random.below(3);
      const options =
        raced === 0 ? { signal: controller.signal } : raced === 1 ? { deadlineMs: 1 + random.below(4) } : {};
      const pending = ends.notes.echo({ id, text: '' }, options);
      if (raced === 0) setTimeout(() => controller.abort(), random.below(4));
      try {
        assert.is((await pending).id, id);
        outcomes.answered++;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.code !== 'CANCELLED' && error.code !== 'DEADLINE_EXCEEDED') throw error;
        outcomes[error.code]++;
      }
    });
    await Promise.all(calls);
    assert.is(outcomes.answered + outcomes.CANCELLED + outcomes.DEADLINE_EXCEEDED, 5_000);
    assert.ok(outcomes.answered > 0 && outcomes.CANCELLED > 0);
    // Every slot works again: as many calls at once as the peer accepts, and nothing of the race answers them.
    const after = await Promise.all(Array.from({ length: 1_000 }, (_, id) => ends.notes.echo({ id: -id, text: '' })));
    assert.ok(after.every((answer, id) => answer.id === -id));
    assert.is(running, 0);
    await ends.close();
  });
});

test('F29 call numbers wrap and are used again, and no answer reaches another call', async () => {
  const ends = await openEnds({ server: { limits: { callsInFlightMax: 16 } } });
  // One slot serves them all when they follow each other: 32,767 generations, then 1 again.
  for (let id = 0; id < 33_000; id++) {
    const answer = await ends.notes.echo({ id, text: '' });
    if (answer.id !== id) throw new Error(`call ${id} got the answer of ${answer.id}`);
  }
  await ends.close();
});

test.run();
