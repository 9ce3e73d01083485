/**
 * Messages and schemas that are not what they seem, sent to a live server: each fails its own call and nothing else. What the codec
 * makes of them in detail is tested in `test/avro`.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, connect, defineService, RpcCodes, RpcError, Server, unary } from '../../src/index.js';
import { CloseCode } from '../../src/wire/index.js';
import { join, long, text, varint } from '../avro/codec-bytes.js';
import { callNumber, frame } from '../support/frames.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';

const Node = {
  type: 'record',
  name: 'm.Node',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'next', type: ['null', 'm.Node'] },
  ],
} as const;
const Letter = { type: 'enum', name: 'm.Letter', symbols: ['A', 'B'] } as const;

const Odd = defineService('m.Odd', {
  ints: unary({ request: { type: 'array', items: 'int' }, response: 'int' }),
  nulls: unary({ request: { type: 'array', items: 'null' }, response: 'int' }),
  map: unary({ request: { type: 'map', values: 'int' }, response: { type: 'map', values: 'int' } }),
  long: unary({ request: 'long', response: 'long' }),
  int: unary({ request: 'int', response: 'int' }),
  string: unary({ request: 'string', response: 'string' }),
  boolean: unary({ request: 'boolean', response: 'boolean' }),
  union: unary({ request: ['null', 'int'], response: 'int' }),
  letter: unary({ request: Letter, response: Letter }),
  node: unary({ request: Node, response: 'int' }),
});
type Name = keyof typeof Odd.methods;
const names = Object.keys(Odd.methods) as Name[];

interface Ends {
  readonly server: Server;
  readonly peer: ScriptedPeer;
  readonly odd: Client<typeof Odd>;
  /** Handlers that were run for the scripted peer and the other client. */
  readonly runs: () => number;
}

async function withEnds(run: (ends: Ends) => Promise<void>): Promise<void> {
  let runs = 0;
  const counted =
    <T>(answer: (request: T) => unknown) =>
    (request: T): never => {
      runs++;
      return answer(request) as never;
    };
  const same = counted((request: unknown) => request);
  const zero = counted(() => 0);
  const server = new Server({ onHandlerError: () => {} }).add(Odd, {
    ints: counted((ints: number[]) => ints.length),
    nulls: counted((nulls: null[]) => nulls.length),
    map: same,
    long: same,
    int: same,
    string: same,
    boolean: same,
    union: zero,
    letter: same,
    node: zero,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const odd = channel.client(Odd);
  assert.is(await odd.int(1), 1);
  const peer = await ScriptedPeer.dial({ port });
  try {
    await peer.handshake();
    await run({ server, peer, odd, runs: () => runs });
    assert.is(await odd.int(2), 2, 'the other connection goes on');
    peer.destroy();
    for (let waited = 0; server.connectionCount > 1 && waited < 500; waited++)
      await new Promise((r) => setTimeout(r, 10));
    assert.is(server.connectionCount, 1, 'nothing is left of the hostile connection');
  } finally {
    peer.destroy();
    await channel.close({ graceMs: 100 });
    await server.close();
  }
  assert.is(server.connectionCount, 0);
}

function declare(peer: ScriptedPeer, name: Name, number = names.indexOf(name)): void {
  const { request, response } = Odd.methods[name];
  const fingerprints = { request: request.fingerprint, response: response.fingerprint, errors: null };
  peer.sendRecord('METHOD', { role: 'DECLARE', name: `m.Odd/${name}`, kind: 'UNARY', ...fingerprints }, 0, number);
}

function nodes(depth: number): Buffer {
  return Buffer.concat([...Array.from({ length: depth - 1 }, () => Buffer.from([2, 2])), Buffer.from([2, 0])]);
}

const refused: readonly (readonly [title: string, method: Name, messages: readonly Buffer[]])[] = [
  [
    'B36 a count beyond the bytes that remain',
    'ints',
    [2 ** 20, 2 ** 31, 2 ** 40].map((count) => join(long(count), long(1), 0)),
  ],
  ['B36 a map count beyond the bytes that remain', 'map', [join(long(2 ** 40), text('a'), long(1), 0)]],
  ['B37 items without bytes beyond the cap', 'nulls', [join(long(65_537), 0), join(long(2 ** 40), 0)]],
  [
    'B38 a block size that is negative or false',
    'ints',
    [join(long(-1), long(-1), long(5), 0), join(long(-1), long(9), long(5), 0)],
  ],
  ['B39 a varint of more than 10 bytes', 'long', [Buffer.from('8080808080808080808001', 'hex')]],
  ['B40 a length of -1, 2^31 or 2^53', 'string', [long(-1), long(2 ** 31), long(2n ** 53n)]],
  ['B41 a union index that is none', 'union', [long(-1), long(2), long(2 ** 40)]],
  ['B41 an enum index that is none', 'letter', [long(-1), long(2), varint(2n ** 41n)]],
  ['B42 recursion beyond 64 levels', 'node', [nodes(65), nodes(20_000)]],
  ['B44 an int beyond 32 bits, or bytes behind it', 'int', [long(2 ** 31), join(long(1), 0)]],
  ['B44 a boolean of 2', 'boolean', [Buffer.from([2])]],
  ['B44 text that is not UTF-8', 'string', [join(long(2), 0xc3, 0x28)]],
];

for (const [title, method, messages] of refused) {
  test(`${title} fails that call as INVALID_ARGUMENT, and no handler runs`, () =>
    withEnds(async ({ peer, runs }) => {
      declare(peer, method);
      declare(peer, 'int', 63);
      const before = runs();
      for (const [slot, body] of messages.entries()) {
        const call = callNumber(slot);
        peer.send(frame('REQUEST', { call, method: names.indexOf(method), payload: body }));
        const { code, started } = await peer.expectRecord('FAILURE', { call });
        assert.is(code, RpcCodes.INVALID_ARGUMENT);
        assert.is(started, 'NO');
      }
      assert.is(runs(), before);
      const call = callNumber(messages.length);
      peer.send(frame('REQUEST', { call, method: 63, payload: long(21) }));
      assert.equal((await peer.expect('RESPONSE', { call })).payload, long(21), 'the connection goes on');
    }));
}

test('B45 300 longs beyond 2^53 fail as OUT_OF_RANGE, no handler runs, and their caller is no attacker', () =>
  withEnds(async ({ peer, runs }) => {
    declare(peer, 'long');
    const before = runs();
    for (let generation = 1; generation <= 300; generation++) {
      const call = callNumber(0, generation);
      const payload = long(generation % 2 === 0 ? 2n ** 53n : -(2n ** 62n));
      peer.send(frame('REQUEST', { call, method: names.indexOf('long'), payload }));
      const { code, started } = await peer.expectRecord('FAILURE', { call });
      assert.is(code, RpcCodes.OUT_OF_RANGE);
      assert.is(started, 'NO');
    }
    assert.is(runs(), before);
    const call = callNumber(0, 301);
    peer.send(frame('REQUEST', { call, method: names.indexOf('long'), payload: long(21) }));
    assert.equal((await peer.expect('RESPONSE', { call })).payload, long(21));
  }));

test('B38 a negative count with the size of its block is legal and is answered', () =>
  withEnds(async ({ peer }) => {
    declare(peer, 'ints');
    peer.send(
      frame('REQUEST', {
        call: callNumber(0),
        method: names.indexOf('ints'),
        payload: join(long(-2), long(2), long(7), long(8), 0),
      }),
    );
    assert.equal((await peer.expect('RESPONSE')).payload, long(2));
  }));

test('B43 map keys __proto__ and constructor are echoed as plain data, and no prototype changes', () =>
  withEnds(async ({ peer }) => {
    declare(peer, 'map');
    const body = join(long(2), text('__proto__'), long(1), text('constructor'), long(2), 0);
    peer.send(frame('REQUEST', { call: callNumber(0), method: names.indexOf('map'), payload: body }));
    assert.equal((await peer.expect('RESPONSE')).payload, body);
    assert.is(({} as { 1?: unknown })[1], undefined);
    assert.is(Object.getPrototypeOf({}), Object.prototype);
  }));

test('B46 an inherited enum name and NaN for an int are errors here, and nothing is sent', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  try {
    const odd = channel.client(Odd);
    const ready = channel.ready();
    const peer = await listener.accept();
    await peer.handshake();
    await ready;
    const wrong = [
      odd.letter('toString' as never),
      odd.letter('__proto__' as never),
      odd.int(Number.NaN),
      odd.int(1.5),
    ];
    for (const call of wrong) {
      const error = await call.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.instance(error, RpcError);
      assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
      assert.is((error as RpcError).started, 'no');
    }
    void odd.int(5).catch(() => {});
    await peer.skipTo('REQUEST');
    const requests = peer.frames.filter(({ name }) => name === 'REQUEST');
    assert.equal(
      requests.map(({ payload }) => payload.subarray(4)),
      [long(5)],
      'the first request is the one without fault',
    );
    peer.destroy();
  } finally {
    await channel.close({ graceMs: 0 });
    await listener.close();
  }
});

const manySymbols = Array.from({ length: 10_001 }, (_, i) => `s${i}`);
const deep = `${'{"type":"array","items":'.repeat(10_000)}"int"${'}'.repeat(10_000)}`;
const schemas: readonly (readonly [title: string, schema: string])[] = [
  ['10,000 levels deep', deep],
  ['of more than 10,000 parts', JSON.stringify({ name: 'm.Big', type: 'enum', symbols: manySymbols })],
  ['with a name that is code', '{"name":"a b","type":"record","fields":[]}'],
  [
    'with a field twice',
    '{"name":"m.T","type":"record","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
  ],
  ['that is no JSON', '{"name":'],
];

const sha256 = (schema: string): Buffer => createHash('sha256').update(schema).digest();

/** Declares `int` as written with this schema and calls it; the server asks for the schema. */
async function askedFor(peer: ScriptedPeer, fingerprint: Buffer): Promise<void> {
  const record = {
    role: 'DECLARE',
    name: 'm.Odd/int',
    kind: 'UNARY',
    request: fingerprint,
    response: fingerprint,
    errors: null,
  } as const;
  peer.sendRecord('METHOD', record, 0, 0);
  peer.send(frame('REQUEST', { call: callNumber(0), payload: long(1) }));
  await peer.expect('METHOD');
  assert.equal((await peer.expectRecord('SCHEMA')).fingerprint, fingerprint);
}

/** SCHEMA in frames of at most 60,000 bytes. */
function give(peer: ScriptedPeer, fingerprint: Buffer, schema: string): void {
  const payload = Buffer.concat([fingerprint, Buffer.from([2]), long(Buffer.byteLength(schema)), Buffer.from(schema)]);
  for (let at = 0; at < payload.length; at += 60_000) {
    const more = at + 60_000 < payload.length ? 1 : 0;
    peer.send(frame('SCHEMA', { flags: more, payload: payload.subarray(at, at + 60_000) }));
  }
}

for (const [title, schema] of schemas) {
  test(`B47 a schema ${title} fails the calls of its method alone, and is not compiled`, () =>
    withEnds(async ({ peer, runs }) => {
      const before = runs();
      await askedFor(peer, sha256(schema));
      give(peer, sha256(schema), schema);
      const { code, started } = await peer.expectRecord('FAILURE', { call: callNumber(0) });
      assert.is(code, RpcCodes.FAILED_PRECONDITION);
      assert.is(started, 'NO');
      assert.is(runs(), before);
      declare(peer, 'int', 1);
      peer.send(frame('REQUEST', { call: callNumber(1), method: 1, payload: long(3) }));
      assert.equal((await peer.expect('RESPONSE')).payload, long(3));
    }));
}

test('B47 a schema that is longer than the limit is CLOSE PROTOCOL', () =>
  withEnds(async ({ peer }) => {
    const schema = JSON.stringify({ name: 'm.Long', type: 'enum', symbols: ['a'.repeat(300_000)] });
    await askedFor(peer, sha256(schema));
    give(peer, sha256(schema), schema);
    await peer.expectClose(CloseCode.PROTOCOL);
  }));

test('B47 a schema that does not hash to its fingerprint is CLOSE PROTOCOL', () =>
  withEnds(async ({ peer }) => {
    await askedFor(peer, sha256('"float"'));
    give(peer, sha256('"float"'), '"long"');
    await peer.expectClose(CloseCode.PROTOCOL);
  }));

test.run();
