/** The connections to one endpoint: more when they are full, fewer when they are idle, new ones for old ones. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type PoolOptions, type RpcError, type Server } from '../../src/index.js';
import type { Transport } from '../../src/transport/transport.js';
import { rest } from '../faults/stream-talk.js';
import { NarrowTransport } from '../rpc/narrow-transport.js';
import { failureOf } from '../support/rpc.js';
import { type Fleet, openFleet } from './fleet.js';

const connectionsOf = (made: Fleet): number => made.describe('a').connections.length;

test('one more connection is opened when all are full, up to connectionsMax, and calls are spread over them', async () => {
  const made = await openFleet(['a'], { pool: { connectionsMax: 3, callsPerConnection: 10 } });
  const { network } = made;
  assert.is(connectionsOf(made), 1);
  const calls = [made.begin(10)];
  await network.advance(2);
  assert.is(connectionsOf(made), 1);
  calls.push(made.begin(1));
  await network.advance(4);
  assert.is(connectionsOf(made), 2);
  await network.run(Promise.all(calls));
  const many = made.begin(60);
  await network.advance(4);
  const more = made.begin(30);
  await network.advance(2);
  assert.is(connectionsOf(made), 3);
  const inFlight = made.describe('a').connections.map((connection) => connection.inFlight);
  assert.ok(Math.min(...inFlight) >= 20, `in flight: ${inFlight.join(', ')}`);
  await network.run(Promise.all([many, more]));
  await made.close();
});

test('connections beyond connectionsMin are closed when they have had no call for idleMsMax', async () => {
  const pool = { connectionsMax: 4, callsPerConnection: 1, idleMsMax: 1_000 };
  const made = await openFleet(['a'], { pool });
  for (let round = 0; round < 6; round++) await made.ask(10);
  assert.is(connectionsOf(made), 4);
  for (let second = 0; second < 4; second++) {
    await made.network.advance(1_000);
    await made.ask(1);
  }
  assert.is(connectionsOf(made), 1);
  assert.is(made.servers.get('a')?.server.connectionCount, 1);
  await made.close();
});

test('connectionsMin are kept, also when one of them is lost', async () => {
  const made = await openFleet(['a'], { pool: { connectionsMin: 3 } });
  await made.network.advance(100);
  assert.is(connectionsOf(made), 3);
  made.network.reset('client', 'a');
  await made.network.advance(10);
  await made.ask(1);
  await made.network.advance(1_000);
  assert.is(connectionsOf(made), 3);
  await made.close();
});

test('an old connection is replaced before it is retired: no call fails, and its own calls are answered there', async () => {
  const made = await openFleet(['a'], { pool: { ageMsMax: 1_000 } });
  const { network } = made;
  const instances = new Set<number>();
  for (let step = 0; step < 500; step++) {
    const calls = made.begin(3);
    await network.advance(10);
    assert.ok(connectionsOf(made) >= 1);
    instances.add(made.describe('a').connections[0]?.ageMs ?? -1);
    await network.run(calls);
  }
  const ageMs = made.describe('a').connections[0]?.ageMs ?? Infinity;
  assert.ok(ageMs <= 1_200, `${ageMs} ms`);
  assert.is(made.servers.get('a')?.server.connectionCount, 1);
  await made.close();
});

test('a wrong option is refused by name', () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ connectionsMax: 0 }, /pool\.connectionsMax is 0/],
    [{ connectionsMin: 5, connectionsMax: 4 }, /pool\.connectionsMax is 4.*connectionsMin, 5/],
    [{ connectionsMin: Infinity }, /pool\.connectionsMin must not be Infinity/],
    [{ idle: 1 }, /no option pool\.idle/],
    [{ ageMsMax: Number.NaN }, /pool\.ageMsMax is NaN/],
  ];
  for (const [pool, text] of cases) {
    assert.throws(
      () => connect('tcp://a:1', { pool: pool as PoolOptions }),
      (error: RpcError) => error.code === 'INVALID_ARGUMENT' && text.test(error.message),
    );
  }
});

test('connections that grow old while nothing can be opened are all replaced afterwards', async () => {
  const made = await openFleet(['a'], { random: () => 0.5, pool: { connectionsMin: 2, ageMsMax: 5_000 } });
  const { network } = made;
  await network.advance(4_500);
  made.servers.get('a')?.close();
  await network.advance(2_000);
  made.up('a');
  await network.advance(2_000);
  const ages = made.describe('a').connections.map(({ ageMs }) => ageMs);
  assert.is(ages.length, 2);
  assert.ok(Math.max(...ages) < 2_500, `ages: ${ages.join(', ')}`);
  await made.close();
});

test('a server that says HELLO and ends the connection is asked again with a backoff, and soon when it had answered', async () => {
  const made = await openFleet(['a', 'b']);
  const { network } = made;
  const server = made.servers.get('a')?.server as Server;
  let accepted = 0;
  const accept = server.accept.bind(server);
  server.accept = (transport) => {
    accepted++;
    accept(transport);
    network.clock.setTimer(() => network.reset('client', 'a'), 3);
  };
  network.reset('client', 'a');
  await network.advance(10_000);
  assert.ok(accepted >= 4 && accepted <= 12, `${accepted} connections in 10 s`);
  server.accept = accept;
  await network.advance(30_000);
  assert.is(made.describe('a').state, 'ready');
  // It has lived for long: the next attempt follows within the spread, without a backoff.
  network.reset('client', 'a');
  await network.advance(105);
  assert.is(made.describe('a').state, 'ready');
  await made.close();
});

test('a connection that is there only after the channel was closed is destroyed, and greets nobody', async () => {
  for (const grace of [0, 1_000]) {
    const transport = new NarrowTransport();
    let arrive: (transport: Transport) => void = () => {};
    const dial = (): Promise<Transport> =>
      new Promise((resolve) => {
        arrive = resolve;
      });
    const channel = connect('tcp://narrow:1', { dial });
    const ready = failureOf(channel.ready());
    await rest();
    await channel.close({ graceMs: grace });
    assert.is((await ready).code, 'UNAVAILABLE');
    arrive(transport);
    await rest();
    assert.is(transport.closed, true);
    assert.is(transport.sentBytes + transport.unsentBytes, 0);
    assert.equal(channel.describe().endpoints[0]?.connections, []);
  }
});

test('a dial that fails only after the channel was closed is heard by nobody', async () => {
  let fail: (error: Error) => void = () => {};
  const dial = (): Promise<Transport> =>
    new Promise((_, reject) => {
      fail = reject;
    });
  const channel = connect('tcp://narrow:1', { dial });
  const ready = failureOf(channel.ready());
  await rest();
  await channel.close();
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);
  process.on('unhandledRejection', note);
  fail(new Error('too late'));
  await rest();
  process.off('unhandledRejection', note);
  assert.equal(unhandled, []);
  assert.is((await ready).code, 'UNAVAILABLE');
});

test.run();
