/** Messages of several frames: they arrive whole, nothing small waits behind them, and half of one can be given up. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, connect, defineService, raw, unary } from '../../src/index.js';
import { type Frame, flags, frame } from '../support/frames.js';
import { FaultProxy } from '../support/proxy.js';
import { readRecord, writeRecord } from '../support/records.js';
import { failureOf, Notes, openEnds, sleep } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { Random } from '../support/seed.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };
const MIB = 1024 * 1024;

/** A client that is connected to a scripted peer, which accepts messages of 64 MiB. */
async function scripted(options: ChannelOptions = {}) {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, options);
  const ready = channel.ready();
  const peer = await listener.accept();
  await peer.handshake({ limits: { messageBytesMax: 64 * MIB } });
  await ready;
  const close = async () => {
    await listener.close();
    await channel.close();
  };
  return { peer, notes: channel.client(Notes), close };
}

const requests = (frames: readonly Frame[]): Frame[] => frames.filter(({ name }) => name === 'REQUEST');

test('messages of 64 KiB to 4 MiB, both ways at once, beside small calls', async () => {
  const ends = await openEnds({ handlers: { bytes: (bytes) => Buffer.from(bytes).reverse() } });
  await ends.notes.echo(note);
  const random = new Random(7);
  const sizes = [65_524, 65_536, 65_537, 100_000, MIB, MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB];
  let open = sizes.length;
  const large = sizes.map(async (size) => {
    const sent = random.bytes(size);
    const answer = await ends.notes.bytes(sent);
    open--;
    assert.ok(Buffer.from(answer).reverse().equals(sent), `${size} bytes`);
  });
  for (let id = 0; open > 0; id++) {
    assert.is((await ends.notes.echo({ id, text: 'small' })).id, id);
  }
  await Promise.all(large);
  await ends.close();
});

test('a small call goes out between the frames of large ones, and those take turns', async () => {
  const { peer, notes, close } = await scripted({ limits: { writeQueueBytesHard: 64 * MIB } });
  peer.pause();
  const large = Array.from({ length: 5 }, (_, index) => notes.bytes(Buffer.alloc(8 * MIB, index)));
  for (const call of large) call.catch(() => {});
  // The socket takes what it can hold, less than these 40 MiB.
  await sleep(30);
  notes.bytes(Buffer.from('small')).catch(() => {});
  peer.resume();
  await until(() => requests(peer.frames).filter((one) => (one.flags & flags.MORE) === 0).length === 6, 'six requests');
  const sent = requests(peer.frames);
  const smallAt = sent.findIndex(({ payload }) => payload.subarray(4).toString() === 'small');
  const lastEnds = sent.length - 1;
  assert.ok(smallAt < lastEnds - 100, `the small call is frame ${smallAt} of ${sent.length}`);
  // Turns of 64 KiB in frames of 16 KiB, a fifth for what the deadline displaces.
  const order = sent.slice(0, 25).map(({ call }) => call & 0xffff);
  assert.is(new Set(order).size, 5, `slots in order: ${order}`);
  assert.ok(sent.every(({ payload }) => payload.length <= 65_536));
  await close();
});

test('a large request of higher priority overtakes one that is under way', async () => {
  const { peer, notes, close } = await scripted({ limits: { writeQueueBytesHard: 64 * MIB } });
  peer.pause();
  const calls = [notes.bytes(Buffer.alloc(16 * MIB)), notes.bytes(Buffer.alloc(4 * MIB), { priority: 1 })];
  for (const call of calls) call.catch(() => {});
  await sleep(30);
  peer.resume();
  await until(() => requests(peer.frames).filter((one) => (one.flags & flags.MORE) === 0).length === 2, 'two requests');
  const ends = requests(peer.frames).filter((one) => (one.flags & flags.MORE) === 0);
  assert.equal(
    ends.map(({ call }) => call & 0xffff),
    [1, 0],
  );
  await close();
});

test('of long answers that one goes first whose handler gave it the higher priority', async () => {
  // Made before: handlers that take a while let others wait for the next turn.
  const answer = Buffer.alloc(2 * MIB);
  const ends = await openEnds({
    handlers: {
      bytes: (bytes, context) => {
        context.priority = bytes[0] as number;
        return answer;
      },
    },
  });
  await ends.notes.echo(note);
  const order: number[] = [];
  const calls = [0, 0, 2, 1].map(async (priority) => {
    await ends.notes.bytes(Buffer.from([priority]));
    order.push(priority);
  });
  await Promise.all(calls);
  assert.equal(order, [2, 1, 0, 0]);
  await ends.close();
});

test('a priority that is no whole number is refused', async () => {
  const ends = await openEnds();
  for (const priority of [Number.NaN, 0.5, Infinity, '1' as unknown as number]) {
    const failure = await failureOf(ends.notes.echo(note, { priority }));
    assert.is(failure.code, 'INVALID_ARGUMENT');
    assert.is(failure.started, 'no');
  }
  assert.equal(await ends.notes.echo(note, { priority: -3 }), note);
  await ends.close();
});

test('a large request that is cancelled while half sent stops, as not started, and the connection stays open', async () => {
  const { peer, notes, close } = await scripted();
  peer.pause();
  const controller = new AbortController();
  const failed = failureOf(notes.bytes(Buffer.alloc(40 * MIB), { signal: controller.signal }));
  await sleep(30);
  controller.abort();
  const failure = await failed;
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'no');
  peer.resume();
  const cancel = await peer.skipTo('CANCEL');
  assert.is(readRecord('CANCEL', cancel.payload).code, 1);
  const parts = requests(peer.frames);
  assert.ok(parts.every((part) => part.call === cancel.call && (part.flags & flags.MORE) !== 0));
  const next = notes.echo(note);
  const request = await peer.expect('METHOD').then(() => peer.expect('REQUEST'));
  assert.is.not(request.call & 0xffff, cancel.call & 0xffff);
  const record = { code: 1, started: 'NO', text: '', retryAfterMs: null, elsewhere: false, detail: null } as const;
  peer.send(frame('FAILURE', { call: cancel.call, payload: writeRecord('FAILURE', record) }));
  peer.send(frame('RESPONSE', { call: request.call, payload: request.payload.subarray(4) }));
  assert.equal(await next, note);
  await close();
});

test('a deadline that passes while a request is half sent stops it the same way', async () => {
  const { peer, notes, close } = await scripted();
  peer.pause();
  const failure = await failureOf(notes.bytes(Buffer.alloc(40 * MIB), { deadlineMs: 40 }));
  assert.is(failure.code, 'DEADLINE_EXCEEDED');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /while the request was being sent/);
  peer.resume();
  const cancel = await peer.skipTo('CANCEL');
  assert.ok(requests(peer.frames).every((part) => part.call === cancel.call));
  await close();
});

test('an answer that comes while its request is half sent ends the sending', async () => {
  const { peer, notes, close } = await scripted({ retry: false });
  const refused = failureOf(notes.bytes(Buffer.alloc(60 * MIB)));
  const { call } = await peer.skipTo('REQUEST');
  peer.pause();
  const record = { code: 8, started: 'NO', text: 'no', retryAfterMs: null, elsewhere: true, detail: null } as const;
  peer.send(frame('FAILURE', { call, payload: writeRecord('FAILURE', record) }));
  assert.is((await refused).code, 'RESOURCE_EXHAUSTED');
  assert.is((await refused).elsewhere, true);
  const next = notes.bytes(Buffer.from('next'));
  peer.resume();
  let request = await peer.skipTo('REQUEST');
  while (request.call === call) request = await peer.skipTo('REQUEST');
  assert.ok(peer.bytesRead < 55 * MIB, `${peer.bytesRead} bytes were sent`);
  peer.send(frame('RESPONSE', { call: request.call, payload: 'answer' }));
  assert.is((await next).toString(), 'answer');
  await close();
});

test('end to end: uploads given up half way start no handler and cost no connection', async () => {
  let proxy: FaultProxy | undefined;
  const runs: number[] = [];
  const ends = await openEnds({
    server: { limits: { messageBytesMax: 64 * MIB } },
    handlers: {
      bytes: (bytes) => {
        runs.push(bytes.length);
        return Buffer.alloc(0);
      },
    },
    through: async (port) => (proxy = await FaultProxy.start(port)).port,
  });
  await ends.notes.echo(note);
  for (let times = 0; times < 3; times++) {
    proxy?.hold('toServer');
    const controller = new AbortController();
    const failed = failureOf(ends.notes.bytes(Buffer.alloc(48 * MIB), { signal: controller.signal }));
    await sleep(20);
    controller.abort();
    assert.is((await failed).code, 'CANCELLED');
    assert.is((await failed).started, 'no');
    proxy?.heal();
    assert.equal(await ends.notes.echo(note), note);
  }
  assert.equal(runs, []);
  assert.is((await ends.notes.bytes(Buffer.alloc(MIB))).length, 0);
  assert.equal(runs, [MIB]);
  assert.is(proxy?.accepted, 1);
  await ends.close();
  proxy?.close();
});

test('end to end: a download given up half way stops, its slot is used again, and the connection stays', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({
    channel: { limits: { messageBytesMax: 64 * MIB } },
    server: { limits: { callsInFlightMax: 16 } },
    handlers: { bytes: () => Buffer.alloc(48 * MIB, 1) },
    through: async (port) => (proxy = await FaultProxy.start(port)).port,
  });
  await ends.notes.echo(note);
  for (let times = 0; times < 3; times++) {
    const controller = new AbortController();
    const failed = failureOf(ends.notes.bytes(Buffer.alloc(0), { signal: controller.signal }));
    await sleep(5);
    proxy?.hold('toClient');
    controller.abort();
    const failure = await failed;
    assert.is(failure.code, 'CANCELLED');
    assert.is(failure.started, 'maybe');
    proxy?.heal();
    assert.equal(await ends.notes.echo(note), note);
  }
  const all = await Promise.all(Array.from({ length: 16 }, (_, id) => ends.notes.echo({ id, text: '' })));
  assert.is(all.length, 16);
  assert.is(proxy?.accepted, 1);
  await ends.close();
  proxy?.close();
});

test('a large request to a method that is not there is refused as a small one is, and the connection stays open', async () => {
  const Other = defineService('test.Other', { put: unary({ request: raw, response: raw }) });
  const ends = await openEnds({ server: { limits: { messageBytesMax: 64 * MIB } } });
  await ends.notes.echo(note);
  const other = ends.channel.client(Other);
  const failure = await failureOf(other.put(Buffer.alloc(60 * MIB)));
  assert.is(failure.code, 'UNIMPLEMENTED');
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test.run();
