/** Options and targets are checked where they enter, by name: nothing is ignored in silence (A1, A8). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  avroCodec,
  connect,
  consistentHash,
  DnsResolver,
  defineService,
  EtcdRegistry,
  EtcdResolver,
  oneway,
  RpcError,
  Server,
  SrvResolver,
  StaticList,
  serverStream,
  unary,
} from '../../src/index.js';
import { openEnds, refusal } from '../support/rpc.js';

const target = 'tcp://127.0.0.1:1';

/** What JavaScript may hand over, whatever the types say. */
// oxlint-disable-next-line typescript/no-explicit-any -- every test here breaks the types
type Anything = any;

async function rejection(promise: Promise<unknown>): Promise<RpcError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  assert.instance(outcome, RpcError);
  assert.is((outcome as RpcError).code, 'INVALID_ARGUMENT');
  return outcome as RpcError;
}

const channelWith = (options: Anything): unknown => connect(target, options);

test('A1 an option that does not exist is refused wherever options are taken, and the nearest one is named', () => {
  const mistakes: readonly (readonly [() => unknown, RegExp])[] = [
    [() => channelWith({ timeout: 1 }), /no option timeout of connect; did you mean deadlineMs\?/],
    [() => channelWith({ deadlineMS: 1 }), /no option deadlineMS of connect; did you mean deadlineMs\?/],
    [() => channelWith({ retries: {} }), /did you mean retry\?/],
    [() => channelWith({ zebra: 1 }), /no option zebra of connect; the options are limits, compression/],
    [
      () => channelWith({ limits: { messageByteMax: 1 } }),
      /no limit messageByteMax; did you mean limits\.messageBytesMax\?/,
    ],
    [
      () => channelWith({ pool: { conectionsMin: 1 } }),
      /no option pool\.conectionsMin; did you mean pool\.connectionsMin/,
    ],
    [() => channelWith({ retry: { attempts: 1 } }), /no option retry\.attempts; /],
    [
      () => channelWith({ retry: { budget: { shares: 1 } } }),
      /retry\.budget\.shares; did you mean retry\.budget\.share\?/,
    ],
    [() => channelWith({ hedging: { percentil: 0.9 } }), /did you mean hedging\.percentile\?/],
    [() => channelWith({ ejection: { intervallMs: 1 } }), /did you mean ejection\.intervalMs\?/],
    [() => new Server({ onHandlerErrors() {} } as Anything), /of new Server; did you mean onHandlerError\?/],
    [() => new Server({ deadlineMs: 5 } as Anything), /no option deadlineMs of new Server/],
    [() => consistentHash({ loadfactor: 2 } as Anything), /did you mean loadFactor\?/],
    [() => new StaticList([{ address: target, wieght: 2 } as Anything]), /of an endpoint; did you mean weight\?/],
    [() => new DnsResolver({ host: 'a', port: 1, period: 5 } as Anything), /of DnsResolver/],
    [() => new SrvResolver({ name: 'a', server: 'b' } as Anything), /of SrvResolver/],
    [() => new EtcdResolver({ endpoints: ['http://a:1'], prefix: '/a', checkMS: 1 } as Anything), /checkMs/],
    [() => new EtcdRegistry({ endpoints: ['http://a:1'], prefix: '/a', ttl: 1 } as Anything), /of EtcdRegistry/],
    [
      () => new Server().register('etcd://a:1/b', { addres: target } as Anything),
      /of register; did you mean address\?/,
    ],
  ];
  for (const [make, text] of mistakes) assert.match(refusal(make).message, text);
});

test('A1 listen, drain and close refuse unknown options by a rejection, and then work', async () => {
  const ends = await openEnds();
  assert.match((await rejection(ends.server.listen({ prot: 5 } as Anything))).message, /did you mean port\?/);
  assert.match((await rejection(ends.server.drain({ timeout: 5 } as Anything))).message, /did you mean graceMs\?/);
  assert.match((await rejection(ends.channel.close({ grace: 5 } as Anything))).message, /did you mean graceMs\?/);
  assert.is((await ends.notes.echo({ id: 1, text: 'a' })).id, 1);
  await ends.close();
});

test('A1 what is no object of options is refused', async () => {
  for (const wrong of [
    null,
    5,
    'text',
    [],
    new Map(),
    new Set(),
    Promise.resolve({}),
    new Date(),
    () => {},
    new URL('a://b'),
  ]) {
    refusal(() => channelWith(wrong));
    refusal(() => new Server(wrong as Anything));
    for (const part of ['limits', 'pool', 'retry', 'hedging', 'ejection']) {
      assert.match(refusal(() => channelWith({ [part]: wrong })).message, part);
    }
  }
  refusal(() => channelWith({ hedging: true }));
  await rejection(new Server().listen(50_051 as Anything));
});

test('A1 a value of another type is refused by the name of its option', () => {
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ['deadlineMs', ['5', 5n, new Date(), Number.NaN, 0, -1, null]],
    ['waitForReady', [1, 'yes', null]],
    ['ledger', [1, 'yes', null]],
    ['checksums', [1, 'true']],
    ['compression', ['zip', 5, Object.create(null), Symbol('lz4')]],
    ['random', [5]],
    ['clock', [() => 0]],
    ['tls', [true, []]],
    ['onHandlerError', ['log']],
    ['dial', ['tcp']],
    ['balancer', ['roundRobin', Object.create(null)]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) assert.match(refusal(() => channelWith({ [name]: value })).message, name);
  }
  for (const value of ['3', 3n, Number.NaN, null, new Date()]) {
    assert.match(refusal(() => channelWith({ retry: { attemptsMax: value } })).message, 'retry.attemptsMax');
    assert.match(refusal(() => channelWith({ hedging: { callsMin: value } })).message, 'hedging.callsMin');
    assert.match(refusal(() => channelWith({ ejection: { callsMin: value } })).message, 'ejection.callsMin');
    assert.match(refusal(() => channelWith({ pool: { connectionsMax: value } })).message, 'pool.connectionsMax');
  }
});

test('A1 options may be frozen, without prototype, of a class or a proxy, and hold undefined; what throws when read is refused', async () => {
  class Settings {
    deadlineMs = 5;
    get waitForReady(): boolean {
      return true;
    }
  }
  const good = { deadlineMs: 5, retry: undefined, pool: { connectionsMin: undefined } };
  const withoutPrototype: object = Object.assign(Object.create(null), good);
  for (const options of [good, Object.freeze(good), withoutPrototype, new Settings(), new Proxy(good, {}), undefined]) {
    await connect(target, options as Anything).close();
  }
  const own = new Error('no configuration');
  const throwing = {
    get deadlineMs(): number {
      throw own;
    },
  };
  const error = refusal(() => channelWith(throwing));
  assert.match(error.message, /deadlineMs of connect cannot be read: no configuration/);
  assert.is(error.cause, own);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  refusal(() => channelWith(proxy));
});

test('A1 a target that is none is refused with a text that shows what is right', () => {
  for (const wrong of [
    undefined,
    null,
    5,
    {},
    [undefined],
    [target, 5],
    Array.from({ length: 2 }),
    () => {},
    new Map(),
    '',
    'localhost',
    [],
  ]) {
    assert.match(refusal(() => connect(wrong as Anything)).message, /tcp:\/\/|at least one address/);
  }
  // oxlint-disable-next-line no-sparse-arrays -- that is the mistake
  assert.match(refusal(() => connect([target, , target] as Anything)).message, /the target is undefined/);
  assert.match(refusal(() => connect({ host: 'a', port: 1 } as Anything)).message, 'write `tcp://${host}:${port}`');
  assert.match(refusal(() => connect(new URL(target) as Anything)).message, /pass its href/);
  assert.match(refusal(() => connect({ name: 'x', start() {} } as Anything)).message, /or a resolver/);
  assert.match(refusal(() => new StaticList([{ address: 5 } as Anything])).message, /address/);
  for (const wrong of [undefined, 5, {}, new URL('etcd://a:1/b')]) {
    assert.match(refusal(() => new Server().register(wrong as Anything, { address: target })).message, /etcd:\/\/host/);
  }
});

test('A1 listen refuses ports that are none, and a path together with a port', async () => {
  for (const port of ['0', -1, 65_536, 1.5, Number.NaN, 5n]) {
    assert.match((await rejection(new Server().listen({ port } as Anything))).message, /port/);
  }
  assert.match((await rejection(new Server().listen({ path: '/tmp/a', port: 0 }))).message, /path as well as/);
  await rejection(new Server().listen({ path: '' }));
});

test('A8 an infinite grace waits for what is running, and is told to the peer', async () => {
  let finish: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let started: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    started = resolve;
  });
  const ends = await openEnds({
    handlers: {
      async echo(note) {
        started();
        await running;
        return note;
      },
    },
  });
  const answer = ends.notes.echo({ id: 7, text: 'late' });
  await begun;
  let drained = false;
  const drain = ends.server.drain({ graceMs: Number.POSITIVE_INFINITY }).then((report) => {
    drained = true;
    return report;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not(drained);
  finish();
  assert.is((await answer).id, 7);
  assert.equal((await drain).cancelled, []);
  assert.equal((await ends.channel.close({ graceMs: Number.POSITIVE_INFINITY })).cancelled, []);
});

test('A8 graces and deadlines may be huge or have fractions; an infinite grace can be shortened', async () => {
  for (const graceMs of [Number.MAX_SAFE_INTEGER, 2 ** 31, 0.25, Number.MAX_VALUE]) {
    const ends = await openEnds();
    for (const deadlineMs of [Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, 2 ** 31, 30_000.5, Number.POSITIVE_INFINITY]) {
      assert.is((await ends.notes.echo({ id: 3, text: '' }, { deadlineMs })).id, 3);
    }
    assert.equal((await ends.server.drain({ graceMs })).cancelled, []);
    await ends.channel.close({ graceMs });
  }
  const ends = await openEnds({ handlers: { echo: () => new Promise(() => {}) } });
  await ends.channel.ready();
  const answer = ends.notes.echo({ id: 1, text: '' }).catch((error: unknown) => error);
  const first = ends.channel.close({ graceMs: Number.POSITIVE_INFINITY });
  await ends.channel.close({ graceMs: 1 });
  assert.is((await first).cancelled.length, 1);
  assert.is(((await answer) as RpcError).code, 'CANCELLED');
  await ends.close();
});

test('A1 a method, a service and a codec refuse unknown options and values of another type', () => {
  const ints = { request: 'int', response: 'int' } as const;
  const mistakes: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => unary({ ...ints, idempotant: true } as Anything),
      /no option idempotant of unary; did you mean idempotent\?/,
    ],
    [() => unary({ ...ints, idempotent: 'yes' } as Anything), /idempotent of unary is "yes"/],
    [() => serverStream({ ...ints, compression: 'zip' } as Anything), /compression of serverStream is "zip"/],
    [() => serverStream({ ...ints, longs: 'bigints' } as Anything), /longs of serverStream/],
    [() => unary({ ...ints, errors: {} } as Anything), /errors of unary is an object, but must be an array/],
    [() => oneway({ ...ints } as Anything), /response of oneway is "int", but must be absent/],
    [() => unary({ ...oneway({ request: 'int' }), response: 'int' } as Anything), /kind of unary is "oneway"/],
    [() => (unary as Anything)(), /unary takes an object/],
    [() => unary('int' as Anything), /the options of unary are "int"/],
    [() => defineService('x.S', { get: unary(ints) }, { compresion: 'off' } as Anything), /did you mean compression\?/],
    [() => defineService('x.S', { get: unary(ints) }, { longs: 'long' } as Anything), /longs of defineService/],
    [() => avroCodec('long', { long: 'bigint' } as Anything), /did you mean longs\?/],
    [() => avroCodec('long', { depthMax: '5' } as Anything), /depthMax of avroCodec is "5"/],
  ];
  for (const [make, text] of mistakes) assert.match(refusal(make).message, text);
  const again = unary({ ...unary(ints), idempotent: true } as Anything);
  assert.ok(again.idempotent);
});

test('A1 handlers are refused that are missing, no functions, or for a method that does not exist', () => {
  const ints = { request: 'int', response: 'int' } as const;
  const Service = defineService('x.S', { get: unary(ints), list: unary(ints) });
  const get = (value: number): number => value;
  const mistakes: readonly (readonly [Anything, RegExp])[] = [
    [undefined, /the handlers are undefined/],
    [get, /the handlers are a function/],
    [[get], /the handlers are an Array/],
    [{ get }, /no handler for list/],
    [{ get, list: 'get' }, /no handler for list, but "get"/],
    [{ get, list: get, lisst: get }, /no method lisst for this handler; did you mean list\?/],
    [{ get, lits: get }, /no method lits for this handler; did you mean list\?/],
    [{ get, list: get, remove: get }, /no method remove for this handler; it has get, list/],
  ];
  for (const [handlers, text] of mistakes) {
    assert.match(refusal(() => new Server().add(Service, handlers)).message, text);
    assert.match(refusal(() => connect(target).add(Service, handlers)).message, text);
  }
  class WithHelpers {
    readonly store = new Map<number, number>();
    get(value: number): number {
      return this.helper(value);
    }
    list(value: number): number {
      return value;
    }
    helper(value: number): number {
      return value;
    }
  }
  const server = new Server().add(Service, new WithHelpers());
  assert.match(refusal(() => server.add(Service, { get, list: get })).message, /is served already/);
});

test.run();
