/** Bugs that the simulation has found, each as its smallest case. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blob,
  clientStream,
  connect,
  defineService,
  duplex,
  oneway,
  RpcError,
  raw,
  Server,
  schema,
  serverStream,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/testing/index.js';
import { Witness } from './witness.js';

const Bytes = defineService('sim.Bytes', {
  collect: clientStream({ request: raw, response: raw }),
  chat: duplex({ request: raw, response: raw }),
});

function open(options: Partial<SimulatedNetworkOptions> = {}) {
  const network = new SimulatedNetwork({ seed: 1, ...options });
  const server = new Server(network.options('server')).add(Bytes, {
    collect: async (items) => {
      for await (const item of items) return Buffer.concat([item, Buffer.alloc(200_000)]);
      return Buffer.alloc(0);
    },
    chat: (items) => items,
  });
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client'));
  const close = async () => {
    await network.run(Promise.all([channel.close(), server.drain()]));
    assert.is(network.clock.pending, 0);
  };
  return { network, channel, stub: channel.client(Bytes), close };
}

test('items that arrive while a long answer to their stream is being sent are dropped, and the connection stays open', async () => {
  const { network, channel, stub, close } = open({ latencyMs: 20, flightBytesMax: 5_000 });
  await network.run(channel.ready());
  async function* items() {
    for (let i = 0; ; i++) {
      yield Buffer.from([i]);
      await network.clock.sleep(1);
    }
  }
  const answer = await network.run(stub.collect(items()));
  assert.is(answer.length, 200_001);
  assert.is(answer[0], 0);
  await close();
});

test("an item beyond the minimum limits waits for the peer's HELLO, and then for those of the peer", async () => {
  const { network, stub, close } = open();
  const long = [Buffer.alloc(10, 1), Buffer.alloc(300_000, 2), Buffer.alloc(10, 3)];
  const echoed: Buffer[] = [];
  const read = async () => {
    for await (const item of stub.chat(long)) echoed.push(item);
  };
  await network.run(read());
  assert.ok(Buffer.concat(echoed).equals(Buffer.concat(long)));

  const another = open();
  const tooLong = another.stub.collect([Buffer.alloc(5 << 20)]).catch((error: unknown) => error);
  const failure = await another.network.run(tooLong);
  assert.ok(failure instanceof RpcError);
  assert.is((failure as RpcError).code, 'RESOURCE_EXHAUSTED');
  assert.match((failure as RpcError).message, /messageBytesMax is 4194304/);
  await close();
  await another.close();
});

test('a oneway call that waits for a schema when its connection is lost leaves nothing behind', async () => {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 10 });
  const witness = new Witness();
  try {
    const served = defineService('sim.Notes', { hit: oneway({ request: 'long' }) });
    const called = defineService('sim.Notes', { hit: oneway({ request: 'int' }) });
    let hits = 0;
    const server = new Server(network.options('server')).add(served, { hit: () => void hits++ });
    network.listen('server', server);
    const channel = connect('tcp://server:1', network.options('client'));
    await network.run(channel.ready());
    await channel.client(called).hit(1);
    // The request is there, the schema that it was written with is on its way.
    await network.advance(15);
    network.reset('client', 'server');
    await network.run(Promise.all([channel.close(), server.drain()]));
    await network.advance(1_000);
    assert.is(hits, 0);
    witness.judgeEnd();
    assert.equal(witness.problems, []);
  } finally {
    witness.leave();
  }
});

test('the end of a stream waits with its items for their schema, and a deadline, failure or lost connection still ends the call', async () => {
  const item = (...names: string[]) =>
    schema({
      type: 'record',
      name: 'sim.Item',
      fields: names.map((name) => ({ name, type: 'int', default: 0 }) as const),
    });
  const served = defineService('sim.Items', { list: serverStream({ request: 'int', response: item('id', 'more') }) });
  const called = defineService('sim.Items', { list: serverStream({ request: 'int', response: item('id') }) });
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 50 });
  const server = new Server(network.options('server')).add(served, {
    *list(count) {
      for (let id = 0; id < count; id++) yield { id, more: 1 };
      if (count === 2) throw new RpcError('ABORTED', 'two');
    },
  });
  network.listen('server', server);
  /** From a host that has never seen the server's schema; the server knows its since the first of them. */
  const list = async (host: string, count: number, deadlineMs: number, during: () => void = () => {}) => {
    const channel = connect('tcp://server:1', network.options(host));
    await network.run(channel.ready());
    const startedAt = network.clock.now();
    const seen: number[] = [];
    const read = async () => {
      for await (const { id } of channel.client(called).list(count, { deadlineMs })) seen.push(id as number);
      return 'ok';
    };
    const outcome = read().catch((error: unknown) => (error as RpcError).code);
    network.clock.setTimer(during, 150);
    const code = await network.run(outcome);
    const tookMs = network.clock.now() - startedAt;
    await network.run(channel.close());
    return { code, seen, tookMs };
  };
  await list('first', 3, 10_000);
  assert.equal(await list('second', 3, 10_000), { code: 'ok', seen: [0, 1, 2], tookMs: 200 });
  assert.equal(await list('third', 2, 10_000), { code: 'ABORTED', seen: [0, 1], tookMs: 200 });
  for (const count of [2, 3]) {
    assert.equal(await list(`late ${count}`, count, 150), { code: 'DEADLINE_EXCEEDED', seen: [], tookMs: 150 });
    const lost = await list(`lost ${count}`, count, 10_000, () => network.reset(`lost ${count}`, 'server'));
    assert.equal(lost, { code: 'UNAVAILABLE', seen: [], tookMs: 200 });
  }
  await network.run(server.drain());
});

test('a connection that is accepted while a server drains gets a grace in whole milliseconds', async () => {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 0.3 });
  const { clock } = network;
  const Slow = defineService('sim.Slow', { ask: unary({ request: 'long', response: 'long' }) });
  const server = new Server(network.options('server')).add(Slow, {
    ask: (ms) => clock.sleep(ms).then(() => ms),
  });
  network.listen('server', server);
  const first = connect('tcp://server:1', network.options('first'));
  const running = first.client(Slow).ask(2_000);
  await network.advance(10);
  const drained = server.drain({ graceMs: 5_000 });
  const late = connect('tcp://server:1', network.options('late'));
  const refused = late
    .client(Slow)
    .ask(1, { deadlineMs: 1_000 })
    .catch((error: unknown) => (error as RpcError).started);
  assert.is(await network.run(refused), 'no');
  assert.is(await network.run(running), 2_000);
  await network.run(Promise.all([drained, first.close(), late.close()]));
});

test('the rest of a long head is dropped when its caller has cancelled', async () => {
  const Blobs = defineService('sim.Blobs', { get: blob({ request: 'null', response: raw }) });
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 10, bytesPerSecond: 1_000_000 });
  const server = new Server(network.options('server'));
  server.add(Blobs, { get: () => ({ head: Buffer.alloc(500_000), body: null }) });
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client'));
  const stub = channel.client(Blobs);
  await network.run(channel.ready());
  const abandoned = stub
    .get({ head: null, body: null }, { deadlineMs: 200 })
    .catch((error: unknown) => (error as RpcError).code);
  assert.is(await network.run(abandoned), 'DEADLINE_EXCEEDED');
  const { head } = await network.run(stub.get({ head: null, body: null }));
  assert.is(head.length, 500_000);
  assert.is(network.openSockets, 2);
  await network.run(Promise.all([channel.close(), server.drain()]));
});

test('a call made in the same tick as an answer gets its whole deadline, no matter how long nothing was read before', async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const { clock } = network;
  const Asker = defineService('sim.Asker', {
    ask: unary({ request: 'null', response: 'null' }),
    askBack: unary({ request: 'null', response: 'string' }),
  });
  const Back = defineService('sim.Back', { confirm: unary({ request: 'null', response: 'null' }) });
  let together: Promise<void> = Promise.resolve();
  const server = new Server(network.options('server')).add(Asker, {
    ask: () => together.then(() => null),
    askBack: async (_, { peer }) => {
      await together;
      // The answer of `ask` is written, and not sent yet.
      await Promise.resolve();
      const back = peer.client(Back).confirm(null, { deadlineMs: 1_000 });
      return back.then(
        () => 'confirmed',
        (error: RpcError) => error.code,
      );
    },
  });
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client')).add(Back, { confirm: () => null });
  const stub = channel.client(Asker);
  await network.run(channel.ready());
  together = clock.sleep(3_000);
  const [, outcome] = await network.run(Promise.all([stub.ask(null), stub.askBack(null)]));
  assert.is(outcome, 'confirmed');
  await network.run(Promise.all([channel.close(), server.drain()]));
});

test('a peer whose PINGs are delayed for long is not mistaken for a flood', async () => {
  const limits = { keepaliveMs: 500, keepaliveTimeoutMs: 600, pingIntervalMsMin: 500 };
  const patient = { ...limits, keepaliveMs: 60_000 };
  const network = new SimulatedNetwork({ seed: 1 });
  const Ticks = defineService('sim.Ticks', { tell: serverStream({ request: 'null', response: 'int' }) });
  const server = new Server({ ...network.options('server'), limits: patient }).add(Ticks, {
    async *tell() {
      for (let tick = 0; tick < 20; tick++) {
        await network.clock.sleep(900);
        yield tick;
      }
    },
  });
  network.listen('server', server);
  const channel = connect('tcp://server:1', { ...network.options('client'), limits });
  let ticks = 0;
  const read = async () => {
    for await (const _ of channel.client(Ticks).tell(null)) ticks++;
  };
  await network.run(channel.ready());
  const all = read();
  await network.advance(10);
  // The client hears the ticks, and in every pause between two of them it asks; all of it arrives at once.
  network.partition('client', 'server', 'forth');
  await network.advance(15_000);
  network.heal();
  await network.run(all);
  assert.is(ticks, 20);
  await network.run(Promise.all([channel.close(), server.drain()]));
});

test.run();
