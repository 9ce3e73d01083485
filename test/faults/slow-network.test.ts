/** A network that is slow, narrow or not read from: calls stay correct, what waits stays bounded, and callers see it. */
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError, Server } from '../../src/index.js';
import { SocketTransport } from '../../src/transport/socket-transport.js';
import { CloseCode } from '../../src/wire/index.js';
import { until } from '../rpc/until.js';
import { callNumber, frame } from '../support/frames.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, handlers, Notes, openEnds } from '../support/rpc.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { withSeed } from '../support/seed.js';

const MIB = 1024 * 1024;

test('F16 with 200 +- 100 ms each way answers are right, and a deadline below the round trip is kept', () =>
  withSeed(async (random) => {
    let proxy: FaultProxy | undefined;
    const left: number[] = [];
    const ends = await openEnds({
      handlers: {
        echo: (request, context) => {
          left.push(context.deadlineMs);
          return request;
        },
      },
      through: async (port) => (proxy = await FaultProxy.start(port, random)).port,
    });
    await ends.channel.ready();
    proxy?.delay(200, 100);
    const before = performance.now();
    const calls = Array.from({ length: 50 }, async (_, id) => {
      const text = 'x'.repeat(random.below(2_000));
      assert.equal(await ends.notes.echo({ id, text }, { deadlineMs: 60_000 }), { id, text });
    });
    // Each way takes at least 100 ms.
    const hurried = Array.from({ length: 10 }, () =>
      failureOf(ends.notes.echo({ id: -1, text: '' }, { deadlineMs: 60 })),
    );
    for (const failure of await Promise.all(hurried)) {
      assert.is(failure.code, 'DEADLINE_EXCEEDED');
      assert.is(failure.started, 'maybe');
    }
    assert.ok(performance.now() - before >= 59, 'not before the deadline');
    await Promise.all(calls);
    // What is left for a handler is never more than its caller gave.
    assert.ok(left.every((ms) => ms <= 60_000));
    await ends.close();
    proxy?.close();
  }));

test('F17 at 64 KB/s small calls are all answered', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({ through: async (port) => (proxy = await FaultProxy.start(port)).port });
  proxy?.bandwidth(64_000);
  const text = 'x'.repeat(400);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, id) => ends.notes.echo({ id, text })));
  assert.ok(answers.every((answer, id) => answer.id === id && answer.text === text));
  proxy?.heal();
  await ends.close();
  proxy?.close();
});

test('F17 at 64 KB/s the queues of a caller stay bounded, calls beyond them are refused with the name of the limit, and all others succeed', async () => {
  let served = 0;
  const server = new Server().add(
    Notes,
    handlers({
      bytes: () => {
        served++;
        return Buffer.alloc(0);
      },
    }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const proxy = await FaultProxy.start(port);
  let transport: SocketTransport | null = null;
  const limits = { writeQueueBytesSoft: MIB, writeQueueBytesHard: 4 * MIB, callsQueuedMax: 40, stallMsMax: 60_000 };
  const channel = connect(`tcp://127.0.0.1:${proxy.port}`, {
    limits,
    dial: async () => {
      const socket = net.connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
      await once(socket, 'connect');
      return (transport = new SocketTransport(socket));
    },
  });
  await channel.ready();
  proxy.bandwidth(64_000);
  const notes = channel.client(Notes);
  let unsentMost = 0;
  const outcomes = { answered: 0, refused: 0 };
  const calls: Promise<void>[] = [];
  const body = Buffer.alloc(MIB, 7);
  // More than the kernel takes at the price of this machine's socket buffers.
  for (let round = 0; round < 120; round++) {
    const call = notes.bytes(body, { deadlineMs: Infinity }).then(
      () => void outcomes.answered++,
      (error: unknown) => {
        assert.instance(error, RpcError);
        const { code, started, limit } = error as RpcError;
        assert.equal(
          { code, started, limit: limit?.name },
          { code: 'RESOURCE_EXHAUSTED', started: 'no', limit: 'callsQueuedMax' },
        );
        outcomes.refused++;
      },
    );
    calls.push(call);
    await new Promise((resolve) => setImmediate(resolve));
    unsentMost = Math.max(unsentMost, (transport as SocketTransport | null)?.unsentBytes ?? 0);
  }
  assert.ok(outcomes.refused > 0, 'backpressure reaches the callers');
  assert.ok(unsentMost > 0, 'the socket is full');
  assert.ok(unsentMost < 2 * MIB, `${unsentMost} bytes waited in the socket`);
  proxy.heal();
  await Promise.all(calls);
  assert.is(outcomes.answered + outcomes.refused, 120);
  assert.is(served, outcomes.answered);
  await channel.close();
  await server.close();
  proxy.close();
});

/** The raw method of `Notes`, declared as number 0. */
const declare = {
  role: 'DECLARE',
  name: 'test.Notes/bytes',
  kind: 'UNARY',
  request: null,
  response: null,
  errors: null,
} as const;

test('F20 a peer that never reads is closed after the stall time; the server holds no more than its queue, and others continue', async () => {
  let made = 0;
  // One value for all, so that what is held is the engine's.
  const answer = Buffer.alloc(MIB, 1);
  const limits = { stallMsMax: 300, writeQueueBytesSoft: MIB, writeQueueBytesHard: 4 * MIB };
  const ends = await openEnds({
    server: { limits },
    handlers: {
      bytes: () => {
        made++;
        return answer;
      },
    },
  });
  await ends.channel.ready();
  const peer = await ScriptedPeer.dial({ port: ends.port });
  await peer.handshake();
  peer.sendRecord('METHOD', declare);
  peer.pause();
  const before = process.memoryUsage().arrayBuffers;
  peer.send(...Array.from({ length: 200 }, (_, slot) => frame('REQUEST', { call: callNumber(slot), payload: 'more' })));
  await until(() => ends.server.connectionCount === 2, 'both connections');
  const other = ends.notes.echo({ id: 1, text: 'meanwhile' });
  assert.is((await other).text, 'meanwhile');
  const held = process.memoryUsage().arrayBuffers - before;
  assert.ok(held < 24 * MIB, `${Math.round(held / MIB)} MiB are held of 200`);
  await until(() => ends.server.connectionCount === 1, 'the end of the connection that is not read');
  assert.is(made, 200, 'its handlers ran, their answers waited');
  assert.is((await ends.notes.echo({ id: 2, text: 'after' })).text, 'after');
  // What the kernel had taken arrives, the CLOSE behind it may not.
  peer.resume();
  await until(() => peer.ending !== null, 'the end');
  const close = peer.frames.find(({ name }) => name === 'CLOSE');
  if (close !== undefined) assert.is(close.payload[0], CloseCode.STALLED * 2);
  peer.destroy();
  await ends.close();
});

test.run();
