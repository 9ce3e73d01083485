/** Values of another realm, as a test runner or a plugin's `vm` context makes them: the same as values of this one. */
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/index.js';
import { failureOf, openEnds } from '../support/rpc.js';

const test = suite('values of another realm');

function foreign<T>(source: string): T {
  const value: T = runInNewContext(source);
  return value;
}

const note = { id: 1, text: 'a' };

test('A1 bytes of another realm are metadata in both directions, and in a thrown error', async () => {
  const bytes = (): Buffer => foreign('new Uint8Array([1, 2])');
  assert.not(bytes() instanceof Uint8Array);
  const ends = await openEnds({
    handlers: {
      echo(value, context) {
        assert.equal([...Buffer.from(context.metadata['sent'] ?? [])], [1, 2]);
        context.responseMetadata = { back: bytes() };
        if (value.id === 2) throw new RpcError('ABORTED', 'thrown', { metadata: { thrown: bytes() } });
        return value;
      },
    },
  });
  try {
    const { metadata } = await ends.notes.echo.detailed(note, { metadata: { sent: bytes() } });
    assert.equal([...Buffer.from(metadata?.['back'] ?? [])], [1, 2]);
    const error = await failureOf(ends.notes.echo({ ...note, id: 2 }, { metadata: { sent: bytes() } }));
    assert.is(error.code, 'ABORTED');
    assert.equal([...Buffer.from(error.metadata?.['thrown'] ?? [])], [1, 2]);
  } finally {
    await ends.close();
  }
});

test('A1 a Map of another realm becomes the metadata of a thrown error', () => {
  const error = new RpcError('ABORTED', 'thrown', { metadata: foreign('new Map([["a", "b"]])') });
  assert.is(error.metadata?.['a'], 'b');
});

test('A9 errors of another realm are named by their own text', async () => {
  const cause = foreign<Error>('new TypeError("theirs")');
  assert.not(cause instanceof Error);
  const told: unknown[] = [];
  const ends = await openEnds({
    handlers: {
      echo() {
        throw cause;
      },
    },
    server: { onHandlerError: (error) => told.push(error) },
  });
  try {
    assert.is((await failureOf(ends.notes.echo(note))).code, 'INTERNAL');
    assert.is(told[0], cause);
    const unreadable = Object.defineProperty({ ...note }, 'text', {
      enumerable: true,
      get() {
        throw cause;
      },
    });
    const error = await failureOf(ends.notes.echo(unreadable));
    assert.is(error.code, 'INVALID_ARGUMENT');
    assert.match(error.message, /\(theirs\)/);
  } finally {
    await ends.close();
  }
});

test('A11 what listeners throw becomes one warning, also of errors of another realm and of values without a text', async () => {
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', listen);
  const thrown: unknown[] = [foreign('new TypeError("theirs")'), Object.create(null), Symbol('none'), undefined];
  const wanted = thrown.length;
  const ends = await openEnds({
    handlers: {
      echo() {
        throw new TypeError('of the handler');
      },
    },
    server: {
      onHandlerError() {
        throw thrown.shift();
      },
    },
  });
  try {
    for (let call = 0; call < wanted; call++) assert.is((await failureOf(ends.notes.echo(note))).code, 'INTERNAL');
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(warnings.filter((text) => text.startsWith('onHandlerError threw')).length, wanted);
    assert.match(warnings[0] ?? '', /theirs/);
  } finally {
    process.off('warning', listen);
    await ends.close();
  }
});

test('A1 a getter that throws a value without a text fails its call alone', async () => {
  const ends = await openEnds();
  try {
    const broken = foreign<typeof note>('({ id: 1, get text() { throw Object.create(null); } })');
    const error = await failureOf(ends.notes.echo(broken));
    assert.is(error.code, 'INVALID_ARGUMENT');
    assert.is((await ends.notes.echo(note)).id, 1);
  } finally {
    await ends.close();
  }
});

test.run();
