/** What a network and the processes at its ends do to open streams: each ends once, behind the items that came, or goes on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, connect, type ItemStream, type Limits, RpcError, Server } from '../../src/index.js';
import { type Direction, SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/testing/index.js';
import { BlockedClock } from '../support/blocked-clock.js';
import { ItemQueue } from '../support/item-queue.js';
import { type TestProcess, withProcess } from '../support/process.js';
import { sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { end, item, never, type StreamHandlers, Streams, streamHandlers } from './stream-talk.js';

const notInDeno = onlyIn(
  test,
  ['node', 'bun'],
  'Deno reads sockets in tasks of its own, not between two steps of a test clock',
);

const deadlineMs = Number.POSITIVE_INFINITY;

interface Ends {
  readonly network: SimulatedNetwork;
  readonly server: Server;
  readonly client: Client<typeof Streams>;
  close(): Promise<void>;
}

async function simulate(
  handlers: Partial<StreamHandlers>,
  conditions: Partial<SimulatedNetworkOptions> = {},
  limits: Partial<Limits> = {},
): Promise<Ends> {
  const network = new SimulatedNetwork({ seed: 1, ...conditions });
  const server = new Server({ ...network.options('far'), limits, onHandlerError: () => {} }).add(
    Streams,
    streamHandlers(handlers),
  );
  network.listen('far', server);
  const channel = connect('tcp://far:1', { ...network.options('near'), limits });
  await network.run(channel.ready());
  // The server has read HELLO too.
  await network.advance(1_000);
  const close = async (): Promise<void> => {
    await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
    await network.quiet();
    assert.is(network.clock.pending, 0);
  };
  return { network, server, client: channel.client(Streams), close };
}

interface Outcome {
  readonly items: string[];
  error: RpcError | null;
  over: boolean;
}

/** Reads on until the stream ends, however it does. */
function reading(stream: ItemStream<Buffer> | Promise<Buffer>): Outcome {
  const outcome: Outcome = { items: [], error: null, over: false };
  const read = async (): Promise<void> => {
    if (stream instanceof Promise) await stream;
    else for await (const bytes of stream) outcome.items.push(bytes.toString());
  };
  read()
    .catch((error: unknown) => {
      outcome.error = error as RpcError;
    })
    .finally(() => {
      outcome.over = true;
    });
  return outcome;
}

/** `keepaliveMs` with its jitter, `keepaliveTimeoutMs` of the defaults, and the latency of the network. */
const kaMs = 22_000 + 10_000 + 10;

for (const [row, direction] of [
  ['F8 silence both ways', 'both'],
  ['F9 silence towards the server', 'forth'],
  ['F9 silence towards the client', 'back'],
] as const satisfies readonly (readonly [string, Direction])[]) {
  test(`${row} ends open streams within the keepalive time, after the items that arrived, on both sides`, async () => {
    let ended = 0;
    const one = async function* (): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('one');
        await network.clock.sleep(3_600_000);
      } finally {
        ended++;
      }
    };
    const reasons: string[] = [];
    const { network, server, client, close } = await simulate({
      down: one,
      up: async (items, context) => {
        context.signal.addEventListener('abort', () => reasons.push((context.signal.reason as RpcError).code));
        for await (const _item of items);
        return Buffer.alloc(0);
      },
      chat: one,
    });
    const source = new ItemQueue<Buffer>();
    const streams = [
      client.down(Buffer.of(1), { deadlineMs }),
      client.up(source, { deadlineMs }),
      client.chat(new ItemQueue(), { deadlineMs }),
    ];
    const outcomes = streams.map(reading);
    source.push(Buffer.from('item'));
    await network.advance(100);
    network.partition('near', 'far', direction);
    await network.advance(kaMs);
    assert.equal(
      outcomes.map(({ items }) => items.join()),
      ['one', '', 'one'],
    );
    for (const { error } of outcomes) {
      assert.is(error?.code, 'UNAVAILABLE');
      assert.is.not(error?.started, 'no');
    }
    assert.ok(source.returned);
    assert.is(server.connectionCount, 0);
    assert.equal(reasons, ['UNAVAILABLE']);
    network.heal();
    const again = reading(client.down(Buffer.of(1)));
    await network.advance(200);
    assert.equal(again.items, ['one']);
    // Generators that were inside an await end when that does.
    await network.advance(3_600_000);
    assert.is(ended, 3);
    await close();
  });
}

test('F16 with 100 to 300 ms each way streams deliver every item in order, and deadlines are kept', async () => {
  const count = 300;
  const numbered = function* (): Generator<Buffer> {
    for (let index = 0; index < count; index++) yield Buffer.from(String(index));
  };
  const { network, client, close } = await simulate(
    { down: numbered },
    { latencyMs: 100, jitterMs: 200, pieceBytesMax: 700 },
  );
  const all = Array.from({ length: count }, (_, index) => String(index));
  const down = reading(client.down(Buffer.of(1)));
  const chat = reading(client.chat(numbered()));
  const up = client.up(numbered());
  assert.is((await network.run(up)).toString(), all.join(''));
  await network.advance(5_000);
  assert.equal(down.items, all);
  assert.equal(chat.items, all);
  const startedAt = network.clock.now();
  const hurried = [10, 150, 250, 399].map((ms) => ({
    ms,
    outcome: reading(client.chat(new ItemQueue(), { deadlineMs: ms })),
  }));
  for (const { ms, outcome } of hurried) {
    // An overdue call waits 25 ms for what the callee says of it.
    await network.advance(startedAt + ms + 26 - network.clock.now());
    assert.ok(outcome.over, `after ${ms} ms`);
    assert.is(outcome.error?.code, 'DEADLINE_EXCEEDED');
  }
  await close();
});

for (const kind of ['down', 'up'] as const) {
  test(`F17 at 64 KB/s a producer is paused: it is never further ahead than the window (${kind})`, async () => {
    const limits = { streamWindowBytes: 65_536, streamWindowBytesMax: 65_536 };
    const body = Buffer.alloc(1_000, 'i');
    const at = { made: 0, taken: 0, most: 0 };
    const produce = function* (): Generator<Buffer> {
      for (;;) {
        at.made++;
        at.most = Math.max(at.most, at.made - at.taken);
        yield body;
      }
    };
    const take = async (items: AsyncIterable<Buffer>): Promise<Buffer> => {
      for await (const _item of items) at.taken++;
      return Buffer.alloc(0);
    };
    const { network, client, close } = await simulate({ down: produce, up: take }, { bytesPerSecond: 64_000 }, limits);
    const call = kind === 'down' ? take(client.down(body, { deadlineMs })) : client.up(produce(), { deadlineMs });
    call.catch(() => {});
    await network.advance(20_000);
    // Twenty seconds of a line that is full all the time. From its beginning: a write arrives as a whole.
    const perSecond = at.taken / 20;
    assert.ok(perSecond > 55 && perSecond < 64, `${perSecond} items a second`);
    assert.ok(at.most <= Math.ceil(65_536 / 1_012) + 1, `${at.most} items ahead`);
    await close();
  });
}

for (const [who, host] of [
  ['client', 'near'],
  ['server', 'far'],
] as const) {
  test(`F20 streams to a ${who} that never reads: writers pause with little queued, and the stall time ends them`, async () => {
    const at = { made: 0, ended: 0 };
    const body = Buffer.alloc(1_000, 'i');
    const produce = function* (): Generator<Buffer> {
      try {
        for (;;) {
          at.made++;
          yield body;
        }
      } finally {
        at.ended++;
      }
    };
    const { network, server, client, close } = await simulate({ down: produce, up: never });
    network.setReading(host, 0);
    const outcomes = Array.from({ length: 50 }, () =>
      reading(host === 'near' ? client.down(Buffer.of(1), { deadlineMs }) : client.up(produce(), { deadlineMs })),
    );
    await network.advance(5_000);
    const { made } = at;
    // 50 windows would be 13 MB. The line holds 64 KiB, the socket 128 KiB, and each stream its first share and an item in hand.
    assert.ok(made > 50 && made * 1_012 < 600_000, `${made * 1_012} bytes were made for nobody`);
    await network.advance(5_000);
    assert.is(at.made, made, 'nothing more is made');
    assert.ok(outcomes.every(({ over }) => !over));
    await network.advance(16_000);
    network.setReading(host, Number.POSITIVE_INFINITY);
    await network.advance(60_000);
    assert.is(server.connectionCount, 0);
    assert.is(at.ended, 50, 'every producer was told');
    for (const { error } of outcomes) assert.is(error?.code, 'UNAVAILABLE');
    await close();
  });
}

notInDeno(
  'F23 items that were in the socket while the loop was blocked meet the deadline of their stream',
  async () => {
    const clock = new BlockedClock();
    const listener = await ScriptedListener.listen();
    const channel = connect(`tcp://127.0.0.1:${listener.port}`, { clock, random: () => 0.5 });
    const outcome = reading(channel.client(Streams).down(Buffer.of(1), { deadlineMs: 500 }));
    const peer = await listener.accept();
    await peer.handshake();
    const { call } = await peer.skipTo('REQUEST');
    peer.send(item(call, 'a'), item(call, 'b'), end(call));
    await clock.advanceBlocked(2_000);
    await clock.advanceSettled(0);
    assert.equal(outcome, { items: ['a', 'b'], error: null, over: true });
    const closing = channel.close({ graceMs: 0 });
    await clock.advanceSettled(1_000);
    await closing;
    await listener.close();
  },
);

const script = new URL('../support/numbers-process.js', import.meta.url);
const COUNT = 50_000;

/** Reads a stream of numbers from the process, and checks them; `at` is told of each. */
async function readNumbers(client: Client<typeof Streams>, at: (index: number) => void): Promise<number> {
  const request = Buffer.alloc(4);
  request.writeUInt32LE(COUNT);
  let index = 0;
  for await (const bytes of client.down(request, { deadlineMs })) {
    assert.is(bytes.readUInt32LE(0), index);
    at(index++);
  }
  return index;
}

async function withNumbers(
  limits: Partial<Limits>,
  use: (client: Client<typeof Streams>, child: TestProcess, peer: () => unknown) => Promise<void>,
): Promise<void> {
  await withProcess(script, {}, async (child) => {
    const { port } = child.ready as { readonly port: number };
    const channel = connect(`tcp://127.0.0.1:${port}`, { limits });
    await channel.ready();
    await use(channel.client(Streams), child, () => channel.peer);
    await channel.close({ graceMs: 100 });
  });
}

test('F10 a process that is stopped inside a stream for less than the keepalive time continues with the next item', () =>
  withNumbers({ keepaliveMs: 50, keepaliveTimeoutMs: 60_000 }, async (client, child, peer) => {
    const before = peer();
    let stoppedFor = 0;
    const read = readNumbers(client, (index) => {
      if (index !== 1_000) return;
      child.signal('SIGSTOP');
      setTimeout(() => {
        stoppedFor = 300;
        child.signal('SIGCONT');
      }, 300);
    });
    assert.is(await read, COUNT);
    assert.is(stoppedFor, 300, 'it was stopped before the stream had ended');
    assert.is(peer(), before);
  }));

test('F11 a process that is stopped inside a stream for longer: the items that arrived, then UNAVAILABLE, and a new stream starts over', () =>
  withNumbers({ keepaliveMs: 100, keepaliveTimeoutMs: 500 }, async (client, child) => {
    let got = 0;
    let error: unknown = null;
    await readNumbers(client, (index) => {
      got = index + 1;
      if (index === 1_000) child.signal('SIGSTOP');
    }).catch((thrown: unknown) => {
      error = thrown;
    });
    assert.instance(error, RpcError);
    assert.is((error as RpcError).code, 'UNAVAILABLE');
    assert.match((error as RpcError).message, /KEEPALIVE_TIMEOUT/);
    assert.ok(got > 1_000 && got < COUNT, `${got} items`);
    child.signal('SIGCONT');
    for (let tries = 0; ; tries++) {
      const all = await readNumbers(client, () => {}).catch(() => 0);
      if (all === COUNT) break;
      assert.ok(tries < 100, 'a new stream goes through');
      await sleep(50);
    }
  }));

test.run();
