/** `busyPollUs` of channel and server over real sockets, and on a simulated network, where it changes nothing. */
import { createConnection, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { type ChannelOptions, connect, Server } from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { failureOf, handlers, Notes, openEnds } from '../support/rpc.js';

/** The system's clock, which counts the turns that somebody wants. */
class CountingClock implements Clock {
  turns = 0;
  now = systemClock.now;
  setTimer = systemClock.setTimer;
  afterReads = systemClock.afterReads;
  nextTurn(callback: () => void): void {
    this.turns++;
    setImmediate(callback);
  }

  /** Resolves when no turn was wanted for a while: the loop may sleep. */
  async rest(): Promise<void> {
    for (let before = -1; before !== this.turns; ) {
      before = this.turns;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const note = { id: 1, text: 'one' };

test('both sides poll after the first call, and sleep when the budget is used up', async () => {
  const client = new CountingClock();
  const server = new CountingClock();
  const { notes, close } = await openEnds({
    server: { busyPollUs: 200, clock: server },
    channel: { busyPollUs: 200, clock: client },
  });
  assert.is(client.turns + server.turns, 0);
  for (let id = 0; id < 20; id++) assert.equal(await notes.echo({ id, text: 'x' }), { id, text: 'x' });
  assert.ok(client.turns > 0 && server.turns > 0);
  await client.rest();
  await server.rest();
  await close();
});

test('without the option nothing is polled', async () => {
  const clock = new CountingClock();
  const { notes, close } = await openEnds({ server: { clock }, channel: { clock, busyPollUs: 0 } });
  await notes.echo(note);
  assert.is(clock.turns, 0);
  await close();
});

test('while a call is polled timers, sockets and immediates of others run', async () => {
  const clock = new CountingClock();
  let answer: (bytes: Buffer) => void = () => {};
  const { notes, close } = await openEnds({
    handlers: {
      bytes: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    },
    channel: { busyPollUs: 100, clock, limits: { busyPollCallsMsMax: 60_000 } },
  });
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => echo.once('listening', resolve));
  const call = notes.bytes(Buffer.of(7));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = clock.turns;
  await new Promise((resolve) => setImmediate(resolve));
  const socket = createConnection((echo.address() as { readonly port: number }).port, '127.0.0.1');
  socket.write('hello');
  assert.is(String(await new Promise((resolve) => socket.once('data', resolve))), 'hello');
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(clock.turns > before, 'the call is still polled');
  answer(Buffer.of(8));
  assert.equal(await call, Buffer.of(8));
  await clock.rest();
  socket.destroy();
  echo.close();
  await close();
});

test('a call that hangs lets the loop sleep when its time is over', async () => {
  const clock = new CountingClock();
  const { notes, channel, close } = await openEnds({
    handlers: { bytes: () => new Promise(() => {}) },
    channel: { busyPollUs: 50, clock, limits: { busyPollCallsMsMax: 1 } },
  });
  const lost = failureOf(notes.bytes(Buffer.of(1)));
  await channel.ready();
  await clock.rest();
  assert.ok(clock.turns > 0);
  await close();
  await lost;
});

test('a budget that is not a number, is below 0 or above a second is refused by name', () => {
  for (const busyPollUs of [-1, 1_000_001, Number.NaN, Infinity, '50', null] as number[]) {
    for (const make of [() => connect('tcp://127.0.0.1:1', { busyPollUs }), () => new Server({ busyPollUs })]) {
      assert.throws(
        make,
        (error: Error & { code?: string }) =>
          error.code === 'INVALID_ARGUMENT' &&
          error.message === `busyPollUs is ${String(busyPollUs)}, but must be a number from 0 to 1000000`,
      );
    }
  }
});

test('a simulated run takes the same way with it as without', async () => {
  const hashes: string[] = [];
  for (const options of [{}, { busyPollUs: 500 }] satisfies ChannelOptions[]) {
    const network = new SimulatedNetwork({ seed: 3, latencyMs: 1, jitterMs: 4, pieceBytesMax: 50 });
    const server = new Server({ ...network.options('orders'), ...options }).add(Notes, handlers());
    network.listen('orders', server);
    const channel = connect('tcp://orders:1', { ...network.options('shop'), ...options });
    const notes = channel.client(Notes);
    await network.run(Promise.all(Array.from({ length: 20 }, (_, id) => notes.echo({ id, text: 'x'.repeat(id) }))));
    await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
    await network.quiet();
    assert.is(network.clock.pending, 0);
    hashes.push(network.traceHash());
  }
  assert.is(hashes[0], hashes[1]);
});

test.run();
