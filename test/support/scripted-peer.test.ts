import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as certificates from './certificates.js';
import { callNumber, flags, frame, magic, readFrame, u32 } from './frames.js';
import { readRecord, writeMetadata, writeRecord } from './records.js';
import { type ListenerOptions, ScriptedListener } from './scripted-listener.js';
import { ScriptedPeer, type ScriptedPeerOptions } from './scripted-peer.js';

interface Dialogue {
  readonly dialler: ScriptedPeer;
  readonly acceptor: ScriptedPeer;
}

/** Two scripted peers that face each other. */
async function dialogue(
  talk: (peers: Dialogue) => Promise<void>,
  options: ScriptedPeerOptions = {},
  listening: ListenerOptions = {},
): Promise<void> {
  const listener = await ScriptedListener.listen(listening);
  const secure = listening.tls === undefined ? {} : { tls: { ca: certificates.ca } };
  const target = listening.path === undefined ? { port: listener.port } : { path: listening.path };
  const dialler = await ScriptedPeer.dial({ ...target, ...secure }, options);
  try {
    await talk({ dialler, acceptor: await listener.accept() });
  } finally {
    dialler.destroy();
    await listener.close();
  }
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing was rejected',
    (error: Error) => error.message,
  );
}

test('a header is written as the specification draws it', () => {
  const bytes = frame('REQUEST', {
    call: callNumber(0x0304, 0x0102),
    flags: flags.MORE,
    method: 0x0a0b,
    payload: 'xyz',
  });
  assert.is(bytes.toString('hex'), '030000000403020104010b0a78797a');
  assert.is(callNumber(5, 1, 'acceptor'), 0x8001_0005);
  const read = readFrame(Buffer.concat([bytes, Buffer.from('next')]));
  assert.is(read?.end, 15);
  assert.is(read?.frame.name, 'REQUEST');
  assert.is(read?.frame.call, 0x0102_0304);
  for (let cut = 0; cut < bytes.length; cut++) assert.is(readFrame(bytes.subarray(0, cut)), null);
  assert.is(frame(200, { length: 0xffff_ffff }).toString('hex'), 'ffffffff00000000c8000000');
});

test('records and metadata keep their values', () => {
  const failure = {
    code: 8,
    started: 'NO',
    text: 'full',
    retryAfterMs: 20,
    elsewhere: true,
    detail: Buffer.from([1]),
  } as const;
  assert.equal({ ...readRecord('FAILURE', writeRecord('FAILURE', failure)) }, failure);
  assert.is(writeRecord('CLOSE', { code: 3, text: 'a' }).toString('hex'), '060261');
  assert.is(writeMetadata({ k: 'v' }).toString('hex'), '0700000002026b00027600');
  assert.throws(() => readRecord('CLOSE', Buffer.from('06026100', 'hex')));
});

async function talk({ dialler, acceptor }: Dialogue): Promise<void> {
  const [hello] = await Promise.all([acceptor.handshake({ software: 'b' }), dialler.handshake({ software: 'a' })]);
  assert.is(hello.software, 'a');
  assert.is(hello.limits.frameBytesMax, 65_536);

  dialler.send(frame('PING', { payload: '12345678' }), frame('CREDIT', { call: callNumber(0), payload: u32(9) }));
  const ping = await acceptor.expect('PING');
  assert.is(ping.payload.toString(), '12345678');
  await acceptor.expect('CREDIT', { call: callNumber(0), flags: 0 });

  acceptor.send(frame('PONG', { payload: ping.payload }));
  acceptor.sendRecord('CLOSE', { code: 19, text: 'bye' });
  acceptor.end();
  assert.is((await dialler.expectClose(19)).text, 'bye');
  assert.is(dialler.ending, 'fin');
  dialler.end();
  assert.is(await acceptor.expectEnd(), 'fin');
}

test('two peers talk over TCP', () => dialogue(talk));

test('two peers talk over TLS', () => dialogue(talk, {}, { tls: certificates.server }));

test('two peers talk over a unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-peer-'));
  try {
    await dialogue(talk, {}, { path: join(folder, 'socket') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('frames arrive whole, whatever slices they were sent in', () =>
  dialogue(async ({ dialler, acceptor }) => {
    const payload = createHash('sha256').update('x').digest();
    const bytes = Buffer.concat([magic, frame('PING', { payload }), frame('ITEM', { call: 7, payload })]);
    await dialler.sendSliced(bytes, [1, 2, 3, 30]);
    await acceptor.expectMagic();
    assert.ok((await acceptor.expect('PING')).payload.equals(payload));
    assert.ok((await acceptor.expect('ITEM')).payload.equals(payload));
    await dialler.sendSliced(frame('DRAIN'), 1);
    await acceptor.expect('DRAIN');
    assert.is(acceptor.bytesRead, dialler.bytesWritten);
  }));

test('a failed expectation says what was expected and what came', () =>
  dialogue(
    async ({ dialler, acceptor }) => {
      acceptor.send(magic, frame('PING', { call: 7, payload: '12345678' }), frame('PONG'), Buffer.from('abc'));
      await dialler.expectMagic();
      const unlike = await rejection(dialler.expect('CLOSE'));
      assert.match(unlike, 'expected name CLOSE, got PING call 0x7 8 bytes');
      assert.match(unlike, 'received: PING call 0x7 8 bytes, PONG 0 bytes, 3 bytes of the next frame');
      assert.match(await rejection(dialler.expect('PONG', { flags: 1 })), 'expected flags 1, got PONG 0 bytes');
      assert.match(await rejection(dialler.expect('PONG')), 'expected PONG within 50 ms');
      acceptor.end();
      assert.match(await rejection(dialler.expect('PONG')), 'then fin');
      assert.match(await rejection(dialler.expectEnd()), '3 bytes of a frame before the end');
    },
    { expectMs: 50 },
  ));

test('frames that no expectation took spoil the end and the silence', () =>
  dialogue(async ({ dialler, acceptor }) => {
    acceptor.send(magic);
    await dialler.expectMagic();
    await dialler.expectSilence(5);
    acceptor.send(frame('PING'));
    await dialler.expect('PING');
    acceptor.send(frame('PONG'));
    acceptor.end();
    assert.match(await rejection(dialler.expectEnd()), 'got PONG');
    assert.match(await rejection(dialler.expectSilence(5)), 'expected silence');
    await dialler.skipTo('PONG');
    assert.is(await dialler.expectEnd(), 'fin');
  }));

test('a reset is distinguished from an end', () =>
  dialogue(async ({ dialler, acceptor }) => {
    acceptor.reset();
    assert.is(await dialler.expectEnd(), 'reset');
  }));

test('a peer that reads nothing lets the writes of the other side pile up', () =>
  dialogue(async ({ dialler, acceptor }) => {
    acceptor.pause();
    const payload = Buffer.alloc(12 * 1024 * 1024, 7);
    dialler.send(magic, frame('ITEM', { payload }));
    const flushed = dialler.flushed().then(() => 'flushed');
    const later = new Promise((resolve) => setTimeout(resolve, 100, 'waiting'));
    assert.is(await Promise.race([flushed, later]), 'waiting');
    acceptor.resume();
    assert.is(await flushed, 'flushed');
    assert.ok((await acceptor.expect('ITEM')).payload.equals(payload));
  }));

test('the budget of bytes is kept', () =>
  dialogue(
    async ({ dialler }) => {
      dialler.send(Buffer.alloc(100));
      assert.throws(() => dialler.send(Buffer.alloc(1)), /given 100 bytes to write/);
    },
    { writeBytesMax: 100 },
  ));

test('a listener fails with a reason when no socket comes', async () => {
  const listener = await ScriptedListener.listen({ expectMs: 20 });
  assert.match(await rejection(listener.accept()), 'expected a connection within 20 ms');
  assert.is(listener.connections, 0);
  await listener.close();
});

test.run();
