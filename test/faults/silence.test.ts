/**
 * A peer that falls silent: partitions in one and both ways, stopped processes, blocked event loops. Whoever hears nothing
 * for keepalive time plus timeout ends the connection, never earlier, and never for its own slowness.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type RpcError, Server } from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import { NarrowTransport } from '../rpc/narrow-transport.js';
import { BlockedClock } from '../support/blocked-clock.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, frame } from '../support/frames.js';
import { withProcess } from '../support/process.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, handlers, Notes, openEnds, sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { LossyTransport } from './lossy-transport.js';

const note = { id: 1, text: 'one' };
const never = () => new Promise<never>(() => {});

/** `keepaliveMs` and `keepaliveTimeoutMs` of the defaults, without jitter. */
const kaMs = 30_000;

/** The two ends of a channel in memory whose lines can be cut. `lines`: one a connection, the latest last. */
function openCuttable(echo: Parameters<typeof handlers>[0] = {}) {
  const clock = new VirtualClock();
  const options = { clock, random: () => 0.5 };
  const server = new Server(options).add(Notes, handlers(echo));
  const lines: { readonly toServer: LossyTransport; readonly toClient: LossyTransport }[] = [];
  const channel = connect('tcp://memory:1', {
    ...options,
    dial: async () => {
      const [dialing, accepting] = memoryPair(clock);
      const line = { toServer: new LossyTransport(dialing), toClient: new LossyTransport(accepting) };
      lines.push(line);
      server.accept(line.toClient);
      return line.toServer;
    },
  });
  return { clock, server, channel, notes: channel.client(Notes), lines };
}

for (const [row, cut] of [
  ['F8 silence both ways', ['toServer', 'toClient']],
  ['F9 silence towards the server', ['toServer']],
  ['F9 silence towards the client', ['toClient']],
] as const) {
  test(`${row} ends both sides after keepalive time plus timeout, not before, and the next call goes to another endpoint`, async () => {
    let runs = 0;
    let reason: RpcError | null = null;
    const { clock, server, channel, notes, lines } = openCuttable({
      echo: (request, context) => {
        runs++;
        context.signal.addEventListener('abort', () => (reason = context.signal.reason as RpcError));
        return request.id === 1 ? never() : request;
      },
    });
    const outcomes: RpcError[] = [];
    const before = failureOf(notes.echo(note, { deadlineMs: Infinity })).then((failure) => outcomes.push(failure));
    await clock.advanceSettled(0);
    assert.is(runs, 1);
    // The last bytes before the cut are a PONG: the time counts from there.
    await clock.advanceSettled(20_000);
    for (const direction of cut) (lines[0] as (typeof lines)[0])[direction].lost = true;
    const during = failureOf(notes.echo({ id: 2, text: '' }, { deadlineMs: Infinity })).then((failure) =>
      outcomes.push(failure),
    );
    await clock.advanceSettled(kaMs - 1);
    assert.is(outcomes.length, 0, 'nobody is given up too early');
    assert.is(server.connectionCount, 1);
    await clock.advanceSettled(1 + 200);
    await Promise.all([before, during]);
    for (const failure of outcomes) {
      assert.is(failure.code, 'UNAVAILABLE');
      assert.is(failure.started, 'maybe');
      assert.match(failure.message, /KEEPALIVE_TIMEOUT/);
    }
    assert.is(outcomes.length, 2);
    assert.is(server.connectionCount, 0);
    assert.is((reason as RpcError | null)?.code, 'UNAVAILABLE', 'the handler is told');
    const ranBefore = runs;
    const after = notes.echo({ id: 3, text: 'elsewhere' });
    await clock.advanceSettled(0);
    assert.is((await after).text, 'elsewhere');
    assert.is(lines.length, 2);
    assert.is(runs, ranBefore + 1, 'nothing of the lost connection runs again');
    const closing = Promise.all([channel.close(), server.close()]);
    await clock.advanceSettled(200);
    await closing;
    assert.is(clock.pending, 0);
  });
}

for (const [row, direction] of [
  ['F8 a black hole both ways', undefined],
  ['F9 a black hole towards the server', 'toServer'],
  ['F9 a black hole towards the client', 'toClient'],
] as const) {
  test(`${row} on real sockets ends as KEEPALIVE_TIMEOUT, and calls work once it has healed`, async () => {
    let proxy: FaultProxy | undefined;
    const ends = await openEnds({
      channel: { limits: { keepaliveMs: 100, keepaliveTimeoutMs: 500 } },
      server: { limits: { pingIntervalMsMin: 0 } },
      handlers: { echo: (request) => (request.id === 2 ? never() : request) },
      through: async (port) => (proxy = await FaultProxy.start(port)).port,
    });
    await ends.notes.echo(note);
    proxy?.blackhole(direction);
    const failure = await failureOf(ends.notes.echo({ id: 2, text: '' }));
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'maybe');
    assert.match(failure.message, /KEEPALIVE_TIMEOUT/);
    proxy?.heal();
    assert.equal(await ends.notes.echo(note), note);
    await ends.close();
    proxy?.close();
  });
}

const processScript = new URL('../support/notes-process.js', import.meta.url);

/** What the script says: which ids its handlers were given, in order. */
async function runsOf(child: { tell(message: object): void; hear(): Promise<unknown> }): Promise<number[]> {
  child.tell({ ask: 'runs' });
  return ((await child.hear()) as { readonly runs: number[] }).runs;
}

test('F10 a process that is stopped for less than the keepalive answers late, once, on the same connection', () =>
  withProcess(processScript, {}, async (child) => {
    const { port } = child.ready as { readonly port: number };
    // PING goes out soon; the time to answer it is longer than any machine makes this test last.
    const channel = connect(`tcp://127.0.0.1:${port}`, { limits: { keepaliveMs: 50, keepaliveTimeoutMs: 60_000 } });
    const notes = channel.client(Notes);
    await notes.echo({ id: 1, text: '' });
    const { peer } = channel;
    child.signal('SIGSTOP');
    let settled = 0;
    const calls = [2, 3, 4].map((id) =>
      notes.echo({ id, text: 'late' }).finally(() => {
        settled++;
      }),
    );
    await sleep(500);
    assert.is(settled, 0);
    child.signal('SIGCONT');
    assert.equal(
      (await Promise.all(calls)).map(({ id }) => id),
      [2, 3, 4],
    );
    assert.is(channel.peer, peer, 'the connection is the same');
    assert.equal(await runsOf(child), [1, 2, 3, 4]);
    await channel.close();
  }));

test('F11 a process that is stopped for longer is UNAVAILABLE; it continues without its client, and no call runs twice', () =>
  withProcess(processScript, {}, async (child) => {
    const { port } = child.ready as { readonly port: number };
    const channel = connect(`tcp://127.0.0.1:${port}`, { limits: { keepaliveMs: 100, keepaliveTimeoutMs: 500 } });
    const notes = channel.client(Notes);
    await notes.echo({ id: 1, text: '' });
    child.signal('SIGSTOP');
    const failure = await failureOf(notes.echo({ id: 2, text: '' }));
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'maybe');
    assert.match(failure.message, /KEEPALIVE_TIMEOUT/);
    child.signal('SIGCONT');
    for (let tries = 0; ; tries++) {
      const answer = await notes.echo({ id: 3, text: 'after' }).catch(() => null);
      if (answer?.text === 'after') break;
      assert.ok(tries < 100, 'the next call goes through');
      await sleep(50);
    }
    const runs = await runsOf(child);
    assert.ok(runs.filter((id) => id === 2).length <= 1, `ran: ${runs.join()}`);
    assert.ok(runs.includes(3));
    await channel.close({ graceMs: 100 });
  }));

test('F11 an answer after the timeout is discarded', async () => {
  const clock = new VirtualClock();
  const transport = new NarrowTransport();
  const channel = connect('tcp://narrow:1', { clock, random: () => 0.5, dial: async () => transport });
  let settled = 0;
  const pending = failureOf(channel.client(Notes).bytes(Buffer.from('ask'), { deadlineMs: Infinity })).finally(() => {
    settled++;
  });
  await clock.advanceSettled(0);
  transport.sendPreface();
  await clock.advanceSettled(0);
  // It reads, but says nothing.
  transport.read();
  await clock.advanceSettled(20_000);
  transport.read();
  await clock.advanceSettled(10_000);
  transport.read();
  assert.is(transport.frames.at(-1)?.name, 'CLOSE');
  transport.send(frame('RESPONSE', { call: callNumber(0), payload: 'too late' }));
  transport.send(frame('RESPONSE', { call: callNumber(0), payload: 'and again' }));
  assert.match((await pending).message, /KEEPALIVE_TIMEOUT/);
  await clock.advanceSettled(200);
  assert.is(settled, 1);
  assert.ok(transport.closed);
  await channel.close();
});

const turnsTest = onlyIn(
  test,
  ['node', 'bun'],
  'Deno reads sockets in tasks of its own, not between two steps of a test clock',
);

turnsTest(
  'F23 a client whose loop was blocked reads the answer that has arrived before it declares its server dead',
  async () => {
    for (const blockedMs of [2_000, 12_000, 100_000]) {
      const clock = new BlockedClock();
      const listener = await ScriptedListener.listen();
      const channel = connect(`tcp://127.0.0.1:${listener.port}`, { clock, random: () => 0.5 });
      const ready = channel.ready();
      const peer = await listener.accept();
      await peer.handshake();
      await ready;
      await clock.advanceSettled(20_000);
      const { payload } = await peer.expect('PING');
      peer.send(frame('PONG', { payload }));
      await clock.advanceBlocked(blockedMs);
      await clock.advanceSettled(0);
      assert.is(peer.ending, null);
      assert.ok(!peer.frames.some(({ name }) => name === 'CLOSE'), `blocked for ${blockedMs} ms`);
      assert.ok(channel.peer !== null);
      // A server that is silent from here on is noticed in its time.
      await clock.advanceSettled(kaMs + 100);
      await peer.expectClose(11);
      await channel.close();
      await listener.close();
    }
  },
);

turnsTest('F23 a server whose loop was blocked reads what has arrived before it declares its client dead', async () => {
  for (const blockedMs of [2_000, 12_000, 100_000]) {
    const clock = new BlockedClock();
    const server = new Server({ clock, random: () => 0.5 }).add(Notes, handlers());
    const { port } = await server.listen({ host: '127.0.0.1' });
    const peer = await ScriptedPeer.dial({ port });
    await peer.handshake();
    await clock.advanceSettled(20_000);
    const { payload } = await peer.expect('PING');
    peer.send(frame('PONG', { payload }));
    await clock.advanceBlocked(blockedMs);
    await clock.advanceSettled(0);
    assert.ok(!peer.frames.some(({ name }) => name === 'CLOSE'), `blocked for ${blockedMs} ms`);
    assert.is(server.connectionCount, 1);
    peer.destroy();
    await server.close();
  }
});

turnsTest('F23 an answer that was in the socket while the loop was blocked meets its deadline', async () => {
  const clock = new BlockedClock();
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, { clock, random: () => 0.5 });
  const answer = channel.client(Notes).bytes(Buffer.from('ask'), { deadlineMs: 500 });
  const peer = await listener.accept();
  await peer.handshake();
  const { call } = await peer.skipTo('REQUEST');
  peer.send(frame('RESPONSE', { call, payload: 'here' }));
  await clock.advanceBlocked(2_000);
  assert.is(String(await answer), 'here');
  const closing = channel.close({ graceMs: 0 });
  await clock.advanceSettled(1_000);
  await closing;
  await listener.close();
});

test('F23 a blocked event loop of two real seconds, longer than the ping timeout, disconnects no side', () =>
  withProcess(processScript, {}, async (child) => {
    const { port } = child.ready as { readonly port: number };
    const limits = { keepaliveMs: 100, keepaliveTimeoutMs: 1_500, pingIntervalMsMin: 0 };
    const channel = connect(`tcp://127.0.0.1:${port}`, { limits });
    const server = new Server({ limits }).add(Notes, handlers());
    const own = await server.listen({ host: '127.0.0.1' });
    await channel.ready();
    child.tell({ ask: 'dial', port: own.port });
    await child.hear();
    const { peer } = channel;
    // The other process answers no PING until this one does nothing at all.
    child.signal('SIGSTOP');
    await sleep(300);
    child.signal('SIGCONT');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
    assert.equal(await channel.client(Notes).echo({ id: 7, text: '' }), { id: 7, text: '' });
    assert.is(channel.peer, peer);
    assert.is(server.connectionCount, 1);
    child.tell({ ask: 'echo', id: 8 });
    assert.equal(await child.hear(), { answer: { id: 8, text: '' }, samePeer: true });
    await channel.close({ graceMs: 100 });
    await server.close();
  }));

test.run();
