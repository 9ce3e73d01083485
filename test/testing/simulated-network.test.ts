/** The network that is offered for tests: what each of its faults does to a real client and server. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, type ClientChannel, connect, type Limits, RpcError, Server } from '../../src/index.js';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/testing/index.js';
import { failureOf, handlers, Notes, type NotesHandlers } from '../support/rpc.js';

interface Ends {
  readonly network: SimulatedNetwork;
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly notes: Client<typeof Notes>;
  /** Closes both sides and checks that nothing is left. */
  close(): Promise<void>;
}

function open(
  options: Partial<SimulatedNetworkOptions> = {},
  replaced: Partial<NotesHandlers> = {},
  limits: Partial<Limits> = {},
): Ends {
  const network = new SimulatedNetwork({ seed: 1, ...options });
  const server = new Server({ ...network.options('orders'), limits }).add(Notes, handlers(replaced));
  network.listen('orders', server);
  const channel = connect('tcp://orders:1', { ...network.options('shop'), limits });
  const close = async () => {
    await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
    await network.quiet();
    assert.is(network.openSockets, 0);
    assert.is(network.clock.pending, 0);
  };
  return { network, server, channel, notes: channel.client(Notes), close };
}

/** Rejects when the signal aborts. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

const note = { id: 1, text: 'one' };

test('one seed takes one way, byte by byte; another seed takes another', async () => {
  const hashes: string[] = [];
  for (const settling of ['tasks', 'microtasks'] as const) {
    for (const seed of [7, 7, 8]) {
      const { network, notes, close } = open({ seed, settling, jitterMs: 4, pieceBytesMax: 100 });
      const answers = await network.run(
        Promise.all(Array.from({ length: 40 }, (_, id) => notes.echo({ id, text: 'x'.repeat(id) }))),
      );
      assert.ok(answers.every(({ id, text }, index) => id === index && text.length === index));
      await close();
      hashes.push(network.traceHash());
    }
  }
  const [first, again, other, ...rest] = hashes;
  assert.match(first, /^[0-9a-f]{8}$/);
  assert.is(again, first);
  assert.is.not(other, first);
  assert.equal(rest, [first, again, other]);
});

test('latency counts both ways, and virtual time costs none', async () => {
  const { network, notes, close } = open({ latencyMs: 3_000 });
  const startedAt = performance.now();
  network.configure('orders', 'shop', { latencyMs: 1_000 }, 'forth');
  await network.run(notes.echo(note));
  // To dial and to call: there and back, twice.
  assert.is(network.clock.now(), 8_000);
  await network.run(notes.echo(note));
  assert.is(network.clock.now(), 12_000);
  assert.ok(performance.now() - startedAt < 4_000);
  await close();
});

test('F16 under latencies of 100 to 300 ms every answer is right and every deadline is kept', async () => {
  const { network, notes, close } = open({ latencyMs: 100, jitterMs: 200 });
  await network.run(notes.echo(note));
  const startedAt = network.clock.now();
  const calls = Array.from({ length: 200 }, async (_, id) => {
    const deadlineMs = 150 + 2 * id;
    const outcome = await notes.echo({ id, text: '' }, { deadlineMs }).catch((error: unknown) => error);
    const tookMs = network.clock.now() - startedAt;
    // An overdue call waits 25 ms for what the callee says of it.
    assert.ok(tookMs <= deadlineMs + 26, `${tookMs} of ${deadlineMs} ms`);
    if (!(outcome instanceof RpcError)) assert.is((outcome as { id: number }).id, id);
    return outcome instanceof RpcError;
  });
  const failed = await network.run(Promise.all(calls));
  assert.ok(failed[0]);
  assert.not(failed[199]);
  await close();
});

test('F17 a way of 64 KB/s takes its time, and the sender waits instead of piling up', async () => {
  const { network, notes, close } = open({ bytesPerSecond: 64_000 }, {}, { writeQueueBytesSoft: 65_536 });
  await network.run(notes.echo(note));
  const startedAt = network.clock.now();
  const answer = await network.run(notes.bytes(Buffer.alloc(320_000, 5), { deadlineMs: 60_000 }));
  assert.ok(answer.equals(Buffer.alloc(320_000, 5)));
  const seconds = (network.clock.now() - startedAt) / 1_000;
  assert.ok(seconds > 9.9 && seconds < 10.2, `${seconds} s`);
  await close();
});

test('F18 whatever is cut into single bytes arrives whole', async () => {
  const { network, notes, close } = open({ pieceBytesMax: 1, jitterMs: 2, settling: 'microtasks' });
  const body = Buffer.from(Array.from({ length: 3_000 }, (_, i) => i % 251));
  assert.ok((await network.run(notes.bytes(body))).equals(body));
  await close();
});

test('F8 a partition loses nothing: what was sent arrives when it is over', async () => {
  let runs = 0;
  const { network, notes, close } = open({}, { echo: (request) => ({ ...request, id: ++runs }) });
  await network.run(notes.echo(note));
  network.partition('shop', 'orders');
  const late = notes.echo(note);
  const tooLate = failureOf(notes.echo(note, { deadlineMs: 100 }));
  await network.advance(5_000);
  assert.is(runs, 1);
  assert.is((await tooLate).code, 'DEADLINE_EXCEEDED');
  network.heal();
  assert.is((await network.run(late)).id, 2);
  assert.is(network.clock.now(), 5_006);
  await network.advance(10);
  // Deadlines travel as the time that is left, so the callee counts from the arrival.
  assert.is(runs, 3);
  await close();
});

test('F9 a partition in one way: the handler runs or it does not, and keepalive ends the connection', async () => {
  for (const direction of ['forth', 'back'] as const) {
    let runs = 0;
    const { network, notes, close } = open({}, { echo: (request) => ({ ...request, id: ++runs }) });
    await network.run(notes.echo(note));
    network.partition('shop', 'orders', direction);
    const startedAt = network.clock.now();
    const failure = await network.run(failureOf(notes.echo(note, { deadlineMs: 60_000 })));
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'maybe');
    assert.ok(network.clock.now() - startedAt <= 32_001, `${network.clock.now() - startedAt} ms`);
    assert.is(runs, direction === 'forth' ? 1 : 2);
    network.heal('shop', 'orders', direction);
    await network.advance(1_000);
    assert.is((await network.run(notes.echo(note))).text, 'one');
    await close();
  }
});

test('a connection that the network forgot is noticed by both sides, and the next one works', async () => {
  const { network, notes, server, close } = open();
  await network.run(notes.echo(note));
  assert.is(network.sever('shop', 'orders'), 1);
  const failure = await network.run(failureOf(notes.echo(note, { deadlineMs: 60_000 })));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.equal(await network.run(notes.echo(note)), note);
  await network.advance(35_000);
  assert.is(server.connectionCount, 1);
  assert.is(network.sever('shop', 'nobody'), 0);
  await close();
});

test('F4 a reset fails what was sent with started=maybe, and the next call dials anew', async () => {
  const { network, notes, server, close } = open({ latencyMs: 10 });
  await network.run(notes.echo(note));
  const failed = failureOf(notes.echo(note));
  await network.advance(5);
  assert.is(network.reset('orders', 'shop'), 1);
  const failure = await network.run(failed);
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.match(failure.message, /ECONNRESET/);
  assert.equal(await network.run(notes.echo(note)), note);
  assert.is(server.connectionCount, 1);
  await close();
});

test('F12 a crash ends a process without a word: connections, timers and the listener are gone, another process may come', async () => {
  let ended = 0;
  const slow = async (request: { id: number; text: string }) => {
    network.options('orders').clock?.setTimer(() => ended++, 500);
    await network.clock.sleep(1_000);
    return request;
  };
  const { network, server, notes, channel } = open({ latencyMs: 10 }, { echo: slow });
  await network.run(channel.ready());
  const instance = network.options('orders').identity;
  const lost = failureOf(notes.echo(note));
  await network.advance(100);
  const drained = server.drain({ graceMs: 50_000 });
  const crashedAt = network.clock.now();
  network.crash('orders');
  const failure = await network.run(lost);
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.is(network.clock.now(), crashedAt + 10);
  assert.match((await network.run(failureOf(notes.echo(note)))).message, /ECONNREFUSED/);
  // The handler's own wait goes on, but the process has no timers any more: neither the handler's nor the drain's.
  await network.advance(2_000);
  assert.is(ended, 0);
  const state = await Promise.race([drained, Promise.resolve('pending')]);
  assert.is(state, 'pending');
  await network.run(channel.close());
  assert.is(network.openSockets, 0);
  assert.is(network.clock.pending, 0);

  assert.is.not(network.options('orders').identity, instance);
  const next = new Server(network.options('orders')).add(Notes, handlers({}));
  network.listen('orders', next);
  const again = connect('tcp://orders:1', network.options('shop'));
  assert.equal(await network.run(again.client(Notes).echo(note)), note);
  await network.run(Promise.all([again.close(), next.close()]));
  assert.is(network.clock.pending, 0);
});

test('F12 a client that crashes while it dials and calls leaves nothing behind at its server', async () => {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 10 });
  const server = new Server(network.options('orders')).add(
    Notes,
    handlers({ echo: (_, { signal }) => aborted(signal) }),
  );
  network.listen('orders', server);
  const channel = connect('tcp://orders:1', network.options('shop'));
  let settled = 0;
  channel
    .client(Notes)
    .echo(note)
    .finally(() => settled++)
    .catch(() => {});
  await network.advance(100);
  const dialing = connect('tcp://orders:1', network.options('shop'))
    .ready()
    .finally(() => settled++)
    .catch(() => {});
  void dialing;
  await network.advance(15);
  assert.is(server.connectionCount, 2);
  network.crash('shop');
  // Its sockets end as those of a client that has said everything and still listens: the handler runs until its call's deadline.
  await network.advance(31_000);
  assert.is(server.connectionCount, 0);
  assert.is(network.openSockets, 0);
  assert.is(settled, 0);
  await network.run(server.drain());
  assert.is(network.clock.pending, 0);
});

test('F1 where no server listens a connection is refused, and in a partition it times out', async () => {
  const { network, server, notes, close } = open();
  network.listen('orders', server).close();
  const refused = await network.run(failureOf(notes.echo(note)));
  assert.is(refused.code, 'UNAVAILABLE');
  assert.is(refused.started, 'no');
  assert.match(refused.message, /cannot connect to tcp:\/\/orders:1: connect ECONNREFUSED/);
  network.listen('orders', server);
  await network.advance(200);
  network.partition('orders', 'shop', 'forth');
  const startedAt = network.clock.now();
  const timedOut = await network.run(failureOf(notes.echo(note)));
  assert.is(network.clock.now() - startedAt, 5_000);
  assert.is(timedOut.started, 'no');
  assert.match(timedOut.message, /no connection in time: the limit connectMsMax is 5000/);
  network.heal();
  await network.advance(300);
  assert.equal(await network.run(notes.echo(note)), note);
  await close();
});

test('F20 a host that does not read is given up by its peer; one that reads slowly is not', async () => {
  const { network, notes, close } = open({ flightBytesMax: 4_096 });
  await network.run(notes.echo(note));
  network.setReading('orders', 0);
  const startedAt = network.clock.now();
  const failure = await network.run(failureOf(notes.bytes(Buffer.alloc(100_000), { deadlineMs: 60_000 })));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.match(failure.message, /stallMsMax/);
  assert.is(network.clock.now() - startedAt, 15_000);
  network.setReading('orders', 10_000);
  const answer = await network.run(notes.bytes(Buffer.alloc(100_000, 1), { deadlineMs: 60_000 }));
  assert.is(answer.length, 100_000);
  assert.ok(network.clock.now() - startedAt > 24_900);
  network.setReading('orders', Number.POSITIVE_INFINITY);
  await close();
});

test('two hosts have identities and chance of their own, one host has one', () => {
  const network = new SimulatedNetwork({ seed: 3 });
  const draw = (host: string) => Array.from({ length: 5 }, network.options(host).random ?? (() => 0));
  assert.not.equal(draw('a'), draw('b'));
  assert.is(network.options('a').identity, network.options('a').identity);
  assert.is.not(network.options('a').identity, network.options('b').identity);
});

test('run throws when the promise cannot settle, and when it takes too long', async () => {
  const { network, notes, close } = open({}, { echo: () => new Promise<never>(() => {}) });
  await network.run(network.run(notes.hit(note)));
  const failed = failureOf(notes.echo(note, { deadlineMs: 90_000 }));
  const message = async (promise: Promise<unknown>) => String(await promise.catch((error: Error) => error.message));
  assert.match(await message(network.run(failed, 1_000)), /not settled within 1000 virtual ms/);
  assert.is((await network.run(failed)).code, 'DEADLINE_EXCEEDED');
  const idle = new SimulatedNetwork({ seed: 1 });
  assert.match(await message(idle.run(new Promise(() => {}))), /nothing is left that could happen/);
  await network.run(Promise.reject(new Error('as it is'))).then(assert.unreachable, (error: Error) => {
    assert.is(error.message, 'as it is');
  });
  await close();
});

test('quiet waits for what is on its way, not for what a partition holds', async () => {
  const seen: number[] = [];
  const { network, channel, notes, close } = open({ latencyMs: 50 }, { hit: ({ id }) => void seen.push(id) });
  await network.run(channel.ready());
  await notes.hit({ id: 1, text: '' });
  await network.quiet();
  assert.equal(seen, [1]);
  network.partition('shop', 'orders');
  await notes.hit({ id: 2, text: '' });
  await network.quiet();
  assert.equal(seen, [1]);
  network.heal();
  await network.quiet();
  assert.equal(seen, [1, 2]);
  await close();
});

test('onEvent tells what happened, record makes an event of the test', async () => {
  const told: string[] = [];
  const { network, notes, close } = open({ onEvent: ({ kind, from, to }) => told.push(`${kind} ${from} ${to}`) });
  await network.run(notes.echo(note));
  const before = network.traceHash();
  network.record('done');
  assert.is.not(network.traceHash(), before);
  network.reset('shop', 'orders');
  await network.quiet();
  assert.equal(told.slice(0, 2), ['dial shop orders', 'accept orders shop']);
  assert.ok(told.includes('bytes shop orders') && told.includes('bytes orders shop'));
  const faults = told.filter((text) => !text.startsWith('bytes'));
  assert.equal(faults.slice(2), [
    'done  ',
    'reset shop orders',
    'reset shop orders',
    'closed orders shop',
    'reset orders shop',
    'closed shop orders',
  ]);
  await close();
});

test('conditions that no network has are refused', () => {
  assert.throws(() => new SimulatedNetwork({ seed: 1, latencyMs: -1 }), /latencyMs is -1, but must be .* at least 0/);
  const network = new SimulatedNetwork({ seed: 1 });
  assert.throws(() => network.configure('a', 'b', { pieceBytesMax: 0 }), RangeError);
  assert.throws(() => network.setReading('a', Number.NaN), RangeError);
});

test.run();
