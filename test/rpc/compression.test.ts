/** Compression between the two ends of a connection: where it was asked for, towards whom, from which size, and how far. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ChannelOptions,
  type CompressionName,
  connect,
  defineService,
  raw,
  Server,
  type ServerOptions,
  unary,
} from '../../src/index.js';
import { callNumber, flags, frame, u32 } from '../support/frames.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';
import { ScriptedPeer } from '../support/scripted-peer.js';
import { Random } from '../support/seed.js';
import { FrameTap } from './frame-tap.js';

/** A service of a method for each setting, each answering what it was sent. */
const Pack = defineService('test.Pack', {
  follows: unary({ request: raw, response: raw }),
  never: unary({ request: raw, response: raw, compression: 'off' }),
  lz4: unary({ request: raw, response: raw, compression: 'lz4' }),
  gzip: unary({ request: raw, response: raw, compression: 'gzip' }),
});
const echo = (bytes: Buffer): Buffer => bytes;

async function packing(options: { readonly server?: ServerOptions; readonly channel?: ChannelOptions } = {}) {
  const server = new Server(options.server).add(Pack, { follows: echo, never: echo, lz4: echo, gzip: echo });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const tap = await FrameTap.start(port);
  const channel = connect(`tcp://127.0.0.1:${tap.port}`, options.channel);
  const pack = channel.client(Pack);
  await channel.ready();
  /** Whether request and response of one call were compressed; the answer is compared. */
  const packed = async (name: keyof typeof pack, bytes: Buffer): Promise<string> => {
    const from = tap.frames.length;
    assert.ok(bytes.equals(await pack[name](bytes)));
    const of = (type: string): string => {
      const first = tap.frames.slice(from).find((one) => one.name === type);
      if (first === undefined) return '?';
      if ((first.flags & flags.COMPRESSED) === 0) return 'plain';
      // The first byte of the body is the codec; a REQUEST has a deadline before it.
      return first.payload[type === 'REQUEST' ? 4 : 0] === 1 ? 'lz4' : 'gzip';
    };
    return `${of('REQUEST')} ${of('RESPONSE')}`;
  };
  const close = async () => {
    await channel.close({ graceMs: 100 });
    await server.close();
    tap.close();
  };
  return { packed, tap, close };
}

const text = Buffer.from('all the cities of the world, '.repeat(2_000));

for (const name of ['lz4', 'gzip'] as const) {
  test(`${name} on both sides compresses requests and responses, and both arrive as they were`, async () => {
    const { packed, tap, close } = await packing({ server: { compression: name }, channel: { compression: name } });
    assert.is(await packed('follows', text), `${name} ${name}`);
    const bytes = tap.frames.reduce((sum, one) => sum + one.payload.length, 0);
    assert.ok(bytes < text.length / 4, `${bytes} bytes for two messages of ${text.length}`);
    const large = Buffer.alloc(3_000_000, 'trunk line ');
    assert.is(await packed('follows', large), `${name} ${name}`);
    await close();
  });

  test(`${name} on one side only compresses nothing, since the other did not announce it`, async () => {
    for (const options of [{ server: { compression: name } }, { channel: { compression: name } }]) {
      // The other side is served with methods of its own that would load it, so it gets a service without them.
      const server = new Server(options.server).add(Notes, handlers());
      const { port } = await server.listen({ host: '127.0.0.1' });
      const tap = await FrameTap.start(port);
      const channel = connect(`tcp://127.0.0.1:${tap.port}`, options.channel);
      const notes = channel.client(Notes);
      await channel.ready();
      assert.ok(text.equals(await notes.bytes(text)));
      assert.ok(tap.frames.every((one) => (one.flags & flags.COMPRESSED) === 0));
      await channel.close();
      await server.close();
      tap.close();
    }
  });
}

test('without a setting nothing is compressed; a method of its own setting is, and one that is off never', async () => {
  const off = await packing();
  assert.is(await off.packed('follows', text), 'plain plain');
  assert.is(await off.packed('never', text), 'plain plain');
  assert.is(await off.packed('lz4', text), 'lz4 lz4');
  assert.is(await off.packed('gzip', text), 'gzip gzip');
  await off.close();
  const on = await packing({ server: { compression: 'gzip' }, channel: { compression: 'lz4' } });
  // Each side chooses for what it sends.
  assert.is(await on.packed('follows', text), 'lz4 gzip');
  assert.is(await on.packed('never', text), 'plain plain');
  assert.is(await on.packed('gzip', text), 'gzip gzip');
  await on.close();
});

test('a service may set the compression of those of its methods that do not', async () => {
  const of = (compression: CompressionName) =>
    defineService(
      'test.Set',
      { one: unary({ request: raw, response: raw }), two: unary({ request: raw, response: raw, compression: 'off' }) },
      { compression },
    );
  const server = new Server().add(of('gzip'), { one: echo, two: echo });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const tap = await FrameTap.start(port);
  const channel = connect(`tcp://127.0.0.1:${tap.port}`);
  const set = channel.client(of('gzip'));
  await channel.ready();
  const compressed = () => tap.frames.filter((one) => (one.flags & flags.COMPRESSED) !== 0).length;
  await set.two(text);
  assert.is(compressed(), 0);
  await set.one(text);
  assert.is(compressed(), 2);
  await channel.close();
  await server.close();
  tap.close();
});

test('messages below the threshold go plain, those at it are compressed; each side has its own', async () => {
  const { packed, close } = await packing({
    server: { compression: 'lz4', limits: { compressionBytesMin: 2_000 } },
    channel: { compression: 'lz4' },
  });
  assert.is(await packed('follows', text.subarray(0, 1_999)), 'plain plain');
  assert.is(await packed('follows', text.subarray(0, 2_000)), 'plain lz4');
  assert.is(await packed('follows', text.subarray(0, 4_095)), 'plain lz4');
  assert.is(await packed('follows', text.subarray(0, 4_096)), 'lz4 lz4');
  await close();
});

test('what does not get shorter goes plain', async () => {
  const { packed, close } = await packing({ server: { compression: 'lz4' }, channel: { compression: 'lz4' } });
  assert.is(await packed('follows', new Random(3).bytes(100_000)), 'plain plain');
  await close();
});

test('metadata stays readable beside a compressed message, both ways', async () => {
  const server = new Server({ compression: 'lz4' }).add(
    Notes,
    handlers({
      bytes: (bytes, context) => {
        context.responseMetadata = { back: String(context.metadata['there']) };
        return bytes;
      },
    }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, { compression: 'lz4' });
  await channel.ready();
  const { value, metadata } = await channel.client(Notes).bytes.detailed(text, { metadata: { there: 'and back' } });
  assert.ok(text.equals(value));
  assert.is(metadata?.['back'], 'and back');
  await channel.close();
  await server.close();
});

test('the limit of a message holds for what was compressed, on both sides of the wire', async () => {
  const limits = { messageBytesMax: 100_000 };
  const server = new Server({ compression: 'gzip', limits }).add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, { compression: 'gzip' });
  await channel.ready();
  const failure = await failureOf(channel.client(Notes).bytes(Buffer.alloc(100_001)));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.is(failure.started, 'no');
  // A peer that does not ask: 20 bytes that claim to be 100,001.
  const peer = await ScriptedPeer.dial({ port });
  await peer.handshake();
  const method = { role: 'DECLARE', name: 'test.Notes/bytes', kind: 'UNARY' } as const;
  peer.sendRecord('METHOD', { ...method, request: null, response: null, errors: null });
  const payload = Buffer.concat([Buffer.of(2), u32(100_001), Buffer.alloc(20)]);
  peer.send(frame('REQUEST', { call: callNumber(0), flags: flags.COMPRESSED, payload }));
  const refused = await peer.expectRecord('FAILURE');
  assert.is(refused.code, 8);
  assert.is(refused.started, 'NO');
  assert.match(refused.text, /messageBytesMax is 100000/);
  peer.send(frame('REQUEST', { call: callNumber(0, 2), payload: 'goes on' }));
  assert.is((await peer.expect('RESPONSE')).payload.toString(), 'goes on');
  peer.destroy();
  await channel.close();
  await server.close();
});

test.run();
