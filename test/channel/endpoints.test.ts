/** Several endpoints on a simulated network: who takes calls, what happens when one goes, comes or is named no more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../src/base/clock.js';
import { connect, RpcError, Server } from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { failureOf } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';
import { addressOf, Fleet, nothing, openFleet, Who } from './fleet.js';

const notInBun = onlyIn(test, ['node', 'deno'], 'Bun has no --expose-gc');

test('calls are spread over all endpoints, and describe shows them', async () => {
  const made = await openFleet(['a', 'b', 'c']);
  const hosts = await made.ask(30);
  for (const host of ['a', 'b', 'c']) assert.is(hosts.filter((each) => each === host).length, 10);
  const description = made.channel.describe();
  assert.is(description.state, 'ready');
  assert.is(description.callsMade, 30);
  assert.equal(
    description.endpoints.map(({ address, state, answered, inFlight }) => ({ address, state, answered, inFlight })),
    ['a', 'b', 'c'].map((host) => ({ address: addressOf(host), state: 'ready', answered: 10, inFlight: 0 })),
  );
  await made.close();
});

test('calls wait while the resolver looks up, and fail at once when the look-up fails or finds no endpoint', async () => {
  const made = new Fleet();
  made.up('a');
  made.open();
  const call = made.begin();
  await made.network.advance(10);
  made.list.push('a');
  assert.equal(await made.network.run(call), ['a']);
  await made.close();

  const other = new Fleet();
  other.open();
  const failed = failureOf(other.begin());
  await other.network.advance(10);
  other.list.context?.onError(new RpcError('UNAVAILABLE', 'the directory is away'));
  assert.match((await failed).message, /the directory is away/);
  assert.match((await failureOf(other.begin())).message, /the directory is away/);
  assert.ok(other.list.refreshes > 0);
  other.list.push();
  assert.match((await failureOf(other.begin())).message, /pushed list lists no endpoint/);
  await other.close();
});

test('an endpoint that is down takes no calls, and is tried again with backoff until it is back', async () => {
  const made = await openFleet(['a', 'b']);
  made.crash('a');
  await made.network.advance(5);
  assert.equal([...new Set(await made.ask(10))], ['b']);
  await made.network.advance(5_000);
  assert.is(made.channel.describe().endpoints[0]?.state, 'backoff');
  made.up('a');
  await made.network.advance(10_000);
  assert.equal([...new Set(await made.ask(10))].sort(), ['a', 'b']);
  await made.close();
});

test('an endpoint that joins gets calls when it is connected; one that is named no more gets none, and what runs there ends', async () => {
  const made = await openFleet(['a', 'b']);
  made.up('c');
  const running = made.begin(4);
  await made.network.advance(2);
  made.list.push('b', 'c');
  assert.equal((await made.network.run(running)).sort(), ['a', 'a', 'b', 'b']);
  await made.network.advance(10);
  assert.equal([...new Set(await made.ask(10))].sort(), ['b', 'c']);
  assert.equal(
    made.channel.describe().endpoints.map(({ address }) => address),
    [addressOf('b'), addressOf('c')],
  );
  await made.close();
});

test('make before break: endpoints that are named no more are called until one of the new ones is up', async () => {
  const made = await openFleet(['a']);
  made.list.push('b');
  assert.equal(await made.ask(2), ['a', 'a']);
  made.list.push();
  assert.equal(await made.ask(2), ['a', 'a']);
  made.up('b');
  made.list.push('b');
  await made.network.advance(10_000);
  assert.equal(await made.ask(2), ['b', 'b']);
  await made.close();
});

test('an endpoint that is named no more and was kept is given up when its connection is lost', async () => {
  const made = await openFleet(['a']);
  made.list.push('b');
  assert.is(made.describe('a').leaving, true);
  made.crash('a');
  await made.network.advance(10);
  assert.equal(
    made.channel.describe().endpoints.map(({ address }) => address),
    [addressOf('b')],
  );
  await made.close();
});

test('a retried call that ends without an endpoint says that it may have started', async () => {
  const made = await openFleet(['a', 'b']);
  const client = made.channel.client(Who);
  const refused = failureOf(client.read(nothing));
  const patient = failureOf(client.read(nothing, { waitForReady: true, deadlineMs: 1_000 }));
  await made.network.advance(3);
  for (const host of ['a', 'b']) made.crash(host);
  for (const failed of [refused, patient]) {
    const failure = await made.network.run(failed);
    assert.is(failure.started, 'maybe');
    assert.ok(failure.attempts.length > 0);
  }
  assert.is((await patient).code, 'DEADLINE_EXCEEDED');
  await made.close();
});

test('an idempotent call whose server crashes is answered by another, and tells both attempts; others fail as started=maybe', async () => {
  const made = await openFleet(['a', 'b']);
  const client = made.channel.client(Who);
  const reads = [client.read.detailed(nothing), client.read.detailed(nothing)];
  const asks = [client.ask(nothing), client.ask(nothing)].map((call) =>
    call.then(
      () => null,
      (error: RpcError) => error,
    ),
  );
  await made.network.advance(3);
  made.crash('a');
  const results = await made.network.run(Promise.all(reads));
  assert.equal(
    results.map(({ value }) => value.toString()),
    ['b', 'b'],
  );
  const retried = results.find(({ attempts }) => attempts.length === 2);
  assert.equal(
    retried?.attempts.map(({ endpoint, code, started }) => ({ endpoint, code, started })),
    [
      { endpoint: addressOf('a'), code: 'UNAVAILABLE', started: 'maybe' },
      { endpoint: addressOf('b'), code: 'OK', started: 'yes' },
    ],
  );
  const [failure] = (await made.network.run(Promise.all(asks))).filter((error) => error !== null);
  assert.is(failure?.code, 'UNAVAILABLE');
  assert.is(failure?.started, 'maybe');
  assert.is(made.asked.length, 5);
  assert.is(made.channel.describe().retries.made, 1);
  await made.close();
});

test('a server that drains loses no call: those it refuses go to another at once', async () => {
  const made = await openFleet(['a', 'b', 'c']);
  for (const host of ['a', 'b', 'c']) {
    const calls = made.begin(30);
    await made.network.advance(1);
    const drained = made.servers.get(host)?.server.drain();
    made.servers.get(host)?.close();
    const more = made.begin(30);
    await made.network.run(Promise.all([calls, more]));
    await made.network.run(drained as Promise<unknown>);
    made.up(host);
    await made.network.advance(2_000);
    assert.equal([...new Set(await made.ask(30))].sort(), ['a', 'b', 'c']);
  }
  await made.close();
});

test('with waitForReady calls wait through failed attempts until their deadline; without, they fail with the reason', async () => {
  const made = new Fleet();
  made.open();
  const client = made.channel.client(Who);
  const patient = client.ask(nothing, { waitForReady: true });
  const late = failureOf(client.ask(nothing, { waitForReady: true, deadlineMs: 500 }));
  const hasty = failureOf(client.ask(nothing));
  made.list.push('a', 'b');
  await made.network.advance(1_000);
  assert.match((await hasty).message, /ECONNREFUSED/);
  assert.is((await late).code, 'DEADLINE_EXCEEDED');
  assert.is((await late).started, 'no');
  made.up('b');
  assert.is((await made.network.run(patient)).toString(), 'b');
  await made.close();
});

test('endpoints of a higher priority number are called only while none of a lower one is up', async () => {
  const made = new Fleet();
  for (const host of ['a', 'b']) made.up(host);
  const ready = made.open().ready();
  await made.network.advance(1);
  made.list.push('a', { address: addressOf('b'), priority: 1 });
  await made.network.run(ready);
  await made.network.advance(10);
  assert.equal([...new Set(await made.ask(4))], ['a']);
  made.crash('a');
  await made.network.advance(10);
  assert.equal([...new Set(await made.ask(4))], ['b']);
  made.up('a');
  await made.network.advance(10_000);
  assert.equal([...new Set(await made.ask(4))], ['a']);
  await made.close();
});

test('a resolver that tells of another process at an address ends the wait that the one before has caused', async () => {
  const made = await openFleet(['a', 'b']);
  made.crash('a');
  await made.network.advance(20_000);
  const { retryInMs } = made.describe('a');
  assert.ok(retryInMs > 1_000, `${retryInMs} ms`);
  made.up('a');
  made.list.push({ address: addressOf('a'), instance: '2' }, 'b');
  await made.network.advance(10);
  assert.equal([...new Set(await made.ask(4))].sort(), ['a', 'b']);
  await made.close();
});

test('F30 clients that lost a connection together come back over 100 ms, and calls wait that long', async () => {
  const network = new SimulatedNetwork({ seed: 3, latencyMs: 1 });
  const dialled: number[] = [];
  const server = new Server(network.options('a')).add(Who, { ask: () => nothing, read: () => nothing });
  network.listen('a', server);
  const clients = Array.from({ length: 200 }, (_, index) => {
    const options = network.options(`client${index}`);
    const dial: typeof options.dial = (address, ms) => {
      dialled.push(network.clock.now());
      return options.dial(address, ms);
    };
    return connect(addressOf('a'), { ...options, dial });
  });
  await network.run(Promise.all(clients.map((client) => client.client(Who).ask(nothing))));
  dialled.length = 0;
  const lostAt = network.clock.now();
  for (let index = 0; index < clients.length; index++) network.reset(`client${index}`, 'a');
  await network.advance(2);
  await network.run(Promise.all(clients.map((client) => client.client(Who).ask(nothing))));
  assert.is(dialled.length, clients.length);
  for (let from = lostAt; from < lostAt + 100; from += 10) {
    const attempts = dialled.filter((at) => at >= from && at < from + 10).length;
    assert.ok(attempts >= 5 && attempts <= 50, `${attempts} of 200 attempts ${from - lostAt} ms after the loss`);
  }
  await network.run(Promise.all([...clients.map((client) => client.close()), server.close()]));
});

test('what waits for a connection is bounded by count and by bytes', async () => {
  const made = new Fleet();
  made.up('a');
  const { ask } = made.open({ limits: { callsQueuedMax: 3, callsQueuedBytesMax: 1_000 } }).client(Who);
  const bytes = (length: number): Promise<Buffer> => ask(Buffer.alloc(length));
  const first = bytes(600);
  const large = await failureOf(bytes(401));
  assert.is(large.code, 'RESOURCE_EXHAUSTED');
  assert.equal(large.limit, { name: 'callsQueuedBytesMax', value: 1_000, setting: 'limits.callsQueuedBytesMax' });
  const others = [bytes(300), bytes(100)];
  assert.is((await failureOf(bytes(0))).limit?.name, 'callsQueuedMax');
  await made.network.advance(1);
  made.list.push('a');
  await made.network.run(Promise.all([first, ...others]));
  // Their bytes and places are free again.
  made.crash('a');
  await made.network.advance(5);
  const waiting = failureOf(bytes(1_000));
  await made.network.advance(10_000);
  assert.is((await waiting).code, 'UNAVAILABLE');
  await made.close();
});

notInBun('calls that failed while they waited leave nothing behind where nobody takes calls', async () => {
  const made = new Fleet();
  const client = made.open().client(Who);
  const waiting = made.channel.ready().catch(() => {});
  await made.network.advance(1);
  made.list.push('nowhere');
  const requests: WeakRef<Buffer>[] = [];
  for (let round = 0; round < 50; round++) {
    const request = Buffer.alloc(8);
    requests.push(new WeakRef(request));
    const failure = await made.network.run(failureOf(client.ask(request, { waitForReady: true, deadlineMs: 20 })));
    assert.is(failure.code, 'DEADLINE_EXCEEDED');
  }
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const left = requests.filter((request) => request.deref() !== undefined).length;
  assert.ok(left <= 20, `${left} of 50 requests are kept`);
  await waiting;
  await made.close();
});

test('the process is kept alive while calls wait, and no longer', async () => {
  const made = new Fleet();
  const { clock } = made.network;
  let holds = 0;
  const watched: Clock = {
    now: () => clock.now(),
    afterReads: (callback) => clock.afterReads(callback),
    setTimer: (callback, ms, keepsAlive = false) => {
      if (!keepsAlive) return clock.setTimer(callback, ms);
      holds++;
      let held = true;
      const release = (): void => {
        if (held) holds--;
        held = false;
      };
      const timer = clock.setTimer(() => {
        release();
        callback();
      }, ms);
      const cancel = (): void => {
        release();
        timer.cancel();
      };
      return { cancel };
    },
  };
  const client = made.open({ clock: watched }).client(Who);
  await made.network.advance(1);
  const failed = failureOf(client.ask(nothing, { waitForReady: true, deadlineMs: 5_000 }));
  made.list.push();
  for (let second = 0; second < 4; second++) {
    await made.network.advance(1_000);
    assert.is(holds, 1);
  }
  assert.is((await made.network.run(failed)).code, 'DEADLINE_EXCEEDED');
  await made.network.advance(300);
  assert.is(holds, 0);
  await made.close();
});

test('a resolver that cannot be started fails every call, not only the first', async () => {
  const made = new Fleet();
  made.list.start = () => {
    throw new RpcError('FAILED_PRECONDITION', 'another channel has it');
  };
  const client = made.open().client(Who);
  for (let call = 0; call < 2; call++) {
    const failure = await made.network.run(failureOf(client.ask(nothing)));
    assert.is(failure.code, 'FAILED_PRECONDITION');
  }
  await made.close();
});

test('an endpoint whose weight or priority is not a number is left out, and describe says so', async () => {
  const made = await openFleet(['a']);
  made.up('b');
  made.up('c');
  made.list.push(
    { address: addressOf('a'), priority: Number.NaN },
    { address: addressOf('b'), weight: 0 },
    { address: addressOf('c') },
  );
  await made.network.advance(100);
  assert.equal([...new Set(await made.ask(5))], ['c']);
  assert.match(made.channel.describe().resolverFailure ?? '', /tcp:\/\/b:1 the weight 0/);
  await made.close();
});

test('ready() is rejected where the target has no endpoint, at once and each time', async () => {
  const made = new Fleet();
  made.open();
  const first = failureOf(made.channel.ready());
  await made.network.advance(1);
  made.list.push();
  assert.is((await first).code, 'UNAVAILABLE');
  assert.match((await failureOf(made.channel.ready())).message, /lists no endpoint/);
  await made.close();
});

test.run();
