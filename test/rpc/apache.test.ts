/**
 * The calls that Apache's implementations recorded (`interop/rpc`), byte by byte on the wire: the requests are answered with
 * the bytes of the responses, and the responses are read. Which services Apache's protocols make: `test/avro`.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DeclaredError, type ProtocolService, Server, serviceFromProtocol } from '../../src/index.js';
import { callNumber, flags, frame } from '../support/frames.js';
import { readRecord } from '../support/records.js';
import { projectRoot } from '../support/root.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { until } from './until.js';

const apache = (path: string): string => fileURLToPath(new URL(`test/data/avro/${path}`, projectRoot));
const simple = serviceFromProtocol(apache('schemas/simple.avpr'));
type Values = Readonly<Record<string, unknown>>;

const acks: unknown[] = [];
const handlers: Parameters<typeof Server.prototype.add<ProtocolService>>[1] = {
  hello: (request) => `Hello ${String((request as Values)['greeting']).slice('Hello '.length, -1)}`,
  echo: (request) => (request as Values)['record'],
  add: (request) => Number((request as Values)['arg1']) + Number((request as Values)['arg2']),
  echoBytes: (request) => (request as Values)['data'],
  error: () => {
    throw new DeclaredError('org.apache.avro.test.TestError', { message: 'as declared' });
  },
  ack: (request) => void acks.push(request) as never,
};

/** The one message of a recorded file: its bytes, and the SHA-256 of its schema's canonical form, both by avsc. */
async function recorded(path: string): Promise<{ bytes: Buffer; fingerprint: Buffer }> {
  const decoder = avro.createFileDecoder(apache(`interop/rpc/${path}`), { noDecode: true });
  let fingerprint: Buffer = Buffer.alloc(0);
  decoder.on('metadata', (type: avro.Type) => {
    fingerprint = createHash('sha256').update(JSON.stringify(type.schema())).digest();
  });
  const all: Buffer[] = [];
  for await (const bytes of decoder) all.push(Buffer.from(bytes as Buffer));
  assert.is(all.length, 1, path);
  return { bytes: all[0] as Buffer, fingerprint };
}

const recordings = [
  ['hello', 'hello/world'],
  ['echo', 'echo/foo'],
  ['add', 'add/onePlusOne'],
] as const;

for (const [name, folder] of recordings) {
  test(`a peer that sends the recorded ${name} gets the recorded response`, async () => {
    const request = await recorded(`${folder}/request.avro`);
    const response = await recorded(`${folder}/response.avro`);
    const server = new Server().add(simple, handlers);
    const { port } = await server.listen({ host: '127.0.0.1' });
    const peer = await ScriptedPeer.dial({ port });
    await peer.handshake();
    const method = { role: 'DECLARE', name: `org.apache.avro.test.Simple/${name}`, kind: 'UNARY' } as const;
    const fingerprints = { request: request.fingerprint, response: response.fingerprint, errors: null };
    peer.sendRecord('METHOD', { ...method, ...fingerprints });
    peer.send(frame('REQUEST', { call: callNumber(0), payload: request.bytes }));
    // No METHOD ANSWER before it: Apache's schemas have the same fingerprints here.
    const answer = await peer.expect('RESPONSE', { call: callNumber(0) });
    assert.equal(answer.payload, response.bytes);
    peer.destroy();
    await server.close();
  });

  test(`a client that makes the recorded ${name} sends its bytes and reads the recorded response`, async () => {
    const request = await recorded(`${folder}/request.avro`);
    const response = await recorded(`${folder}/response.avro`);
    const method = simple.methods[name];
    const value = method?.request.decode(request.bytes, 0, request.bytes.length);
    const listener = await ScriptedListener.listen();
    const channel = connect(`tcp://127.0.0.1:${listener.port}`, { deadlineMs: Number.POSITIVE_INFINITY });
    const pending = channel.client(simple)[name]?.(value);
    const peer = await listener.accept();
    await peer.handshake();
    const { payload } = await peer.expect('METHOD');
    assert.equal(readRecord('METHOD', payload).request, request.fingerprint);
    const sent = await peer.expect('REQUEST');
    assert.equal(sent.payload, request.bytes);
    peer.send(frame('RESPONSE', { call: sent.call, payload: response.bytes }));
    assert.equal(await pending, method?.response.decode(response.bytes, 0, response.bytes.length));
    await listener.close();
    await channel.close();
  });
}

test('the one-way ack of simple.avpr is a ONEWAY call on the wire, and its error TestError a FAILURE with detail', async () => {
  const server = new Server().add(simple, handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  for (const [number, name] of ['ack', 'error'].entries()) {
    const { request, response, errors } = simple.methods[name] ?? assert.unreachable();
    const fingerprints = {
      request: request.fingerprint,
      response: response.fingerprint,
      errors: errors?.fingerprint ?? null,
    };
    const kind = name === 'ack' ? 'ONEWAY' : 'UNARY';
    const method = { role: 'DECLARE', name: `org.apache.avro.test.Simple/${name}`, kind } as const;
    peer.sendRecord('METHOD', { ...method, ...fingerprints }, 0, number);
  }
  peer.send(frame('REQUEST', { call: callNumber(0), method: 0, flags: flags.ONEWAY }));
  peer.send(frame('REQUEST', { call: callNumber(1), method: 1 }));
  const failure = await peer.expectRecord('FAILURE', { call: callNumber(1) });
  // Branch 1 of ["string", TestError], then its message of 11 characters.
  assert.equal(failure.detail, Buffer.from('\x02\x16as declared', 'latin1'));
  assert.is(failure.started, 'YES');
  await until(() => acks.length === 1, 'the ack');
  peer.destroy();
  await server.close();
});

test.run();
