/** Faults of the network: each call settles once, says whether it may have run, and the next one works. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, Server } from '../../src/index.js';
import { callNumber, frame } from '../support/frames.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, gate, handlers, Notes, openEnds, sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';

const notInDeno = onlyIn(test, ['node', 'bun'], 'Deno does not let the proxy of this test reset a socket');

const note = { id: 1, text: 'one' };

test('F1 a closed port is UNAVAILABLE immediately, started=no, and further attempts back off', async () => {
  const listener = await ScriptedListener.listen();
  const { port } = listener;
  await listener.close();
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const notes = channel.client(Notes);
  const first = await failureOf(notes.echo(note));
  assert.is(first.code, 'UNAVAILABLE');
  assert.is(first.started, 'no');
  assert.match(first.message, /ECONNREFUSED/);
  // In the backoff calls fail without an attempt of their own.
  const second = await failureOf(notes.echo(note));
  assert.is(second.code, 'UNAVAILABLE');
  assert.is(second.started, 'no');
  // Once it has passed the channel connects again.
  const server = new Server().add(Notes, handlers());
  await server.listen({ host: '127.0.0.1', port });
  for (let tries = 0; ; tries++) {
    const answer = await notes.echo(note).catch(() => null);
    if (answer !== null) break;
    if (tries > 100) throw new Error('the channel did not connect again');
    await sleep(20);
  }
  await channel.close();
  await server.close();
});

notInDeno('F4 a reset after the request was sent is UNAVAILABLE started=maybe, and is not sent again', async () => {
  let proxy: FaultProxy | undefined;
  let runs = 0;
  const started = gate();
  const ends = await openEnds({
    handlers: {
      echo: async (request) => {
        if (++runs === 1) {
          started.open();
          await new Promise(() => {});
        }
        return request;
      },
    },
    through: async (port) => (proxy = await FaultProxy.start(port)).port,
  });
  const lost = failureOf(ends.notes.echo(note));
  await started.opened;
  proxy?.reset();
  const failure = await lost;
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.equal(await ends.notes.echo(note), note);
  assert.is(runs, 2);
  await ends.close();
  proxy?.close();
});

test('F5 a reset in the middle of a response never delivers a part of it', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({ through: async (port) => (proxy = await FaultProxy.start(port)).port });
  await ends.notes.echo(note);
  proxy?.resetAfter(100_000, 'toClient');
  const failure = await failureOf(ends.notes.bytes(Buffer.alloc(1_000_000, 7)));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
  proxy?.close();
});

test('F6 a FIN during calls fails them as started=maybe; a FIN after the last answer is clean', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const notes = channel.client(Notes);
  const pending = failureOf(notes.echo(note));
  const peer = await listener.accept();
  await peer.handshake();
  await peer.skipTo('REQUEST');
  peer.socket.end();
  const failure = await pending;
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  await peer.skipTo('CLOSE');
  // The next call dials anew, is answered, and then the peer ends in peace.
  const next = notes.echo(note);
  const again = await listener.accept();
  await again.handshake();
  const request = await again.skipTo('REQUEST');
  again.send(frame('RESPONSE', { call: request.call, payload: Buffer.from([2, 6, 0x6f, 0x6e, 0x65]) }));
  assert.equal(await next, note);
  again.socket.end();
  assert.is((await again.expectClose()).code, 0);
  await channel.close();
  await listener.close();
});

test('F7 a client that shuts down its sending side still gets the answers of its calls', async () => {
  const answer = gate();
  const server = new Server().add(Notes, handlers({ bytes: async (bytes) => answer.opened.then(() => bytes) }));
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const method = { role: 'DECLARE', name: 'test.Notes/bytes', kind: 'UNARY' } as const;
  peer.sendRecord('METHOD', { ...method, request: null, response: null, errors: null });
  peer.send(frame('REQUEST', { call: callNumber(0), payload: Buffer.from('seven') }));
  peer.socket.end();
  await sleep(20);
  answer.open();
  const response = await peer.expect('RESPONSE', { call: callNumber(0) });
  assert.is(response.payload.toString(), 'seven');
  await peer.expectClose(0);
  await server.close();
});

test('F18 chunks of one byte give the same results', async () => {
  let proxy: FaultProxy | undefined;
  const ends = await openEnds({ through: async (port) => (proxy = await FaultProxy.start(port)).port });
  proxy?.slice(1);
  const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251));
  const [echoed, answer] = await Promise.all([ends.notes.bytes(bytes), ends.notes.echo(note)]);
  assert.ok(bytes.equals(echoed));
  assert.equal(answer, note);
  proxy?.heal();
  await ends.close();
  proxy?.close();
});

test('a call whose bytes were not sent is started=no when the connection is lost', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`, { limits: { writeQueueBytesSoft: 100_000 } });
  const notes = channel.client(Notes);
  await Promise.all([channel.ready(), listener.accept().then((peer) => peer.handshake())]);
  // Nobody reads: the socket takes what it can hold, then calls wait in the queue.
  const large = Array.from({ length: 64 }, () => failureOf(notes.bytes(Buffer.alloc(1_000_000))));
  await sleep(50);
  await listener.close();
  const outcomes = await Promise.all(large);
  assert.ok(outcomes.every((failure) => failure.code === 'UNAVAILABLE'));
  assert.ok(outcomes.some((failure) => failure.started === 'no'));
  await channel.close();
});

test.run();
