/** Services that are added, removed and replaced while the other side is connected, and calls that run meanwhile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, oneway, Server, serverStream, unary } from '../../src/index.js';
import { failureOf, gate } from '../support/rpc.js';
import { until } from './until.js';

const First = defineService('change.First', { get: unary({ request: 'int', response: 'int' }) });
const Second = defineService('change.Second', {
  get: unary({ request: 'int', response: 'int' }),
  list: serverStream({ request: 'int', response: 'int' }),
  note: oneway({ request: 'int' }),
});
/** The same methods, of which one reads and writes other types. */
const Wider = defineService('change.Second', {
  get: unary({ request: 'long', response: 'int' }),
  list: serverStream({ request: 'int', response: 'int' }),
  note: oneway({ request: 'int' }),
});

const noted: number[] = [];
const second = {
  get: (value: number) => value + 1,
  list: (count: number) => Array.from({ length: count }, (_, at) => at),
  note: (value: number) => void noted.push(value),
};

async function opened() {
  const server = new Server().add(First, { get: (value) => value });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.client(First).get(1);
  const close = async (): Promise<void> => {
    await channel.close({ graceMs: 100 });
    await server.close();
  };
  return { server, channel, close };
}

async function collect(items: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const item of items) all.push(item);
  return all;
}

for (const [what, served] of [
  ['the same schemas', Second],
  ['schemas that have to be exchanged', Wider],
] as const) {
  test(`a service with ${what} that is added after it was called is found by the next call, of every kind`, async () => {
    const { server, channel, close } = await opened();
    const client = channel.client(Second);
    assert.is((await failureOf(client.get(1))).code, 'UNIMPLEMENTED');
    assert.is((await failureOf(collect(client.list(1)))).code, 'UNIMPLEMENTED');
    await client.note(1);
    server.add(served, second);
    const answers = await Promise.all([client.get(1), client.get(2), collect(client.list(3))]);
    assert.equal(answers, [2, 3, [0, 1, 2]]);
    noted.length = 0;
    await client.note(7);
    await until(() => noted.length > 0, 'the note');
    assert.equal(noted, [7]);
    assert.is(server.connectionCount, 1);
    await close();
  });
}

test('of a service that is removed running calls finish, new ones are UNIMPLEMENTED, and others go on', async () => {
  const { server, channel, close } = await opened();
  const running = gate();
  const finish = gate();
  server.add(Second, {
    ...second,
    get: async (value) => {
      running.open();
      await finish.opened;
      return value;
    },
  });
  const client = channel.client(Second);
  const call = client.get(5);
  await running.opened;
  server.remove(Second);
  const failure = await failureOf(client.get(6));
  assert.equal([failure.code, failure.started], ['UNIMPLEMENTED', 'no']);
  assert.is(await channel.client(First).get(3), 3);
  finish.open();
  assert.is(await call, 5);
  assert.throws(() => server.remove(Second), /change\.Second is not served/);
  assert.throws(() => server.remove(Wider), /change\.Second is not served/);
  server.add(Second, second);
  assert.is(await client.get(5), 6);
  assert.is(server.connectionCount, 1);
  await close();
});

test('a service that is replaced by one with other schemas is found by the next calls, and what runs by the old one finishes', async () => {
  const { server, channel, close } = await opened();
  const running = gate();
  const finish = gate();
  const Old = defineService('change.Third', { get: unary({ request: 'int', response: 'int' }) });
  const New = defineService('change.Third', { get: unary({ request: 'long', response: 'int' }) });
  server.add(Old, {
    get: async (value) => {
      running.open();
      await finish.opened;
      return value;
    },
  });
  const client = channel.client(Old);
  const call = client.get(5);
  await running.opened;
  server.remove(Old).add(New, { get: (value) => value * 10 });
  assert.equal(await Promise.all([client.get(6), client.get(7)]), [60, 70]);
  finish.open();
  assert.is(await call, 5);
  await close();
});

test('a channel adds and removes services while its server calls them', async () => {
  const { server, channel, close } = await opened();
  const [peer] = server.peers;
  assert.ok(peer);
  const client = peer.client(Second);
  assert.is((await failureOf(client.get(1))).code, 'UNIMPLEMENTED');
  channel.add(Second, second);
  assert.is(await client.get(1), 2);
  channel.remove(Second);
  assert.is((await failureOf(client.get(1))).code, 'UNIMPLEMENTED');
  await close();
});

test.run();
