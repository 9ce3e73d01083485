/**
 * What handlers throw and return: each wrong value fails its own call, arrives as the nearest legal value or as INTERNAL, and hurts no
 * other call of the connection (A1, A6, A9).
 */
// oxlint-disable unicorn/no-thenable -- thenables are what is tested
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Trunkline from '../../src/index.js';
import { blob, connect, defineService, RpcError, refuse, Server, serverStream, unary } from '../../src/index.js';
import { projectRoot } from '../support/root.js';
import { failureOf, openEnds } from '../support/rpc.js';
import { collectUntilFailure, openStreams } from './stream-ends.js';

const note = { id: 1, text: '' };

/** Fails one call by what `raise` throws; another call of the connection is open meanwhile, and must succeed. */
async function failureBy(
  raise: () => unknown,
): Promise<{ readonly failure: RpcError; readonly told: readonly string[] }> {
  const told: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const ends = await openEnds({
    channel: { retry: false },
    server: { onHandlerError: (error) => void told.push(String(error)) },
    handlers: {
      echo: async (request) => (await released, request),
      bytes: () => raise() as never,
    },
  });
  const other = ends.notes.echo(note);
  const failure = await failureOf(ends.notes.bytes(Buffer.alloc(1)));
  release();
  assert.equal(await other, note);
  assert.equal(
    ends.channel.describe().endpoints.map(({ connections }) => connections.length),
    [1],
  );
  await ends.close();
  return { failure, told };
}

const throws = (error: () => unknown) =>
  failureBy(() => {
    throw error();
  });

test('A1 retryAfterMs arrives as whole milliseconds, or not at all', async () => {
  const cases: readonly (readonly [unknown, number | undefined])[] = [
    [12.5, 13],
    [-3, 0],
    [Number.NaN, undefined],
    [Infinity, 2 ** 31 - 1],
    [1e300, 2 ** 31 - 1],
    ['250', 250],
    ['soon', undefined],
    ['', undefined],
    [40n, 40],
    [null, undefined],
    [{}, undefined],
  ];
  for (const [retryAfterMs, expected] of cases) {
    const made = new RpcError('RESOURCE_EXHAUSTED', 'slow down', { retryAfterMs: retryAfterMs as number });
    assert.is(made.retryAfterMs, expected);
    const { failure } = await throws(() => made);
    assert.equal([failure.code, failure.retryAfterMs], ['RESOURCE_EXHAUSTED', expected]);
  }
});

test('A1 a code that gRPC does not have arrives as UNKNOWN, and the text names it', async () => {
  for (const code of ['NOPE', 'toString', 14, null, undefined, Symbol('odd'), { toString: () => 7 }]) {
    const { failure } = await throws(() => new RpcError(code as never, 'what'));
    assert.is(failure.code, 'UNKNOWN');
    assert.match(failure.message, /^what \(with .*which is no code\)$/);
  }
});

test('A1 fields that are changed after the error was made do not break what is sent', async () => {
  const changed = (name: string, value: unknown) => () =>
    Object.defineProperty(new RpcError('NOT_FOUND', 'no such city'), name, { value });
  for (const [name, value, code] of [
    ['code', 'NOPE', 'UNKNOWN'],
    ['metadata', 5, 'NOT_FOUND'],
    ['retryAfterMs', 0.5, 'NOT_FOUND'],
    ['message', 7, 'NOT_FOUND'],
    ['limit', 'all of them', 'NOT_FOUND'],
    ['elsewhere', 'yes', 'NOT_FOUND'],
  ] as const) {
    const { failure } = await throws(changed(name, value));
    assert.is(failure.code, code, name);
    assert.is(failure.elsewhere, false);
  }
  const unreadable = () =>
    Object.defineProperty(new RpcError('NOT_FOUND', 'no such city'), 'code', {
      get() {
        throw new Error('not now');
      },
    });
  const { failure, told } = await throws(unreadable);
  assert.equal([failure.code, failure.message], ['INTERNAL', 'the handler of test.Notes/bytes failed']);
  assert.is(told.length, 1);
});

test('A1 a text is cut between two characters, and made from any value', async () => {
  const long = await throws(() => new RpcError('NOT_FOUND', `a${'é'.repeat(1 << 20)}`));
  assert.is(Buffer.byteLength(long.failure.message), 4_095);
  assert.not.match(long.failure.message, '\ufffd');
  for (const [text, expected] of [
    [undefined, ''],
    [404, '404'],
    [new Error('inner'), 'inner'],
    [Object.create(null), 'a value that has no text'],
  ] as const) {
    assert.is((await throws(() => new RpcError('NOT_FOUND', text as never))).failure.message, expected);
  }
});

test('A9 metadata of a thrown error arrives, from an object, a Map or Headers, beside what the handler had set', async () => {
  const ends = await openEnds({
    handlers: {
      bytes: (_, context) => {
        context.responseMetadata = { quota: 'overwritten', region: 'eu' };
        throw new RpcError('NOT_FOUND', 'no such city', { metadata: { quota: 'daily', key: Buffer.from('k') } });
      },
    },
  });
  const failure = await failureOf(ends.notes.bytes(Buffer.alloc(1)));
  assert.equal({ ...failure.metadata }, { quota: 'daily', region: 'eu', key: Buffer.from('k') });
  await ends.close();
  for (const metadata of [new Map([['quota', 'daily']]), new Headers({ quota: 'daily' })]) {
    const thrown = new RpcError('NOT_FOUND', 'no such city', { metadata: metadata as never });
    assert.is(thrown.metadata?.['quota'], 'daily');
    assert.is((await throws(() => thrown)).failure.metadata?.['quota'], 'daily');
  }
});

test('A1 metadata that cannot travel stays behind and is told; code and text arrive', async () => {
  const trap = new Proxy({}, { ownKeys: () => assert.unreachable() as never });
  for (const metadata of [
    7,
    'text',
    ['a'],
    new Date(0),
    { quota: 7 },
    { '': 'x' },
    { 'trunkline-x': 'y' },
    new Map([[7, 'a']]),
    trap,
  ]) {
    const { failure, told } = await throws(
      () => new RpcError('NOT_FOUND', 'no such city', { metadata: metadata as never }),
    );
    assert.equal([failure.code, failure.message, failure.metadata], ['NOT_FOUND', 'no such city', null]);
    assert.is(told.length, 1);
    assert.match(told[0] ?? '', /the metadata of an error of test\.Notes\/bytes cannot be sent: .*/);
  }
});

test('A9 a limit of a thrown error is named in its text', async () => {
  const limit = { name: 'rowsMax', value: 10, setting: 'the quota' };
  const { failure } = await throws(() => new RpcError('RESOURCE_EXHAUSTED', 'too many rows', { limit }));
  assert.is(failure.message, 'too many rows: the limit rowsMax is 10 (setting: the quota)');
});

test('refuse() says that nothing was done, and never that the server drains', async () => {
  const { failure, told } = await throws(() =>
    refuse('UNAVAILABLE', 'not the leader', { elsewhere: true, retryAfterMs: 5 }),
  );
  assert.equal(
    [failure.code, failure.started, failure.elsewhere, failure.retryAfterMs],
    ['UNAVAILABLE', 'no', false, 5],
  );
  assert.equal(told, []);
  const plain = await throws(() => new RpcError('UNAVAILABLE', 'not the leader', { started: 'no' }));
  assert.is(plain.failure.started, 'yes');
});

test('a refused call is retried although its method is not idempotent', async () => {
  let runs = 0;
  const ends = await openEnds({
    handlers: {
      echo: (request) => {
        if (runs++ === 0) throw refuse('RESOURCE_EXHAUSTED', 'one at a time');
        return request;
      },
    },
  });
  assert.equal(await ends.notes.echo(note), note);
  assert.is(runs, 2);
  await ends.close();
});

test('A1 thenables that throw, call both, or call twice settle their call once', async () => {
  class Broken extends Promise<unknown> {
    override then(): never {
      throw new Error('refuses');
    }
  }
  const failing: readonly (() => unknown)[] = [
    () => ({
      then() {
        throw new Error('refuses');
      },
    }),
    () => ({
      get then() {
        throw new Error('not now');
      },
    }),
    () => Object.create(Promise.prototype),
    () => new Broken(() => {}),
    () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error('late')) }),
  ];
  for (const make of failing) {
    const { failure, told } = await failureBy(make);
    assert.equal([failure.code, failure.message], ['INTERNAL', 'the handler of test.Notes/bytes failed']);
    assert.is(told.length, 1);
  }
  const ends = await openEnds({
    handlers: {
      bytes: (bytes) =>
        ({
          then(resolve: (value: unknown) => void, reject: (error: Error) => void) {
            resolve(bytes);
            resolve('again');
            reject(new Error('and this'));
            throw new Error('and that');
          },
        }) as never,
    },
  });
  for (let index = 0; index < 3; index++) assert.equal(await ends.notes.bytes(Buffer.from('ok')), Buffer.from('ok'));
  assert.equal((await ends.server.drain({ graceMs: 1_000 })).cancelled, []);
  await ends.close();
});

test('A1 what is no stream fails the call of a streaming handler, and the server is told what it was', async () => {
  const iterable = (next: () => unknown): unknown => ({ [Symbol.iterator]: () => ({ next }) });
  const results: readonly unknown[] = [
    'text',
    7,
    null,
    undefined,
    {},
    () => [],
    {
      get [Symbol.asyncIterator]() {
        throw new Error('not now');
      },
    },
    { [Symbol.asyncIterator]: () => 7 },
    { [Symbol.asyncIterator]: () => ({ next: 7 }) },
    iterable(() => null),
    iterable(() => 7),
    {
      then() {
        throw new Error('refuses');
      },
    },
  ];
  for (const promised of [false, true]) {
    for (const result of results) {
      const ends = await openStreams({
        down: () => (promised ? (Promise.resolve(result) as never) : (result as never)),
      });
      const other = ends.streams.up([{ id: 3, text: '' }]);
      const { error } = await collectUntilFailure(ends.streams.down(1));
      assert.instance(error, RpcError);
      assert.is((error as RpcError).code, 'INTERNAL');
      assert.is(await other, 3);
      assert.is(ends.handlerErrors.length, 1);
      await ends.close();
    }
  }
});

test('A1 what is no blob fails the call of a blob handler', async () => {
  const Files = defineService('thrown.Files', { get: blob({ request: 'string', response: 'int' }) });
  const results: readonly unknown[] = [
    null,
    7,
    'text',
    {},
    { head: 1 },
    { head: 1, body: 7 },
    { head: 1, body: 'text' },
    { head: 'x', body: null },
  ];
  const told: unknown[] = [];
  const server = new Server({ onHandlerError: (error) => void told.push(error) }).add(Files, {
    get: ({ head }) => results[Number(head)] as never,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const files = channel.client(Files);
  for (const index of results.keys()) {
    assert.is((await failureOf(files.get({ head: String(index), body: null }))).code, 'INTERNAL');
    assert.is(told.length, index + 1);
  }
  await channel.close();
  await server.close();
});

test('A9 texts of a caller that has nothing to do with it do not travel', async () => {
  const { failure, told } = await failureBy(() => ({ password: 'hunter2' }));
  assert.is(failure.message, 'the answer of test.Notes/bytes cannot be sent');
  assert.is(told.length, 1);
});

/** Another copy of the package, as two versions of a dependency bring it. */
async function secondCopy(): Promise<{ readonly copy: typeof Trunkline; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'trunkline-copy-'));
  const source = dirname(fileURLToPath(new URL('../../src/index.js', import.meta.url)));
  cpSync(source, join(directory, 'src'), { recursive: true });
  cpSync(new URL('package.json', projectRoot), join(directory, 'package.json'));
  cpSync(fileURLToPath(new URL('node_modules/avsc', projectRoot)), join(directory, 'node_modules/avsc'), {
    recursive: true,
  });
  const copy: typeof Trunkline = await import(pathToFileURL(join(directory, 'src/index.js')).href);
  return { copy, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

test('A6 errors of a second copy of the package keep code, text, hints, metadata and declared values', async () => {
  const { copy, remove } = await secondCopy();
  try {
    const NoCity = { type: 'error', name: 'thrown.NoCity', fields: [{ name: 'id', type: 'int' }] } as const;
    const S = defineService('thrown.S', {
      get: unary({ request: 'int', response: 'int', errors: [NoCity] }),
      list: serverStream({ request: 'int', response: 'int' }),
    });
    const options = { retryAfterMs: 2.5, metadata: { quota: 'daily' } };
    const server = new Server().add(S, {
      get(id) {
        if (id === 1) throw new copy.RpcError('NOT_FOUND', 'no such city', options);
        if (id === 2) throw new copy.DeclaredError('thrown.NoCity', { id });
        throw copy.refuse('FAILED_PRECONDITION', 'not the leader');
      },
      // oxlint-disable-next-line require-yield -- it fails before its first item
      *list() {
        throw new copy.RpcError('NOT_FOUND', 'no such city', options);
      },
    });
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
    const client = channel.client(S);
    const { error } = await collectUntilFailure(client.list(1));
    for (const failure of [await failureOf(client.get(1)), error as RpcError]) {
      assert.equal([failure.code, failure.message, failure.retryAfterMs], ['NOT_FOUND', 'no such city', 3]);
      assert.is(failure.metadata?.['quota'], 'daily');
      assert.ok(failure instanceof copy.RpcError);
    }
    const declared = await failureOf(client.get(2));
    assert.ok(declared instanceof copy.DeclaredError);
    assert.equal(declared.value, { id: 2 });
    assert.is((await failureOf(client.get(3))).started, 'no');
    assert.not.ok(new copy.RpcError('ABORTED', 'x') instanceof copy.DeclaredError);
    assert.not.ok(new Error('x') instanceof RpcError);
    await channel.close();
    await server.close();
  } finally {
    remove();
  }
});

test.run();
