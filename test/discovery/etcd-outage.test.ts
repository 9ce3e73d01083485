/** What happens to servers and clients when a real etcd stops, loses its data or forgets who they are. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/base/clock.js';
import { EtcdRegistry, EtcdResolver, RpcError } from '../../src/index.js';
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
  assert.equal(
    probe.lists.map((list) => list.length),
    [1, 2],
    'its lease was renewed',
  );
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
  assert.is(probe.lists.length, 1);
  await registration.unregister();
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
