/** Look-ups through node:dns: a name server of the test's own on 127.0.0.1, and the system's hosts file. */
import { Resolver as NodeResolver } from 'node:dns/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/base/clock.js';
import { connect, DnsResolver, resolverFor, Server, SrvResolver } from '../../src/index.js';
import { DnsServer } from '../support/dns-server.js';
import { ResolverProbe } from '../support/resolver-probe.js';
import { handlers, Notes, sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

const inNode = onlyIn(test, ['node'], 'Bun and Deno report that a name has no address as a failed look-up');

async function withNames(use: (server: DnsServer, dns: NodeResolver) => Promise<void>): Promise<void> {
  const server = await DnsServer.start();
  const dns = new NodeResolver({ timeout: 100, tries: 1 });
  dns.setServers([server.address]);
  try {
    await use(server, dns);
  } finally {
    dns.cancel();
    server.close();
  }
}

const soon = { periodMs: 30, floorMs: 10 };

inNode('A and AAAA records through node:dns, and how each kind of "no" is taken', async () => {
  await withNames(async ({ table }, dns) => {
    table.set('cities.test', { addresses: ['10.1.0.2', '10.1.0.1', 'fd00::7'] });
    const probe = new ResolverProbe(new DnsResolver({ host: 'cities.test', port: 7, dns, ...soon }), systemClock);
    const all = ['tcp://10.1.0.1:7', 'tcp://10.1.0.2:7', 'tcp://[fd00::7]:7'];
    await probe.until(() => probe.lists.length === 1, 'the first list');
    assert.equal(probe.addresses, all);
    for (const records of [{ fault: 'fails' }, { fault: 'silent' }, undefined] as const) {
      if (records === undefined) table.delete('cities.test');
      else table.set('cities.test', records);
      const { length } = probe.errors;
      await probe.until(() => probe.errors.length > length, `an error for ${JSON.stringify(records)}`);
      assert.equal(probe.addresses, all);
    }
    table.set('cities.test', {});
    await probe.until(() => probe.addresses?.length === 0, 'the empty list');
    probe.resolver.stop();
  });
});

test('SRV records through node:dns, as a headless service in Kubernetes has them', async () => {
  await withNames(async ({ table }, dns) => {
    const name = '_rpc._tcp.cities.default.svc.test';
    const pod = (index: number) => ({
      priority: 0,
      weight: 50,
      port: 7000 + index,
      name: `pod-${index}.cities.default.svc.test`,
    });
    table.set('pod-0.cities.default.svc.test', { addresses: ['10.1.0.1'] });
    table.set('pod-1.cities.default.svc.test', { addresses: ['10.1.0.2'] });
    table.set(name, { srv: [pod(0)] });
    const probe = new ResolverProbe(new SrvResolver({ name, dns, tls: true, ...soon }), systemClock);
    await probe.until(() => probe.lists.length === 1, 'the first list');
    const endpoint = (index: number) => ({
      address: `tls://10.1.0.${index + 1}:${7000 + index}`,
      weight: 50,
      priority: 0,
      serverName: pod(index).name,
    });
    assert.equal(probe.lists[0], [endpoint(0)]);
    table.set(name, { srv: [pod(1), pod(0)] });
    await probe.until(() => probe.lists.length === 2, 'the second pod');
    assert.equal(probe.lists[1], [endpoint(0), endpoint(1)]);
    probe.resolver.stop();
  });
});

test('dns://localhost asks the system, which reads its hosts file', async () => {
  const probe = new ResolverProbe(resolverFor('dns://localhost:7'), systemClock);
  await probe.until(() => probe.lists.length === 1, 'the list');
  assert.ok(probe.addresses?.includes('tcp://127.0.0.1:7') || probe.addresses?.includes('tcp://[::1]:7'));
  probe.resolver.stop();
});

test('calls go to a server that was found by its name, and to the one that takes its place at another address', async () => {
  await withNames(async ({ table }, dns) => {
    const serve = async (host: string, port: number, text: string): Promise<{ server: Server; port: number }> => {
      const server = new Server().add(Notes, handlers({ echo: ({ id }) => ({ id, text }) }));
      return { server, port: (await server.listen({ host, port })).port };
    };
    const first = await serve('127.0.0.1', 0, 'first');
    table.set('notes.test', { addresses: ['127.0.0.1'] });
    const channel = connect(
      new DnsResolver({ host: 'notes.test', port: first.port, dns, periodMs: 60_000, floorMs: 10 }),
    );
    const notes = channel.client(Notes);
    assert.is((await notes.echo({ id: 1, text: '' })).text, 'first');
    const second = await serve('127.0.0.2', first.port, 'second');
    table.set('notes.test', { addresses: ['127.0.0.2'] });
    await first.server.drain();
    while ((await notes.echo({ id: 1, text: '' })).text !== 'second') await sleep(5);
    await channel.close();
    await second.server.close();
  });
});

test('an address needs no look-up', async () => {
  await withNames(async ({ asked }, dns) => {
    const probe = new ResolverProbe(new DnsResolver({ host: '10.9.8.7', port: 7, dns }), systemClock);
    await probe.until(() => probe.lists.length === 1, 'the list');
    assert.equal([probe.addresses, asked], [['tcp://10.9.8.7:7'], []]);
    probe.resolver.stop();
  });
});

test.run();
