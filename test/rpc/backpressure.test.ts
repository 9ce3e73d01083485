/** A peer that does not read: what waits for it is bounded, nothing is lost when it reads again, and patience ends. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  connect,
  defineService,
  type Limits,
  RpcError,
  raw,
  Server,
  type ServerOptions,
  unary,
} from '../../src/index.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, type Frame, flags, frame } from '../support/frames.js';
import { writeRecord } from '../support/records.js';
import { failureOf, Notes, sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';
import { NarrowTransport } from './narrow-transport.js';
import { until } from './until.js';

const notInDeno = onlyIn(
  test,
  ['node', 'bun'],
  'Deno orders promises and turns of the loop, by which this test counts, in another way',
);

const MIB = 1024 * 1024;

const Grow = defineService('test.Grow', {
  sync: unary({ request: raw, response: raw }),
  later: unary({ request: raw, response: raw }),
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await turn();
}

/** A REQUEST for so many bytes. */
function ask(slot: number, bytes: number, method = 0): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(bytes);
  return frame('REQUEST', { call: callNumber(slot), method, payload });
}

/** Sizes of the answers that are complete, in the order of their last frames. */
function answers(frames: readonly Frame[]): number[] {
  const sizes = new Map<number, number>();
  const complete: number[] = [];
  for (const { name, call, flags: bits, payload } of frames) {
    if (name !== 'RESPONSE' && name !== 'REQUEST') continue;
    sizes.set(call, (sizes.get(call) ?? 0) + payload.length);
    if ((bits & flags.MORE) === 0) complete.push(sizes.get(call) as number);
  }
  return complete;
}

/** A server with a peer that has declared both methods and reads nothing. */
function greedy(options: ServerOptions = {}) {
  let made = 0;
  const answer = (request: Buffer): Buffer => {
    made++;
    return Buffer.alloc(request.readUInt32LE(0), 1);
  };
  const server = new Server(options).add(Grow, {
    sync: answer,
    later: async (request) => turn().then(() => answer(request)),
  });
  const transport = new NarrowTransport();
  server.accept(transport);
  transport.sendPreface();
  for (const [number, name] of ['sync', 'later'].entries()) {
    const method = { role: 'DECLARE', name: `test.Grow/${name}`, kind: 'UNARY' } as const;
    const payload = writeRecord('METHOD', { ...method, request: null, response: null, errors: null });
    transport.send(frame('METHOD', { method: number, payload }));
  }
  return { server, transport, made: () => made };
}

/** Bytes in buffers outside of the heap: what encoded messages take. */
const bufferBytes = (): number => process.memoryUsage().arrayBuffers;

for (const [method, name] of ['sync', 'later'].entries()) {
  test(`large answers that nobody reads are not all encoded at once, and all arrive in the end (${name})`, async () => {
    const shared = Buffer.alloc(2 * MIB, 1);
    const server = new Server().add(Grow, { sync: () => shared, later: async () => shared });
    const peer = new NarrowTransport();
    server.accept(peer);
    peer.sendPreface();
    const record = { role: 'DECLARE', name: `test.Grow/${name}`, kind: 'UNARY' } as const;
    const payload = writeRecord('METHOD', { ...record, request: null, response: null, errors: null });
    peer.send(frame('METHOD', { method, payload }));
    await turns(5);
    const before = bufferBytes();
    peer.send(...Array.from({ length: 100 }, (_, slot) => ask(slot, 0, method)));
    await turns(20);
    const held = bufferBytes() - before;
    assert.ok(held < 40 * MIB, `${Math.round(held / MIB)} MiB are held of 200`);
    assert.ok(peer.unsentBytes < MIB, `${peer.unsentBytes} bytes are unsent`);
    await peer.readAll();
    const sizes = answers(peer.frames);
    assert.is(sizes.length, 100);
    assert.ok(sizes.every((size) => size === 2 * MIB));
    peer.destroy();
    await server.close();
  });
}

notInDeno('a small answer does not wait behind large ones that nobody reads yet', async () => {
  const { server, transport } = greedy();
  transport.send(...Array.from({ length: 30 }, (_, slot) => ask(slot, 2 * MIB)));
  await turns(5);
  transport.send(ask(30, 7));
  await turns(5);
  await transport.readAll();
  const sizes = answers(transport.frames);
  assert.is(sizes.length, 31);
  assert.is(sizes[0], 7);
  transport.destroy();
  await server.close();
});

test('small answers beyond the soft bound wait, and go on in order when the peer reads', async () => {
  const { server, transport, made } = greedy({ limits: { writeQueueBytesSoft: 100_000, messageBytesMax: MIB } });
  const count = 900;
  transport.send(...Array.from({ length: count }, (_, slot) => ask(slot, 1_000)));
  // A slow machine runs them in several turns.
  await until(() => made() === count, 'all answers to be made');
  assert.ok(transport.unsentBytes >= 100_000 && transport.unsentBytes < 180_000, `${transport.unsentBytes} unsent`);
  await transport.readAll();
  const order = transport.frames.filter(({ name }) => name === 'RESPONSE').map(({ call }) => call & 0xffff);
  assert.equal(
    order,
    Array.from({ length: count }, (_, slot) => slot),
  );
  transport.destroy();
  await server.close();
});

test('frames that cannot wait end the connection at the hard bound, with the limit in words', async () => {
  const { server, transport } = greedy({ limits: { writeQueueBytesSoft: 100_000, writeQueueBytesHard: 200_000 } });
  const name = `test.Nothing/${'x'.repeat(200)}`;
  const record = { role: 'DECLARE', name, kind: 'UNARY', request: null, response: null, errors: null } as const;
  transport.send(frame('METHOD', { method: 2, payload: writeRecord('METHOD', record) }));
  let refused = 0;
  for (let generation = 1; server.connectionCount > 0 && refused < 100_000; generation++) {
    const calls = Array.from({ length: 500 }, (_, slot) =>
      frame('REQUEST', { call: callNumber(slot, generation), method: 2, payload: '' }),
    );
    transport.send(...calls);
    refused += calls.length;
    await turn();
    if (transport.unsentBytes >= 200_000) break;
  }
  assert.ok(transport.unsentBytes < 300_000, `${transport.unsentBytes} bytes are unsent`);
  transport.read();
  const close = transport.frames.at(-1);
  assert.is(close?.name, 'CLOSE');
  assert.match(close?.payload.toString() ?? '', /writeQueueBytesHard is 200000 .*limits\.writeQueueBytesHard/);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.is(server.connectionCount, 0);
  await server.close();
});

test('a peer that reads nothing is closed after stallMsMax; one that reads a little is not', async () => {
  const clock = new VirtualClock();
  const { server, transport } = greedy({ clock, limits: { keepaliveMs: 1e9 } });
  transport.send(...Array.from({ length: 10 }, (_, slot) => ask(slot, MIB)));
  await clock.advanceSettled(0);
  for (let times = 0; times < 10; times++) {
    await clock.advanceSettled(14_000);
    assert.is(server.connectionCount, 1, `after ${times * 14} s`);
    assert.is(transport.read(1), 1);
  }
  await clock.advanceSettled(29_000);
  await clock.advanceSettled(1_200);
  assert.is(server.connectionCount, 0);
  transport.read();
  assert.is(transport.frames.at(-1)?.name, 'CLOSE');
  assert.match(
    transport.frames.at(-1)?.payload.toString() ?? '',
    /reads nothing.*stallMsMax is 15000 .*limits\.stallMsMax/,
  );
  await server.close();
});

/** A client whose server has said HELLO and reads nothing. There is no other server. */
async function ignored(limits: Partial<Limits> = {}) {
  const transport = new NarrowTransport();
  const dials = [async () => transport];
  const nobody = (): Promise<never> => Promise.reject(new RpcError('UNAVAILABLE', 'nobody is there'));
  const channel = connect('tcp://narrow:1', { limits, dial: () => (dials.shift() ?? nobody)() });
  const ready = channel.ready();
  await turn();
  transport.sendPreface();
  await ready;
  return { transport, channel, notes: channel.client(Notes) };
}

test('large requests to a peer that does not read are not all encoded at once; small ones overtake them, and all are sent in the end', async () => {
  const { transport, channel, notes } = await ignored();
  const shared = Buffer.alloc(2 * MIB, 1);
  const before = bufferBytes();
  const large = Array.from({ length: 100 }, () =>
    failureOf(notes.bytes(shared, { deadlineMs: Number.POSITIVE_INFINITY })),
  );
  const small = failureOf(notes.bytes(Buffer.from('small'), { deadlineMs: Number.POSITIVE_INFINITY }));
  await turns(20);
  const held = bufferBytes() - before;
  assert.ok(held < 40 * MIB, `${Math.round(held / MIB)} MiB are held of 200`);
  await transport.readAll();
  const sizes = answers(transport.frames);
  assert.is(sizes.length, 101);
  assert.is(sizes[0], 5);
  transport.destroy();
  await Promise.all([...large, small]);
  await channel.close();
});

test('a large request that waits for those before it ends by deadline, signal or connection, as not started', async () => {
  const { transport, channel, notes } = await ignored();
  const shared = Buffer.alloc(4 * MIB, 1);
  const first = Array.from({ length: 10 }, () => failureOf(notes.bytes(shared)));
  const controller = new AbortController();
  const late = failureOf(notes.bytes(shared, { deadlineMs: 20 }));
  const cancelled = failureOf(notes.bytes(shared, { signal: controller.signal }));
  const lost = failureOf(notes.bytes(shared));
  await turns(3);
  controller.abort();
  assert.is((await cancelled).code, 'CANCELLED');
  assert.is((await cancelled).started, 'no');
  // Nothing else keeps the process alive: deadlines do not.
  await sleep(40);
  assert.is((await late).code, 'DEADLINE_EXCEEDED');
  assert.is((await late).started, 'no');
  transport.destroy();
  assert.is((await lost).code, 'UNAVAILABLE');
  assert.is((await lost).started, 'no');
  await Promise.all(first);
  await channel.close();
});

test('large requests of which nothing has left when the peer drains go to the next connection, and only those', async () => {
  const transports = [new NarrowTransport(), new NarrowTransport()];
  const dials = [...transports];
  const channel = connect('tcp://narrow:1', { dial: async () => dials.shift() as NarrowTransport });
  const ready = channel.ready();
  await turn();
  const [old, next] = transports as [NarrowTransport, NarrowTransport];
  old.sendPreface();
  await ready;
  const notes = channel.client(Notes);
  const calls = Array.from({ length: 14 }, () => failureOf(notes.bytes(Buffer.alloc(2 * MIB))));
  await turns(3);
  // Some have begun to leave; some wait in the scheduler, and the rest until that has room.
  old.send(frame('DRAIN', { payload: writeRecord('DRAIN', { text: '', graceMs: 20_000 }) }));
  // The server has answered nothing, so the channel pauses before it dials again.
  while (dials.length > 0) await sleep(5);
  await turns(3);
  next.sendPreface();
  await Promise.all([old.readAll(), next.readAll()]);
  const sizes = [answers(old.frames), answers(next.frames)];
  assert.is(
    sizes[0]?.length,
    new Set(old.frames.filter(({ name }) => name === 'REQUEST').map(({ call }) => call)).size,
  );
  assert.is((sizes[0]?.length ?? 0) + (sizes[1]?.length ?? 0), 14);
  assert.ok((sizes[1]?.length ?? 0) >= 6, `${sizes[1]?.length} went to the next connection`);
  for (const transport of transports) transport.destroy();
  await Promise.all(calls);
  await channel.close();
});

test('calls that wait for room go on as soon as there is some, with the smallest soft bound as well', async () => {
  const { transport, channel, notes } = await ignored({ writeQueueBytesSoft: 65_536 });
  const calls = Array.from({ length: 500 }, () => failureOf(notes.bytes(Buffer.alloc(1_000))));
  await turns(5);
  assert.ok(transport.unsentBytes < 150_000, `${transport.unsentBytes} bytes are unsent`);
  await transport.readAll();
  calls.push(failureOf(notes.bytes(Buffer.alloc(1))));
  await transport.readAll();
  assert.is(answers(transport.frames).length, 501);
  transport.destroy();
  await Promise.all(calls);
  await channel.close();
});

test('a channel that closes sends the calls that wait for room, small and large, before it ends', async () => {
  const { transport, channel, notes } = await ignored();
  const large = Array.from({ length: 20 }, () => failureOf(notes.bytes(Buffer.alloc(2 * MIB))));
  const closing = channel.close();
  await transport.readAll();
  const sizes = answers(transport.frames);
  assert.is(sizes.length, 20);
  transport.destroy();
  await closing;
  for (const failure of await Promise.all(large)) assert.is(failure.started, 'maybe');
});

test('a drain ends when the last answer that waited for room has been read, not with its grace', async () => {
  const { server, transport } = greedy();
  transport.send(...Array.from({ length: 20 }, (_, slot) => ask(slot, 2 * MIB)));
  await turns(3);
  const draining = server.drain();
  await turns(3);
  // The peer reads up to the PING behind DRAIN and answers it while answers still wait.
  while (!transport.frames.some(({ name }) => name === 'PING')) {
    transport.read(10_000);
    await turn();
  }
  transport.send(frame('PONG', { payload: transport.frames.find(({ name }) => name === 'PING')?.payload ?? '' }));
  await transport.readAll();
  assert.is(answers(transport.frames).length, 20);
  const close = transport.frames.at(-1);
  assert.is(close?.name, 'CLOSE');
  assert.is(close?.payload[0], 0);
  transport.destroy();
  await draining;
});

test.run();
