/** Bad streams to a live client, frame by frame: a callee has no excuse, so most of it ends the connection. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ItemStream, RpcError } from '../../src/index.js';
import type { CloseCode } from '../../src/wire/index.js';
import { flags, frame, u32 } from '../support/frames.js';
import { ItemQueue } from '../support/item-queue.js';
import { writeMetadata, writeRecord } from '../support/records.js';
import { failureOf } from '../support/rpc.js';
import { credit, end, HandCallee, item, namesOf, rest } from './stream-talk.js';

const window = 65_536;
const narrow = { limits: { streamWindowBytes: window, streamWindowBytesMax: window } };
const failure = (call: number): Buffer => {
  const record = {
    code: 10,
    started: 'YES',
    text: 'given up',
    retryAfterMs: null,
    elsewhere: false,
    detail: null,
  } as const;
  return frame('FAILURE', { call, payload: writeRecord('FAILURE', record) });
};
const response = (call: number): Buffer => frame('RESPONSE', { call, payload: 'r' });

type Kind = 'echo' | 'down' | 'up' | 'chat';

interface Asked {
  readonly peer: HandCallee;
  readonly call: number;
  /** What came of the call: settled when it has ended, its items with it. */
  readonly outcome: Promise<{ readonly items: string[]; readonly error: RpcError | null }>;
  /** The items of the call, for one that is not read by `outcome`. */
  readonly stream: ItemStream<Buffer> | null;
  readonly source: ItemQueue<Buffer>;
  readonly abort: AbortController;
}

async function readAll(stream: ItemStream<Buffer>): Promise<{ items: string[]; error: RpcError | null }> {
  const items: string[] = [];
  try {
    for await (const bytes of stream) items.push(bytes.toString());
  } catch (error) {
    return { items, error: error as RpcError };
  }
  return { items, error: null };
}

/** A client that has asked: its REQUEST has come. `reads` false: nobody takes the items. */
async function ask(kind: Kind, reads = true, hello: Parameters<typeof HandCallee.open>[1] = {}): Promise<Asked> {
  const peer = await HandCallee.open(narrow, hello);
  const source = new ItemQueue<Buffer>();
  const abort = new AbortController();
  const options = { signal: abort.signal, deadlineMs: Number.POSITIVE_INFINITY };
  const { client } = peer;
  let stream: ItemStream<Buffer> | null = null;
  let outcome: Asked['outcome'];
  if (kind === 'down' || kind === 'chat') {
    stream = kind === 'down' ? client.down(Buffer.of(1), options) : client.chat(source, options);
    outcome = reads ? readAll(stream) : new Promise(() => {});
  } else {
    const answer = kind === 'up' ? client.up(source, options) : client.echo(Buffer.of(1), options);
    outcome = answer.then(
      (bytes) => ({ items: [bytes.toString()], error: null }),
      (error: unknown) => ({ items: [], error: error as RpcError }),
    );
  }
  const [asked] = await peer.frames();
  assert.is(asked?.name, 'REQUEST');
  return { peer, call: asked?.call ?? 0, outcome, stream, source, abort };
}

/** The frames end the connection with this code, and the call with them. */
function closes(
  kind: Kind,
  code: keyof typeof CloseCode,
  frames: (call: number) => readonly Buffer[],
): () => Promise<void> {
  return async () => {
    const { peer, call, outcome } = await ask(kind);
    peer.send(...frames(call));
    await peer.expectClose(code);
    assert.ok((await outcome).error !== null || code === 'CALL_NUMBER');
    await peer.close();
  };
}

for (const [what, frames] of [
  ['ITEM', (call: number) => [item(call + 1)]],
  ['END', (call: number) => [end(call + 1)]],
  ['CREDIT', (call: number) => [credit(call + 1, 1)]],
  ['ITEM of the next generation', (call: number) => [item(call + 0x1_0000)]],
] as const) {
  test(`B12 ${what} for a call that was never made is CLOSE CALL_NUMBER`, closes('chat', 'CALL_NUMBER', frames));
}
for (const [what, kind, frames] of [
  ['ITEM for a unary call', 'echo', (call: number) => [item(call)]],
  ['END for a unary call', 'echo', (call: number) => [end(call)]],
  ['CREDIT for a unary call', 'echo', (call: number) => [credit(call, 1)]],
  ['ITEM for a client stream', 'up', (call: number) => [item(call)]],
  ['END for a client stream', 'up', (call: number) => [end(call)]],
  ['CREDIT for a server stream', 'down', (call: number) => [credit(call, 1)]],
  ['RESPONSE for a server stream', 'down', (call: number) => [response(call)]],
  ['RESPONSE for a duplex stream', 'chat', (call: number) => [response(call)]],
  ['RESPONSE inside an item', 'down', (call: number) => [item(call, 'a', flags.MORE), response(call)]],
  [
    'ITEM inside a RESPONSE',
    'up',
    (call: number) => [frame('RESPONSE', { call, flags: flags.MORE, payload: 'a' }), item(call)],
  ],
  ['END inside an item', 'down', (call: number) => [item(call, 'a', flags.MORE), end(call)]],
] as const) {
  test(`B12 ${what} is CLOSE PROTOCOL`, closes(kind, 'PROTOCOL', frames));
}

for (const [what, frames] of [
  ['ITEM behind END', (call: number) => [item(call), end(call), item(call)]],
  ['a second END', (call: number) => [item(call), end(call), end(call)]],
  ['FAILURE behind END', (call: number) => [item(call), end(call), failure(call)]],
  ['ITEM behind FAILURE', (call: number) => [item(call), failure(call), item(call)]],
  ['END behind FAILURE', (call: number) => [item(call), failure(call), end(call)]],
  ['CREDIT behind END', (call: number) => [item(call), end(call), credit(call, 1)]],
] as const) {
  test(`B13 ${what} is CLOSE CALL_NUMBER, since a callee knows which frames it has sent; the call ends once`, async () => {
    const { peer, call, outcome } = await ask('chat');
    peer.send(...frames(call));
    await peer.expectClose('CALL_NUMBER');
    const { items, error } = await outcome;
    assert.equal(items, ['i']);
    assert.is(error?.code ?? 'END', what.includes('FAILURE') && !what.startsWith('FAILURE') ? 'ABORTED' : 'END');
    await peer.close();
  });
}

for (const kind of ['down', 'chat'] as const) {
  test(`B13 frames after CANCEL are dropped up to the terminal frame, within its credit (${kind})`, async () => {
    const { peer, call, outcome, abort } = await ask(kind);
    peer.send(item(call, 'first'));
    await rest();
    abort.abort();
    assert.equal(namesOf(await peer.answers()), ['CANCEL']);
    peer.send(item(call), item(call, 'part', flags.MORE), item(call), item(call, 'half', flags.MORE), failure(call));
    const { items, error } = await outcome;
    assert.equal(items, ['first']);
    assert.is(error?.code, 'CANCELLED');
    assert.is(error?.started, 'yes');
    assert.equal(namesOf(await peer.answers()), []);
    await peer.expectAlive();
    await peer.close();
  });

  test(`B13 END may cross CANCEL (${kind})`, async () => {
    const { peer, call, outcome, abort } = await ask(kind);
    abort.abort();
    peer.send(item(call), end(call));
    assert.is((await outcome).error?.code, 'CANCELLED');
    await peer.frames();
    await peer.expectAlive();
    await peer.close();
  });
}

test('B13 RESPONSE for a cancelled stream is CLOSE PROTOCOL, as for a live one', async () => {
  const { peer, call, outcome, abort } = await ask('down');
  abort.abort();
  await outcome;
  peer.send(response(call));
  await peer.expectClose('PROTOCOL');
  await peer.close();
});

test('B17 a second RESPONSE of a client stream is CLOSE CALL_NUMBER, and the first counts', async () => {
  const { peer, call, outcome } = await ask('up');
  peer.send(response(call), response(call));
  assert.equal((await outcome).items, ['r']);
  await peer.expectClose('CALL_NUMBER');
  await peer.close();
});

test('B23 empty ITEM frames with MORE are CLOSE FLOOD after 10 in a row', async () => {
  const { peer, call } = await ask('down', false);
  peer.send(...Array.from({ length: 10 }, () => item(call, '', flags.MORE)));
  assert.equal(await peer.answers(), []);
  peer.send(item(call, '', flags.MORE));
  await peer.expectClose('FLOOD');
  await peer.close();
});

test('B23 empty items cost credit', async () => {
  const { peer, call } = await ask('down', false);
  peer.send(...Array.from({ length: Math.floor(window / 12) }, () => item(call, '')));
  assert.equal(await peer.answers(), []);
  peer.send(item(call, ''));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

for (const kind of ['up', 'chat'] as const) {
  test(`B24 CREDIT of 0 fails that call here, cancels it there, and the connection stays open (${kind})`, async () => {
    const { peer, call, outcome, source } = await ask(kind);
    peer.send(credit(call, 0));
    const { error } = await outcome;
    assert.is(error?.code, 'INTERNAL');
    assert.is(error?.started, 'yes');
    assert.equal(namesOf(await peer.answers()), ['CANCEL']);
    assert.ok(source.returned, 'its source is ended');
    peer.send(failure(call));
    await peer.expectAlive();
    await peer.close();
  });
  test(
    `B24 CREDIT beyond 2^31 - 1 is CLOSE FLOW_CONTROL (${kind})`,
    closes(kind, 'FLOW_CONTROL', (call) => [credit(call, 2 ** 31 - 1)]),
  );
  test(`B25 CREDIT frames beyond 10 x (1 + ITEM frames) are CLOSE FLOOD (${kind})`, async () => {
    const { peer, call, source } = await ask(kind);
    source.push(Buffer.of(1), Buffer.of(2));
    assert.equal(namesOf(await peer.answers()), ['ITEM', 'ITEM']);
    peer.send(...Array.from({ length: 30 }, () => credit(call, 1)));
    assert.equal(await peer.answers(), []);
    peer.send(credit(call, 1));
    await peer.expectClose('FLOOD');
    await peer.close();
  });
}

for (const kind of ['down', 'chat'] as const) {
  test(`B26 items to the last byte of the window are taken, one more is CLOSE FLOW_CONTROL (${kind})`, async () => {
    const { peer, call } = await ask(kind, false);
    const quarter = item(call, Buffer.alloc(window / 4 - 12));
    peer.send(quarter, quarter, quarter, quarter);
    assert.equal(await peer.frames(), []);
    peer.send(item(call, ''));
    await peer.expectClose('FLOW_CONTROL');
    await peer.close();
  });
}

test('B26 a callee that ignores CANCEL is limited to its credit: none is given back', async () => {
  const { peer, call, outcome, abort } = await ask('down');
  abort.abort();
  await outcome;
  const quarter = item(call, Buffer.alloc(window / 4 - 12));
  peer.send(quarter, quarter, quarter, quarter);
  assert.equal(namesOf(await peer.frames()), ['CANCEL']);
  peer.send(item(call, ''));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

test('B26 a client never sends beyond the window of its callee, and uses all of it', async () => {
  const { peer, call, source } = await ask('up', true, { streamWindowBytes: window });
  const body = Buffer.alloc(1_000);
  let left = window;
  const count = async (): Promise<number> => {
    const items = await peer.frames();
    for (const { name, payload } of items) {
      assert.is(name, 'ITEM');
      left -= 12 + payload.length;
    }
    assert.ok(left >= 0, `${left} of credit left`);
    return items.length;
  };
  source.push(...Array.from({ length: 1_000 }, () => body));
  assert.is(await count(), 64);
  assert.is(source.asked, 65, 'one more item was asked for, none beyond');
  for (const bytes of [1, 10, 2_000, 30_000]) {
    peer.send(credit(call, bytes));
    left += bytes;
    // A PONG may come between two of the stream's turns.
    for (let rounds = 0; left >= 1_024 && rounds < 100; rounds++) await count();
    assert.ok(left < 1_024, `${left} of credit is not used`);
  }
  await peer.close();
});

test('bytes after the prefix of END, and malformed metadata, fail that call here; its items are delivered', async () => {
  for (const fields of [{ payload: 'x' }, { payload: u32(9_999), flags: flags.METADATA }]) {
    const { peer, call, outcome } = await ask('down');
    peer.send(item(call), end(call, fields));
    const { items, error } = await outcome;
    assert.equal(items, ['i']);
    assert.is(error?.code, 'INTERNAL');
    assert.is(error?.started, 'yes');
    await peer.expectAlive();
    await peer.close();
  }
});

test(
  'LEDGER on END, which nobody asked for, is CLOSE FLAGS',
  closes('down', 'FLAGS', (call) => [end(call, { flags: flags.LEDGER, payload: Buffer.alloc(12) })]),
);

test('metadata arrives with END and with a FAILURE after items', async () => {
  const prefix = writeMetadata({ key: 'value' });
  const well = await ask('down', false);
  well.peer.send(item(well.call), end(well.call, { flags: flags.METADATA, payload: prefix }));
  const stream = well.stream as ItemStream<Buffer>;
  assert.equal((await readAll(stream)).items, ['i']);
  assert.is(stream.metadata?.['key'], 'value');
  await well.peer.close();
  const badly = await ask('chat');
  const record = failure(badly.call).subarray(12);
  const payload = Buffer.concat([prefix, record]);
  badly.peer.send(item(badly.call), frame('FAILURE', { call: badly.call, flags: flags.METADATA, payload }));
  const { items, error } = await badly.outcome;
  assert.equal(items, ['i']);
  assert.is(error?.metadata?.['key'], 'value');
  await badly.peer.close();
});

test('an item beyond messageBytesMax fails the call and cancels it; the items before it are delivered', async () => {
  const peer = await HandCallee.open({ limits: { messageBytesMax: 65_536 } });
  const outcome = readAll(peer.client.down(Buffer.of(1)));
  const [asked] = await peer.frames();
  const call = asked?.call ?? 0;
  const part = item(call, Buffer.alloc(30_000), flags.MORE);
  peer.send(item(call), part, part, part);
  const { items, error } = await outcome;
  assert.equal(items, ['i']);
  assert.is(error?.code, 'RESOURCE_EXHAUSTED');
  assert.is(error?.started, 'yes');
  assert.is(error?.limit?.name, 'messageBytesMax');
  assert.equal(namesOf(await peer.answers()), ['CANCEL']);
  peer.send(item(call, 'the rest'), failure(call));
  await peer.expectAlive();
  await peer.close();
});

test('an answer before the caller has ended stops its source', async () => {
  for (const kind of ['up', 'chat'] as const) {
    const { peer, call, outcome, source } = await ask(kind);
    source.push(Buffer.of(1));
    assert.equal(namesOf(await peer.answers()), ['ITEM']);
    peer.send(kind === 'up' ? response(call) : end(call));
    assert.is((await outcome).error, null);
    await rest();
    assert.ok(source.returned);
    source.push(Buffer.of(2));
    assert.equal(await peer.answers(), []);
    await peer.expectAlive();
    await peer.close();
  }
});

test('a lost connection ends streams with UNAVAILABLE, after the items that arrived', async () => {
  for (const kind of ['down', 'chat'] as const) {
    const { peer, call, stream } = await ask(kind, false);
    peer.send(item(call, 'one'), item(call, 'two'), item(call, 'half', flags.MORE));
    peer.transport.destroy();
    await rest();
    const { items, error } = await readAll(stream as ItemStream<Buffer>);
    assert.equal(items, ['one', 'two']);
    assert.is(error?.code, 'UNAVAILABLE');
    await peer.close();
  }
  const { peer, outcome, source } = await ask('up');
  peer.transport.destroy();
  assert.is((await outcome).error?.code, 'UNAVAILABLE');
  await rest();
  assert.ok(source.returned);
  await peer.close();
  assert.is((await failureOf(peer.client.echo(Buffer.of(1)))).code, 'UNAVAILABLE');
});

test('items that were never taken do not count against the limit of the connection once their call has ended', async () => {
  const peer = await HandCallee.open({ limits: { assemblyBytesMax: 20_000 } });
  for (let calls = 0; calls < 10; calls++) {
    // Kept as it came, since it came in two frames.
    const stream = peer.client.down(Buffer.of(1));
    const [asked] = await peer.frames();
    const call = asked?.call ?? 0;
    peer.send(item(call, Buffer.alloc(5_000), flags.MORE), item(call, Buffer.alloc(5_000)), end(call));
    if (calls === 9) assert.is((await stream.next()).value?.length, 10_000);
  }
  await peer.close();
});

test('a stream that is stopped between any two promises of its turn sends nothing after CANCEL', async () => {
  for (let promises = 0; promises < 16; promises++) {
    const { peer, call, source, abort, outcome } = await ask('up', true, { streamWindowBytes: window });
    source.push(...Array.from({ length: 100 }, () => Buffer.alloc(1_000)));
    await peer.frames();
    peer.send(credit(call, 5_000));
    for (let passed = 0; passed < promises; passed++) await Promise.resolve();
    abort.abort();
    assert.is((await outcome).error?.code, 'CANCELLED');
    assert.is(namesOf(await peer.frames()).at(-1), 'CANCEL', `after ${promises} promises`);
    await peer.close();
  }
});

test.run();
