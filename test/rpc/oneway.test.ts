/** Methods without an answer: they run, nobody hears of it, and none is lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, oneway, raw, Server, unary } from '../../src/index.js';
import { callNumber, flags, frame } from '../support/frames.js';
import { failureOf, gate, Notes, openEnds } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };

test('a oneway call resolves with undefined and runs its handler with metadata and deadline', async () => {
  const seen: unknown[] = [];
  const ends = await openEnds({
    handlers: {
      hit: (request, context) => {
        seen.push([request, { ...context.metadata }, context.deadlineMs > 0 && context.deadlineMs <= 5_000]);
      },
    },
  });
  assert.is(await ends.notes.hit(note, { metadata: { from: 'here' }, deadlineMs: 5_000 }), undefined);
  await until(() => seen.length === 1, 'the handler');
  assert.equal(seen, [[note, { from: 'here' }, true]]);
  await ends.close();
});

test('a oneway REQUEST has the flag ONEWAY, gets no answer at all, and gives its slot back at once', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const notes = channel.client(Notes);
  await notes.hit(note);
  const peer = await listener.accept();
  await peer.handshake();
  await notes.hit(note);
  for (const generation of [1, 2]) {
    const request = await peer.skipTo('REQUEST');
    assert.is(request.flags & flags.ONEWAY, flags.ONEWAY);
    assert.is(request.call, callNumber(0, generation));
  }
  await listener.close();
  await channel.close();
});

test('nothing that a oneway handler does reaches the caller, and its errors are reported at the server', async () => {
  const reported: string[] = [];
  const ends = await openEnds({
    server: { onHandlerError: (error, method) => void reported.push(`${method}: ${(error as Error).message}`) },
    handlers: {
      hit: ((request: { id: number }) => {
        if (request.id === 1) throw new Error('sync');
        if (request.id === 2) return Promise.reject(new Error('async'));
        return 'an answer that nobody asked for';
      }) as never,
    },
  });
  for (const id of [1, 2, 3]) assert.is(await ends.notes.hit({ id, text: '' }), undefined);
  assert.equal(await ends.notes.echo(note), note);
  await until(() => reported.length === 2, 'the reports');
  assert.equal(reported, ['test.Notes/hit: sync', 'test.Notes/hit: async']);
  await ends.close();
});

test('a server answers a oneway call with nothing, also when it refuses it', async () => {
  const server = new Server({ onHandlerError: () => {} }).add(Notes, {
    echo: (request) => request,
    bytes: (bytes) => bytes,
    hit: () => {
      throw new Error('no');
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const fingerprint = Notes.methods.hit.request.fingerprint;
  const declare = (number: number, name: string) =>
    peer.sendRecord(
      'METHOD',
      { role: 'DECLARE', name, kind: 'ONEWAY', request: fingerprint, response: null, errors: null },
      0,
      number,
    );
  declare(0, 'test.Notes/hit');
  declare(1, 'test.Notes/nothing');
  const request = (slot: number, method: number, payload: Buffer) =>
    peer.send(frame('REQUEST', { call: callNumber(slot), method, flags: flags.ONEWAY, payload }));
  request(0, 0, Buffer.from([2, 2, 0x78]));
  request(1, 1, Buffer.from([2, 2, 0x78]));
  request(2, 0, Buffer.from('not a note at all'));
  // Whatever would have been answered comes before the PONG.
  peer.send(frame('PING', { payload: '12345678' }));
  await peer.expect('PONG');
  peer.destroy();
  await server.close();
});

test('more oneway calls than handlersMax run later, in order, and none is lost', async () => {
  let running = 0;
  let mostRunning = 0;
  const order: number[] = [];
  const ends = await openEnds({
    server: { limits: { handlersMax: 3 } },
    handlers: {
      hit: async ({ id }) => {
        mostRunning = Math.max(mostRunning, ++running);
        order.push(id);
        await new Promise((resolve) => setTimeout(resolve, id % 4));
        running--;
      },
    },
  });
  await Promise.all(Array.from({ length: 500 }, (_, id) => ends.notes.hit({ id, text: '' })));
  await until(() => order.length === 500 && running === 0, 'all handlers');
  assert.equal(
    order,
    Array.from({ length: 500 }, (_, id) => id),
  );
  assert.is(mostRunning, 3);
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('while all handlers are busy with oneway calls the server stops reading, and so the caller stops sending', async () => {
  const free = gate();
  let runs = 0;
  const ends = await openEnds({
    server: { limits: { handlersMax: 1 } },
    channel: { limits: { writeQueueBytesSoft: 256 * 1024, callsQueuedMax: 100_000 } },
    handlers: {
      hit: async () => {
        runs++;
        await free.opened;
      },
    },
  });
  await ends.notes.echo(note);
  const text = 'x'.repeat(10_000);
  let handedOver = 0;
  const calls = Array.from({ length: 3_000 }, async (_, id) => {
    await ends.notes.hit({ id, text });
    handedOver++;
  });
  let before = -1;
  await until(() => {
    const stopped = handedOver === before;
    before = handedOver;
    return stopped && handedOver > 0;
  }, 'a standstill');
  assert.is(runs, 1);
  assert.ok(handedOver < 3_000, 'the kernel took 30 MB');
  free.open();
  await Promise.all(calls);
  await until(() => runs === 3_000, 'all handlers');
  await ends.close();
});

test('a large oneway request arrives whole', async () => {
  const Upload = defineService('test.Upload', {
    put: oneway({ request: raw }),
    size: unary({ request: raw, response: raw }),
  });
  const sizes: number[] = [];
  const server = new Server().add(Upload, {
    put: (bytes) => {
      sizes.push(bytes.length);
      assert.ok(bytes.every((byte) => byte === 7));
    },
    size: () => Buffer.from(String(sizes)),
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const upload = channel.client(Upload);
  await upload.put(Buffer.alloc(3_000_000, 7));
  await upload.put(Buffer.alloc(100, 7));
  await upload.put(Buffer.alloc(200_000, 7));
  await until(() => sizes.length === 3, 'three uploads');
  assert.equal(
    sizes.sort((one, other) => one - other),
    [100, 200_000, 3_000_000],
  );
  await channel.close();
  await server.close();
});

test('a oneway call that cannot be sent still fails', async () => {
  const ends = await openEnds();
  const wrong = await failureOf(ends.notes.hit({ id: 'x', text: '' } as never));
  assert.is(wrong.code, 'INVALID_ARGUMENT');
  assert.match(wrong.message, /id/);
  await ends.close();
  const closed = await failureOf(ends.notes.hit(note));
  assert.is(closed.code, 'UNAVAILABLE');
  assert.is(closed.started, 'no');
});

test('oneway calls that were made before close still arrive', async () => {
  let runs = 0;
  const ends = await openEnds({ handlers: { hit: () => void runs++ } });
  const calls = Array.from({ length: 50 }, (_, id) => ends.notes.hit({ id, text: 'x'.repeat(2_000) }));
  await Promise.all(calls);
  await ends.channel.close();
  await until(() => runs === 50, 'all of them');
  await ends.server.close();
});

test.run();
