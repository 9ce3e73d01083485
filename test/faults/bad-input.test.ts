/**
 * Bad bytes to a live server, and bad answers to a live client, by a peer scripted with a framing of its own. Each row ends
 * as the table of faults says, and a second connection goes on answering throughout. What messages hold that do not fit
 * their schema is tested in `test/avro`, hostile mixtures in `test/hostile`.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcCodes } from '../../src/index.js';
import { CloseCode } from '../../src/wire/index.js';
import { callNumber, flags, frame, magic, types, u32 } from '../support/frames.js';
import { helloRecord, writeMetadata, writeRecord } from '../support/records.js';
import { type Ends, failureOf, Notes, openEnds, sleep } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import { ScriptedPeer } from '../support/scripted-peer.js';

const echoMethod = { role: 'DECLARE', name: 'test.Notes/bytes', kind: 'UNARY' } as const;
const rawMethod = { ...echoMethod, request: null, response: null, errors: null };

interface Talk {
  readonly peer: ScriptedPeer;
  readonly ends: Ends;
}

/** A server, another client of it that must not be disturbed, and a scripted peer that has dialled but said nothing. */
async function talk(run: (talk: Talk) => Promise<void>, options: Parameters<typeof openEnds>[0] = {}): Promise<void> {
  const ends = await openEnds({ server: { onHandlerError: () => {} }, ...options });
  const peer = await ScriptedPeer.dial({ port: ends.port });
  try {
    await ends.notes.echo({ id: 1, text: 'before' });
    await run({ peer, ends });
    assert.is((await ends.notes.echo({ id: 2, text: 'after' })).text, 'after', 'the other connection goes on');
  } finally {
    peer.destroy();
    await ends.close();
  }
}

/** The same after the handshake, with the raw echo method declared as number 0. */
function greeted(
  run: (talk: Talk) => Promise<void>,
  options: Parameters<typeof openEnds>[0] = {},
): () => Promise<void> {
  return () =>
    talk(async ({ peer, ends }) => {
      await peer.handshake();
      peer.sendRecord('METHOD', rawMethod);
      await run({ peer, ends });
    }, options);
}

function request(
  slot: number,
  body: string,
  fields: { generation?: number; flags?: number; prefix?: Buffer } = {},
): Buffer {
  const payload = Buffer.concat([fields.prefix ?? Buffer.alloc(0), Buffer.from(body)]);
  return frame('REQUEST', { call: callNumber(slot, fields.generation), flags: fields.flags ?? 0, payload });
}

/** Sends the bytes and expects CLOSE with this code and the end. */
function closes(bytes: Buffer | (() => Buffer), code: number): () => Promise<void> {
  return greeted(async ({ peer }) => {
    peer.send(typeof bytes === 'function' ? bytes() : bytes);
    await peer.expectClose(code);
  });
}

/** Sends the bytes of call 0 and expects its FAILURE; then another call on the same connection is answered. */
function fails(bytes: Buffer, code: keyof typeof RpcCodes, text: RegExp): () => Promise<void> {
  return greeted(async ({ peer }) => {
    peer.send(bytes);
    const failure = await peer.expectRecord('FAILURE', { call: callNumber(0) });
    assert.is(failure.code, RpcCodes[code]);
    assert.is(failure.started, 'NO');
    assert.match(failure.text, text);
    peer.send(request(1, 'still here'));
    assert.is((await peer.expect('RESPONSE', { call: callNumber(1) })).payload.toString(), 'still here');
  });
}

for (const [what, bytes, text] of [
  ['HTTP/1', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /HTTP/],
  ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /HTTP/],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), /TLS/],
  ['text-mode mangled', Buffer.from('8d544b4c0a1a0a00', 'hex'), /line ends/],
] as const) {
  test(`B1 ${what} bytes on a plain port are CLOSE BAD_PREFACE within the first 24 bytes`, () =>
    talk(async ({ peer }) => {
      peer.send(bytes.subarray(0, 24));
      const close = await peer.expectClose(CloseCode.BAD_PREFACE);
      assert.match(close.text, text);
    }));
}

test('B2 half a preface and silence are CLOSE HANDSHAKE_TIMEOUT', () =>
  talk(
    async ({ peer }) => {
      peer.send(magic.subarray(0, 4));
      await peer.expectClose(CloseCode.HANDSHAKE_TIMEOUT);
    },
    { server: { limits: { handshakeMsMax: 100 } } },
  ));

test('B3 an unsupported version is CLOSE VERSION with the supported ones', () =>
  talk(async ({ peer }) => {
    peer.sendPreface({ versionMin: 2, versionMax: 7 });
    const close = await peer.expectClose(CloseCode.VERSION);
    assert.match(close.text, /version 1, the peer 2 to 7/);
  }));

const secondHello = frame('HELLO', { payload: writeRecord('HELLO', helloRecord()) });
test(
  'B4 a second preface is CLOSE',
  closes(() => Buffer.concat([magic, secondHello]), CloseCode.FRAME_SIZE),
);
test('B4 a second HELLO is CLOSE PROTOCOL', closes(secondHello, CloseCode.PROTOCOL));

for (const name of ['METHOD', 'SCHEMA', 'CREDIT', 'PING', 'PONG', 'FAILURE', 'CANCEL', 'DRAIN', 'CLOSE'] as const) {
  const call = ['CREDIT', 'FAILURE', 'CANCEL'].includes(name) ? callNumber(0) : 0;
  test(`B5 ${name} of length 0 is CLOSE FRAME_SIZE`, closes(frame(name, { call }), CloseCode.FRAME_SIZE));
}
test(
  'B5 a REQUEST of length 0 is legal for raw bytes',
  greeted(async ({ peer }) => {
    peer.send(request(0, ''));
    assert.is((await peer.expect('RESPONSE', { call: callNumber(0) })).payload.length, 0);
  }),
);

test(
  'B6 a frame one byte too long is CLOSE at its header',
  closes(frame('REQUEST', { call: callNumber(0), length: 65_537 }), CloseCode.FRAME_SIZE),
);
test(
  'B6 a message one byte too long fails that call, and the rest of it is skipped',
  greeted(async ({ peer }) => {
    const max = 4 * 1024 * 1024;
    const more = (payload: Buffer, last: boolean): Buffer =>
      frame('REQUEST', { call: callNumber(0), flags: last ? 0 : flags.MORE, payload });
    for (let at = 0; at < max; at += 65_536) peer.send(more(Buffer.alloc(65_536), false));
    peer.send(more(Buffer.alloc(1), false), more(Buffer.from('rest'), true));
    const failure = await peer.expectRecord('FAILURE', { call: callNumber(0) });
    assert.is(failure.code, RpcCodes.RESOURCE_EXHAUSTED);
    assert.is(failure.started, 'NO');
    assert.match(failure.text, /messageBytesMax is 4194304 \(setting: limits\.messageBytesMax\)/);
    peer.send(request(0, 'next', { generation: 2 }));
    await peer.expect('RESPONSE', { call: callNumber(0, 2) });
  }),
);
for (const length of [2 ** 31, 2 ** 32 - 1]) {
  test(
    `B7 a length of ${length} is CLOSE without an allocation`,
    greeted(async ({ peer }) => {
      const before = process.memoryUsage();
      peer.send(frame('REQUEST', { call: callNumber(0), length }));
      await peer.expectClose(CloseCode.FRAME_SIZE);
      const after = process.memoryUsage();
      assert.ok(after.rss - before.rss < 256 * 1024 * 1024);
      assert.ok(after.arrayBuffers - before.arrayBuffers < 16 * 1024 * 1024);
    }),
  );
}
for (const bytes of [1, 2, 3]) {
  test(
    `B8 a length field cut after ${bytes} bytes waits for the rest and works`,
    greeted(async ({ peer }) => {
      await peer.sendSliced(request(0, 'patience'), [bytes, 4 - bytes, 3]);
      assert.is((await peer.expect('RESPONSE')).payload.toString(), 'patience');
    }),
  );
}
test(
  'B9 a frame cut by FIN is CLOSE TRUNCATED',
  greeted(async ({ peer }) => {
    peer.send(request(0, 'cut off').subarray(0, 15));
    peer.socket.end();
    await peer.expectClose(CloseCode.TRUNCATED);
  }),
);
test('B10 an unknown mandatory frame type is CLOSE FRAME_TYPE', closes(frame(99), CloseCode.FRAME_TYPE));
test('B10 frame type 0 is CLOSE FRAME_TYPE', closes(Buffer.alloc(12), CloseCode.FRAME_TYPE));
test(
  'B10 an unknown optional frame type is skipped',
  greeted(async ({ peer }) => {
    peer.send(frame(200, { flags: 0xff, call: 77, payload: 'anything' }), request(0, 'after it'));
    assert.is((await peer.expect('RESPONSE')).payload.toString(), 'after it');
  }),
);
test('B11 an unknown flag is CLOSE FLAGS', closes(request(0, 'x', { flags: 0x80 }), CloseCode.FLAGS));
test(
  'B11 a known flag where it is not allowed is CLOSE FLAGS',
  closes(frame('PING', { flags: flags.MORE, payload: '12345678' }), CloseCode.FLAGS),
);
test(
  'B11 CHECKSUM without the capability is CLOSE FLAGS',
  closes(request(0, 'x', { flags: flags.CHECKSUM, prefix: u32(0) }), CloseCode.FLAGS),
);
test(
  'B12 ITEM for a call that is not open is CLOSE CALL_NUMBER',
  closes(frame('ITEM', { call: callNumber(5) }), CloseCode.CALL_NUMBER),
);
test(
  'B13 a CANCEL after the answer is late and harmless',
  greeted(async ({ peer }) => {
    peer.send(request(0, 'quick'));
    await peer.expect('RESPONSE');
    peer.sendRecord('CANCEL', { code: 1, text: '' }, callNumber(0));
    peer.send(request(0, 'again', { generation: 2 }));
    assert.is((await peer.expect('RESPONSE', { call: callNumber(0, 2) })).payload.toString(), 'again');
  }),
);

const never = { handlers: { bytes: () => new Promise<never>(() => {}) } };
test(
  'B14 a REQUEST on a call number that is open is CLOSE CALL_NUMBER',
  greeted(async ({ peer }) => {
    peer.send(request(0, 'one'), request(0, 'two'));
    await peer.expectClose(CloseCode.CALL_NUMBER);
  }, never),
);
test(
  'B14 a REQUEST sent twice is CLOSE CALL_NUMBER also when the first was answered',
  closes(Buffer.concat([request(0, 'one'), request(0, 'one')]), CloseCode.CALL_NUMBER),
);
const oddCall = frame('REQUEST', { call: callNumber(0, 1, 'acceptor') });
test('B15 a call number of the other side is CLOSE CALL_NUMBER', closes(oddCall, CloseCode.CALL_NUMBER));
for (const generation of [0, 2, 0x7fff]) {
  test(
    `B15 generation ${generation} as a slot's first is CLOSE CALL_NUMBER`,
    closes(request(1, 'x', { generation }), CloseCode.CALL_NUMBER),
  );
}
test(
  'B15 a generation that goes back is CLOSE CALL_NUMBER',
  closes(Buffer.concat([request(0, 'a'), request(0, 'b', { generation: 2 }), request(0, 'a')]), CloseCode.CALL_NUMBER),
);

/** A client that makes one call to a scripted server, which has read the REQUEST. */
async function answered(
  run: (peer: ScriptedPeer, call: number, answer: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const answer = channel.client(Notes).bytes(Buffer.from('ask'));
  answer.catch(() => {});
  const peer = await listener.accept();
  await peer.handshake();
  const { call } = await peer.skipTo('REQUEST');
  await run(peer, call, answer);
  await channel.close();
  await listener.close();
}

test('B16 a RESPONSE for a call that was never made closes the connection, and the open call is started=maybe', () =>
  answered(async (peer, call, answer) => {
    peer.send(frame('RESPONSE', { call: call + 1 }));
    await peer.expectClose(CloseCode.CALL_NUMBER);
    const failure = await failureOf(answer);
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'maybe');
  }));
test('B17 a second RESPONSE closes the connection and settles nothing twice', () =>
  answered(async (peer, call, answer) => {
    peer.send(frame('RESPONSE', { call, payload: 'first' }), frame('RESPONSE', { call, payload: 'second' }));
    assert.is(String(await answer), 'first');
    await peer.expectClose(CloseCode.CALL_NUMBER);
  }));
test(
  'B18 a call beyond callsInFlightMax is refused as not started, and the others continue',
  greeted(async ({ peer }) => {
    peer.send(request(1_000, 'too many'));
    const failure = await peer.expectRecord('FAILURE', { call: callNumber(1_000) });
    assert.is(failure.code, RpcCodes.RESOURCE_EXHAUSTED);
    assert.is(failure.started, 'NO');
    assert.match(failure.text, /callsInFlightMax is 1000/);
    peer.send(request(999, 'the last'));
    await peer.expect('RESPONSE', { call: callNumber(999) });
  }),
);
test('B19 endless opening and cancelling is CLOSE FLOOD, and no more handlers run than the limit', async () => {
  let running = 0;
  let most = 0;
  const run = greeted(
    async ({ peer }) => {
      // On a slow machine calls wait for their turn and are cancelled there, which is free; but each turn starts some.
      for (
        let generation = 1;
        generation <= 30_000 && !peer.frames.some(({ name }) => name === 'CLOSE');
        generation++
      ) {
        peer.send(request(0, '', { generation }));
        peer.sendRecord('CANCEL', { code: 1, text: '' }, callNumber(0, generation));
        if (generation % 500 === 0) await sleep(5);
      }
      await peer.expectClose(CloseCode.FLOOD);
      assert.ok(most > 0 && most <= 50, `${most} handlers`);
    },
    {
      server: { limits: { handlersMax: 50 } },
      handlers: {
        bytes: () =>
          new Promise(() => {
            most = Math.max(most, ++running);
          }),
      },
    },
  );
  await run();
});
test(
  'B20 provoking endless failures is CLOSE FLOOD',
  greeted(async ({ peer }) => {
    for (let generation = 1; generation <= 1_000; generation++) {
      peer.send(request(0, '', { generation, flags: flags.METADATA, prefix: u32(9_999) }));
    }
    await peer.expectClose(CloseCode.FLOOD);
  }),
);
test(
  'B21 a flood of PING is CLOSE FLOOD after a few answers',
  greeted(async ({ peer }) => {
    peer.send(...Array.from({ length: 10_000 }, () => frame('PING', { payload: '12345678' })));
    await peer.expectClose(CloseCode.FLOOD);
    assert.ok(peer.frames.filter((received) => received.name === 'PONG').length <= 6);
  }),
);
test(
  'B22 declaring a method number twice is CLOSE PROTOCOL',
  closes(frame('METHOD', { payload: writeRecord('METHOD', rawMethod) }), CloseCode.PROTOCOL),
);
test(
  'B23 empty frames with MORE are CLOSE FLOOD after 10 in a row',
  greeted(async ({ peer }) => {
    peer.send(...Array.from({ length: 11 }, () => request(0, '', { flags: flags.MORE })));
    await peer.expectClose(CloseCode.FLOOD);
  }),
);

const metadata = (entries: Readonly<Record<string, string | Buffer>>, body = 'x'): Buffer =>
  request(0, body, { flags: flags.METADATA, prefix: writeMetadata(entries) });
test(
  'B27 metadata beyond its limit fails that call',
  fails(metadata({ big: 'x'.repeat(16_400) }), 'RESOURCE_EXHAUSTED', /metadataBytesMax is 16384/),
);
test(
  'B27 more entries than the limit fail that call',
  fails(
    metadata(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, '']))),
    'RESOURCE_EXHAUSTED',
    /metadataEntriesMax is 100/,
  ),
);
test(
  'B28 bad UTF-8 in metadata fails that call',
  fails(
    request(0, '', {
      flags: flags.METADATA,
      prefix: Buffer.concat([u32(8), Buffer.from('0202ff00020', 'hex'), Buffer.alloc(3)]),
    }),
    'INVALID_ARGUMENT',
    /metadata/,
  ),
);
test('B28 NUL in a metadata key fails that call', fails(metadata({ 'a\0b': 'x' }), 'INVALID_ARGUMENT', /NUL/));
test('B28 a metadata key __proto__ is an own property of an object without prototype', async () => {
  let seen: object | null = null;
  await greeted(
    async ({ peer }) => {
      peer.send(metadata(JSON.parse('{"__proto__": "own"}') as Record<string, string>));
      await peer.expect('RESPONSE');
      assert.is(Object.getPrototypeOf(seen), null);
      assert.is((seen as unknown as Record<string, unknown>)['__proto__'], 'own');
    },
    {
      handlers: {
        bytes: (bytes, context) => {
          seen = context.metadata;
          return bytes;
        },
      },
    },
  )();
});
for (const [what, name] of [
  ['empty', ''],
  ['unknown', 'test.Notes/nothing'],
  ['64 KiB long', 'n'.repeat(64_000)],
] as const) {
  test(
    `B29 a method name that is ${what} is UNIMPLEMENTED, per call`,
    greeted(async ({ peer }) => {
      peer.send(frame('METHOD', { method: 1, payload: writeRecord('METHOD', { ...rawMethod, name }) }));
      peer.send(frame('REQUEST', { call: callNumber(0), method: 1 }));
      const failure = await peer.expectRecord('FAILURE', { call: callNumber(0) });
      assert.is(failure.code, RpcCodes.UNIMPLEMENTED);
      assert.is(failure.started, 'NO');
      assert.ok(failure.text.length < 300);
      peer.send(request(0, 'known', { generation: 2 }));
      await peer.expect('RESPONSE');
    }),
  );
}
test(
  'B29 more methods than methodsMax are CLOSE PROTOCOL',
  closes(
    () => frame('METHOD', { method: 1_024, payload: writeRecord('METHOD', { ...rawMethod, name: 'x' }) }),
    CloseCode.PROTOCOL,
  ),
);
test(
  'B30 a deadline that has passed starts no handler',
  fails(request(0, 'late', { flags: flags.DEADLINE, prefix: u32(0) }), 'DEADLINE_EXCEEDED', /deadline/),
);
test('B30 the longest deadline is clamped to 2^31 - 1 ms', async () => {
  let deadlineMs = 0;
  await greeted(
    async ({ peer }) => {
      peer.send(request(0, 'x', { flags: flags.DEADLINE, prefix: u32(2 ** 32 - 1) }));
      await peer.expect('RESPONSE');
      assert.ok(deadlineMs > 2 ** 30 && deadlineMs <= 2 ** 31 - 1);
    },
    {
      handlers: {
        bytes: (bytes, context) => {
          deadlineMs = context.deadlineMs;
          return bytes;
        },
      },
    },
  )();
});
test(
  'B31 a compressed message without an agreed codec fails that call',
  fails(
    request(0, '', { flags: flags.COMPRESSED, prefix: Buffer.from('010400000010ffffff', 'hex') }),
    'INVALID_ARGUMENT',
    /not offered \(offered: none\)/,
  ),
);

/** A compressed REQUEST to a server that accepts LZ4: `codec u8 | rawLength u32 | data`. */
function lz4Fails(rawLength: number, data: Buffer, code: keyof typeof RpcCodes, text: RegExp): () => Promise<void> {
  return greeted(
    async ({ peer }) => {
      peer.send(
        request(0, '', { flags: flags.COMPRESSED, prefix: Buffer.concat([Buffer.of(1), u32(rawLength), data]) }),
      );
      const failure = await peer.expectRecord('FAILURE', { call: callNumber(0) });
      assert.is(failure.code, RpcCodes[code]);
      assert.match(failure.text, text);
      peer.send(request(0, 'plain', { generation: 2 }));
      await peer.expect('RESPONSE');
    },
    { server: { compression: 'lz4', onHandlerError: () => {} } },
  );
}
test(
  'B32 an LZ4 length beyond messageBytesMax fails that call before anything is decoded',
  lz4Fails(2 ** 32 - 1, Buffer.alloc(64), 'RESOURCE_EXHAUSTED', /messageBytesMax/),
);
test(
  'B32 an LZ4 length beyond 255 x the data fails that call',
  lz4Fails(1_000_000, Buffer.alloc(64), 'INVALID_ARGUMENT', /cannot hold/),
);
test(
  'B33 an LZ4 length that is not the real one fails that call',
  lz4Fails(6, Buffer.from('5068656c6c6f', 'hex'), 'INVALID_ARGUMENT', /lz4/),
);
test(
  'B34 an LZ4 block with an offset before its beginning fails that call',
  lz4Fails(12, Buffer.from('14610900500000000000', 'hex'), 'INVALID_ARGUMENT', /lz4/),
);
test(
  'B35 a decompression bomb fails that call at the limit',
  greeted(
    async ({ peer }) => {
      const block = Buffer.concat([
        Buffer.from('1f610100', 'hex'),
        Buffer.alloc(30_000, 0xff),
        Buffer.of(0),
        Buffer.from('500000000000', 'hex'),
      ]);
      const body = Buffer.concat([Buffer.of(1), u32(30_000 * 255), block]);
      peer.send(request(0, '', { flags: flags.COMPRESSED, prefix: body }));
      const failure = await peer.expectRecord('FAILURE', { call: callNumber(0) });
      assert.is(failure.code, RpcCodes.RESOURCE_EXHAUSTED);
    },
    { server: { compression: 'lz4' } },
  ),
);

test('every frame type that a scripted peer knows is one of the protocol', () => {
  assert.is(Object.keys(types).length, 14);
});

test.run();
