/** When names are looked up, and what becomes of the answers: scripted name servers, virtual time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DnsResolver, type NameServers, type SrvRecord, SrvResolver } from '../../src/index.js';
import { VirtualClock } from '../support/clock.js';
import { ResolverProbe } from '../support/resolver-probe.js';

class ScriptedNames implements NameServers {
  v4: readonly string[] | string = [];
  v6: readonly string[] | string = [];
  srv: readonly SrvRecord[] | string = [];
  /** Held back until `release`. */
  hold = false;
  readonly askedAt: number[] = [];
  private held: (() => void)[] = [];

  constructor(private readonly clock: VirtualClock) {}

  async resolve4(host: string): Promise<readonly string[]> {
    this.askedAt.push(this.clock.now());
    await this.turn();
    return answer(typeof this.v4 === 'string' ? this.v4 : this.v4.filter((text) => belongs(text, host)).map(plain));
  }

  async resolve6(): Promise<readonly string[]> {
    await this.turn();
    return answer(this.v6);
  }

  async resolveSrv(): Promise<readonly SrvRecord[]> {
    return answer(this.srv);
  }

  release(): void {
    this.hold = false;
    for (const go of this.held.splice(0)) go();
  }

  private async turn(): Promise<void> {
    if (this.hold) await new Promise<void>((resolve) => this.held.push(resolve));
  }
}

/** `host=1.2.3.4` is an address of that host alone. */
const belongs = (text: string, host: string): boolean => !text.includes('=') || text.startsWith(`${host}=`);
const plain = (text: string): string => text.replace(/^.*=/, '');

/** A text in place of a list is an error of that code; an empty list is how c-ares says "no such record". */
function answer<T>(given: readonly T[] | string): readonly T[] {
  const code = typeof given === 'string' ? given : given.length === 0 ? 'ENODATA' : null;
  if (code !== null) throw Object.assign(new Error(`query ${code}`), { code });
  return given as readonly T[];
}

function openDns(options: { readonly tls?: boolean; readonly v4?: string[]; readonly hold?: boolean } = {}) {
  const clock = new VirtualClock();
  const names = new ScriptedNames(clock);
  names.v4 = options.v4 ?? ['10.0.0.2', '10.0.0.1'];
  names.hold = options.hold ?? false;
  const resolver = new DnsResolver({ host: 'cities', port: 7, tls: options.tls ?? false, dns: names });
  const began = clock.now();
  const probe = new ResolverProbe(resolver, clock);
  /** When it asked, in milliseconds from the start. */
  const asked = (): number[] => names.askedAt.map((at) => Math.round(at - began));
  return { clock, names, resolver, probe, asked };
}

test('every address of a host is an endpoint, both families, sorted', async () => {
  const { clock, names, probe, resolver } = openDns();
  names.v6 = ['fd00::1'];
  await clock.settle();
  assert.equal(probe.lists, [
    [{ address: 'tcp://10.0.0.1:7' }, { address: 'tcp://10.0.0.2:7' }, { address: 'tcp://[fd00::1]:7' }],
  ]);
  resolver.stop();
  assert.is(clock.pending, 0);
});

test('with TLS the certificate must show the name that was looked up', async () => {
  const { clock, probe, resolver } = openDns({ tls: true, v4: ['10.0.0.1'] });
  await clock.settle();
  assert.equal(probe.lists, [[{ address: 'tls://10.0.0.1:7', serverName: 'cities' }]]);
  assert.is(resolver.name, 'dns+tls://cities:7');
  resolver.stop();
});

test('names are looked up again every 30 s, 10 % more or less, and the same set is not told again', async () => {
  const { clock, names, probe, asked, resolver } = openDns();
  await clock.advanceSettled(29_000 * 1.1 + 4_100);
  names.v4 = ['10.0.0.1', '10.0.0.2'];
  await clock.advanceSettled(300_000);
  const times = asked();
  assert.ok(times.length >= 10 && times.length <= 13, String(times));
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  assert.ok(
    gaps.every((ms) => ms >= 27_000 && ms <= 33_000),
    String(gaps),
  );
  assert.ok(new Set(gaps).size > 5, 'the period is jittered');
  assert.is(probe.lists.length, 1);
  names.v4 = ['10.0.0.3'];
  await clock.advanceSettled(33_000);
  assert.equal(probe.addresses, ['tcp://10.0.0.3:7']);
  resolver.stop();
});

test('a failed endpoint has names looked up again after the floor of a second, and what is new keeps it there', async () => {
  const { clock, names, probe, asked, resolver } = openDns();
  await clock.settle();
  resolver.refresh();
  resolver.refresh();
  await clock.advanceSettled(999);
  assert.is(asked().length, 1);
  names.v4 = ['10.0.0.9'];
  await clock.advanceSettled(201);
  assert.is(asked().length, 2);
  assert.equal(probe.addresses, ['tcp://10.0.0.9:7']);
  await clock.advanceSettled(2_000);
  resolver.refresh();
  await clock.settle();
  await clock.advanceSettled(0);
  assert.is(asked().length, 3, 'the floor has passed: at once');
  resolver.stop();
});

test('an endpoint that stays down does not make a client ask once a second: the floor grows to the period', async () => {
  const { clock, asked, resolver } = openDns();
  for (let ms = 0; ms < 300_000; ms += 100) {
    resolver.refresh();
    await clock.advanceSettled(100);
  }
  const times = asked();
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  assert.ok((gaps[0] ?? 0) >= 1_000 && (gaps[0] ?? 0) <= 1_300, String(gaps));
  assert.ok(gaps.length < 20, String(gaps));
  assert.ok((gaps.at(-1) ?? 0) >= 27_000, String(gaps));
  resolver.stop();
});

test('one look-up is in flight, however long it takes; who asks meanwhile gets another one after it', async () => {
  const { clock, names, probe, asked, resolver } = openDns({ hold: true });
  await clock.advanceSettled(60_000);
  for (let i = 0; i < 5; i++) resolver.refresh();
  await clock.advanceSettled(60_000);
  assert.is(asked().length, 1);
  assert.is(probe.lists.length, 0);
  assert.match(probe.errors[0]?.message ?? '', /dns:\/\/cities:7: no answer within 5000 ms/);
  assert.is(probe.errors.length, 1);
  names.release();
  await clock.settle();
  assert.is(probe.lists.length, 1, 'a late answer counts');
  await clock.advanceSettled(1_300);
  assert.is(asked().length, 2);
  resolver.stop();
});

test('a failed look-up keeps the list, tells the error and tries again by itself, less and less often', async () => {
  const { clock, names, probe, asked, resolver } = openDns();
  await clock.settle();
  const { v4, v6 } = names;
  names.v4 = names.v6 = 'ESERVFAIL';
  resolver.refresh();
  await clock.advanceSettled(60_000);
  assert.is(probe.lists.length, 1);
  assert.is(probe.errors.length, asked().length - 1);
  const gaps = asked().map((at, index, all) => at - (all[index - 1] ?? 0));
  assert.ok((gaps[2] ?? 0) >= 1_600 && (gaps[6] ?? 0) >= 6_000, String(gaps));
  const [error] = probe.errors;
  assert.is(error?.code, 'UNAVAILABLE');
  assert.match(error?.message ?? '', /ESERVFAIL/);
  names.v4 = v4;
  names.v6 = v6;
  await clock.advanceSettled(36_000);
  assert.equal(probe.lists[1], probe.lists[0], 'the same list again: the channel learns that the names are found');
  await clock.advanceSettled(120_000);
  assert.is(probe.lists.length, 2);
  names.v4 = ['10.0.0.5'];
  await clock.advanceSettled(36_000);
  assert.equal(probe.addresses, ['tcp://10.0.0.5:7']);
  resolver.stop();
});

test('a name that does not exist is a failure; one that has no addresses is an empty list', async () => {
  const { clock, names, probe, resolver } = openDns();
  await clock.settle();
  names.v4 = names.v6 = 'ENOTFOUND';
  resolver.refresh();
  await clock.advanceSettled(3_000);
  assert.is(probe.lists.length, 1);
  assert.ok(probe.errors.length > 0);
  names.v4 = names.v6 = [];
  await clock.advanceSettled(10_000);
  assert.equal(probe.addresses, []);
  resolver.stop();
});

test('one address family that fails removes no endpoint', async () => {
  const { clock, names, probe, resolver } = openDns({ v4: ['10.0.0.1'] });
  names.v6 = ['fd00::1'];
  await clock.settle();
  names.v6 = 'ETIMEOUT';
  names.v4 = ['10.0.0.2'];
  resolver.refresh();
  await clock.advanceSettled(1_300);
  assert.equal(probe.addresses, ['tcp://10.0.0.2:7', 'tcp://[fd00::1]:7']);
  names.v4 = [];
  resolver.refresh();
  await clock.advanceSettled(3_000);
  assert.equal(probe.addresses, ['tcp://[fd00::1]:7']);
  resolver.stop();
});

test('after stop no update comes and no timer is left', async () => {
  const { clock, names, probe, resolver } = openDns({ hold: true });
  resolver.stop();
  names.release();
  resolver.refresh();
  await clock.advanceSettled(100_000);
  assert.equal(probe.lists, []);
  assert.is(clock.pending, 0);
});

function openSrv(srv: readonly SrvRecord[], options: { readonly tls?: boolean; readonly serverName?: string } = {}) {
  const clock = new VirtualClock();
  const names = new ScriptedNames(clock);
  names.srv = srv;
  const resolver = new SrvResolver({ name: '_rpc._tcp.cities.example', dns: names, ...options });
  return { clock, names, resolver, probe: new ResolverProbe(resolver, clock) };
}

const record = (name: string, port: number, weight = 0, priority = 0): SrvRecord => ({ name, port, weight, priority });

test('SRV records carry ports, weights and priorities; a weight is divided among the addresses of its target', async () => {
  const { clock, names, probe, resolver } = openSrv([record('a', 1, 10), record('b', 2, 30, 1)]);
  names.v4 = ['a=10.0.0.1', 'a=10.0.0.2', 'b=10.0.0.3'];
  await clock.settle();
  assert.equal(probe.lists, [
    [
      { address: 'tcp://10.0.0.1:1', weight: 5, priority: 0 },
      { address: 'tcp://10.0.0.2:1', weight: 5, priority: 0 },
      { address: 'tcp://10.0.0.3:2', weight: 30, priority: 1 },
    ],
  ]);
  resolver.stop();
});

test('weights of 0 are all alike, and small beside others', async () => {
  for (const [weights, expected] of [
    [
      [0, 0],
      [1, 1],
    ],
    [
      [0, 5],
      [0.1, 5],
    ],
  ] as const) {
    const { clock, names, probe, resolver } = openSrv(weights.map((weight, index) => record(`h${index}`, 7, weight)));
    names.v4 = ['h0=10.0.0.1', 'h1=10.0.0.2'];
    await clock.settle();
    assert.equal(
      probe.lists[0]?.map(({ weight }) => weight),
      expected,
    );
    resolver.stop();
  }
});

test('a target that cannot be looked up keeps its last addresses and removes no endpoint', async () => {
  const { clock, names, probe, resolver } = openSrv([record('a', 1), record('b', 2)]);
  names.v4 = ['a=10.0.0.1', 'b=10.0.0.2'];
  await clock.settle();
  names.srv = [record('a', 1), record('b', 2), record('c', 3)];
  names.v6 = 'ESERVFAIL';
  names.v4 = ['b=10.0.0.4'];
  resolver.refresh();
  await clock.advanceSettled(1_300);
  assert.equal(probe.addresses, ['tcp://10.0.0.1:1', 'tcp://10.0.0.4:2']);
  assert.is(probe.errors.length, 1);
  names.v4 = ['b=10.0.0.4', 'c=10.0.0.5'];
  await clock.advanceSettled(3_000);
  assert.equal(
    probe.addresses,
    ['tcp://10.0.0.1:1', 'tcp://10.0.0.4:2', 'tcp://10.0.0.5:3'],
    'it tries again by itself',
  );
  resolver.stop();
});

test('targets of which none can be looked up are no empty list', async () => {
  const { clock, names, probe, resolver } = openSrv([record('a', 1)]);
  names.v4 = names.v6 = 'ENOTFOUND';
  await clock.settle();
  assert.equal([probe.lists.length, probe.errors.length], [0, 1]);
  resolver.stop();
});

test('no SRV records, or one that leads to the root, is an empty list', async () => {
  for (const srv of [[], [record('.', 7)], [record('', 7)]]) {
    const { clock, probe, resolver } = openSrv(srv);
    await clock.settle();
    assert.equal(probe.lists, [[]]);
    resolver.stop();
  }
});

test('with TLS a target outside the domain of the name is left out, unless the name of the certificates is given', async () => {
  const records = [
    record('a.cities.example', 1),
    record('Cities.example.', 2),
    record('evil.example', 3),
    record('xcities.example', 4),
  ];
  const strict = openSrv(records, { tls: true });
  strict.names.v4 = ['a.cities.example=10.0.0.1', 'Cities.example.=10.0.0.2', 'evil.example=10.0.0.3'];
  await strict.clock.settle();
  assert.equal(strict.probe.lists, [
    [
      { address: 'tls://10.0.0.1:1', weight: 1, priority: 0, serverName: 'a.cities.example' },
      { address: 'tls://10.0.0.2:2', weight: 1, priority: 0, serverName: 'Cities.example' },
    ],
  ]);
  assert.is(strict.probe.errors.length, 2);
  assert.match(strict.probe.errors[0]?.message ?? '', /evil\.example, outside of cities\.example/);
  strict.resolver.stop();
  const named = openSrv([record('evil.example', 3)], { tls: true, serverName: 'cities.example' });
  named.names.v4 = ['10.0.0.3'];
  await named.clock.settle();
  assert.equal(named.probe.lists[0]?.[0]?.serverName, 'cities.example');
  named.resolver.stop();
});

test('more than 1,000 addresses are cut and told', async () => {
  const { clock, probe, resolver } = openDns({
    v4: Array.from({ length: 1_200 }, (_, index) => `10.0.${index >> 8}.${index & 255}`),
  });
  await clock.settle();
  assert.is(probe.lists[0]?.length, 1_000);
  assert.is(probe.errors[0]?.limit?.name, 'endpointsMax');
  resolver.stop();
});

test('SRV records that lead a thousand times to thousands of addresses: each name is asked once, few endpoints are looked at', async () => {
  const clock = new VirtualClock();
  const names = new ScriptedNames(clock);
  let read = 0;
  names.v4 = Array.from({ length: 4_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
  names.srv = Array.from({ length: 1_000 }, (_, at) => ({
    name: 'one.cities',
    port: at + 1,
    priority: 0,
    get weight() {
      read++;
      return 1;
    },
  }));
  const resolver = new SrvResolver({ name: '_rpc._tcp.cities', dns: names });
  const probe = new ResolverProbe(resolver, clock);
  await clock.settle();
  assert.is(names.askedAt.length, 1);
  assert.is(probe.lists.at(-1)?.length, 1_000);
  assert.ok(read <= 10, `the weight of a record was read ${read} times`);
  assert.match(probe.errors.at(-1)?.message ?? '', /lists more endpoints than are taken/);
  resolver.stop();
});

test.run();
