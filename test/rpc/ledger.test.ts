/** The time ledger in virtual time: which part each cause of a long call is put down to, on results, streams and errors. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CallLedger,
  type ChannelOptions,
  type Client,
  type ClientChannel,
  clientStream,
  connect,
  defineService,
  duplex,
  formatLedger,
  oneway,
  RpcError,
  raw,
  Server,
  type ServerOptions,
  serverStream,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/testing/index.js';
import { flags, frame } from '../support/frames.js';
import { failureOf } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';

const Work = defineService('test.Work', {
  /** Answers after as many milliseconds as the request has bytes; fails then when it begins with '!'. */
  wait: unary({ request: raw, response: raw }),
  /** Answers at once with nothing. */
  swallow: unary({ request: raw, response: raw }),
  stream: serverStream({ request: raw, response: raw }),
  collect: clientStream({ request: raw, response: raw }),
  both: duplex({ request: raw, response: raw }),
  tell: oneway({ request: raw }),
});

const partNames = [
  'waitingUs',
  'encodingUs',
  'socketUs',
  'networkUs',
  'peerWaitingUs',
  'peerHandlerUs',
  'peerEncodingUs',
  'lateUs',
  'decodingUs',
] as const;

/** The parts that took some time, in milliseconds; fails unless all of them are the total. */
function partsMs(ledger: CallLedger | null): Partial<Record<(typeof partNames)[number] | 'totalUs', number>> {
  assert.ok(ledger, 'there is a ledger');
  let sum = 0;
  for (const name of partNames) {
    const us = ledger[name];
    assert.ok(Number.isInteger(us) && us >= 0, `${name}: ${us}`);
    sum += us;
  }
  assert.is(sum, ledger.totalUs, 'the parts are the total');
  const some = [...partNames, 'totalUs' as const].filter((name) => ledger[name] > 0);
  return Object.fromEntries(some.map((name) => [name, ledger[name] / 1_000]));
}

interface Ends {
  readonly network: SimulatedNetwork;
  readonly channel: ClientChannel;
  readonly work: Client<typeof Work>;
  close(): Promise<void>;
}

/** A client and a server, 10 ms apart unless `conditions` say otherwise, that have said HELLO. */
async function openEnds(
  conditions: Partial<SimulatedNetworkOptions> = {},
  channelOptions: ChannelOptions = {},
  serverOptions: ServerOptions = {},
): Promise<Ends> {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 10, ...conditions });
  const { clock } = network;
  const server = new Server({ ...network.options('server'), ...serverOptions }).add(Work, {
    async wait(request) {
      if (request.length > 0) await clock.sleep(request.length);
      if (request[0] === 0x21) throw new RpcError('NOT_FOUND', 'as was asked');
      return request;
    },
    swallow: () => Buffer.alloc(0),
    async *stream(request) {
      for (let index = 0; index < 3; index++) {
        await clock.sleep(request.length);
        yield request;
      }
    },
    async collect(items) {
      let count = 0;
      for await (const _ of items) count++;
      return Buffer.alloc(count);
    },
    async *both(items) {
      for await (const item of items) yield item;
    },
    tell() {},
  });
  network.listen('server', server);
  const channel = connect('tcp://server:1', { ...network.options('client'), ...channelOptions });
  await network.run(channel.ready());
  return {
    network,
    channel,
    work: channel.client(Work),
    close: async () => {
      await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
      assert.is(clock.pending, 0, 'nothing is left of it');
    },
  };
}

const ledger = true;

test('network and handler: what the handler took, and both ways of the network', async () => {
  const { network, work, close } = await openEnds();
  const { value, ledger: made } = await network.run(work.wait.detailed(Buffer.alloc(30), { ledger }));
  assert.is(value.length, 30);
  assert.equal(partsMs(made), { peerHandlerUs: 30, networkUs: 20, totalUs: 50 });
  await close();
});

test('without the option there is no ledger, and the flag LEDGER is not sent', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const work = channel.client(Work);
  const pending = work.wait.detailed(Buffer.alloc(1));
  const peer = await listener.accept();
  await peer.handshake();
  const request = await peer.skipTo('REQUEST');
  assert.is(request.flags & flags.LEDGER, 0);
  peer.send(frame('RESPONSE', { call: request.call }));
  assert.is((await pending).ledger, null);
  void work.wait.detailed(Buffer.alloc(1), { ledger }).catch(() => {});
  assert.is((await peer.skipTo('REQUEST')).flags & flags.LEDGER, flags.LEDGER);
  await listener.close();
  await channel.close({ graceMs: 0 });
});

test('a peer that does not say what it took: the answer counts, without a ledger', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const pending = channel.client(Work).wait.detailed(Buffer.alloc(1), { ledger });
  const peer = await listener.accept();
  await peer.handshake();
  const { call } = await peer.skipTo('REQUEST');
  peer.send(frame('RESPONSE', { call, payload: 'fine' }));
  const answer = await pending;
  assert.is(answer.value.toString(), 'fine');
  assert.is(answer.ledger, null);
  await listener.close();
  await channel.close({ graceMs: 0 });
});

for (const type of ['RESPONSE', 'FAILURE', 'END'] as const) {
  test(`durations on a ${type} that nobody asked for end the connection`, async () => {
    const listener = await ScriptedListener.listen();
    const channel = connect(`tcp://127.0.0.1:${listener.port}`);
    const work = channel.client(Work);
    const ready = channel.ready();
    const peer = await listener.accept();
    await peer.handshake();
    await ready;
    const failed = failureOf(type === 'END' ? work.stream(Buffer.alloc(1)).next() : work.wait(Buffer.alloc(1)));
    const { call } = await peer.skipTo('REQUEST');
    peer.send(frame(type, { call, flags: flags.LEDGER, payload: Buffer.alloc(12) }));
    assert.match((await failed).message, /FLAGS/);
    await listener.close();
    await channel.close({ graceMs: 0 });
  });
}

test('a call that waits for its connection, or for a slot, was waiting here', async () => {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 10 });
  const channel = connect('tcp://server:1', {
    ...network.options('client'),
    dial: async (target, msMax) => {
      await network.clock.sleep(70);
      return network.options('client').dial(target, msMax);
    },
  });
  const server = new Server({ ...network.options('server'), limits: { callsInFlightMax: 16 } }).add(
    defineService('test.Work', { wait: unary({ request: raw, response: raw }) }),
    {
      async wait(request) {
        await network.clock.sleep(request.length);
        return request;
      },
    },
  );
  network.listen('server', server);
  const work = channel.client(Work);
  const first = await network.run(work.wait.detailed(Buffer.alloc(5), { ledger }));
  const { waitingUs = 0, networkUs } = partsMs(first.ledger);
  assert.ok(waitingUs >= 70, `${waitingUs} ms`);
  assert.is(networkUs, 20);
  for (let index = 0; index < 16; index++) void work.wait(Buffer.alloc(100));
  const second = await network.run(work.wait.detailed(Buffer.alloc(5), { ledger }));
  assert.equal(partsMs(second.ledger), { waitingUs: 120, networkUs: 20, peerHandlerUs: 5, totalUs: 145 });
  await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
});

test('a request that the socket does not take at once waits for the socket', async () => {
  // 1,000 bytes pass each ms; 65,536 and more of them may be on their way.
  const { network, work, close } = await openEnds({ bytesPerSecond: 1_000_000 });
  const { ledger: made } = await network.run(work.swallow.detailed(Buffer.alloc(300_000), { ledger }));
  const { socketUs = 0, networkUs = 0, totalUs = 0 } = partsMs(made);
  assert.ok(totalUs > 320 && totalUs < 340, `${totalUs} ms`);
  assert.ok(socketUs > 150 && socketUs < 300, `${socketUs} ms at the socket`);
  assert.ok(networkUs < 150, `${networkUs} ms of the network`);
  await close();
});

test('a busy loop of the peer, before it read the request, is waiting at the peer', async () => {
  const { network, work, close } = await openEnds();
  const { clock } = network;
  clock.setTimer(() => clock.block(50), 5);
  const { ledger: made } = await network.run(work.wait.detailed(Buffer.alloc(0), { ledger }));
  // The request came 5 ms after the loop became busy, which nobody at the peer can know.
  assert.equal(partsMs(made), { peerWaitingUs: 50, networkUs: 15, totalUs: 65 });
  await close();
});

test('a busy loop of this side, while the answer was here, is late here; the usual network is known by then', async () => {
  for (const [calls, expected] of [
    [0, { networkUs: 15, lateUs: 50, totalUs: 65 }],
    [1, { networkUs: 20, lateUs: 45, totalUs: 65 }],
  ] as const) {
    const { network, work, close } = await openEnds();
    const { clock } = network;
    for (let call = 0; call < calls; call++) {
      await network.run(work.wait.detailed(Buffer.alloc(0), { ledger }));
    }
    clock.setTimer(() => clock.block(50), 15);
    const { ledger: made } = await network.run(work.wait.detailed(Buffer.alloc(0), { ledger }));
    assert.equal(partsMs(made), expected);
    await close();
  }
});

test('a busy loop after the call, before the tick has ended, counts as waiting for the socket', async () => {
  const { network, work, close } = await openEnds();
  const pending = work.wait.detailed(Buffer.alloc(0), { ledger });
  network.clock.block(40);
  assert.equal(partsMs((await network.run(pending)).ledger), { socketUs: 40, networkUs: 20, totalUs: 60 });
  await close();
});

test('a handler that never starts: its call waited at the peer until the failure, which has the ledger', async () => {
  const { network, work, close } = await openEnds({}, { retry: false }, { limits: { handlersMax: 1 } });
  void work.wait(Buffer.alloc(500)).catch(() => {});
  const failure = await network.run(failureOf(work.wait(Buffer.alloc(1), { ledger })));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.equal(partsMs(failure.ledger), { networkUs: 20, totalUs: 20 });
  await network.advance(500);
  await close();
});

test('an error of the other side has the ledger; one of this side has none', async () => {
  const { network, work, close } = await openEnds();
  const failure = await network.run(failureOf(work.wait(Buffer.from('!!!'), { ledger })));
  assert.is(failure.code, 'NOT_FOUND');
  assert.equal(partsMs(failure.ledger), { networkUs: 20, peerHandlerUs: 3, totalUs: 23 });
  const without = await network.run(failureOf(work.wait(Buffer.from('!'))));
  assert.is(without.ledger, null);
  assert.not.ok(Object.hasOwn(without, 'ledger'), 'an error shows only what it knows');
  const signal = AbortSignal.abort();
  assert.is((await failureOf(work.wait(Buffer.alloc(0), { ledger, signal }))).ledger, null);
  await close();
});

test('streams have the ledger after their end, or with their failure', async () => {
  const { network, work, close } = await openEnds();
  const items = work.stream(Buffer.alloc(7), { ledger });
  assert.is(items.ledger, null, 'not before');
  await network.run(
    (async () => {
      for await (const _ of items);
    })(),
  );
  assert.equal(partsMs(items.ledger), { networkUs: 20, peerHandlerUs: 21, totalUs: 41 });
  const echoed = work.both([Buffer.alloc(1)], { ledger });
  await network.run(
    (async () => {
      for await (const _ of echoed);
    })(),
  );
  partsMs(echoed.ledger);
  const collected = await network.run(work.collect.detailed([Buffer.alloc(1)], { ledger }));
  assert.is(collected.value.length, 1);
  partsMs(collected.ledger);
  await close();
});

test('a channel that wants ledgers tells of every call, the plain ones too; a call may say no', async () => {
  const told: [method: string, totalMs: number][] = [];
  const { network, work, close } = await openEnds(
    {},
    { ledger: ({ totalUs }, method) => told.push([method, totalUs / 1_000]) },
  );
  await network.run(work.wait(Buffer.alloc(3)));
  await network.run(work.wait(Buffer.alloc(4), { ledger: false }));
  await network.run(work.tell(Buffer.alloc(1)));
  const { ledger: made } = await network.run(work.wait.detailed(Buffer.alloc(5)));
  assert.is(made?.totalUs, 25_000);
  const failure = await network.run(failureOf(work.wait(Buffer.from('!'))));
  assert.is(failure.ledger?.totalUs, 21_000);
  assert.equal(told, [
    ['test.Work/wait', 23],
    ['test.Work/wait', 25],
    ['test.Work/wait', 21],
  ]);
  await close();
});

test('calls that time out or are cancelled leave no mark behind, and their late answers do no harm', async () => {
  const { network, work, close } = await openEnds();
  const late = failureOf(work.wait(Buffer.alloc(50), { ledger, deadlineMs: 40 }));
  const abort = new AbortController();
  const cancelled = failureOf(work.wait(Buffer.alloc(50), { ledger, signal: abort.signal }));
  await network.advance(15);
  abort.abort();
  assert.is((await network.run(cancelled)).code, 'CANCELLED');
  assert.is((await network.run(late)).code, 'DEADLINE_EXCEEDED');
  await network.advance(200);
  assert.equal(partsMs((await network.run(work.wait.detailed(Buffer.alloc(1), { ledger }))).ledger), {
    networkUs: 20,
    peerHandlerUs: 1,
    totalUs: 21,
  });
  await close();
});

test('the picture: a line for each part, where it lies in the total', () => {
  const made: CallLedger = {
    totalUs: 40_000,
    waitingUs: 0,
    encodingUs: 10,
    socketUs: 0,
    networkUs: 9_990,
    peerWaitingUs: 0,
    peerHandlerUs: 20_000,
    peerEncodingUs: 0,
    lateUs: 10_000,
    decodingUs: 0,
  };
  assert.is(
    formatLedger(made),
    [
      'waiting here                0.000 ms |                                        |',
      'encoding                    0.010 ms |#                                       |',
      'waiting for the socket      0.000 ms |                                        |',
      'network, both ways          9.990 ms |##########                              |',
      'waiting at the peer         0.000 ms |                                        |',
      'handler                    20.000 ms |          ####################          |',
      'encoding at the peer        0.000 ms |                                        |',
      'answer unread here         10.000 ms |                              ##########|',
      'decoding here               0.000 ms |                                        |',
      'total                      40.000 ms |                                        |',
    ].join('\n'),
  );
  const nothing = Object.fromEntries(Object.keys(made).map((name) => [name, 0])) as unknown as CallLedger;
  assert.is(formatLedger(nothing).split('\n').length, 10);
});

test.run();
