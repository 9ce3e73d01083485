/** What a drain does at the caller: calls that did not start are made elsewhere, unasked, once each, and within bounds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ChannelOptions,
  clientStream,
  connect,
  defineService,
  RpcError,
  raw,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import type { Transport } from '../../src/transport/transport.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, type Frame, frame } from '../support/frames.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import type { ScriptedPeer } from '../support/scripted-peer.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };
const drainRecord = { text: 'restarting', graceMs: 20_000 };
const refusal = {
  code: 14,
  started: 'NO',
  text: 'draining',
  retryAfterMs: null,
  elsewhere: true,
  detail: null,
} as const;

async function scripted(options: ChannelOptions = {}) {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, options);
  const accept = async (): Promise<ScriptedPeer> => {
    const peer = await listener.accept();
    await peer.handshake({ limits: { callsInFlightMax: 16 } });
    return peer;
  };
  const close = async (): Promise<void> => {
    await channel.close({ graceMs: 0 });
    await listener.close();
  };
  return { channel, notes: channel.client(Notes), accept, close };
}

/** Answers the next `count` requests with their own bytes. */
async function echo(peer: ScriptedPeer, count: number): Promise<Frame[]> {
  const requests: Frame[] = [];
  for (let done = 0; done < count; done++) {
    const request = await peer.skipTo('REQUEST');
    requests.push(request);
    // Behind the deadline.
    peer.send(frame('RESPONSE', { call: request.call, payload: request.payload.subarray(4) }));
  }
  return requests;
}

test('F15 calls that crossed DRAIN and were refused are retried on the next connection, with their remaining time', async () => {
  const { channel, notes, accept, close } = await scripted();
  const ready = channel.ready();
  const old = await accept();
  await ready;
  const calls = ['a', 'b', 'c'].map((text) => notes.bytes(Buffer.from(text), { deadlineMs: 30_000 }));
  const sent = [];
  for (let got = 0; got < 3; got++) sent.push(await old.skipTo('REQUEST'));
  old.sendRecord('DRAIN', drainRecord);
  old.send(frame('RESPONSE', { call: sent[0]?.call ?? 0, payload: 'a, before' }));
  for (const { call } of sent.slice(1)) old.sendRecord('FAILURE', refusal, call);
  const next = await accept();
  const again = await echo(next, 2);
  assert.equal((await Promise.all(calls)).map(String), ['a, before', 'b', 'c']);
  for (const { payload } of again) assert.ok(payload.readUInt32LE(0) <= 30_000);
  // Nothing more was sent to the server that drains.
  await old.expectSilence(20);
  await close();
});

test('calls that wait for a slot when DRAIN comes go to the next connection, and those that were sent are answered', async () => {
  const { channel, notes, accept, close } = await scripted();
  const ready = channel.ready();
  const old = await accept();
  await ready;
  const calls = Array.from({ length: 40 }, (_, id) => notes.bytes(Buffer.from([id])));
  for (let got = 0; got < 16; got++) await old.skipTo('REQUEST');
  old.sendRecord('DRAIN', drainRecord);
  for (let slot = 0; slot < 16; slot++)
    old.send(frame('RESPONSE', { call: callNumber(slot), payload: Buffer.from([slot]) }));
  const next = await accept();
  await echo(next, 24);
  assert.equal(
    (await Promise.all(calls)).map((bytes) => bytes[0]),
    Array.from({ length: 40 }, (_, id) => id),
  );
  assert.is(old.frames.filter(({ name }) => name === 'REQUEST').length, 16);
  await close();
});

test('a call is sent again resendsMax times, then it fails as not started', async () => {
  const { notes, accept, close } = await scripted({ limits: { resendsMax: 2 } });
  const failed = failureOf(notes.bytes(Buffer.from('nobody wants it')));
  for (let times = 0; times <= 2; times++) {
    const peer = await accept();
    const { call } = await peer.skipTo('REQUEST');
    peer.sendRecord('DRAIN', drainRecord);
    peer.sendRecord('FAILURE', refusal, call);
  }
  const failure = await failed;
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.is(failure.elsewhere, true);
  await close();
});

test('UNAVAILABLE that a handler threw is its answer, and not retried, whatever it says', async () => {
  let runs = 0;
  const server = new Server().add(
    Notes,
    handlers({
      echo: () => {
        runs++;
        throw new RpcError('UNAVAILABLE', 'not now', { started: 'no', elsewhere: true });
      },
    }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const failure = await failureOf(channel.client(Notes).echo(note));
  assert.is(failure.started, 'yes');
  assert.is(runs, 1);
  await channel.close();
  await server.close();
});

test('F3 calls that were not written when the connection was lost are retried; those that were fail as started=maybe', async () => {
  const { channel, notes, accept, close } = await scripted();
  const ready = channel.ready();
  const old = await accept();
  await ready;
  const calls = Array.from({ length: 20 }, (_, id) => notes.bytes(Buffer.from([id])));
  const outcomes = Promise.allSettled(calls);
  for (let got = 0; got < 16; got++) await old.skipTo('REQUEST');
  old.socket.resetAndDestroy();
  const next = await accept();
  await echo(next, 4);
  for (const [id, outcome] of (await outcomes).entries()) {
    if (outcome.status === 'fulfilled') assert.is(outcome.value[0], id);
    else assert.is((outcome.reason as RpcError).started, 'maybe');
    assert.is(outcome.status, id < 16 ? 'rejected' : 'fulfilled');
  }
  await close();
});

/** A channel whose dials the test answers: with a server, or with nobody. */
function mobile(options: ChannelOptions = {}) {
  const clock = new VirtualClock();
  const attempts: number[] = [];
  const place: { server: Server | null; cut: boolean } = { server: null, cut: false };
  const dial = async (): Promise<Transport> => {
    attempts.push(clock.now());
    if (place.server === null) throw new RpcError('UNAVAILABLE', 'nobody listens');
    const [dialing, accepting] = memoryPair(clock);
    // A listener that closes resets what it had not accepted.
    if (place.cut) clock.afterReads(() => accepting.destroy());
    else place.server.accept(accepting);
    return dialing;
  };
  const channel = connect('tcp://memory:1', { clock, random: () => 0.5, dial, ...options });
  const serve = (): Server => new Server({ clock, random: () => 0.5 }).add(Notes, handlers());
  const close = async (): Promise<void> => {
    const closed = channel.close();
    await clock.advanceSettled(200);
    await closed;
  };
  return { clock, attempts, place, channel, notes: channel.client(Notes), serve, close };
}

/** Connects, and lets that server drain. */
async function drained(options: ChannelOptions = {}) {
  const ends = mobile(options);
  const { clock, notes, place, attempts } = ends;
  place.server = ends.serve();
  const first = notes.echo(note);
  await clock.advanceSettled(0);
  await first;
  const draining = place.server.drain();
  place.server = null;
  await clock.advanceSettled(200);
  await draining;
  attempts.length = 0;
  return { ...ends, drainedAt: clock.now() - 200 };
}

test('after DRAIN calls wait while no server listens: attempts follow the backoff, and the first that succeeds takes them', async () => {
  const { clock, notes, place, attempts, serve, close } = await drained();
  const calls = [notes.echo(note)];
  for (let ms = 0; ms < 500; ms += 50) {
    await clock.advanceSettled(50);
    calls.push(notes.echo({ id: ms, text: 'in the gap' }));
  }
  assert.is(attempts.length, 3);
  place.server = serve();
  await clock.advanceSettled(300);
  assert.is((await Promise.all(calls)).length, 11);
  const waits = attempts.slice(1).map((at, index) => Math.round(at - (attempts[index] as number)));
  assert.equal(waits, [100, 160, 256]);
  await close();
});

test('after DRAIN no two attempts are more than 256 ms and their jitter apart: calls wait no longer than that for a server that is up', async () => {
  const { clock, notes, place, attempts, serve, close } = await drained();
  const call = notes.echo(note);
  await clock.advanceSettled(5_000);
  place.server = serve();
  const upAt = clock.now();
  await clock.advanceSettled(256);
  assert.equal(await call, note);
  assert.ok((attempts.at(-1) as number) <= upAt + 256);
  const waits = attempts.slice(1).map((at, index) => Math.round(at - (attempts[index] as number)));
  assert.equal(new Set(waits.slice(2)), new Set([256]));
  await close();
});

test('calls that wait for the next server still have their deadlines and signals', async () => {
  const { clock, notes, close } = await drained();
  const controller = new AbortController();
  const late = failureOf(notes.echo(note, { deadlineMs: 150 }));
  const cancelled = failureOf(notes.echo(note, { signal: controller.signal }));
  await clock.advanceSettled(50);
  controller.abort();
  assert.is((await cancelled).code, 'CANCELLED');
  await clock.advanceSettled(100);
  assert.is((await late).code, 'DEADLINE_EXCEEDED');
  assert.is((await late).started, 'no');
  await close();
});

test('drainReconnectMsMax after DRAIN the calls that still wait fail, and others at once, as without a drain', async () => {
  const { clock, notes, close, attempts } = await drained({ limits: { drainReconnectMsMax: 1_000 } });
  const failed = failureOf(notes.echo(note));
  // The attempts at 0, 100, 260, 516 and 772 ms; the next one would be too late.
  await clock.advanceSettled(800);
  assert.is((await failed).code, 'UNAVAILABLE');
  assert.is((await failed).started, 'no');
  assert.match((await failed).message, /nobody listens/);
  const made = attempts.length;
  assert.is((await failureOf(notes.echo(note))).code, 'UNAVAILABLE');
  assert.is(attempts.length, made);
  await close();
});

test('after DRAIN nothing is sent before the next HELLO: a socket that a closing listener cuts takes no call with it', async () => {
  const { clock, notes, place, serve, close, attempts } = await drained();
  place.server = serve();
  place.cut = true;
  const call = notes.echo(note);
  await clock.advanceSettled(50);
  assert.is(attempts.length, 1);
  place.cut = false;
  await clock.advanceSettled(100);
  assert.equal(await call, note);
  await close();
});

test('a server that drains each new connection is not dialled in a tight loop, neither for waiting calls nor by a channel that serves', async () => {
  const { clock, notes, place, serve, channel, attempts, close } = mobile();
  channel.add(defineService('test.Still', { stand: unary({ request: raw, response: raw }) }), { stand: (it) => it });
  place.server = serve();
  await Promise.all([channel.ready(), clock.advanceSettled(0)]);
  const draining = place.server.drain();
  attempts.length = 0;
  await clock.advanceSettled(2_000);
  await draining;
  assert.ok(attempts.length >= 15 && attempts.length <= 21, `${attempts.length} attempts in 2 s`);
  const waiting = notes.echo(note);
  await clock.advanceSettled(250);
  place.server = serve();
  await clock.advanceSettled(250);
  assert.equal(await waiting, note);
  await close();
});

test('ready waits for the backoff to pass, and tells the outcome of the attempt that follows', async () => {
  const { clock, channel, place, serve, attempts, close } = mobile();
  const first = failureOf(channel.ready());
  await clock.advanceSettled(0);
  assert.match((await first).message, /nobody listens/);
  const second = failureOf(channel.ready());
  await clock.advanceSettled(99);
  assert.is(attempts.length, 1);
  await clock.advanceSettled(1);
  assert.match((await second).message, /nobody listens/);
  assert.is(attempts.length, 2);
  place.server = serve();
  const third = channel.ready();
  await clock.advanceSettled(160);
  await third;
  await close();
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const Flows = defineService('test.Flows', {
  down: serverStream({ request: raw, response: raw }),
  up: clientStream({ request: raw, response: raw }),
});

test('F15 refused calls with streams are retried, unless items were taken from a source that cannot give them twice', async () => {
  const { channel, accept, close } = await scripted();
  const flows = channel.client(Flows);
  const ready = channel.ready();
  const old = await accept();
  await ready;
  function* once(): Iterable<Buffer> {
    yield Buffer.from('gone');
  }
  const down = collect(flows.down(Buffer.from('all')));
  const up = flows.up([Buffer.from('one'), Buffer.from('two')]);
  const lost = failureOf(flows.up(once()));
  const sent = [await old.skipTo('REQUEST'), await old.skipTo('REQUEST'), await old.skipTo('REQUEST')];
  old.sendRecord('DRAIN', drainRecord);
  for (const { call } of sent) old.sendRecord('FAILURE', refusal, call);
  const next = await accept();
  const { call } = await next.skipTo('REQUEST');
  next.send(frame('ITEM', { call, payload: 'an item' }), frame('END', { call }));
  const upload = await next.skipTo('REQUEST');
  const items = [await next.skipTo('ITEM'), await next.skipTo('ITEM')].map(({ payload }) => payload.toString());
  await next.skipTo('END');
  next.send(frame('RESPONSE', { call: upload.call, payload: 'both' }));
  assert.equal((await down).map(String), ['an item']);
  assert.equal(items, ['one', 'two']);
  assert.is((await up).toString(), 'both');
  assert.is((await lost).code, 'UNAVAILABLE');
  assert.is((await lost).started, 'no');
  await close();
});

test('a client closes the connection of a server that drained and then forgot it', async () => {
  const { channel, notes, accept, close } = await scripted();
  const ready = channel.ready();
  const old = await accept();
  await ready;
  old.sendRecord('DRAIN', drainRecord);
  await until(() => channel.peer === null, 'DRAIN');
  await old.expectClose(0);
  const answered = notes.bytes(Buffer.from('x'));
  await echo(await accept(), 1);
  assert.is((await answered).toString(), 'x');
  await close();
});

test('a server that drains closes the connections of clients that stay, while a handler of one still runs', async () => {
  let free: () => void = () => {};
  const server = new Server().add(
    Notes,
    handlers({ echo: (request) => new Promise((resolve) => (free = () => resolve(request))) }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channels = Array.from({ length: 20 }, () => connect(`tcp://127.0.0.1:${port}`));
  await Promise.all(channels.map((channel) => channel.ready()));
  const running = channels[0]?.client(Notes).echo(note);
  await channels[0]?.client(Notes).bytes(Buffer.alloc(1));
  const draining = server.drain();
  await until(() => server.connectionCount === 1, 'the end of 19 connections');
  assert.ok(channels.every((channel) => channel.peer === null));
  free();
  assert.equal(await running, note);
  assert.equal(await draining, { cancelled: [] });
  await Promise.all(channels.map((channel) => channel.close()));
});

test.run();
