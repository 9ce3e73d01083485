/** The ends of channels and servers: what is running finishes, what is new is refused, what is left is told. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, Server } from '../../src/index.js';
import { callNumber, frame } from '../support/frames.js';
import { failureOf, gate, handlers, Notes, openEnds, sleep } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { openMemoryEnds } from './memory-ends.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };

test('channel.close lets calls in flight finish, also those in the queue, and makes no new ones', async () => {
  const free = gate();
  const ends = await openEnds({
    server: { limits: { callsInFlightMax: 16, handlersMax: 100 } },
    handlers: { echo: async (request) => free.opened.then(() => request) },
  });
  await ends.channel.ready();
  const calls = Array.from({ length: 40 }, (_, id) => ends.notes.echo({ id, text: '' }));
  let closed = false;
  const closing = ends.channel.close().then(() => (closed = true));
  const refused = await failureOf(ends.notes.echo(note));
  assert.is(refused.code, 'UNAVAILABLE');
  assert.is(refused.started, 'no');
  assert.match(refused.message, /closed by this side/);
  await sleep(20);
  assert.is(closed, false);
  free.open();
  assert.is((await Promise.all(calls)).length, 40);
  await closing;
  await until(() => ends.server.connectionCount === 0, 'the end at the server');
  await ends.server.close();
});

test('closing a channel twice is one close, and closing one that never connected is done at once', async () => {
  const ends = await openEnds();
  await ends.notes.echo(note);
  const closing = [ends.channel.close(), ends.channel.close()];
  await Promise.all(closing);
  await ends.channel.close();
  await ends.server.close();
  const idle = connect('tcp://127.0.0.1:1');
  await idle.close();
  const failure = await failureOf(idle.ready());
  assert.is(failure.code, 'UNAVAILABLE');
});

test('a channel that is closed while it connects fails what waits, and leaves no connection', async () => {
  const ends = await openEnds();
  const waiting = failureOf(ends.notes.echo(note));
  const ready = failureOf(ends.channel.ready());
  await ends.channel.close();
  assert.is((await waiting).code, 'UNAVAILABLE');
  assert.is((await waiting).started, 'no');
  assert.is((await ready).code, 'UNAVAILABLE');
  await sleep(20);
  await until(() => ends.server.connectionCount === 0, 'the end at the server');
  await ends.server.close();
});

test('a channel that is closed before the peer said HELLO finishes its calls, and sends no PING before HELLO', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const pending = channel.client(Notes).bytes(Buffer.from('early'));
  const peer = await listener.accept();
  await peer.expectPreface();
  const { call } = await peer.skipTo('REQUEST');
  const closed = channel.close();
  await sleep(20);
  assert.not.ok(peer.frames.some(({ name }) => name === 'PING'));
  peer.sendPreface();
  peer.send(frame('RESPONSE', { call, payload: 'late enough' }));
  assert.is((await pending).toString(), 'late enough');
  const ping = await peer.skipTo('PING');
  peer.send(frame('PONG', { payload: ping.payload }));
  await peer.expectClose(0);
  await closed;
  await listener.close();
});

test('the grace of channel.close ends calls that do not: UNAVAILABLE, and the handlers are told', async () => {
  let aborted = false;
  const started = gate();
  const ends = await openEnds({
    handlers: {
      echo: (_request, context) => {
        context.signal.addEventListener('abort', () => (aborted = true));
        started.open();
        return new Promise(() => {});
      },
    },
  });
  const failed = failureOf(ends.notes.echo(note));
  await started.opened;
  await ends.channel.close({ graceMs: 30 });
  const failure = await failed;
  assert.ok(failure.code === 'UNAVAILABLE' || failure.code === 'CANCELLED', failure.code);
  assert.is(failure.started, 'maybe');
  await until(() => aborted, 'the abort at the handler');
  await ends.server.close();
});

test('server.drain lets running calls finish, refuses new ones as not started, and resolves when all is over', async () => {
  const free = gate();
  const started = gate();
  const ends = await openEnds({
    channel: { limits: { drainReconnectMsMax: 50 } },
    handlers: {
      echo: async (request) => {
        started.open();
        await free.opened;
        return request;
      },
    },
  });
  const running = ends.notes.echo(note);
  await started.opened;
  let drained = false;
  const draining = ends.server.drain().then(() => (drained = true));
  await until(() => ends.channel.peer === null, 'DRAIN');
  // The channel has left the connection and finds nobody who listens.
  const refused = await failureOf(ends.notes.echo({ id: 2, text: '' }));
  assert.is(refused.code, 'UNAVAILABLE');
  assert.is(refused.started, 'no');
  assert.is(drained, false);
  free.open();
  assert.equal(await running, note);
  await draining;
  assert.is(ends.server.connectionCount, 0);
  await ends.channel.close();
});

test('calls that cross DRAIN are refused as not started, for elsewhere; oneway ones are still taken', async () => {
  let hits = 0;
  const server = new Server().add(Notes, handlers({ hit: () => void hits++ }));
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const declare = (number: number, name: 'bytes' | 'hit') => {
    const { request, response } = Notes.methods[name];
    const kind = name === 'hit' ? 'ONEWAY' : 'UNARY';
    peer.sendRecord(
      'METHOD',
      {
        role: 'DECLARE',
        name: `test.Notes/${name}`,
        kind,
        request: request.fingerprint,
        response: response.fingerprint,
        errors: null,
      },
      0,
      number,
    );
  };
  declare(0, 'bytes');
  declare(1, 'hit');
  peer.send(frame('REQUEST', { call: callNumber(0), payload: 'before' }));
  await peer.expect('RESPONSE', { call: callNumber(0) });
  const draining = server.drain();
  await peer.expect('DRAIN');
  const ping = await peer.expect('PING');
  peer.send(frame('REQUEST', { call: callNumber(1), payload: 'crossed' }));
  peer.send(frame('REQUEST', { call: callNumber(2), method: 1, flags: 0x10, payload: Buffer.from([2, 2, 0x78]) }));
  const failure = await peer.expectRecord('FAILURE', { call: callNumber(1) });
  assert.is(failure.code, 14);
  assert.is(failure.started, 'NO');
  assert.is(failure.elsewhere, true);
  await peer.expectSilence(20);
  assert.is(hits, 1);
  peer.send(frame('PONG', { payload: ping.payload }));
  await peer.expectClose(0);
  await draining;
});

test('a request that is half here when the server begins to drain is taken, when the rest comes', async () => {
  const server = new Server().add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const method = { role: 'DECLARE', name: 'test.Notes/bytes', kind: 'UNARY' } as const;
  peer.sendRecord('METHOD', { ...method, request: null, response: null, errors: null });
  peer.send(frame('REQUEST', { call: callNumber(0), flags: 1, payload: 'one ' }));
  peer.send(frame('PING', { payload: '12345678' }));
  await peer.expect('PONG');
  const draining = server.drain();
  await peer.expect('DRAIN');
  const ping = await peer.expect('PING');
  peer.send(frame('PONG', { payload: ping.payload }));
  peer.send(frame('REQUEST', { call: callNumber(0), payload: 'call' }));
  assert.is((await peer.expect('RESPONSE')).payload.toString(), 'one call');
  await peer.expectClose(0);
  await draining;
});

test('calls that wait for a slot when DRAIN comes are not sent to the draining server', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, {
    limits: { drainReconnectMsMax: 50, connectMsMax: 500 },
  });
  const notes = channel.client(Notes);
  const ready = channel.ready();
  const peer = await listener.accept();
  await peer.handshake({ limits: { callsInFlightMax: 16 } });
  await ready;
  const running = Array.from({ length: 16 }, (_, id) => notes.bytes(Buffer.from([id])));
  const waiting = failureOf(notes.bytes(Buffer.from([99])));
  for (const call of running) call.catch(() => {});
  for (let got = 0; got < 16; got++) await peer.skipTo('REQUEST');
  peer.sendRecord('DRAIN', { text: '', graceMs: 5_000 });
  peer.send(frame('RESPONSE', { call: callNumber(0), payload: 'done' }));
  assert.is((await running[0])?.toString(), 'done');
  await peer.expectSilence(20);
  peer.destroy();
  assert.is((await waiting).code, 'UNAVAILABLE');
  assert.is((await waiting).started, 'no');
  await listener.close();
  await channel.close();
});

test('what the grace of drain leaves is CANCELLED, its handlers are told, and drain resolves', async () => {
  let reason: unknown;
  const { server, notes, clock, close } = openMemoryEnds({
    handlers: {
      echo: (_request, context) => {
        context.signal.addEventListener('abort', () => (reason = context.signal.reason));
        return new Promise(() => {});
      },
    },
  });
  const failed = failureOf(notes.echo(note));
  await clock.advanceSettled(0);
  await clock.advanceSettled(0);
  let drained = false;
  const draining = server.drain({ graceMs: 1_000 }).then(() => (drained = true));
  await clock.advanceSettled(990);
  assert.is(drained, false);
  await clock.advanceSettled(200);
  await draining;
  const failure = await failed;
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'yes');
  assert.is((reason as { code?: unknown }).code, 'CANCELLED');
  await close();
});

test('server.close fails running calls at once as UNAVAILABLE started=maybe and closes every connection', async () => {
  const started = gate();
  let reason: unknown;
  const ends = await openEnds({
    handlers: {
      echo: (_request, context) => {
        context.signal.addEventListener('abort', () => (reason = context.signal.reason));
        started.open();
        return new Promise(() => {});
      },
    },
  });
  const failed = failureOf(ends.notes.echo(note));
  await started.opened;
  await ends.server.close();
  const failure = await failed;
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.match(failure.message, /this server is closing/);
  assert.is((reason as { code?: unknown }).code, 'UNAVAILABLE');
  assert.is(ends.server.connectionCount, 0);
  await ends.channel.close();
});

test('a server that was closed does not listen again, and may be closed and drained again', async () => {
  const server = new Server().add(Notes, handlers());
  await server.listen({ host: '127.0.0.1' });
  await server.close();
  await server.close();
  await server.drain();
  assert.is((await failureOf(server.listen({ host: '127.0.0.1' }))).code, 'FAILED_PRECONDITION');
});

test('a grace that is not a number of at least 0 is refused, and nothing is closed', async () => {
  const ends = await openEnds();
  for (const graceMs of [-1, Number.NaN, '5' as never]) {
    assert.is((await failureOf(ends.channel.close({ graceMs }))).code, 'INVALID_ARGUMENT');
    assert.is((await failureOf(ends.server.drain({ graceMs }))).code, 'INVALID_ARGUMENT');
  }
  assert.equal(await ends.notes.echo(note), note);
  await ends.channel.close({ graceMs: 0.5 });
  await ends.server.drain({ graceMs: Number.POSITIVE_INFINITY });
});

test('draining waits for handlers of calls that were cancelled, up to the grace', async () => {
  const free = gate();
  let ended = false;
  const ends = await openEnds({
    handlers: {
      echo: async (request) => {
        await free.opened;
        ended = true;
        return request;
      },
    },
  });
  assert.is((await failureOf(ends.notes.echo(note, { deadlineMs: 20 }))).code, 'DEADLINE_EXCEEDED');
  let drained = false;
  const draining = ends.server.drain().then(() => (drained = true));
  await sleep(30);
  assert.is(drained, false);
  free.open();
  await draining;
  assert.is(ended, true);
  await ends.channel.close();
});

test('channel.close ends an attempt to connect that is under way: nothing keeps the process until its time is over', async () => {
  const silent = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const accepted = once(silent, 'connection') as Promise<[Socket]>;
  // TCP connects, and the TLS handshake never comes.
  const channel = connect(`tls://127.0.0.1:${(silent.address() as AddressInfo).port}`, {
    limits: { connectMsMax: 3_600_000 },
  });
  const failed = failureOf(channel.client(Notes).echo(note));
  const [socket] = await accepted;
  const ended = once(socket, 'close');
  socket.on('error', () => {});
  await channel.close();
  assert.is((await failed).code, 'UNAVAILABLE');
  await ended;
  silent.close();
});

test('A10 channels and servers end with their scope, by Symbol.asyncDispose', async () => {
  const ends = await openEnds();
  await ends.notes.echo(note);
  await ends.channel[Symbol.asyncDispose]();
  assert.is(ends.channel.describe().state, 'closed');
  await ends.server[Symbol.asyncDispose]();
  assert.is(ends.server.connectionCount, 0);
  const refused = await failureOf(ends.server.listen({ host: '127.0.0.1' }));
  assert.match(refused.message, /closed/);
});

test.run();
