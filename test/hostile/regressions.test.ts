/**
 * Bugs that hostile bytes or the reading of the code have found, each as the smallest case that showed it. The checks of
 * `live-run.ts` hold for all of them; what is asserted here is what was wrong.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import { defaultLimits, RpcError } from '../../src/index.js';
import { CloseCode } from '../../src/wire/index.js';
import type { MethodSpec } from '../../src/wire/message-codec.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, flags, frame, magic, u32 } from '../support/frames.js';
import { helloRecord, writeRecord } from '../support/records.js';
import { FedTransport } from './fed-transport.js';
import type { HostileCase, Outcome, Setting, Step } from './hostile-case.js';
import { runCase } from './live-run.js';
import { Hostile, hostOf, type MethodName, noteOfAnotherVersion, Work } from './methods.js';
import type { PlannedCall } from './session-streams.js';

const hello = Buffer.concat([magic, frame('HELLO', { payload: writeRecord('HELLO', helloRecord()) })]);

function declare(name: string, kind: 'UNARY' | 'ONEWAY' = 'UNARY', fingerprint: Buffer | null = null): Buffer {
  const payload = writeRecord('METHOD', {
    role: 'DECLARE',
    name,
    kind,
    request: fingerprint,
    response: fingerprint,
    errors: null,
  });
  return frame('METHOD', { payload });
}

function request(slot: number, generation = 1, bits = 0, payload: Buffer | string = ''): Buffer {
  return frame('REQUEST', { call: callNumber(slot, generation), flags: bits, payload });
}

/** Runs the case and asserts the invariants of all cases. */
async function run(
  side: HostileCase['side'],
  steps: readonly Step[],
  options: { readonly calls?: readonly PlannedCall[]; readonly setting?: Setting } = {},
): Promise<Outcome> {
  const outcome = await runCase({ side, steps, calls: options.calls ?? [], setting: options.setting ?? 'usual' });
  assert.is(outcome.problem, null);
  return outcome;
}

/** At the end, a connection that is still open gets one more call, and answers it. */
const PROBE = 1;

const plain: PlannedCall = { method: 'bytes', bytes: 3, how: 'plain', deadlineMs: 30_000 };

test('F20 a write queue that overflows closes the connection once, even though CLOSE adds to the queue', async () => {
  const flood = Array.from({ length: 200 }, (_, i) => request(0, i + 1));
  const steps = [hello, declare('there/is/none'), 'stop reading' as const, Buffer.concat(flood)];
  assert.is((await run('accepting', steps, { setting: 'tight' })).closeCode, CloseCode.WRITE_QUEUE);
});

test('a REQUEST without ONEWAY for a oneway method is refused with an answer', async () => {
  assert.is((await run('accepting', [hello, declare('h.S/hit', 'ONEWAY'), request(0)])).terminals, 1 + PROBE);
});

test('a REQUEST that the peer will never complete does not keep a half-closed connection', async () => {
  const steps = [hello, declare('h.S/bytes'), request(0, 1, flags.MORE, 'half'), 'end' as const, 'wait 1' as const];
  assert.is((await run('accepting', steps)).closeCode, CloseCode.NONE);
});

test('empty frames with MORE are counted in a row, not over the life of a connection', async () => {
  const messages = Array.from({ length: 30 }, (_, i) => [request(0, i + 1, flags.MORE), request(0, i + 1, 0, 'all')]);
  const { closeCode, terminals } = await run('accepting', [hello, declare('h.S/bytes'), ...messages.flat()]);
  assert.is(closeCode, CloseCode.SHUTDOWN);
  assert.is(terminals, 30 + PROBE);
});

test('a long request that ends before its first frame was written sends no CANCEL, since the callee does not know the call', async () => {
  const calls = [{ ...plain, bytes: 40_000, how: 'signal' }] as const;
  const { closeCode, settled } = await run('dialing', ['abort', hello, 'turn'], { calls });
  assert.is(closeCode, CloseCode.SHUTDOWN);
  assert.equal(settled, ['failure']);
});

test('a long ONEWAY request whose deadline passes while it is being sent does not keep its slot', async () => {
  const calls = [{ ...plain, method: 'hit', bytes: 40_000, deadlineMs: 20 }] as const;
  await run('dialing', [hello, 'stop reading', 'wait 1', 'wait 50', 'read on', 'wait 1'], { calls });
});

test('B17 a second RESPONSE while the first waits for its schema closes the connection', async () => {
  const fingerprint = noteOfAnotherVersion.fingerprint as Buffer;
  const record = {
    role: 'ANSWER',
    name: 'h.S/note',
    kind: 'UNARY',
    request: fingerprint,
    response: fingerprint,
    errors: null,
  } as const;
  const answer = frame('METHOD', { payload: writeRecord('METHOD', record) });
  const response = frame('RESPONSE', { call: callNumber(0), payload: 'x' });
  const calls = [{ ...plain, method: 'note' }] as const;
  const { closeCode } = await run('dialing', [hello, answer, response, response], { calls });
  assert.is(closeCode, CloseCode.CALL_NUMBER);
});

/** A live connection and its transport, for checks that a case does not have. */
function live(side: 'dialing' | 'accepting', work = new Work()) {
  const clock = new VirtualClock();
  const transport = new FedTransport(clock);
  const host = hostOf(
    () => work,
    () => {},
  );
  const observer = { onOpen: () => {}, onRetired: () => {}, onClosed: () => {} };
  const connection = new Connection({
    transport,
    side,
    clock,
    random: () => 0.5,
    limits: defaultLimits,
    handshakeMs: 10_000,
    host,
    compression: 'off',
    compressors: [],
    compressionBytesMin: 4096,
    software: '',
    instance: Buffer.alloc(16),
    schemas: new SchemaCache(),
    observer,
  });
  transport.feed(hello);
  return { clock, transport, connection };
}

test('calls whose deadline passes while their method waits for a schema leak nothing', async () => {
  const { clock, transport, connection } = live('accepting');
  transport.feed(declare('h.S/note', 'UNARY', noteOfAnotherVersion.fingerprint));
  const payload = Buffer.concat([u32(1), Buffer.alloc(60_000)]);
  for (let generation = 1; generation <= 400; generation++) {
    transport.feed(request(0, generation, flags.DEADLINE, payload));
    clock.advance(2);
  }
  type Inside = {
    readonly methods: {
      readonly incoming: { readonly declared: readonly { readonly waiting: { readonly size: number } }[] };
    };
  };
  assert.is((connection as unknown as Inside).methods.incoming.declared[0]?.waiting.size, 1);
  assert.is(connection.ledger.bytes, 0);
  assert.is(connection.callsIn, 0);
});

test('FAILURE with metadata that cannot be read never says that the call did not start', async () => {
  const { transport, connection } = live('dialing');
  const spec: MethodSpec = Hostile.methods.bytes;
  const call = connection.caller.call(spec, Buffer.from('x'), 1_000, null).then(
    () => null,
    (error: unknown) => error,
  );
  transport.feed(
    frame('FAILURE', {
      call: callNumber(0),
      flags: flags.METADATA,
      payload: Buffer.concat([u32(99), Buffer.alloc(9)]),
    }),
  );
  const error = await call;
  assert.instance(error, RpcError);
  assert.is((error as RpcError).code, 'INTERNAL');
  assert.is((error as RpcError).started, 'yes');
});

test('B30 a deadline of 2^31 ms and more is read as 2^31 - 1', async () => {
  const { transport, connection, clock } = live('accepting');
  transport.feed(Buffer.concat([declare('h.S/later'), request(0, 1, flags.DEADLINE, u32(2 ** 32 - 1))]));
  assert.is(connection.executing, 1);
  assert.ok(clock.msToNext <= 2 ** 31 - 1);
});

test('ONEWAY calls are accepted while the connection drains, since they cannot be refused', async () => {
  const work = new Work();
  const { transport, connection } = live('accepting', work);
  transport.feed(declare('h.S/hit' satisfies `h.S/${MethodName}`, 'ONEWAY'));
  connection.drain('going', 1_000);
  transport.feed(request(0, 1, flags.ONEWAY, 'x'));
  assert.is(work.begun, 1);
});

test('B7 a header that claims 16 MiB within the limit allocates nothing', () => {
  const clock = new VirtualClock();
  const before = process.memoryUsage().arrayBuffers;
  const connections = Array.from({ length: 64 }, () => {
    const transport = new FedTransport(clock);
    const limits = { ...defaultLimits, frameBytesMax: 16 * 1024 * 1024, messageBytesMax: 2 ** 30 };
    const observer = { onOpen: () => {}, onRetired: () => {}, onClosed: () => {} };
    const host = hostOf(
      () => new Work(),
      () => {},
    );
    const rest = { host, compression: 'off', compressors: [], compressionBytesMin: 1, software: '', observer } as const;
    const side = 'accepting';
    const made = {
      transport,
      side,
      clock,
      limits,
      handshakeMs: 1_000,
      random: () => 0.5,
      instance: Buffer.alloc(16),
    } as const;
    const connection = new Connection({ ...made, ...rest, schemas: new SchemaCache() });
    transport.feed(hello);
    transport.feed(declare('h.S/bytes'));
    transport.feed(request(0, 1, flags.MORE, Buffer.alloc(1_000)));
    transport.feed(frame('REQUEST', { call: callNumber(0), length: 16 * 1024 * 1024, payload: Buffer.alloc(1_000) }));
    return connection;
  });
  const each = (process.memoryUsage().arrayBuffers - before) / connections.length;
  // The write queue's slab, and twice what was received.
  assert.ok(each < 64 * 1024 + 2 * 2_200 + 8 * 1024, `${each} bytes a connection`);
  for (const connection of connections) connection.close();
  clock.advance(200);
});

test.run();
