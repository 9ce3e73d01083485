/** Where a call was tried: every error and every result of a call can tell. */
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Attempt, RpcError } from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { openMemoryEnds } from './memory-ends.js';

const note = { id: 1, text: 'one' };

/** Endpoint apart, which is the connection's address. */
function told(attempts: readonly Attempt[]): string[] {
  return attempts.map(({ code, started, durationMs }) => `${code} ${started} ${durationMs}`);
}

test('a detailed answer tells its one attempt, from the request to its answer', async () => {
  const ends = openMemoryEnds({
    handlers: {
      echo: async (value) => {
        await ends.clock.sleep(70);
        return value;
      },
    },
  });
  const answered = ends.notes.echo.detailed(note);
  await ends.clock.advanceSettled(100);
  const { attempts } = await answered;
  assert.equal(told(attempts), ['OK yes 70']);
  await ends.close();
});

test('a printed error shows its attempts in short', () => {
  const attempt: Attempt = { endpoint: 'tcp://a:1', code: 'UNAVAILABLE', started: 'no', durationMs: 1 };
  const once = new RpcError('UNAVAILABLE', 'gone', { attempts: [attempt] });
  assert.equal(once.attempts, [attempt]);
  assert.match(inspect(once), "attempts: [ 'tcp://a:1 UNAVAILABLE no' ]");
  const twice = new RpcError('UNAVAILABLE', 'gone', { attempts: [attempt, { ...attempt, endpoint: 'tcp://b:1' }] });
  assert.match(inspect(twice), /attempts:[^]*tcp:..b:1/);
  assert.equal(new RpcError('UNAVAILABLE', 'gone').attempts, []);
  assert.not.match(inspect(new RpcError('UNAVAILABLE', 'gone')), 'attempts:');
});

test('an error tells the attempt that failed; one that was sent nowhere tells none', async () => {
  const ends = openMemoryEnds({
    handlers: {
      echo: () => {
        throw new RpcError('NOT_FOUND', 'no such note');
      },
    },
  });
  const call = failureOf(ends.notes.echo(note));
  await ends.clock.advanceSettled(1);
  const failure = await call;
  assert.equal(told(failure.attempts), ['NOT_FOUND yes 0']);
  assert.match(failure.attempts[0]?.endpoint ?? '', 'memory');
  assert.equal((await failureOf(ends.notes.echo(note, { deadlineMs: 0 }))).attempts, []);
  await ends.close();
});

test.run();
