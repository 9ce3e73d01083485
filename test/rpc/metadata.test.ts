/** Metadata with requests, with responses and with failures. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Metadata } from '../../src/index.js';
import { DeclaredError, RpcError } from '../../src/index.js';
import { failureOf, openEnds } from '../support/rpc.js';

const note = { id: 1, text: 'one' };
const plain = (metadata: Metadata | null): unknown => (metadata === null ? null : { ...metadata });

test('strings and Buffers arrive with the request as they were sent', async () => {
  const seen: Metadata[] = [];
  const ends = await openEnds({
    handlers: {
      echo: (request, { metadata }) => {
        seen.push(metadata);
        return request;
      },
    },
  });
  const sent = { trace: 'äß话😀', empty: '', bytes: Buffer.from([0, 255, 128]), none: Buffer.alloc(0) };
  await ends.notes.echo(note, { metadata: sent });
  await ends.notes.echo(note, { metadata: {} });
  await ends.notes.echo(note);
  // What a handler keeps stays as it was, whatever arrives later.
  await ends.notes.bytes(Buffer.alloc(100_000, 0xee));
  assert.equal(seen.map(plain), [sent, {}, {}]);
  assert.is(Object.getPrototypeOf(seen[0]), null);
  assert.is(Object.getPrototypeOf(seen[2]), null);
  await ends.close();
});

test('metadata of a Uint8Array arrives as a Buffer', async () => {
  const ends = await openEnds({
    handlers: {
      echo: (request, context) => {
        context.responseMetadata = context.metadata;
        return request;
      },
    },
  });
  const bytes = Uint8Array.of(1, 2, 3) as Buffer;
  const { metadata } = await ends.notes.echo.detailed(note, { metadata: { bytes } });
  assert.instance(metadata?.['bytes'], Buffer);
  assert.equal(metadata?.['bytes'], Buffer.from([1, 2, 3]));
  await ends.close();
});

test('__proto__ and constructor are names like any other, and no prototype changes', async () => {
  const ends = await openEnds({
    handlers: {
      echo: (request, context) => {
        assert.equal(Object.keys(context.metadata).sort(), ['__proto__', 'constructor', 'toString']);
        assert.is((context.metadata as { polluted?: unknown }).polluted, undefined);
        context.responseMetadata = context.metadata;
        return request;
      },
    },
  });
  const metadata = JSON.parse('{"__proto__": "p", "constructor": "c", "toString": "t"}') as Metadata;
  const { metadata: returned } = await ends.notes.echo.detailed(note, { metadata });
  assert.equal(
    Object.entries(returned ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)),
    [
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
    ],
  );
  assert.is(({} as { p?: unknown }).p, undefined);
  await ends.close();
});

test('detailed gives value and metadata, null when none came; the plain call gives the value', async () => {
  const ends = await openEnds({
    handlers: {
      echo: async (request, context) => {
        if (request.id === 1) context.responseMetadata = { cost: '7', raw: Buffer.from('b') };
        return request;
      },
      bytes: (bytes, context) => {
        context.responseMetadata = { sync: 'yes' };
        return bytes;
      },
    },
  });
  const { value, metadata } = await ends.notes.echo.detailed(note);
  assert.equal(value, note);
  assert.equal(plain(metadata), { cost: '7', raw: Buffer.from('b') });
  assert.equal(await ends.notes.echo(note), note);
  const second = await ends.notes.echo.detailed({ id: 2, text: '' });
  assert.equal(second, { value: { id: 2, text: '' }, metadata: null, ledger: null, attempts: second.attempts });
  assert.equal(plain((await ends.notes.bytes.detailed(Buffer.from('x'))).metadata), { sync: 'yes' });
  await ends.close();
});

test('metadata travels with failures of every sort', async () => {
  const ends = await openEnds({
    server: { onHandlerError: () => {} },
    handlers: {
      echo: (request, context) => {
        context.responseMetadata = { id: String(request.id) };
        if (request.id === 1) throw new RpcError('NOT_FOUND', 'no');
        if (request.id === 2) throw new Error('a defect');
        if (request.id === 3) throw new DeclaredError('test.Unknown', {}, { message: 'not declared' });
        return Promise.reject(new RpcError('ABORTED', 'later'));
      },
    },
  });
  const codes = ['NOT_FOUND', 'INTERNAL', 'UNKNOWN', 'ABORTED'];
  for (const [index, code] of codes.entries()) {
    const failure = await failureOf(ends.notes.echo({ id: index + 1, text: '' }));
    assert.is(failure.code, code);
    assert.equal(plain(failure.metadata), { id: String(index + 1) });
  }
  await ends.close();
});

test('metadata beyond a limit of the server fails that call before anything is sent', async () => {
  let runs = 0;
  const ends = await openEnds({
    server: { limits: { metadataBytesMax: 5_000, metadataEntriesMax: 20 } },
    handlers: {
      echo: (request) => {
        runs++;
        return request;
      },
    },
  });
  await ends.notes.echo(note);
  const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  for (const [metadata, name, value] of [
    [{ big: 'x'.repeat(5_000) }, 'metadataBytesMax', 5_000],
    [entries(21), 'metadataEntriesMax', 20],
  ] as const) {
    const failure = await failureOf(ends.notes.echo(note, { metadata }));
    assert.is(failure.code, 'RESOURCE_EXHAUSTED');
    assert.is(failure.started, 'no');
    assert.equal(failure.limit, { name, value, setting: `limits.${name} of the peer` });
    assert.match(failure.message, new RegExp(`${name} is ${value}`));
  }
  await ends.notes.echo(note, { metadata: { big: 'x'.repeat(4_900) } });
  await ends.notes.echo(note, { metadata: entries(20) });
  assert.is(runs, 3);
  await ends.close();
});

test('response metadata beyond a limit of the client fails that call as started, and nothing else', async () => {
  const errors: string[] = [];
  const ends = await openEnds({
    channel: { limits: { metadataBytesMax: 5_000 } },
    server: { onHandlerError: (error) => void errors.push(String(error)) },
    handlers: {
      echo: (request, context) => {
        if (request.id === 1) context.responseMetadata = { big: 'x'.repeat(5_001) };
        if (request.id === 2) context.responseMetadata = { odd: 7 as never };
        return request;
      },
    },
  });
  const tooLarge = await failureOf(ends.notes.echo(note));
  assert.is(tooLarge.code, 'RESOURCE_EXHAUSTED');
  assert.is(tooLarge.started, 'yes');
  assert.match(tooLarge.message, /test\.Notes\/echo.*metadataBytesMax is 5000/);
  const odd = await failureOf(ends.notes.echo({ id: 2, text: '' }));
  assert.is(odd.code, 'INTERNAL');
  assert.is(errors.length, 2);
  assert.match(errors[1] ?? '', /'odd'/);
  assert.is((await ends.notes.echo({ id: 3, text: '' })).id, 3);
  await ends.close();
});

test('metadata that cannot travel is an error of the caller that names the key', async () => {
  const ends = await openEnds();
  for (const [metadata, pattern] of [
    [{ odd: 7 }, /'odd'/],
    [{ odd: null }, /'odd'/],
    [{ '': 'x' }, /1 to 255/],
    [{ ['k'.repeat(256)]: 'x' }, /1 to 255/],
    [{ 'a\0b': 'x' }, /NUL/],
    [{ a: '\ud800' }, /'a'/],
  ] as const) {
    const failure = await failureOf(ends.notes.echo(note, { metadata: metadata as never }));
    assert.is(failure.code, 'INVALID_ARGUMENT');
    assert.is(failure.started, 'no');
    assert.match(failure.message, pattern);
  }
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('a key of the protocol itself is INVALID_ARGUMENT before anything is sent, INTERNAL in an answer', async () => {
  let runs = 0;
  const errors: string[] = [];
  const ends = await openEnds({
    server: { onHandlerError: (error) => void errors.push(String(error)) },
    handlers: {
      echo: (request, context) => {
        runs++;
        context.responseMetadata = { 'trunkline-future': 'x' };
        return request;
      },
    },
  });
  const refused = await failureOf(ends.notes.echo(note, { metadata: { 'trunkline-future': 'x' } }));
  assert.is(refused.code, 'INVALID_ARGUMENT');
  assert.is(refused.started, 'no');
  assert.match(refused.message, /'trunkline-future' begins with 'trunkline-', which is reserved/);
  assert.is(runs, 0);
  const answered = await failureOf(ends.notes.echo(note));
  assert.is(answered.code, 'INTERNAL');
  assert.match(errors[0] ?? '', /reserved/);
  await ends.close();
});

test.run();
