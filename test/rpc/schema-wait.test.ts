/** Calls whose schemas are still on their way: they wait, within bounds, and none is lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineService, type Limits, oneway, Server, unary } from '../../src/index.js';
import { callNumber, flags, frame, u32 } from '../support/frames.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { until } from './until.js';
import { between } from './versions.js';

const of = (space: string, type: 'int' | 'long') =>
  defineService(`${space}.S`, {
    echo: unary({
      request: { type: 'record', name: `${space}.R`, fields: [{ name: 'id', type }] },
      response: 'int',
    }),
    note: oneway({ request: { type: 'record', name: `${space}.N`, fields: [{ name: 'id', type }] } }),
  });

test('all calls that are made at once, before the schemas are there, are answered', async () => {
  const answered = await between(of('a', 'long'), { echo: ({ id }) => id, note: () => {} }, of('a', 'int'), (client) =>
    Promise.all(Array.from({ length: 200 }, (_, id) => client.echo({ id }))),
  );
  assert.equal(
    answered,
    Array.from({ length: 200 }, (_, id) => id),
  );
});

test('oneway calls that are made before the schemas are there all run, in order', async () => {
  const seen: number[] = [];
  const handlers = { echo: ({ id }: { id: number }) => id, note: ({ id }: { id: number }) => void seen.push(id) };
  await between(of('b', 'long'), handlers, of('b', 'int'), async (client, tap) => {
    const notes = Array.from({ length: 500 }, (_, id) => client.note({ id }));
    // They use the same few slots over and over, since each is free as soon as its request has left.
    assert.is(await client.echo({ id: 7 }), 7);
    await Promise.all(notes);
    await until(() => seen.length === 500, 'all notes');
    assert.is(tap.count('CLOSE'), 0);
  });
  assert.equal(
    seen,
    Array.from({ length: 500 }, (_, id) => id),
  );
});

const strange = Buffer.alloc(32, 7);

/** A server, and a peer that has declared methods with a schema which it never gives. */
async function secretive(space: string, limits: Partial<Limits> = {}) {
  const seen: number[] = [];
  const service = of(space, 'long');
  const handlers = { echo: ({ id }: { id: number }) => id, note: ({ id }: { id: number }) => void seen.push(id) };
  const server = new Server({ limits }).add(service, handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const { fingerprint: response } = service.methods.echo.response;
  const methods = [
    { name: 'echo', kind: 'UNARY', response },
    { name: 'note', kind: 'ONEWAY', response: null },
  ] as const;
  for (const [number, { name, ...rest }] of methods.entries()) {
    const method = { role: 'DECLARE', name: `${space}.S/${name}`, request: strange, errors: null } as const;
    peer.sendRecord('METHOD', { ...method, ...rest }, 0, number);
    await peer.skipTo('METHOD');
  }
  return { server, peer, seen };
}

test('the deadline of a call that waits for a schema runs on, and its slot is free again', async () => {
  const { server, peer, seen } = await secretive('c');
  peer.send(
    frame('REQUEST', { call: callNumber(0), flags: flags.DEADLINE, payload: Buffer.concat([u32(30), Buffer.of(2)]) }),
  );
  peer.send(frame('REQUEST', { call: callNumber(1), payload: Buffer.of(2) }));
  const failure = await peer.skipTo('FAILURE');
  assert.is(failure.call, callNumber(0));
  // DEADLINE_EXCEEDED, started NO.
  assert.equal([...failure.payload.subarray(0, 2)], [8, 0]);
  peer.send(frame('REQUEST', { call: callNumber(0, 2), payload: Buffer.of(2) }));
  peer.sendRecord('CANCEL', { code: 1, text: '' }, callNumber(1));
  const cancelled = await peer.skipTo('FAILURE');
  assert.is(cancelled.call, callNumber(1));
  peer.sendRecord('SCHEMA', { fingerprint: strange, schema: '' });
  const refused = await peer.skipTo('FAILURE');
  assert.is(refused.call, callNumber(0, 2));
  // FAILED_PRECONDITION, started NO.
  assert.equal([...refused.payload.subarray(0, 2)], [18, 0]);
  assert.equal(seen, []);
  peer.destroy();
  await server.close();
});

test('oneway calls that wait for a schema are bounded, also those without any bytes', async () => {
  const { server, peer } = await secretive('d', { assemblyBytesMax: 100_000 });
  // 100,000 bytes hold some 200 of them; 200 more are forgiven.
  for (let generation = 1; generation <= 1_000; generation++) {
    peer.send(frame('REQUEST', { call: callNumber(0, generation), method: 1, flags: flags.ONEWAY }));
  }
  const close = await peer.expectClose(9);
  assert.match(close.text, /resetsBurstMax/);
  await server.close();
});

test.run();
