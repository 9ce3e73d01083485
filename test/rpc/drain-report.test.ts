/** What `drain` and `close` say of that which did not end in time, and how long they wait. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallContext, DrainReport } from '../../src/index.js';
import { failureOf, type NotesHandlers } from '../support/rpc.js';
import { type MemoryEnds, openMemoryEnds } from './memory-ends.js';

const note = { id: 1, text: 'one' };
const never = (): Promise<never> => new Promise(() => {});

/** Ends over which a call is running, after `ms`. */
async function running(
  handlers: Partial<NotesHandlers>,
  call: (ends: MemoryEnds) => Promise<unknown>,
  ms = 0,
): Promise<MemoryEnds & { readonly outcome: Promise<unknown> }> {
  const ends = openMemoryEnds({ handlers });
  const outcome = call(ends).catch((error: unknown) => error);
  await ends.clock.advanceSettled(ms);
  return { ...ends, outcome };
}

/** What of a promise is known without waiting for it. */
function watch<T>(promise: Promise<T>): { value: T | undefined } {
  const seen: { value: T | undefined } = { value: undefined };
  void promise.then((value) => {
    seen.value = value;
  });
  return seen;
}

test('F14 a hung handler: when the grace is over its call is CANCELLED, and drain says which it was and for how long', async () => {
  let context: CallContext | undefined;
  const echo: NotesHandlers['echo'] = (_request, given) => {
    context = given;
    return never();
  };
  const { server, notes, clock, close } = openMemoryEnds({ handlers: { echo } });
  const failed = failureOf(notes.echo(note));
  await clock.advanceSettled(500);
  const drain = watch(server.drain({ graceMs: 1_000 }));
  await clock.advanceSettled(999);
  assert.is(drain.value, undefined);
  await clock.advanceSettled(200);
  const { cancelled } = drain.value as DrainReport;
  const [{ ageMs, ...what } = { ageMs: 0 }, ...others] = cancelled;
  assert.equal(what, {
    direction: 'in',
    method: 'test.Notes/echo',
    peer: 'memory://memory:dialing:0',
    state: 'running',
  });
  assert.ok(ageMs >= 1_490 && ageMs <= 1_500, `${ageMs} ms`);
  assert.equal(others, []);
  assert.is((await failed).code, 'CANCELLED');
  assert.is((await failed).started, 'yes');
  assert.match(String(context?.signal.reason), /the grace period of the drain is over/);
  await close();
});

test('a handler that goes on after its call was cancelled is waited for, and reported as abandoned', async () => {
  const { server, outcome, clock, close } = await running(
    { echo: never },
    ({ notes }) => notes.echo(note, { deadlineMs: 100 }),
    200,
  );
  assert.is(((await outcome) as { code?: unknown }).code, 'DEADLINE_EXCEEDED');
  const drain = watch(server.drain({ graceMs: 1_000 }));
  await clock.advanceSettled(990);
  assert.is(drain.value, undefined);
  await clock.advanceSettled(200);
  assert.equal(
    drain.value?.cancelled.map(({ state, method }) => [state, method]),
    [['abandoned', 'test.Notes/echo']],
  );
  await close();
});

test('a handler whose connection was lost is waited for as well, with its signal aborted', async () => {
  let end: (() => void) | undefined;
  const { server, channel, clock, close } = await running(
    { echo: (request) => new Promise((resolve) => (end = () => resolve(request))) },
    ({ notes }) => notes.echo(note),
  );
  const closed = channel.close({ graceMs: 0 });
  await clock.advanceSettled(200);
  await closed;
  assert.is(server.connectionCount, 0);
  const drain = watch(server.drain({ graceMs: 5_000 }));
  await clock.advanceSettled(1_000);
  assert.is(drain.value, undefined);
  end?.();
  await clock.advanceSettled(0);
  assert.equal(drain.value, { cancelled: [] });
  await close();
});

test('when the grace is over, such a handler is reported and not waited for', async () => {
  const { server, channel, clock, close } = await running({ echo: never }, ({ notes }) => notes.echo(note));
  const closed = channel.close({ graceMs: 0 });
  await clock.advanceSettled(200);
  await closed;
  const drain = watch(server.drain({ graceMs: 5_000 }));
  await clock.advanceSettled(5_000);
  assert.equal(
    drain.value?.cancelled.map(({ state }) => state),
    ['abandoned'],
  );
  await close();
});

test('a hung handler of a oneway call is reported too', async () => {
  const { server, clock, close } = await running({ hit: never }, ({ notes }) => notes.hit(note));
  const drain = watch(server.drain({ graceMs: 1_000 }));
  await clock.advanceSettled(1_200);
  assert.equal(
    drain.value?.cancelled.map(({ state, method }) => [state, method]),
    [['running', 'test.Notes/hit']],
  );
  await close();
});

test('channel.close says which calls had no answer when its grace was over; they fail as CANCELLED', async () => {
  const { channel, outcome, clock, close } = await running({ echo: never }, ({ notes }) => notes.echo(note));
  const closing = watch(channel.close({ graceMs: 300 }));
  await clock.advanceSettled(500);
  const [left, ...others] = closing.value?.cancelled ?? [];
  assert.equal([left?.direction, left?.method, left?.state], ['out', 'test.Notes/echo', 'running']);
  assert.equal(others, []);
  const failure = (await outcome) as { code?: unknown; started?: unknown };
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'maybe');
  await close();
});

for (const side of ['server.drain', 'channel.close'] as const) {
  test(`${side} again with a shorter grace shortens it, with a longer one changes nothing, and both get the report`, async () => {
    const { server, channel, clock, close } = await running({ echo: never }, ({ notes }) => notes.echo(note));
    const end = (graceMs: number) =>
      watch(side === 'server.drain' ? server.drain({ graceMs }) : channel.close({ graceMs }));
    const first = end(20_000);
    await clock.advanceSettled(1_000);
    const second = end(500);
    const third = end(60_000);
    await clock.advanceSettled(490);
    assert.is(second.value, undefined);
    await clock.advanceSettled(200);
    assert.is(second.value?.cancelled.length, 1);
    assert.equal(first.value, second.value);
    assert.equal(third.value, second.value);
    await close();
  });
}

test('server.close during a drain ends it at once, and the drain reports what that cut off', async () => {
  const { server, clock, close } = await running({ echo: never }, ({ notes }) => notes.echo(note));
  const drain = watch(server.drain());
  await clock.advanceSettled(1_000);
  assert.is(drain.value, undefined);
  const closed = server.close();
  await clock.advanceSettled(200);
  await closed;
  assert.equal(
    drain.value?.cancelled.map(({ state }) => state),
    ['running'],
  );
  await close();
});

test.run();
