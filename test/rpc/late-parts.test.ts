/** Which part was late when a deadline passed: this process, the network, the peer's queue, its handler. In virtual time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CallContext,
  clientStream,
  connect,
  defineService,
  duplex,
  type LatePart,
  RpcError,
  raw,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { callNumber, flags, frame, u32 } from '../support/frames.js';
import { failureOf } from '../support/rpc.js';
import { ScriptedPeer } from '../support/scripted-peer.js';

const Work = defineService('test.Work', {
  /** Answers after as many milliseconds as the request has bytes. */
  wait: unary({ request: raw, response: raw }),
  /** The same, an item each. */
  stream: serverStream({ request: raw, response: raw }),
  collect: clientStream({ request: raw, response: raw }),
  both: duplex({ request: raw, response: raw }),
});

/** The two ends, so many milliseconds apart, which have said HELLO. */
async function openEnds(latencyMs = 2) {
  const network = new SimulatedNetwork({ seed: 1, latencyMs });
  const { clock } = network;
  let runs = 0;
  const contexts: CallContext[] = [];
  const server = new Server(network.options('server')).add(Work, {
    async wait(request, context) {
      runs++;
      contexts.push(context);
      await clock.sleep(request.length);
      return request;
    },
    async *stream(request, context) {
      runs++;
      contexts.push(context);
      for (;;) {
        await clock.sleep(request.length);
        yield request;
      }
    },
    async collect(items, context) {
      runs++;
      contexts.push(context);
      for await (const _ of items);
      return Buffer.alloc(0);
    },
    async *both(items, context) {
      runs++;
      contexts.push(context);
      yield* items;
    },
  });
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client'));
  await network.run(channel.ready());
  const work = channel.client(Work);
  return {
    network,
    clock,
    channel,
    work,
    contexts,
    runs: () => runs,
    /** How a call ended, and how many milliseconds it took. */
    fail: async (call: Promise<unknown>): Promise<[RpcError, number]> => {
      const before = clock.now();
      const failure = await network.run(failureOf(call));
      return [failure, clock.now() - before];
    },
    close: async () => {
      network.heal('client', 'server');
      await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
      await network.advance(1_000);
      assert.is(clock.pending, 0, 'no timer is left');
    },
  };
}

const bytes = (count: number) => Buffer.alloc(count);

async function* never(): AsyncGenerator<Buffer> {
  yield bytes(1);
  await new Promise(() => {});
}

function assertLate(failure: RpcError, late: LatePart, started: RpcError['started']): void {
  assert.is(failure.code, 'DEADLINE_EXCEEDED', failure.message);
  assert.is(failure.late, late, failure.message);
  assert.is(failure.started, started, failure.message);
}

test('a handler that is too slow: the callee reports it, and the call waits for that report a moment beyond its deadline', async () => {
  const { work, fail, close } = await openEnds();
  const [failure, ms] = await fail(work.wait(bytes(500), { deadlineMs: 50 }));
  assertLate(failure, 'handler', 'yes');
  assert.match(failure.message, /handler was at work/);
  // The callee's deadline is a way of the network later, and its answer another.
  assert.ok(ms >= 50 && ms <= 56, `${ms} ms`);
  await close();
});

test('a call that is held at the peer, here for a schema that does not come: its queue', async () => {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 5 });
  const of = (type: 'int' | 'long') => defineService('test.S', { echo: unary({ request: type, response: 'int' }) });
  const server = new Server(network.options('server')).add(of('long'), { echo: (id) => id });
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client'));
  await network.run(channel.ready());
  const failed = failureOf(channel.client(of('int')).echo(1, { deadlineMs: 20 }));
  await network.advance(6);
  network.partition('client', 'server', 'forth');
  assertLate(await network.run(failed), 'queue', 'no');
  network.heal();
  await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
});

test('a network that delivers nothing: no answer within the grace, and every call is settled 100 ms after its deadline', async () => {
  const { network, work, fail, runs, close } = await openEnds();
  network.partition('client', 'server');
  const [failure, ms] = await fail(work.wait(bytes(1), { deadlineMs: 50 }));
  assertLate(failure, 'network', 'maybe');
  assert.match(failure.message, /network/);
  assert.ok(ms >= 50 && ms <= 100, `${ms} ms`);
  assert.is(runs(), 0);
  await close();
});

test('a network that is too slow: an answer that comes too late was not late at its handler', async () => {
  const { work, fail, close } = await openEnds(28);
  const [failure, ms] = await fail(work.wait(bytes(2), { deadlineMs: 50 }));
  assertLate(failure, 'network', 'yes');
  assert.ok(ms >= 50 && ms <= 100, `${ms} ms`);
  await close();
});

test('a connection that breaks while an overdue call waits for the reason', async () => {
  const { network, work, fail, close } = await openEnds(20);
  network.clock.setTimer(() => network.reset('client', 'server'), 50);
  const [failure, ms] = await fail(work.wait(bytes(500), { deadlineMs: 50 }));
  assertLate(failure, 'network', 'maybe');
  assert.instance(failure.cause, RpcError);
  assert.is((failure.cause as RpcError | undefined)?.code, 'UNAVAILABLE');
  assert.is(ms, 70);
  await close();
});

test('a busy loop of this process: the request left too late', async () => {
  const { clock, work, fail, close } = await openEnds();
  const call = work.wait(bytes(1), { deadlineMs: 50 });
  clock.block(200);
  const [failure] = await fail(call);
  assertLate(failure, 'here', 'maybe');
  assert.match(failure.message, /this process/);
  await close();
});

test('a busy loop of this process, but what the callee said is here: that is read first, and counts', async () => {
  const { clock, work, fail, network, close } = await openEnds();
  clock.setTimer(() => clock.block(300), 10);
  const [failure] = await fail(work.wait(bytes(10_000), { deadlineMs: 50 }));
  assert.is(failure.code, 'DEADLINE_EXCEEDED');
  // In time, the answer would have counted.
  clock.setTimer(() => clock.block(300), 30);
  const answer = network.run(work.wait(bytes(5), { deadlineMs: 50 }));
  assert.is((await answer).length, 5);
  await network.advance(10_000);
  await close();
});

test('a call that never left: waiting for a slot it was late here, waiting for a connection the network was', async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const server = new Server({ ...network.options('server'), limits: { callsInFlightMax: 16 } }).add(
    defineService('test.Work', { wait: unary({ request: raw, response: raw }) }),
    { wait: () => new Promise<never>(() => {}) },
  );
  network.listen('server', server);
  const channel = connect('tcp://server:1', network.options('client'));
  const work = channel.client(Work);
  network.partition('client', 'server');
  assertLate(await network.run(failureOf(work.wait(bytes(1), { deadlineMs: 50 }))), 'network', 'no');
  network.heal();
  await network.run(channel.ready());
  const filling = Array.from({ length: 16 }, () => failureOf(work.wait(bytes(1), { deadlineMs: 500 })));
  assertLate(await network.run(failureOf(work.wait(bytes(1), { deadlineMs: 50 }))), 'here', 'no');
  for (const failure of await network.run(Promise.all(filling))) assertLate(failure, 'handler', 'yes');
  assertLate(await network.run(failureOf(work.wait(bytes(1), { deadlineMs: 0 }))), 'here', 'no');
  await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
});

test('the error of a deadline has the ledger that was asked for', async () => {
  const { work, fail, close } = await openEnds();
  const [failure] = await fail(work.wait(bytes(500), { deadlineMs: 50, ledger: true }));
  assertLate(failure, 'handler', 'yes');
  assert.is(failure.ledger?.peerHandlerUs, 50_000);
  await close();
});

for (const kind of ['stream', 'collect', 'both'] as const) {
  test(`the deadline of a ${kind} call ends it on both sides`, async () => {
    const { network, work, fail, contexts, close } = await openEnds();
    const stubs = {
      stream: () => work.stream(bytes(20), { deadlineMs: 50 }),
      both: () => work.both(never(), { deadlineMs: 50 }),
    };
    let items = 0;
    const call =
      kind === 'collect'
        ? work.collect(never(), { deadlineMs: 50 })
        : (async () => {
            for await (const _ of stubs[kind]()) items++;
          })();
    const [failure, ms] = await fail(call);
    assertLate(failure, 'handler', 'yes');
    assert.ok(ms >= 50 && ms <= 60, `${ms} ms`);
    assert.is(items, { stream: 2, collect: 0, both: 1 }[kind]);
    await network.advance(10);
    const reason = (contexts[0] as CallContext).signal.reason as RpcError;
    assert.instance(reason, RpcError);
    assert.is(reason.code, 'DEADLINE_EXCEEDED');
    await close();
  });
}

test('streams that have expired on arrival start no handler', async () => {
  let runs = 0;
  const run = (): never => {
    runs++;
    throw new Error('it ran');
  };
  const server = new Server().add(Work, { wait: run, stream: run, collect: run, both: run });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  for (const [number, [name, kind]] of (
    [
      ['stream', 'SERVER_STREAM'],
      ['collect', 'CLIENT_STREAM'],
      ['both', 'DUPLEX'],
    ] as const
  ).entries()) {
    const method = { role: 'DECLARE', name: `test.Work/${name}`, kind, request: null, response: null, errors: null };
    peer.sendRecord('METHOD', method as never, 0, number);
    peer.send(
      frame('REQUEST', {
        call: callNumber(number),
        method: number,
        flags: flags.DEADLINE,
        payload: Buffer.from(u32(0)),
      }),
    );
    const failure = await peer.skipTo('FAILURE');
    assert.is(failure.call, callNumber(number));
    // DEADLINE_EXCEEDED, started NO.
    assert.equal([...failure.payload.subarray(0, 2)], [8, 0]);
  }
  assert.is(runs, 0);
  peer.destroy();
  await server.close();
});

test.run();
