/** What a call is given beside its request is checked where it enters: a mistake fails that call, and no other (A1, A8). */
import { Readable } from 'node:stream';
import { createContext, runInContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blob,
  clientStream,
  connect,
  defineService,
  duplex,
  RpcError,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { openEnds } from '../support/rpc.js';

/** What JavaScript may hand over, whatever the types say. */
// oxlint-disable-next-line typescript/no-explicit-any -- every test here breaks the types
type Anything = any;

const note = { id: 1, text: 'a' };

async function failureOf(call: () => Promise<unknown>): Promise<RpcError> {
  // A call that throws instead of rejecting fails the test here.
  const outcome = await call().then(
    (value) => new Error(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  assert.instance(outcome, RpcError, String(outcome));
  return outcome as RpcError;
}

const mistakes: readonly (readonly [Anything, RegExp])[] = [
  [{ timeout: 1 }, /no option timeout of the call of .*; did you mean deadlineMs\?/],
  [{ deadlinems: 1 }, /did you mean deadlineMs\?/],
  [{ abortSignal: AbortSignal.abort() }, /did you mean signal\?/],
  [{ headers: {} }, /did you mean metadata\?/],
  [null, /are null, but must be an object/],
  [5, /are 5/],
  ['text', /are "text"/],
  [[], /an Array/],
  [new Map([['deadlineMs', 1]]), /a Map/],
  [Promise.resolve({}), /a Promise/],
  [new AbortController().signal, /an AbortSignal/],
  [{ deadlineMs: '5' }, /deadlineMs .* is "5", but must be a number/],
  [{ deadlineMs: 5n }, /is 5n/],
  [{ deadlineMs: Number.NaN }, /is NaN/],
  [{ deadlineMs: new Date() }, /is a Date/],
  [{ deadlineMs: null }, /is null/],
  [{ priority: 1.5 }, /priority .* is 1\.5, but must be a whole number/],
  [{ key: 7 }, /key .* is 7, but must be a string/],
  [{ idempotent: 'yes' }, /idempotent .* is "yes", but must be true or false/],
  [{ waitForReady: 1 }, /waitForReady/],
  [{ ledger: 1 }, /ledger/],
  [{ parent: new AbortController() }, /parent .* must be the context of a handler/],
  [{ signal: new AbortController() }, /pass controller\.signal/],
  [{ signal: {} }, /must be an AbortSignal/],
  [{ signal: { aborted: 'no', addEventListener() {} } }, /must be an AbortSignal/],
  [{ signal: 5 }, /must be an AbortSignal/],
  [{ metadata: new Map([['a', 'b']]) }, /metadata: it is a Map, .*: use Object\.fromEntries/],
  [{ metadata: new Headers({ a: 'b' }) }, /a Headers, .*: use Object\.fromEntries/],
  [{ metadata: [['a', 'b']] }, /an Array/],
  [{ metadata: 'a=b' }, /"a=b"/],
  [
    {
      metadata: new (class Trace {
        trace = 1;
      })(),
    },
    /an object of a class/,
  ],
  [{ metadata: { a: 5 } }, /the value of 'a' is 5/],
  [{ metadata: { ok: 'b', when: new Date() } }, /the value of 'when' is a Date/],
  [
    {
      get deadlineMs(): number {
        throw new Error('no clock');
      },
    },
    /no clock/,
  ],
  [
    {
      metadata: {
        get trace(): string {
          throw new Error('no trace');
        },
      },
    },
    /no trace/,
  ],
];

const All = defineService('test.All', {
  one: unary({ request: 'int', response: 'int' }),
  down: serverStream({ request: 'int', response: 'int' }),
  up: clientStream({ request: 'int', response: 'int' }),
  both: duplex({ request: 'int', response: 'int' }),
  bytes: blob({ request: 'int', response: 'int' }),
});

test('A1 A8 wrong options fail their call with INVALID_ARGUMENT by a rejection, of every kind of method, and no other call', async () => {
  const server = new Server({ onHandlerError: () => {} }).add(All, {
    async one(ms) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    },
    *down() {},
    up: () => 1,
    *both() {},
    bytes: () => ({ head: 1, body: null }),
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
  const client = channel.client(All);
  await client.one(0);
  for (const [options, text] of mistakes) {
    const other = client.one(5);
    const calls: readonly (() => Promise<unknown>)[] = [
      () => client.one(1, options),
      () => client.one.detailed(1, options),
      () => client.down(1, options).next(),
      () => client.up([1], options),
      () => client.up.detailed([1], options),
      () => client.both([1], options).next(),
      () => client.bytes({ head: 1, body: null }, options),
    ];
    for (const call of calls) {
      const error = await failureOf(call);
      assert.is(error.code, 'INVALID_ARGUMENT', error.message);
      assert.match(error.message, text);
      assert.is(error.started, 'no');
    }
    assert.is(await other, 5);
  }
  assert.is(await client.one(2), 2);
  await channel.close();
  await server.close();
});

test('A1 options may be frozen, without prototype, of a class or a proxy, hold undefined, and be null where that means none', async () => {
  const ends = await openEnds({
    handlers: { echo: ({ text }, { metadata }) => ({ id: Object.keys(metadata).length, text }) },
  });
  class Deadline {
    get deadlineMs(): number {
      return 5_000;
    }
  }
  const good = { deadlineMs: 5_000, signal: undefined, metadata: undefined, key: undefined };
  const withoutPrototype: object = Object.assign(Object.create(null), { metadata: { a: 'b' } });
  for (const options of [
    good,
    Object.freeze({ ...good }),
    new Deadline(),
    new Proxy(good, {}),
    { signal: null, metadata: null },
  ]) {
    assert.is((await ends.notes.echo(note, options as Anything)).id, 0);
  }
  assert.is((await ends.notes.echo(note, withoutPrototype)).id, 1);
  const foreign: Anything = runInContext("({ metadata: { a: 'b', c: 'd' } })", createContext({}));
  assert.is((await ends.notes.echo(note, foreign)).id, 2);
  assert.is((await ends.notes.echo(note, { metadata: Object.assign(Object.create(null), { x: 'y' }) })).id, 1);
  await ends.close();
});

test('A1 items that are given together with wrong options are ended', async () => {
  const client = connect('tcp://127.0.0.1:1').client(All);
  for (const open of [client.up, (items: Anything, options: Anything) => client.both(items, options).next()]) {
    const items = Readable.from([1, 2]);
    const call = (): Promise<unknown> => open(items as Anything, { timeout: 1 } as Anything) as Promise<unknown>;
    assert.is((await failureOf(call)).code, 'INVALID_ARGUMENT');
    assert.ok(items.destroyed);
  }
});

/** A signal as a library might make it. */
class OtherSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly listeners = new Set<() => void>();
  addEventListener(_type: string, listener: () => void): void {
    this.listeners.add(listener);
  }
  abort(reason?: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

test('A1 signals of other libraries cancel calls; one that throws cancels its call only', async () => {
  const ends = await openEnds({ handlers: { echo: (given) => (given.id === 9 ? new Promise(() => {}) : given) } });
  await ends.channel.ready();
  const signal = new OtherSignal();
  assert.is((await ends.notes.echo(note, { signal: signal as Anything })).id, 1);
  const call = failureOf(() => ends.notes.echo({ id: 9, text: '' }, { signal: signal as Anything }));
  signal.abort('enough');
  const error = await call;
  assert.is(error.code, 'CANCELLED');
  assert.is(error.cause, 'enough');
  assert.is((await failureOf(() => ends.notes.echo(note, { signal: signal as Anything }))).code, 'CANCELLED');
  const broken = {
    aborted: false,
    addEventListener(): never {
      throw new Error('no events here');
    },
  };
  const other = ends.notes.echo(note);
  assert.is((await failureOf(() => ends.notes.echo(note, { signal: broken as Anything }))).code, 'CANCELLED');
  assert.is((await other).id, 1);
  await ends.close();
});

test('A8 AbortSignal.timeout ends a call as DEADLINE_EXCEEDED, other aborts as CANCELLED with their reason', async () => {
  const ends = await openEnds({ handlers: { echo: () => new Promise(() => {}) } });
  await ends.channel.ready();
  const timedOut = await failureOf(() => ends.notes.echo(note, { signal: AbortSignal.timeout(5) }));
  assert.is(timedOut.code, 'DEADLINE_EXCEEDED');
  assert.is((timedOut.cause as Error).name, 'TimeoutError');
  const early = await failureOf(() => ends.notes.echo(note, { signal: AbortSignal.any([AbortSignal.timeout(5)]) }));
  assert.is(early.code, 'DEADLINE_EXCEEDED');
  const passed = AbortSignal.timeout(1);
  await new Promise((resolve) => passed.addEventListener('abort', resolve));
  assert.is((await failureOf(() => ends.notes.echo(note, { signal: passed }))).code, 'DEADLINE_EXCEEDED');
  const reason = new Error('page left');
  const cancelled = await failureOf(() => ends.notes.echo(note, { signal: AbortSignal.abort(reason) }));
  assert.is(cancelled.code, 'CANCELLED');
  assert.is(cancelled.cause, reason);
  await ends.close();
});

test('A1 metadata of a handler that is none makes its answer INTERNAL, is left out of a thrown error, and is told to onHandlerError', async () => {
  const wrong: readonly Anything[] = [
    new Map([['a', 'b']]),
    new Headers(),
    'text',
    [],
    undefined,
    { a: 5 },
    new Date(),
  ];
  for (const responseMetadata of wrong) {
    const told: unknown[] = [];
    const ends = await openEnds({
      server: { onHandlerError: (error) => told.push(error) },
      channel: { retry: false },
      handlers: {
        echo(given, context) {
          if (given.id === 2) return given;
          context.responseMetadata = responseMetadata;
          if (given.id === 3) throw new RpcError('NOT_FOUND', 'gone');
          return given;
        },
      },
    });
    const other = ends.notes.echo({ id: 2, text: '' });
    assert.is((await failureOf(() => ends.notes.echo({ id: 1, text: '' }))).code, 'INTERNAL');
    // An error that was thrown keeps its code, and travels without that metadata.
    assert.is((await failureOf(() => ends.notes.echo({ id: 3, text: '' }))).code, 'NOT_FOUND');
    assert.is(told.length, 2);
    assert.match((told[0] as Error).message, 'metadata');
    assert.is((await other).id, 2);
    await ends.close();
  }
});

test.run();
