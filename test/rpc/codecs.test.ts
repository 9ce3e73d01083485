/** Messages without Avro, and messages by a codec of the application's own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, type MessageCodec, RpcError, raw, Server, unary } from '../../src/index.js';
import { failureOf, openEnds } from '../support/rpc.js';

test('raw bytes of any length arrive as they are, 0 bytes included', async () => {
  const ends = await openEnds();
  for (const length of [0, 1, 1_023, 1_024, 1_025, 16_384, 65_523, 65_524, 65_536, 65_537, 200_000]) {
    const sent = Buffer.from(Array.from({ length }, (_, index) => (index * 31) % 256));
    assert.ok(sent.equals(await ends.notes.bytes(sent)), `${length} bytes`);
  }
  await ends.close();
});

test('raw bytes are copied: neither side sees what the other does to its buffer later', async () => {
  const kept: Buffer[] = [];
  const ends = await openEnds({
    handlers: {
      bytes: (bytes) => {
        kept.push(bytes);
        return bytes;
      },
    },
  });
  const sent = Buffer.from('first');
  const pending = ends.notes.bytes(sent);
  await ends.channel.ready();
  sent.fill(0);
  const answer = await pending;
  const other = await ends.notes.bytes(Buffer.from('other'));
  answer.fill(1);
  assert.is(kept[1]?.toString(), 'other');
  assert.is(other.toString(), 'other');
  await ends.close();
});

test('any Uint8Array is raw bytes, and nothing else is', async () => {
  const ends = await openEnds();
  assert.equal(await ends.notes.bytes(Uint8Array.of(1, 2)), Buffer.from([1, 2]));
  assert.equal(await ends.notes.bytes(new Uint8Array(Uint8Array.of(9, 8, 7).buffer, 1, 1)), Buffer.from([8]));
  for (const wrong of ['text', [1, 2], null, undefined, 7, new ArrayBuffer(2)]) {
    const failure = await failureOf(ends.notes.bytes(wrong as never));
    assert.is(failure.code, 'INVALID_ARGUMENT');
    assert.is(failure.started, 'no');
  }
  await ends.close();
});

/** JSON, as a framework might bring it. */
const json: MessageCodec = {
  fingerprint: null,
  schemaText: '',
  encode(value, into, offset) {
    const text = JSON.stringify(value);
    if (text === undefined) throw new RpcError('INVALID_ARGUMENT', 'not JSON');
    const bytes = Buffer.byteLength(text);
    if (offset + bytes > into.length) return into.length - offset - bytes;
    return offset + into.write(text, offset);
  },
  decode(from, start, end) {
    try {
      return JSON.parse(from.toString('utf8', start, end)) as unknown;
    } catch (cause) {
      throw new RpcError('INVALID_ARGUMENT', 'not JSON', { cause });
    }
  },
  resolveWriter: () => ({ grade: 'identical', codec: json, path: '', reason: '' }),
  gradeReader: () => ({ grade: 'identical', codec: null, path: '', reason: '' }),
};

const Free = defineService('test.Free', {
  json: unary({ request: json, response: json }),
  bytes: unary({ request: raw, response: json }),
  broken: unary({ request: json, response: json }),
});

test('a codec of the application own carries its values, small and large', async () => {
  const server = new Server().add(Free, { json: (value) => value, bytes: (b) => b.length, broken: () => undefined });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const free = channel.client(Free);
  for (const value of [null, 'text', { a: [1, { b: '话' }] }, 'x'.repeat(300_000)]) {
    assert.equal(await free.json(value), value);
  }
  assert.is(await free.bytes(Buffer.alloc(7)), 7);
  await channel.close();
  await server.close();
});

test('a codec that throws fails its own call, on whichever side and with whatever error', async () => {
  const reported: string[] = [];
  const server = new Server({ onHandlerError: (error) => void reported.push(String(error)) }).add(Free, {
    json: (value) => value,
    bytes: () => 1n,
    broken: () => undefined,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const free = channel.client(Free);
  const sync = await failureOf(free.json(undefined));
  assert.is(sync.code, 'INVALID_ARGUMENT');
  assert.is(sync.started, 'no');
  // JSON.stringify throws a TypeError of its own.
  const foreign = await failureOf(free.json(1n));
  assert.is(foreign.code, 'INVALID_ARGUMENT');
  assert.is(foreign.started, 'no');
  assert.match(foreign.message, /test\.Free\/json/);
  assert.instance(foreign.cause, TypeError);
  const response = await failureOf(free.bytes(Buffer.alloc(1)));
  assert.is(response.code, 'INTERNAL');
  assert.is(response.started, 'yes');
  const missing = await failureOf(free.broken(1));
  assert.is(missing.code, 'INTERNAL');
  assert.is(missing.message, 'the answer of test.Free/broken cannot be sent');
  assert.is(reported.length, 2);
  assert.match(reported[1] ?? '', /test\.Free\/broken.*not JSON/);
  assert.equal(await free.json('still here'), 'still here');
  await channel.close();
  await server.close();
});

test('a decoder that throws is INVALID_ARGUMENT for a request and INTERNAL for a response', async () => {
  const Bytes = defineService('test.Free', { json: unary({ request: raw, response: raw }) });
  let runs = 0;
  const server = new Server().add(Free, {
    json: (value) => {
      runs++;
      return value;
    },
    bytes: () => null,
    broken: () => null,
  });
  const lying = new Server().add(Bytes, { json: () => Buffer.from('{not json') });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const { port: lyingPort } = await lying.listen({ host: '127.0.0.1' });
  const bytes = connect(`tcp://127.0.0.1:${port}`);
  const request = await failureOf(bytes.client(Bytes).json(Buffer.from('{not json')));
  assert.is(request.code, 'INVALID_ARGUMENT');
  assert.is(request.started, 'no');
  assert.is(runs, 0);
  const typed = connect(`tcp://127.0.0.1:${lyingPort}`);
  const response = await failureOf(typed.client(Free).json(1));
  assert.is(response.code, 'INTERNAL');
  assert.is(response.started, 'yes');
  assert.match(response.message, /test\.Free\/json cannot be read/);
  assert.is((await bytes.client(Bytes).json(Buffer.from('[1]'))).toString(), '[1]');
  await Promise.all([bytes.close(), typed.close(), server.close(), lying.close()]);
});

/** What `encode` of a careless codec does: it writes `written` bytes of 7 and returns what `returned` makes of the offset and the room. */
type Careless = readonly [written: number, returned: (offset: number, room: number) => unknown];

function careless([written, returned]: Careless): MessageCodec {
  return {
    ...json,
    encode(_, into, offset) {
      into.fill(7, offset, offset + written);
      return returned(offset, into.length - offset) as number;
    },
    decode: (from, start, end) => [...from.subarray(start, end)],
    resolveWriter: () => ({ grade: 'identical', codec: careless([written, returned]), path: '', reason: '' }),
  };
}

const wrongEnds: Readonly<Record<string, Careless>> = {
  nothing: [1, () => undefined],
  notANumber: [1, () => Number.NaN],
  infinite: [1, () => Number.POSITIVE_INFINITY],
  fraction: [1, (offset) => offset + 1.5],
  text: [1, (offset) => String(offset + 1)],
  bigint: [1, (offset) => BigInt(offset + 1)],
  beforeItsOffset: [1, (offset) => Math.max(0, offset - 1)],
  beyondTheBuffer: [1, (offset, room) => offset + room + 1],
  alwaysTooLong: [1, () => -10],
};

for (const [name, how] of Object.entries(wrongEnds)) {
  test(`A1 a codec whose encode returns a wrong end fails its own call, on either side: ${name}`, async () => {
    const reported: unknown[] = [];
    const broken = careless(how);
    const S = defineService('test.Careless', {
      ask: unary({ request: broken, response: json }),
      answer: unary({ request: json, response: broken }),
      good: unary({ request: json, response: json }),
    });
    const server = new Server({ onHandlerError: (error) => void reported.push(error) }).add(S, {
      ask: () => 'ran',
      answer: () => 'value',
      good: (value) => value,
    });
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
    const client = channel.client(S);
    const good = client.good('before');
    const asked = await failureOf(client.ask(1));
    assert.ok(asked.code === 'INTERNAL' || asked.code === 'INVALID_ARGUMENT', asked.code);
    assert.is(asked.started, 'no');
    const told =
      name === 'alwaysTooLong'
        ? /became longer while it was encoded/
        : /the codec's encode returned .*, not an offset from/;
    assert.match(asked.message, told);
    const answered = await failureOf(client.answer(1));
    assert.is(answered.code, 'INTERNAL');
    assert.is(reported.length, 1);
    assert.match(String(reported[0]), told);
    assert.equal([await good, await client.good('after')], ['before', 'after']);
    await channel.close();
    await server.close();
  });
}

test('A1 bytes that a codec claims and did not write are zeros, never what another message left there', async () => {
  for (const claimed of [10, 300, 5_000]) {
    const lying = careless([4, (offset, room) => (room < claimed ? room - claimed : offset + claimed)]);
    const S = defineService('test.Lying', {
      echo: unary({ request: json, response: lying }),
      fill: unary({ request: raw, response: raw }),
    });
    const server = new Server().add(S, { echo: () => 'value', fill: (bytes) => bytes });
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`);
    const client = channel.client(S);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 20 }, () => client.fill(Buffer.alloc(6_000, 0xaa))));
      const bytes = (await client.echo(1)) as number[];
      assert.is(bytes.length, claimed);
      assert.equal(bytes.slice(0, 4), [7, 7, 7, 7]);
      assert.ok(bytes.slice(4).every((byte) => byte === 0));
    }
    await channel.close();
    await server.close();
  }
});

test.run();
