/** Servers that come and go in a real etcd. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/base/clock.js';
import { EtcdRegistry, EtcdResolver, RpcError, resolverFor, Server } from '../../src/index.js';
import { type TestEtcd, withEtcd } from '../support/etcd.js';
import { ResolverProbe } from '../support/resolver-probe.js';
import { sleep } from '../support/rpc.js';

const etcdTest = withEtcd(test);

const prefix = '/services/cities';
const address = 'tcp://10.0.0.1:7';

function watchServers(etcd: TestEtcd, options: object = {}): ResolverProbe {
  const resolver = new EtcdResolver({ endpoints: [etcd.url], prefix, ...options });
  return new ResolverProbe(resolver, systemClock, Math.random);
}

etcdTest(
  'a registered server is listed with its weight; its key is gone when the server begins to drain',
  async (etcd) => {
    const probe = watchServers(etcd);
    await probe.until(() => probe.lists.length === 1, 'the first list');
    assert.equal(probe.addresses, []);
    const server = new Server();
    const registration = server.register(`etcd://127.0.0.1:${etcd.clientPort}${prefix}`, {
      address,
      weight: 2,
      serverName: 'cities.example',
    });
    await registration.registered;
    assert.equal(await etcd.keys(prefix), {
      [`${prefix}/${address}`]: `{"address":"${address}","weight":2,"serverName":"cities.example"}`,
    });
    await probe.until(() => probe.lists.length === 2, 'the server');
    assert.equal(probe.plain[1], [{ address, weight: 2, serverName: 'cities.example' }]);
    await server.drain();
    assert.equal(await etcd.keys(prefix), {});
    await probe.until(() => probe.addresses?.length === 0, 'its end');
    assert.equal(probe.errors, []);
    probe.resolver.stop();
  },
);

etcdTest('keys beside the prefix are nobody, with a slash at its end and without', async (etcd) => {
  for (const key of ['/a', '/a0', '/ab/x', '/a.x', '/a/x']) {
    await etcd.ask('/v3/kv/put', { key, value: JSON.stringify({ address: `unix:${key}` }) });
  }
  for (const path of ['/a', '/a/']) {
    const probe = new ResolverProbe(resolverFor(`etcd://127.0.0.1:${etcd.clientPort}${path}`), systemClock);
    await probe.until(() => probe.lists.length === 1, 'the list');
    assert.equal(probe.addresses, ['unix:/a/x']);
    probe.resolver.stop();
  }
});

etcdTest('a server whose lease expires is gone within a second of that', async (etcd) => {
  const granted = await etcd.ask('/v3/lease/grant', { TTL: 1 });
  const expiresAt = performance.now() + Number(granted['TTL']) * 1_000;
  await etcd.ask('/v3/kv/put', { key: `${prefix}/a`, value: JSON.stringify({ address }), lease: granted['ID'] });
  await etcd.ask('/v3/kv/put', { key: `${prefix}/b`, value: '{"address":"tcp://b:1"}' });
  const probe = watchServers(etcd);
  await probe.until(() => probe.addresses?.length === 2, 'both');
  await probe.until(() => probe.addresses?.length === 1, 'the end of one');
  const lateMs = performance.now() - expiresAt;
  assert.ok(lateMs > -100 && lateMs < 1_000, `${lateMs} ms after its lease expired`);
  probe.resolver.stop();
});

etcdTest('users of etcd are known by a token, which is asked for again when etcd has forgotten it', async (etcd) => {
  await etcd.ask('/v3/auth/user/add', { name: 'root', password: 'secret' });
  await etcd.ask('/v3/auth/user/grant', { user: 'root', role: 'root' });
  await etcd.ask('/v3/auth/enable', {});
  const user = { username: 'root', password: 'secret' };
  const stranger = watchServers(etcd);
  await stranger.until(() => stranger.errors.length > 0, 'a refusal');
  assert.instance(stranger.errors[0], RpcError);
  assert.equal(stranger.lists, []);
  stranger.resolver.stop();
  const probe = watchServers(etcd, user);
  await probe.until(() => probe.addresses?.length === 0, 'the empty list');
  const context = { clock: systemClock, random: Math.random, onError: () => {} };
  const registry = new EtcdRegistry({ endpoints: [etcd.url], prefix, ttlSeconds: 1, ...user });
  const registration = registry.register({ address }, context);
  await probe.until(() => probe.addresses?.length === 1, 'the server');
  // Simple tokens end with the member that gave them.
  await etcd.stop();
  await etcd.run();
  const others = registry.register({ address: 'tcp://b:1' }, context);
  await probe.until(() => probe.addresses?.length === 2, 'another server');
  await sleep(1_500);
  assert.is(probe.addresses?.length, 2);
  await Promise.all([registration.unregister(), others.unregister()]);
  probe.resolver.stop();
});

test.run();
