/** One channel over many connections: dialled when somebody calls, again after a break, and not too often. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError, Server } from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import { magic } from '../support/frames.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, handlers, Notes, openEnds, sleep } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { type MemoryEnds, openMemoryEnds } from './memory-ends.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };

test('connect dials nothing by itself; ready opens the connection that calls then use', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({ through: async (port) => (proxy = await FaultProxy.start(port)).port });
  await sleep(20);
  assert.is(proxy?.accepted, 0);
  assert.is(ends.channel.peer, null);
  await Promise.all([ends.channel.ready(), ends.channel.ready(), ends.channel.ready()]);
  assert.ok(ends.channel.peer !== null);
  await Promise.all([ends.notes.echo(note), ends.notes.echo(note), ends.channel.ready()]);
  assert.is(proxy?.accepted, 1);
  await ends.close();
  proxy?.close();
});

test('after a break the channel stays idle until the next call, then dials once for all calls', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({ through: async (port) => (proxy = await FaultProxy.start(port)).port });
  for (let times = 1; times <= 5; times++) {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, id) => ends.notes.echo({ id, text: '' })));
    assert.ok(answers.every(({ id }, index) => id === index));
    assert.is(proxy?.accepted, times);
    proxy?.reset();
    await until(() => ends.channel.peer === null, 'the break');
    await sleep(5);
    assert.is(proxy?.accepted, times);
  }
  await ends.channel.ready();
  assert.is(proxy?.accepted, 6);
  await ends.close();
  proxy?.close();
});

test('a server that was restarted on the same port is found again', async () => {
  const first = new Server().add(Notes, handlers());
  const { port } = await first.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const notes = channel.client(Notes);
  assert.equal(await notes.echo(note), note);
  await first.drain();
  const second = new Server().add(Notes, handlers({ echo: (request) => ({ ...request, text: 'second' }) }));
  await second.listen({ host: '127.0.0.1', port });
  assert.is((await notes.echo(note)).text, 'second');
  await channel.close();
  await second.close();
});

/** Ends whose dial fails as long as `up` is false, and that say when it was tried. */
function flaky(): MemoryEnds & { up: boolean; readonly attempts: number[] } {
  const attempts: number[] = [];
  const ends: MemoryEnds = openMemoryEnds({
    dial: async () => {
      attempts.push(ends.clock.now());
      if (!flakyEnds.up) throw new RpcError('UNAVAILABLE', 'the cable is out');
      const [dialing, accepting] = memoryPair(ends.clock);
      ends.server.accept(accepting);
      return dialing;
    },
  });
  const flakyEnds = Object.assign(Object.create(ends) as MemoryEnds, ends, { up: false, attempts });
  return flakyEnds;
}

test('attempts follow the backoff: 100 ms times 1.6 each, and calls in between fail at once with the reason', async () => {
  const ends = flaky();
  const { clock, notes, attempts } = ends;
  const startedAt = clock.now();
  let failures = 0;
  while (clock.now() < startedAt + 2_000) {
    const failed = failureOf(notes.echo(note));
    await clock.advanceSettled(0);
    const failure = await failed;
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'no');
    assert.match(failure.message, /the cable is out/);
    failures++;
    await clock.advanceSettled(10);
  }
  assert.ok(failures >= 190);
  const waits = attempts.slice(1).map((at, index) => at - (attempts[index] as number));
  // The clock moves in steps of 10 ms, so each wait is the backoff and at most one step.
  const expected = [100, 160, 256, 409.6, 655.36];
  assert.is(waits.length, expected.length);
  for (const [index, ms] of expected.entries()) {
    const wait = waits[index] as number;
    assert.ok(wait >= ms && wait <= ms + 10, `wait ${index} is ${wait} ms, the backoff ${ms} ms`);
  }
  await ends.close();
});

test('a connection that worked sets the backoff back', async () => {
  const ends = flaky();
  const { clock, notes, attempts } = ends;
  const call = async () => {
    const outcome = notes.echo(note).then(
      () => 'answered',
      (error: RpcError) => error.code,
    );
    await clock.advanceSettled(0);
    await clock.advanceSettled(0);
    return outcome;
  };
  assert.is(await call(), 'UNAVAILABLE');
  await clock.advanceSettled(100);
  assert.is(await call(), 'UNAVAILABLE');
  await clock.advanceSettled(160);
  ends.up = true;
  assert.is(await call(), 'answered');
  const closing = ends.server.close();
  await clock.advanceSettled(150);
  await closing;
  ends.up = false;
  assert.is(await call(), 'UNAVAILABLE');
  await clock.advanceSettled(99);
  assert.is(await call(), 'UNAVAILABLE');
  assert.is(attempts.length, 4);
  await clock.advanceSettled(1);
  assert.is(await call(), 'UNAVAILABLE');
  assert.is(attempts.length, 5);
  await ends.close();
});

test('a peer that never says HELLO is given up after connectMsMax, and that counts as a failed attempt', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, { limits: { connectMsMax: 60 } });
  const notes = channel.client(Notes);
  const ready = failureOf(channel.ready());
  const called = failureOf(notes.echo(note));
  const peer = await listener.accept();
  const failure = await called;
  // Within the backoff, which has just begun, no second attempt is made.
  const again = await failureOf(notes.echo(note));
  assert.is(again.code, 'UNAVAILABLE');
  assert.is(again.started, 'no');
  assert.is(listener.connections, 1);
  assert.is(failure.code, 'UNAVAILABLE');
  assert.match(failure.message, /HANDSHAKE_TIMEOUT.*no HELLO within \d+ ms: the limit connectMsMax is \d+/);
  assert.is((await ready).code, 'UNAVAILABLE');
  await peer.expectClose(10);
  await listener.close();
  await channel.close();
});

for (const [code, name, started] of [
  [1, 'BAD_PREFACE', 'no'],
  [2, 'VERSION', 'no'],
  [10, 'HANDSHAKE_TIMEOUT', 'no'],
  [18, 'AUTH', 'no'],
  [17, 'INTERNAL', 'maybe'],
] as const) {
  test(`CLOSE ${name} before HELLO fails the calls as started=${started}, with its text`, async () => {
    const listener = await ScriptedListener.listen();
    const channel = connect(`tcp://127.0.0.1:${listener.port}`);
    const called = failureOf(channel.client(Notes).echo(note));
    const peer = await listener.accept();
    await peer.skipTo('REQUEST');
    peer.send(magic);
    peer.sendRecord('CLOSE', { code, text: 'not with you' });
    const failure = await called;
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, started);
    assert.match(failure.message, new RegExp(`${name}.*not with you`));
    await listener.close();
    await channel.close();
  });
}

test('ready waits for the new connection, whatever becomes of the one that drains', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const first = channel.ready();
  const old = await listener.accept();
  await old.handshake();
  await first;
  old.sendRecord('DRAIN', { text: '', graceMs: 1_000 });
  await until(() => channel.peer === null, 'DRAIN');
  let outcome = '';
  const ready = channel.ready().then(
    () => (outcome = 'ready'),
    () => (outcome = 'failed'),
  );
  const next = await listener.accept();
  await next.expectPreface();
  old.sendRecord('CLOSE', { code: 0, text: '' });
  await old.expectEnd();
  await sleep(5);
  assert.is(outcome, '');
  next.sendPreface();
  await ready;
  assert.is(outcome, 'ready');
  await listener.close();
  await channel.close();
});

test('ready rejects with the reason when no server listens, and works later', async () => {
  const listener = await ScriptedListener.listen();
  const { port } = listener;
  await listener.close();
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const failure = await failureOf(channel.ready());
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, new RegExp(`cannot connect to tcp://127\\.0\\.0\\.1:${port}.*ECONNREFUSED`));
  const server = new Server().add(Notes, handlers());
  await server.listen({ host: '127.0.0.1', port });
  for (let up = false; !up; ) {
    up = await channel.ready().then(
      () => true,
      () => sleep(20).then(() => false),
    );
  }
  assert.equal(await channel.client(Notes).echo(note), note);
  await channel.close();
  await server.close();
});

test.run();
