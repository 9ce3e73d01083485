/** Calls that are made before the peer's HELLO is read: under the protocol's minimum limits, and none is lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, connect } from '../../src/index.js';
import { frame } from '../support/frames.js';
import { failureOf, gate, Notes, openEnds } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { openMemoryEnds } from './memory-ends.js';

const never = () => new Promise<never>(() => {});

/** A channel whose peer has said nothing yet. */
async function silent(options?: ChannelOptions) {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, options);
  const notes = channel.client(Notes);
  const first = notes.bytes(Buffer.from('first'));
  // Not every test hears how it ends.
  first.catch(() => {});
  const peer = await listener.accept();
  await peer.expectPreface();
  return {
    channel,
    notes,
    first,
    peer,
    close: async () => {
      await listener.close();
      await channel.close();
    },
  };
}

test('calls follow our HELLO without waiting for the peer, so the handshake adds no round trip', async () => {
  const { first, peer, close } = await silent();
  await peer.expect('METHOD');
  const { call } = await peer.expect('REQUEST');
  peer.sendPreface();
  peer.send(frame('RESPONSE', { call, payload: 'answer' }));
  assert.is((await first).toString(), 'answer');
  await close();
});

test('more than 16 calls wait for HELLO, as does a large message, and all are sent in order after it', async () => {
  const { notes, first, peer, close } = await silent();
  const large = notes.bytes(Buffer.alloc(70_000, 1));
  const small = Array.from({ length: 40 }, (_, id) => notes.bytes(Buffer.from([id])));
  for (let sent = 0; sent < 16; sent++) await peer.skipTo('REQUEST');
  await peer.expectSilence(20);
  const early = peer.frames.filter(({ name }) => name === 'REQUEST');
  peer.sendPreface();
  for (const { call, payload } of early) peer.send(frame('RESPONSE', { call, payload: payload.subarray(4) }));
  assert.is((await first).toString(), 'first');
  // 15 small ones were sent at once; the large one and 25 small ones come now.
  const rest: number[] = [];
  for (let got = 0, more = 0; got < 26 || more > 0; ) {
    const { call, flags, payload } = await peer.expect('REQUEST');
    if ((flags & 1) !== 0) {
      more++;
      continue;
    }
    if (more > 0) {
      more = 0;
      peer.send(frame('RESPONSE', { call, payload: 'large' }));
    } else {
      rest.push(payload.at(-1) as number);
      peer.send(frame('RESPONSE', { call, payload: payload.subarray(4) }));
    }
    got++;
  }
  assert.is((await large).toString(), 'large');
  assert.equal(
    (await Promise.all(small)).map((bytes) => bytes[0]),
    Array.from({ length: 40 }, (_, id) => id),
  );
  assert.equal(
    rest,
    Array.from({ length: 25 }, (_, id) => id + 15),
  );
  await close();
});

test('messages of more than 16 KiB go in frames of at most 16 KiB before HELLO', async () => {
  const { notes, peer, close } = await silent();
  await peer.skipTo('REQUEST');
  notes.bytes(Buffer.alloc(40_000, 1)).catch(() => {});
  const sizes: number[] = [];
  for (let more = true; more; ) {
    const { flags, payload } = await peer.expect('REQUEST');
    sizes.push(payload.length);
    more = (flags & 1) !== 0;
  }
  assert.ok(
    sizes.every((size) => size <= 16_384),
    String(sizes),
  );
  assert.is(
    sizes.reduce((sum, size) => sum + size),
    40_004,
  );
  await close();
});

test('metadata beyond the minimum limits waits for HELLO', async () => {
  const { notes, peer, close } = await silent();
  await peer.skipTo('REQUEST');
  const pending = notes.bytes(Buffer.from('m'), { metadata: { big: 'x'.repeat(5_000) } });
  await peer.expectSilence(20);
  peer.sendPreface();
  const { call } = await peer.expect('REQUEST');
  peer.send(frame('RESPONSE', { call, payload: 'ok' }));
  assert.is((await pending).toString(), 'ok');
  await close();
});

test('what waits for HELLO and is still too much after it fails with the limit of the peer', async () => {
  const { notes, peer, close } = await silent();
  const large = failureOf(notes.bytes(Buffer.alloc(70_000)));
  const metadata = failureOf(notes.bytes(Buffer.from('m'), { metadata: { big: 'x'.repeat(5_000) } }));
  const fits = notes.bytes(Buffer.alloc(65_536));
  await peer.skipTo('REQUEST');
  peer.sendPreface({ limits: { messageBytesMax: 65_536, metadataBytesMax: 4_096 } });
  assert.equal((await large).limit, {
    name: 'messageBytesMax',
    value: 65_536,
    setting: 'limits.messageBytesMax of the peer',
  });
  assert.is((await metadata).limit?.name, 'metadataBytesMax');
  fits.catch(() => {});
  await close();
});

test('a call that waits for HELLO fails at its deadline, by its signal, or with the connection', async () => {
  const { notes, first, peer, close } = await silent();
  await peer.skipTo('REQUEST');
  const large = Buffer.alloc(70_000);
  const controller = new AbortController();
  const late = failureOf(notes.bytes(large, { deadlineMs: 20 }));
  const cancelled = failureOf(notes.bytes(large, { signal: controller.signal }));
  const lost = failureOf(notes.bytes(large));
  controller.abort();
  assert.is((await cancelled).code, 'CANCELLED');
  assert.is((await cancelled).started, 'no');
  assert.is((await late).code, 'DEADLINE_EXCEEDED');
  assert.is((await late).started, 'no');
  peer.destroy();
  assert.is((await lost).code, 'UNAVAILABLE');
  assert.is((await lost).started, 'no');
  assert.is((await failureOf(first)).started, 'maybe');
  await close();
});

test('300 calls at once on a fresh channel are all answered', async () => {
  const ends = await openEnds();
  const answers = await Promise.all(Array.from({ length: 300 }, (_, id) => ends.notes.echo({ id, text: '' })));
  assert.ok(answers.every(({ id }, index) => id === index));
  await ends.close();
});

test('the first call may be larger than the minimum limits', async () => {
  const ends = await openEnds();
  const sent = Buffer.alloc(1_000_000, 5);
  assert.ok(sent.equals(await ends.notes.bytes(sent)));
  await ends.close();
});

test('calls beyond callsInFlightMax wait in order, then fail as RESOURCE_EXHAUSTED that names callsQueuedMax', async () => {
  const open = gate();
  const order: number[] = [];
  const { channel, notes, clock, close } = openMemoryEnds({
    server: { limits: { callsInFlightMax: 20 } },
    channel: { limits: { callsQueuedMax: 30 } },
    handlers: {
      echo: async (request) => {
        order.push(request.id);
        await open.opened;
        return request;
      },
    },
  });
  const ready = channel.ready();
  await clock.advanceSettled(1);
  await ready;
  const calls = Array.from({ length: 50 }, (_, id) => notes.echo({ id, text: '' }));
  const failure = await failureOf(notes.echo({ id: 50, text: '' }));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.is(failure.started, 'no');
  assert.equal(failure.limit, { name: 'callsQueuedMax', value: 30, setting: 'limits.callsQueuedMax' });
  assert.match(failure.message, /call slot.*callsQueuedMax is 30 .*limits\.callsQueuedMax/);
  await clock.advanceSettled(1);
  assert.is(order.length, 20);
  open.open();
  await clock.advanceSettled(10);
  assert.is((await Promise.all(calls)).length, 50);
  assert.equal(
    order,
    Array.from({ length: 50 }, (_, id) => id),
  );
  await close();
});

test('the queue for a connection has the same bound and says what it waits for', async () => {
  const { notes, clock, close } = openMemoryEnds({ channel: { limits: { callsQueuedMax: 5 } }, dial: never });
  const waiting = Array.from({ length: 5 }, () => failureOf(notes.echo({ id: 1, text: '' }, { deadlineMs: 10 })));
  const failure = await failureOf(notes.echo({ id: 1, text: '' }));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.match(failure.message, /connection.*callsQueuedMax is 5/);
  // A call that has left the queue makes room for the next.
  await clock.advanceSettled(20);
  for (const late of await Promise.all(waiting)) assert.is(late.code, 'DEADLINE_EXCEEDED');
  const next = failureOf(notes.echo({ id: 1, text: '' }, { deadlineMs: 10 }));
  await clock.advanceSettled(20);
  assert.is((await next).code, 'DEADLINE_EXCEEDED');
  await close();
});

test.run();
