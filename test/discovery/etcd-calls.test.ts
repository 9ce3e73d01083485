/** Calls through a channel whose servers register themselves in a real etcd. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientChannel, connect, Server } from '../../src/index.js';
import { type TestEtcd, withEtcd } from '../support/etcd.js';
import { handlers, Notes, sleep } from '../support/rpc.js';

const etcdTest = withEtcd(test);

const note = { id: 1, text: 'one' };
const prefix = '/services/notes';

/** A server that counts its calls. */
async function serve(): Promise<{ readonly server: Server; readonly address: string; calls: number }> {
  const server = new Server();
  const { port } = await server.listen({ host: '127.0.0.1' });
  const counted = { server, address: `tcp://127.0.0.1:${port}`, calls: 0 };
  server.add(
    Notes,
    handlers({
      echo: (request) => {
        counted.calls++;
        return request;
      },
    }),
  );
  return counted;
}

const targetOf = (etcd: TestEtcd): string => `etcd://127.0.0.1:${etcd.clientPort}${prefix}`;

/** Calls without a pause, a few at a time, until `end`; fails with the first that fails. */
function callOn(channel: ClientChannel): { readonly made: () => number; end(): Promise<void> } {
  const notes = channel.client(Notes);
  let made = 0;
  let going = true;
  const caller = async (): Promise<void> => {
    for (; going; made++) {
      await notes.echo(note);
      await sleep(1);
    }
  };
  const callers = Promise.all(Array.from({ length: 8 }, caller));
  // Whoever awaits the end hears of it.
  callers.catch(() => {});
  const end = async (): Promise<void> => {
    going = false;
    await callers;
  };
  return { made: () => made, end };
}

etcdTest(
  'a new server gets calls in under a second, and one that drains or expires gets none after that',
  async (etcd) => {
    const [first, second, third] = [await serve(), await serve(), await serve()];
    await first.server.register(targetOf(etcd), { address: first.address }).registered;
    const channel = connect(targetOf(etcd));
    const calls = callOn(channel);
    while (first.calls < 50) await sleep(2);
    const registeredAt = performance.now();
    second.server.register(targetOf(etcd), { address: second.address });
    while (second.calls < 50) await sleep(2);
    const joinedMs = performance.now() - registeredAt;
    assert.ok(joinedMs < 1_000, `${joinedMs} ms`);

    await first.server.drain();
    assert.is(first.server.connectionCount, 0);

    // A lease that nobody renews: its server lives, but must not be called any more.
    const { ID } = await etcd.ask('/v3/lease/grant', { TTL: 1 });
    const expiresAt = performance.now() + 1_000;
    await etcd.ask('/v3/kv/put', { key: `${prefix}/3`, value: JSON.stringify({ address: third.address }), lease: ID });
    while (third.calls < 50) await sleep(2);
    await sleep(expiresAt + 1_000 - performance.now());
    const { calls: before } = third;
    await sleep(200);
    assert.is(third.calls, before);

    await calls.end();
    await channel.close();
    await Promise.all([second.server.close(), third.server.close()]);
  },
);

etcdTest('etcd stops, starts again and stands still: no call fails, and everybody is called after it', async (etcd) => {
  const servers = await Promise.all([serve(), serve(), serve()]);
  for (const { server, address } of servers) await server.register(targetOf(etcd), { address }).registered;
  const channel = connect(targetOf(etcd));
  const calls = callOn(channel);
  while (servers.some((each) => each.calls < 20)) await sleep(2);
  await etcd.stop();
  await sleep(1_000);
  await etcd.run();
  etcd.pause();
  await sleep(1_000);
  etcd.resume();
  await sleep(500);
  const before = servers.map((each) => each.calls);
  await sleep(300);
  assert.ok(servers.every((each, index) => each.calls > (before[index] ?? 0)));
  await calls.end();
  await channel.close();
  await Promise.all(servers.map(({ server }) => server.drain()));
  assert.equal(await etcd.keys(prefix), {});
});

test.run();
