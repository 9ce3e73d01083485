/** How a server keeps itself known in etcd: leases and keys in an etcd in memory, virtual time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type EtcdFetch,
  EtcdRegistry,
  type EtcdRegistryOptions,
  type Registry,
  type RpcError,
  Server,
} from '../../src/index.js';
import { VirtualClock } from '../support/clock.js';
import { FakeEtcd } from '../support/fake-etcd.js';
import { randomOf } from '../support/resolver-probe.js';
import { failureOf } from '../support/rpc.js';

const prefix = '/cities';
const address = 'tcp://10.0.0.1:7';
const key = `${prefix}/${address}`;

function open(options: Partial<EtcdRegistryOptions> = {}) {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const endpoints = ['http://e1:2379', 'http://e2:2379'];
  const registry = new EtcdRegistry({ endpoints, prefix, fetch: etcd.fetch, ...options });
  const errors: RpcError[] = [];
  const context = { clock, random: randomOf(3), onError: (error: RpcError) => errors.push(error) };
  return { clock, etcd, registry, context, errors };
}

test('a key under a lease, renewed at a third of its time, and not written again', async () => {
  const { clock, etcd, registry, context, errors } = open();
  const registration = registry.register({ address, weight: 2 }, context);
  await registration.registered;
  assert.equal(etcd.texts, { [key]: `{"address":"${address}","weight":2}` });
  const { revision } = etcd;
  await clock.advanceSettled(300_000);
  assert.is(etcd.revision, revision);
  const renewed = etcd.to('/v3/lease/keepalive').map(({ at }) => at);
  const gaps = renewed.slice(1).map((at, index) => at - (renewed[index] ?? 0));
  assert.ok(gaps.length > 80 && gaps.every((ms) => ms >= 3_000 && ms <= 3_667), String(gaps));
  assert.is(etcd.to('/v3/lease/grant').length, 1);
  assert.equal(errors, []);
  await registration.unregister();
  assert.equal(etcd.texts, {});
  await clock.advanceSettled(60_000);
  assert.equal(etcd.texts, {});
});

test('a lease that is gone is granted anew at once, and a key that is gone is put again', async () => {
  const { clock, etcd, registry, context, errors } = open();
  const registration = registry.register({ address }, context);
  await registration.registered;
  etcd.loseData();
  await clock.advanceSettled(3_700);
  assert.ok(key in etcd.texts);
  etcd.delete(key);
  await clock.advanceSettled(3_700);
  assert.ok(key in etcd.texts);
  assert.is(etcd.to('/v3/lease/grant').length, 2);
  assert.equal(errors, []);
  await registration.unregister();
});

test('while etcd is away it is tried again and again on all members, and the lease is renewed as soon as one answers', async () => {
  const { clock, etcd, registry, context, errors } = open();
  const registration = registry.register({ address }, context);
  await registration.registered;
  const before = etcd.requests.length;
  for (const member of ['e1:2379', 'e2:2379']) etcd.down.add(member);
  await clock.advanceSettled(9_000);
  const tried = etcd.requests.slice(before);
  assert.is(errors.length, tried.length);
  assert.ok(tried.length >= 5 && tried.length <= 12, `${tried.length} attempts`);
  assert.is(new Set(tried.map(({ member }) => member)).size, 2);
  etcd.down.delete('e2:2379');
  // No pause between attempts is longer than a third of the lease's time and a fifth of that.
  await clock.advanceSettled(8_000);
  assert.ok(key in etcd.texts);
  await clock.advanceSettled(60_000);
  assert.ok(key in etcd.texts);
  // The next time it begins with short waits again.
  etcd.down.add('e2:2379');
  const { length } = etcd.requests;
  await clock.advanceSettled(4_500);
  const again = etcd.requests.slice(length).map(({ at }) => at);
  assert.ok((again[1] ?? Infinity) - (again[0] ?? 0) <= 120, String(again));
  etcd.down.clear();
  await registration.unregister();
  assert.equal(etcd.texts, {});
});

test('a lease that is gone already is taken back without an error', async () => {
  const { etcd, registry, context, errors } = open();
  const registration = registry.register({ address }, context);
  await registration.registered;
  etcd.loseData();
  await registration.unregister();
  assert.equal(errors, []);
});

test('etcd stood still until the lease expired: the server is there again soon after', async () => {
  const { clock, etcd, registry, context } = open();
  const registration = registry.register({ address }, context);
  await registration.registered;
  await clock.advanceSettled(20_000);
  etcd.freeze();
  await clock.advanceSettled(30_000);
  etcd.resume();
  assert.equal(etcd.texts, {});
  await clock.advanceSettled(4_500);
  assert.ok(key in etcd.texts);
  await registration.unregister();
});

test('registered waits for etcd, and is CANCELLED by unregister', async () => {
  const { clock, etcd, registry, context } = open();
  etcd.down.add('e1:2379').add('e2:2379');
  const registration = registry.register({ address }, context);
  let known = false;
  void registration.registered.then(() => {
    known = true;
  });
  await clock.advanceSettled(20_000);
  assert.is(known, false);
  etcd.down.clear();
  await clock.advanceSettled(6_000);
  assert.is(known, true);
  await registration.unregister();
  const other = registry.register({ address }, context);
  await other.unregister();
  assert.is((await failureOf(other.registered)).code, 'CANCELLED');
  await clock.settle();
  assert.equal(etcd.texts, {});
});

test('a member that does not delete the key is skipped; an error reports when none does', async () => {
  const { clock, etcd, registry, context, errors } = open();
  const registration = registry.register({ address }, context);
  await registration.registered;
  etcd.down.add(etcd.requests.at(-1)?.member ?? '');
  await registration.unregister();
  assert.equal(etcd.texts, {});
  const other = registry.register({ address }, context);
  await clock.advanceSettled(1_000);
  etcd.down.add('e1:2379').add('e2:2379');
  const { length } = errors;
  await other.unregister();
  assert.is(errors.length - length, 2);
});

test('a server is taken back before it drains or closes, once, and registers no more', async () => {
  for (const end of ['drain', 'close'] as const) {
    const calls: string[] = [];
    const registry: Registry = {
      name: 'test',
      register: (endpoint) => {
        calls.push(`register ${endpoint.address}`);
        return {
          registered: Promise.resolve(),
          unregister: async () => {
            await Promise.resolve();
            calls.push(`unregister, ${server.connectionCount} connections`);
          },
        };
      },
    };
    const server = new Server();
    server.register(registry, { address });
    await server.register(registry, { address: 'unix:/b' }).unregister();
    await server[end]();
    assert.equal(calls, [
      `register ${address}`,
      'register unix:/b',
      'unregister, 0 connections',
      'unregister, 0 connections',
    ]);
    assert.is(
      (await failureOf(Promise.resolve().then(() => server.register(registry, { address })))).code,
      'FAILED_PRECONDITION',
    );
  }
});

test('a registry that does not answer holds up the end of a server for a second, within its grace', async () => {
  const never: Registry = {
    name: 'never',
    register: () => ({ registered: Promise.resolve(), unregister: () => new Promise(() => {}) }),
  };
  for (const [graceMs, expectedMs] of [
    [20_000, 1_000],
    [300, 300],
  ] as const) {
    const clock = new VirtualClock();
    const server = new Server({ clock });
    server.register(never, { address });
    let ended = false;
    void server.drain({ graceMs }).then(() => {
      ended = true;
    });
    await clock.advanceSettled(expectedMs - 1);
    assert.is(ended, false);
    await clock.advanceSettled(1);
    assert.is(ended, true);
    assert.is(clock.pending, 0);
  }
});

test('options and endpoints that are wrong are INVALID_ARGUMENT', async () => {
  const { registry, context } = open();
  for (const ttlSeconds of [0, 1.5, -1, Number.NaN]) {
    assert.is((await failureOf(Promise.resolve().then(() => open({ ttlSeconds })))).code, 'INVALID_ARGUMENT');
  }
  for (const endpoint of [{ address: 'http://a:1' }, { address, weight: 0 }]) {
    assert.is(
      (await failureOf(Promise.resolve().then(() => registry.register(endpoint, context)))).code,
      'INVALID_ARGUMENT',
    );
  }
  assert.is(
    (await failureOf(Promise.resolve().then(() => new Server().register('tcp://a:1', { address })))).code,
    'INVALID_ARGUMENT',
  );
});

test('a key that could not be put after its lease was granted is put soon, over what an earlier process has left', async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  etcd.put(key, 'of an earlier process');
  let refusals = 3;
  const fetch: EtcdFetch = (url, init) =>
    url.endsWith('/v3/kv/put') && refusals-- > 0 ? Promise.reject(new Error('cut off')) : etcd.fetch(url, init);
  const registry = new EtcdRegistry({ endpoints: ['http://e1:2379'], prefix, fetch });
  const registration = registry.register({ address }, { clock, random: randomOf(3), onError: () => {} });
  let known = false;
  void registration.registered.then(() => {
    known = true;
  });
  await clock.advanceSettled(2_000);
  assert.is(known, true);
  assert.equal(etcd.texts, { [key]: `{"address":"${address}"}` });
  await clock.advanceSettled(60_000);
  assert.equal(etcd.texts, { [key]: `{"address":"${address}"}` });
  await registration.unregister();
  assert.equal(etcd.texts, {});
});

test('onError of the application may throw: the server stays registered', async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const registry = new EtcdRegistry({ endpoints: ['http://e1:2379'], prefix, fetch: etcd.fetch });
  const server = new Server({ clock, random: randomOf(3) });
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const registration = server.register(registry, {
    address,
    onError: () => {
      throw new Error('the log is full');
    },
  });
  await registration.registered;
  etcd.down.add('e1:2379');
  await clock.advanceSettled(9_000);
  etcd.down.clear();
  await clock.advanceSettled(60_000);
  assert.ok(key in etcd.texts);
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(warnings[0]?.message ?? '', /the log is full/);
  process.off('warning', onWarning);
  await server.close();
});

test.run();
