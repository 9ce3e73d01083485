/** What happens to servers and clients when a real etcd stops, loses its data or cannot be reached. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/base/clock.js';
import { EtcdRegistry, EtcdResolver } from '../../src/index.js';
import { type TestEtcd, withEtcd } from '../support/etcd.js';
import { FaultProxy } from '../support/proxy.js';
import { ResolverProbe } from '../support/resolver-probe.js';
import { sleep } from '../support/rpc.js';

const etcdTest = withEtcd(test);

const prefix = '/services/cities';
const address = 'tcp://10.0.0.1:7';

function watchServers(etcd: TestEtcd, options: object = {}): ResolverProbe {
  const resolver = new EtcdResolver({ endpoints: [etcd.url], prefix, ...options });
  return new ResolverProbe(resolver, systemClock, Math.random);
}

const context = { clock: systemClock, random: Math.random, onError: () => {} };

etcdTest('etcd is stopped for longer than a lease lasts and started again: the list does not change', async (etcd) => {
  const registry = new EtcdRegistry({ endpoints: [etcd.url], prefix, ttlSeconds: 1 });
  const registration = registry.register({ address }, context);
  await registration.registered;
  const probe = watchServers(etcd);
  await probe.until(() => probe.addresses?.length === 1, 'the server');
  await etcd.stop();
  await sleep(1_500);
  assert.ok(probe.errors.length > 0);
  assert.equal(probe.errors.filter(({ code }) => code !== 'UNAVAILABLE').map(String), []);
  await etcd.run();
  await etcd.ask('/v3/kv/put', { key: `${prefix}/b`, value: '{"address":"tcp://b:1"}' });
  await probe.until(() => probe.addresses?.length === 2, 'what is new after that');
  await sleep(1_500);
  // The first list may be told again when etcd answers.
  assert.ok(
    probe.lists.every((list) => list.some((endpoint) => endpoint.address === address)),
    'its lease was renewed',
  );
  assert.is(probe.addresses?.length, 2);
  await registration.unregister();
  probe.resolver.stop();
});

etcdTest('etcd loses its data: servers register again, and nobody is dropped meanwhile', async (etcd) => {
  const registry = new EtcdRegistry({ endpoints: [etcd.url], prefix, ttlSeconds: 2 });
  const registration = registry.register({ address }, context);
  await registration.registered;
  const probe = watchServers(etcd);
  await probe.until(() => probe.addresses?.length === 1, 'the server');
  await etcd.stop();
  etcd.loseData();
  await etcd.run();
  while (Object.keys(await etcd.keys(prefix)).length === 0) await sleep(20);
  await sleep(100);
  for (const list of probe.plain) assert.equal(list, probe.plain[0]);
  assert.equal(probe.addresses, [address]);
  await registration.unregister();
  probe.resolver.stop();
});

etcdTest('a way to etcd that went silent is left for another member', async (etcd) => {
  const proxy = await FaultProxy.start(etcd.clientPort);
  const resolver = new EtcdResolver({
    endpoints: [`http://127.0.0.1:${proxy.port}`, etcd.url],
    prefix,
    checkMs: 100,
    requestMsMax: 300,
  });
  const probe = new ResolverProbe(resolver, systemClock, () => 0);
  await probe.until(() => probe.lists.length === 1, 'the first list');
  await sleep(200);
  assert.is(proxy.accepted > 0, true);
  proxy.blackhole();
  await etcd.ask('/v3/kv/put', { key: `${prefix}/a`, value: JSON.stringify({ address }) });
  await probe.until(() => probe.lists.length === 2, 'the server');
  assert.equal(
    probe.errors.map(({ message }) => message),
    [`etcd http://127.0.0.1:${proxy.port}: no answer within 300 ms (setting: requestMsMax)`],
  );
  resolver.stop();
  proxy.close();
});

test.run();
