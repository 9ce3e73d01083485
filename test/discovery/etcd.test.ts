/** How endpoints are followed in etcd when etcd, the way to it and its contents go wrong: an etcd in memory, virtual time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EtcdResolver, type EtcdResolverOptions, RpcError, resolverFor } from '../../src/index.js';
import { VirtualClock } from '../support/clock.js';
import { FakeEtcd } from '../support/fake-etcd.js';
import { ResolverProbe, randomOf } from '../support/resolver-probe.js';

const prefix = '/cities';

function open(options: Partial<EtcdResolverOptions> = {}, prepare: (etcd: FakeEtcd) => void = () => {}) {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  prepare(etcd);
  const endpoints = ['http://e1:2379', 'http://e2:2379', 'http://e3:2379'];
  const resolver = new EtcdResolver({ endpoints, prefix, fetch: etcd.fetch, ...options });
  const probe = new ResolverProbe(resolver, clock, randomOf(7));
  return { clock, etcd, resolver, probe };
}

const valueOf = (name: string): string => JSON.stringify({ address: `tcp://${name}:1` });
const put = (etcd: FakeEtcd, ...names: string[]): void => {
  for (const name of names) etcd.put(`${prefix}/${name}`, valueOf(name));
};
const namesOf = ({ addresses }: ResolverProbe): string | undefined =>
  addresses?.map((address) => address.replace(/^tcp:\/\/|:1$/g, '')).join('');

test('keys that are there, and every change of them, are told at once', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a', 'b'));
  await clock.settle();
  assert.is(namesOf(probe), 'ab');
  put(etcd, 'c');
  await clock.settle();
  assert.is(namesOf(probe), 'abc');
  etcd.delete(`${prefix}/a`);
  await clock.settle();
  assert.is(namesOf(probe), 'bc');
  etcd.put(
    `${prefix}/b`,
    JSON.stringify({ address: 'tls://b:2', weight: 3, priority: 1, serverName: 'b.example', zone: 'x' }),
  );
  await clock.settle();
  assert.equal(probe.plain.at(-1), [
    { address: 'tcp://c:1' },
    { address: 'tls://b:2', weight: 3, priority: 1, serverName: 'b.example' },
  ]);
  assert.equal(probe.errors, []);
  resolver.stop();
  await clock.settle();
  assert.is(clock.pending, 0);
  assert.is(etcd.openWatches, 0, 'the watch was aborted');
});

test('unchanged endpoints cause no update, and only small requests are sent', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a', 'b'));
  await clock.advanceSettled(60_000);
  assert.is(probe.lists.length, 1);
  // Another process may have begun there: that is told, though nothing else has changed.
  put(etcd, 'a');
  await clock.advanceSettled(60_000);
  assert.is(probe.lists.length, 2);
  assert.equal(
    probe.lists[1]?.map(({ address }) => address),
    probe.lists[0]?.map(({ address }) => address),
  );
  assert.is(etcd.to('/v3/watch').length, 1);
  const ranges = etcd.to('/v3/kv/range');
  assert.ok(ranges.length >= 35 && ranges.length <= 46, `${ranges.length} checks in 120 s`);
  assert.is(ranges.filter(({ body }) => body['min_mod_revision'] === undefined).length, 1);
  resolver.stop();
});

test('no answer from a member: the next one is asked, with an error for each attempt, and the list stays', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a'));
  await clock.settle();
  const members = ['e1:2379', 'e2:2379', 'e3:2379'];
  for (const member of members) etcd.down.add(member);
  etcd.endWatches();
  await clock.advanceSettled(10_000);
  const tried = etcd.requests.slice(2);
  assert.is(new Set(tried.map(({ member }) => member)).size, 3);
  assert.is(probe.errors.length, tried.length);
  assert.ok(tried.length >= 6 && tried.length <= 9, `${tried.length} attempts in 10 s`);
  assert.match(probe.errors[0]?.message ?? '', /etcd http:\/\/e\d:2379: fetch failed \(connect ECONNREFUSED\)/);
  assert.is(probe.lists.length, 1);
  etcd.down.clear();
  await clock.advanceSettled(6_000);
  assert.equal(probe.lists[1], probe.lists[0], 'the same list again: the channel learns that etcd answers');
  assert.is(probe.lists.length, 2);
  put(etcd, 'b');
  await clock.advanceSettled(6_000);
  assert.is(namesOf(probe), 'ab');
  resolver.stop();
});

test('a member that never answers costs the limit of one request', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a'));
  const member = etcd.requests[0]?.member as string;
  resolver.stop();
  const again = open({}, (prepared) => {
    put(prepared, 'a');
    prepared.silent.add(member);
  });
  await again.clock.advanceSettled(3_000);
  assert.match(again.probe.errors[0]?.message ?? '', /no answer within 3000 ms \(setting: requestMsMax\)/);
  await again.clock.advanceSettled(200);
  assert.is(namesOf(again.probe), 'a');
  again.resolver.stop();
  await clock.settle();
  assert.is(probe.lists.length, 0);
});

test('a watch that broke off is opened again at once, and what happened meanwhile is not missed', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a'));
  await clock.advanceSettled(10_000);
  for (const how of ['closed', 'broken'] as const) {
    etcd.deafenWatches();
    put(etcd, how);
    etcd.endWatches(how);
    await clock.advanceSettled(100);
    assert.ok(probe.addresses?.includes(`tcp://${how}:1`), how);
    await clock.advanceSettled(2_000);
  }
  assert.equal(probe.errors, []);
  resolver.stop();
});

test('a watch that went silent is found by the next check, and opened again', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a', 'b'));
  await clock.advanceSettled(20_000);
  etcd.deafenWatches();
  put(etcd, 'c');
  await clock.advanceSettled(3_300);
  assert.is(namesOf(probe), 'abc');
  await clock.advanceSettled(100);
  etcd.delete(`${prefix}/a`);
  await clock.settle();
  assert.is(namesOf(probe), 'bc');
  etcd.deafenWatches();
  etcd.delete(`${prefix}/b`);
  await clock.advanceSettled(3_300);
  assert.is(namesOf(probe), 'c');
  assert.is(etcd.openWatches, 1);
  assert.equal(probe.errors, []);
  resolver.stop();
});

test('an endpoint that failed brings the check forward', async () => {
  const { clock, etcd, probe, resolver } = open({ checkMs: 60_000 }, (prepared) => put(prepared, 'a', 'b'));
  await clock.advanceSettled(5_000);
  etcd.deafenWatches();
  etcd.delete(`${prefix}/a`);
  resolver.refresh();
  await clock.advanceSettled(1);
  assert.is(namesOf(probe), 'b');
  resolver.stop();
});

test('compaction under a watch has the keys read again', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a'));
  await clock.advanceSettled(5_000);
  etcd.compactedAt = 1_000;
  etcd.endWatches('broken');
  put(etcd, 'b');
  await clock.advanceSettled(1_000);
  assert.is(namesOf(probe), 'ab');
  assert.ok(etcd.to('/v3/watch').length <= 8, 'with a backoff');
  etcd.compactedAt = 0;
  await clock.advanceSettled(5_000);
  put(etcd, 'c');
  await clock.settle();
  assert.is(namesOf(probe), 'abc');
  resolver.stop();
});

test('etcd stood still until its leases expired: servers stay listed until they can have registered again', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a', 'b', 'c'));
  await clock.advanceSettled(20_000);
  etcd.freeze();
  await clock.advanceSettled(12_000);
  etcd.resume();
  for (const name of ['a', 'b', 'c']) etcd.delete(`${prefix}/${name}`);
  await clock.advanceSettled(4_000);
  assert.is(namesOf(probe), 'abc');
  put(etcd, 'a', 'b');
  await clock.advanceSettled(5_000);
  for (const list of probe.plain) assert.equal(list, probe.plain[0], 'nobody went, and nobody came');
  await clock.advanceSettled(10_000);
  assert.is(namesOf(probe), 'ab', 'who did not come back is gone');
  etcd.delete(`${prefix}/a`);
  await clock.settle();
  assert.is(namesOf(probe), 'b', 'from then on etcd is believed at once');
  resolver.stop();
  await clock.settle();
  assert.is(clock.pending, 0);
});

test('a check that is answered late shows trouble too', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a'));
  await clock.advanceSettled(20_000);
  const checks = etcd.requests.length;
  while (etcd.requests.length === checks) {
    etcd.freeze();
    await clock.advanceSettled(10);
    if (etcd.requests.length === checks) etcd.resume();
  }
  await clock.advanceSettled(2_100);
  etcd.resume();
  etcd.delete(`${prefix}/a`);
  await clock.advanceSettled(5_000);
  assert.equal([namesOf(probe), probe.errors], ['a', []]);
  await clock.advanceSettled(6_000);
  assert.is(namesOf(probe), '');
  resolver.stop();
});

test('etcd lost its data: servers stay listed, also those that move meanwhile', async () => {
  const { clock, etcd, probe, resolver } = open({}, (prepared) => put(prepared, 'a', 'b'));
  await clock.advanceSettled(20_000);
  etcd.loseData();
  await clock.advanceSettled(1_000);
  assert.is(namesOf(probe), 'ab');
  put(etcd, 'a', 'z');
  await clock.settle();
  assert.is(namesOf(probe), 'abz');
  await clock.advanceSettled(10_000);
  assert.is(namesOf(probe), 'az');
  resolver.stop();
});

test('values that cannot be read are left out and told once; the others count', async () => {
  const bad: Readonly<Record<string, string>> = {
    text: 'tcp://a:1',
    list: '[1]',
    nothing: '',
    none: '{"weight":1}',
    form: '{"address":"http://a:1"}',
    light: '{"address":"tcp://a:1","weight":0}',
    heavy: '{"address":"tcp://a:1","weight":1e300}',
    first: '{"address":"tcp://a:1","priority":0.5}',
    name: '{"address":"tls://a:1","serverName":"a b"}',
    long: JSON.stringify({ address: 'tcp://a:1', text: 'x'.repeat(5_000) }),
    proto: '{"__proto__":{"address":"tcp://a:1"}}',
  };
  const { clock, etcd, probe, resolver } = open({}, (prepared) => {
    put(prepared, 'a');
    for (const [name, value] of Object.entries(bad)) prepared.put(`${prefix}/${name}`, value);
  });
  await clock.advanceSettled(30_000);
  assert.is(namesOf(probe), 'a');
  assert.equal(
    probe.errors.map(({ code }) => code),
    Object.keys(bad).map(() => 'INVALID_ARGUMENT'),
  );
  assert.match(probe.errors[0]?.message ?? '', /"\/cities\/text"/);
  etcd.put(`${prefix}/text`, valueOf('t'));
  await clock.settle();
  assert.is(namesOf(probe), 'at', 'a value that was mended counts');
  resolver.stop();
});

test('more servers than endpointsMax are cut, and told once', async () => {
  const { clock, etcd, probe, resolver } = open({ endpointsMax: 3 }, (prepared) => put(prepared, 'a', 'b', 'c'));
  await clock.settle();
  assert.equal(probe.errors, []);
  put(etcd, 'd', 'e', 'f');
  await clock.advanceSettled(20_000);
  assert.is(namesOf(probe), 'abc');
  assert.ok(probe.errors.length <= 1);
  etcd.delete(`${prefix}/a`);
  await clock.advanceSettled(4_000);
  assert.is(probe.addresses?.length, 3);
  resolver.stop();
});

test('an answer that is too long, or no answer of etcd at all, is an error and no list', async () => {
  for (const [text, code] of [
    ['x'.repeat(2_000), 'RESOURCE_EXHAUSTED'],
    ['<html>', 'INTERNAL'],
    ['null', 'INTERNAL'],
    ['{"header":{}}', 'INTERNAL'],
    ['{"error":{"grpc_code":7,"message":"no"}}', 'PERMISSION_DENIED'],
    ['{"code":16,"message":"who are you"}', null],
  ] as const) {
    const status = code === null ? 401 : 200;
    const { clock, probe, resolver } = open({
      responseBytesMax: 1_000,
      fetch: async () => ({ status, body: [Buffer.from(text)].values() as unknown as AsyncIterable<Uint8Array> }),
    });
    await clock.advanceSettled(1_000);
    assert.is(probe.errors[0]?.code, code ?? 'UNAUTHENTICATED', text.slice(0, 50));
    assert.is(probe.lists.length, 0);
    assert.ok(probe.errors.length <= 6, 'with a backoff');
    resolver.stop();
  }
});

test('clients that lose etcd together do not come back together', async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  put(etcd, 'a');
  const probes = Array.from({ length: 200 }, (_, seed) => {
    const resolver = new EtcdResolver({ endpoints: ['http://e1:2379'], prefix, fetch: etcd.fetch });
    return new ResolverProbe(resolver, clock, randomOf(seed));
  });
  await clock.advanceSettled(10_000);
  const before = etcd.to('/v3/watch').length;
  etcd.endWatches();
  await clock.advanceSettled(200);
  const times = etcd
    .to('/v3/watch')
    .slice(before)
    .map(({ at }) => at);
  assert.is(times.length, 200);
  const busiest = Math.max(
    ...Array.from(
      { length: 10 },
      (_, index) => times.filter((at) => Math.floor((at - clock.now() + 200) / 10) === index).length,
    ),
  );
  assert.ok(busiest < 50, `${busiest} of 200 in the same 10 ms`);
  for (const { resolver } of probes) resolver.stop();
});

test('a resolver that is stopped while it tells a list opens no watch after that', async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  put(etcd, 'a');
  const resolver = new EtcdResolver({ endpoints: ['http://e1:2379'], prefix, fetch: etcd.fetch });
  const told: unknown[] = [];
  const onEndpoints = (endpoints: unknown): void => {
    told.push(endpoints);
    resolver.stop();
  };
  resolver.start({ clock, random: randomOf(1), onEndpoints, onError: (error) => told.push(error) });
  await clock.advanceSettled(10_000);
  assert.is(told.length, 1);
  assert.equal(
    etcd.requests.map(({ path }) => path),
    ['/v3/kv/range'],
  );
  assert.is(clock.pending, 0);
});

test('targets of etcd, and options that are wrong', () => {
  assert.is(resolverFor('etcd://a:2379,b:2379/services/cities/').name, 'etcd://a:2379,b:2379/services/cities');
  assert.is(resolverFor('etcd+tls://a:2379/x').name, 'etcd://a:2379/x');
  const wrong: (() => unknown)[] = [
    ...['etcd://a:2379', 'etcd://a:2379/', 'etcd:///x', 'etcd://a:b/x'].map((target) => () => resolverFor(target)),
    () => new EtcdResolver({ endpoints: [], prefix }),
    () => new EtcdResolver({ endpoints: ['ftp://a'], prefix }),
    () => new EtcdResolver({ endpoints: ['http://a:2379'], prefix: '/' }),
    () => new EtcdResolver({ endpoints: ['http://a:2379'], prefix, checkMs: 0 }),
    () => new EtcdResolver({ endpoints: ['http://a:2379'], prefix, graceMs: Number.NaN }),
  ];
  for (const make of wrong) {
    assert.throws(
      make,
      (error: unknown) => error instanceof RpcError && error.code === 'INVALID_ARGUMENT',
      String(make),
    );
  }
});

test.run();
