/** Bugs that the channel simulation has found, each as its smallest case. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ChannelOptions,
  connect,
  defineService,
  type Endpoint,
  type Resolver,
  type ResolverContext,
  RpcError,
  roundRobin,
  Server,
  unary,
} from '../../../src/index.js';
import { SimulatedNetwork } from '../../../src/testing/index.js';

const Who = defineService('sim.Who', { ask: unary({ request: 'long', response: 'string' }) });

/** A list that the test changes. */
class Pushed implements Resolver {
  readonly name = 'pushed';
  private context: ResolverContext | null = null;

  constructor(private list: readonly Endpoint[]) {}

  start(context: ResolverContext): void {
    this.context = context;
    context.onEndpoints(this.list);
  }

  refresh(): void {}
  stop(): void {}

  push(...hosts: readonly string[]): void {
    this.list = hosts.map((host) => ({ address: `tcp://${host}:1` }));
    this.context?.onEndpoints(this.list);
  }
}

function open(hosts: readonly string[], options: ChannelOptions) {
  const dials: string[] = [];
  const network = new SimulatedNetwork({ seed: 1, onEvent: ({ kind, to }) => kind === 'dial' && dials.push(to) });
  const failing = new Set<string>();
  const slow = new Set<string>();
  /** Where handlers began. */
  const begun: string[] = [];
  const servers = new Map<string, Server>();
  const start = (host: string): void => {
    const server = new Server(network.options(host)).add(Who, {
      ask: async (ms) => {
        begun.push(`tcp://${host}:1`);
        if (slow.has(host)) await network.clock.sleep(1_000);
        if (failing.has(host)) throw new RpcError('UNAVAILABLE', 'planned');
        if (ms > 0) await network.clock.sleep(ms);
        return host;
      },
    });
    servers.set(host, server);
    network.listen(host, server);
  };
  for (const host of hosts) start(host);
  const resolver = new Pushed([]);
  resolver.push(...hosts);
  const channel = connect(resolver, { ...network.options('client'), ...options });
  const close = () =>
    network.run(Promise.all([channel.close(), ...[...servers.values()].map((server) => server.close())]));
  return { network, start, servers, resolver, channel, stub: channel.client(Who), dials, failing, slow, begun, close };
}

test('F13 a server that drains and still accepts is not dialled again without a pause, with several connections either', async () => {
  const { network, servers, channel, stub, dials, close } = open(['a', 'b'], {
    pool: { connectionsMin: 2 },
    balancer: roundRobin,
  });
  await network.run(channel.ready());
  await network.advance(100);
  const slow = [stub.ask(5_000), stub.ask(5_000)];
  await network.advance(100);
  dials.length = 0;
  void servers.get('a')?.drain();
  await network.advance(2_000);
  const count = dials.filter((host) => host === 'a').length;
  // Two connections for each pause of at least 80 ms.
  assert.ok(count > 2 && count <= 50, `${count} dials in 2 s`);
  await network.run(Promise.all(slow));
  await close();
});

test('an endpoint whose ejection expired while it was the only one gets calls again when there are others', async () => {
  const { network, resolver, channel, stub, failing, close } = open(['a', 'b', 'c'], {
    balancer: roundRobin,
    ejection: { failuresInRowMax: 1, ejectedMsFirst: 1_000 },
  });
  resolver.push('a', 'b');
  await network.run(channel.ready());
  await network.advance(100);
  failing.add('a');
  for (let i = 0; i < 4; i++) await network.run(stub.ask(0).catch(() => ''));
  const ejected = () =>
    channel
      .describe()
      .endpoints.filter((endpoint) => endpoint.ejected)
      .map(({ address }) => address);
  assert.equal(ejected(), ['tcp://a:1']);
  failing.clear();
  resolver.push('a');
  await network.advance(5_000);
  assert.is(await network.run(stub.ask(0)), 'a');
  resolver.push('a', 'c');
  await network.advance(100);
  const answers = new Set<string>();
  for (let i = 0; i < 10; i++) answers.add(await network.run(stub.ask(0)));
  assert.equal([...answers].sort(), ['a', 'c']);
  await close();
});

test('connections that are replaced in time clear the failures of earlier ones: the next outage is a first one', async () => {
  const { network, start, channel, close } = open(['a', 'b'], { pool: { ageMsMax: 500 } });
  const outOf = async (ms: number) => {
    network.crash('a');
    await network.advance(ms);
    start('a');
  };
  const isReady = () => channel.describe().endpoints.find(({ address }) => address === 'tcp://a:1')?.state === 'ready';
  await network.run(channel.ready());
  await network.advance(100);
  // Lost twice soon after HELLO, the second time for long: the backoff has grown, and HELLO alone does not set it back.
  await outOf(10);
  await network.advance(200);
  await outOf(6_000);
  await network.clock.runUntil(isReady);
  await network.advance(3_000);
  await outOf(200);
  await network.advance(1_000);
  assert.ok(isReady());
  await close();
});

test('F3 connections that are lost together count as one failure: calls wait for the next one, and none fails', async () => {
  const { network, channel, stub, close } = open(['a'], { pool: { connectionsMin: 3 }, waitForReady: false });
  await network.run(channel.ready());
  await network.advance(50);
  assert.is(channel.describe().endpoints[0]?.connections.length, 3);
  network.reset('client', 'a');
  await network.advance(2);
  const answer = stub.ask(0, { deadlineMs: 1_000 });
  await network.advance(0);
  assert.is(channel.describe().state, 'connecting');
  assert.is(channel.describe().endpoints[0]?.failure, null);
  assert.is(await network.run(answer), 'a');
  await close();
});

test('a hedged call lists all attempts, including those of the losing side that were retried on another endpoint', async () => {
  const { network, channel, stub, failing, slow, begun, close } = open(['a', 'b', 'c'], {
    balancer: roundRobin,
    ejection: false,
    hedging: { callsMin: 1, delayMsMin: 20 },
  });
  await network.run(channel.ready());
  await network.advance(100);
  await network.run(stub.ask(0, { idempotent: true }));
  failing.add('a');
  slow.add('b');
  let most = 0;
  for (let i = 0; i < 9; i++) {
    begun.length = 0;
    const { attempts } = await network.run(stub.ask.detailed(0, { idempotent: true }));
    const told = attempts.map(({ endpoint }) => endpoint);
    assert.equal([...told].sort(), [...begun].sort());
    assert.is(attempts.at(-1)?.code, 'OK');
    most = Math.max(most, told.length);
    await network.advance(2_000);
  }
  // Failed at one, slow at another, hedged at the third.
  assert.is(most, 3);
  await close();
});

test.run();
