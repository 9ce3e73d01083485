/** Declared errors from the handler that throws them to the caller that catches them, between equal and unequal versions. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DeclaredError,
  declared,
  defineService,
  type ErrorSchema,
  isDeclared,
  RpcError,
  schema,
  serverStream,
  unary,
} from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { between } from './versions.js';

/** Each test has a namespace of its own: schemas are cached for the whole process. */
const noCity = <const N extends string>(space: N) =>
  schema({ type: 'error', name: `${space}.NoCity`, fields: [{ name: 'id', type: 'long' }] });
const busy = <const N extends string>(space: N) =>
  schema({
    type: 'error',
    name: `${space}.Busy`,
    fields: [
      { name: 'message', type: 'string' },
      { name: 'ms', type: 'int', default: 5 },
    ],
  });

test('each declared error arrives typed, with code, text, hints and metadata, from sync and async handlers', async () => {
  const service = defineService('a.S', {
    get: unary({ request: 'int', response: 'int', errors: [noCity('a'), busy('a')] }),
  });
  const { get } = service.methods;
  const handler: Parameters<typeof between<typeof service, typeof service, void>>[1]['get'] = (id, context) => {
    context.responseMetadata = { asked: String(id) };
    if (id === 1) throw declared(get, 'a.NoCity', { id }, { code: 'NOT_FOUND', message: 'no such city' });
    if (id === 2)
      return Promise.reject(declared(get, 'a.Busy', { message: 'later' }, { retryAfterMs: 9, elsewhere: true }));
    return id;
  };
  await between(service, { get: handler }, service, async (client) => {
    const first = await failureOf(client.get(1));
    assert.ok(isDeclared(first, get));
    assert.equal([first.errorName, first.value], ['a.NoCity', { id: 1 }]);
    assert.equal([first.code, first.message, first.started], ['NOT_FOUND', 'no such city', 'yes']);
    assert.is(first.metadata?.['asked'], '1');
    const second = await failureOf(client.get(2));
    assert.ok(isDeclared(second, get));
    assert.equal([second.errorName, second.value], ['a.Busy', { message: 'later', ms: 5 }]);
    assert.equal([second.code, second.message, second.retryAfterMs, second.elsewhere], ['UNKNOWN', 'later', 9, true]);
    assert.is(await client.get(3), 3);
  });
});

test('a declared error is no defect: it is not reported; one that the method does not declare arrives as code and text', async () => {
  const service = defineService('b.S', {
    get: unary({ request: 'int', response: 'int', errors: [noCity('b')] }),
    plain: unary({ request: 'int', response: 'int' }),
  });
  const other = () => {
    throw new DeclaredError('b.Other', { x: 1 }, { code: 'ABORTED', message: 'other' });
  };
  await between(service, { get: other, plain: other }, service, async (client) => {
    for (const call of [client.get(1), client.plain(1)]) {
      const failure = await failureOf(call);
      assert.not.instance(failure, DeclaredError);
      assert.equal([failure.code, failure.message, failure.started], ['ABORTED', 'other', 'yes']);
    }
  });
});

test('a declared error whose value does not match becomes INTERNAL, and names the field at the server', async () => {
  const service = defineService('c.S', { get: unary({ request: 'int', response: 'int', errors: [noCity('c')] }) });
  const get = () => {
    throw new DeclaredError('c.NoCity', { id: 'seven' });
  };
  const log = console.error;
  const printed: unknown[] = [];
  console.error = (...parts: unknown[]) => void printed.push(parts.join(' '));
  try {
    await between(service, { get }, service, async (client) => {
      const failure = await failureOf(client.get(1));
      assert.is(failure.code, 'INTERNAL');
      assert.is(failure.message, 'the handler of c.S/get failed');
    });
  } finally {
    console.error = log;
  }
  // Without onHandlerError it is printed.
  assert.is(printed.length, 1);
  assert.match(String(printed[0]), /c\.S\/get.*\bid\b/);
});

test('a declared error too large for one frame loses its value, not its code and text', async () => {
  const big = schema({ type: 'error', name: 'd.Big', fields: [{ name: 'bytes', type: 'bytes' }] });
  const service = defineService('d.S', { get: unary({ request: 'int', response: 'int', errors: [big] }) });
  const get = (size: number) => {
    throw declared(service.methods.get, 'd.Big', { bytes: Buffer.alloc(size) }, { code: 'DATA_LOSS', message: 'big' });
  };
  await between(service, { get }, service, async (client) => {
    const fits = await failureOf(client.get(50_000));
    assert.ok(isDeclared(fits, service.methods.get));
    assert.is(fits.value.bytes.length, 50_000);
    const tooLarge = await failureOf(client.get(200_000));
    assert.not.instance(tooLarge, DeclaredError);
    assert.equal([tooLarge.code, tooLarge.message, tooLarge.started], ['DATA_LOSS', 'big', 'yes']);
  });
});

/** A server that declares `served`, a client that declares `called`, and what it gets when `thrown` is thrown. */
async function across(
  space: string,
  served: readonly ErrorSchema[],
  called: readonly ErrorSchema[],
  thrown: () => RpcError,
): Promise<RpcError> {
  const of = (errors: readonly ErrorSchema[]) =>
    defineService(`${space}.S`, { get: unary({ request: 'int', response: 'int', errors: errors as never }) });
  const get = (n: number) => {
    if (n > 0) return n;
    throw thrown();
  };
  return between(of(served), { get }, of(called), async (client) => {
    // Whatever the errors are, the method works.
    assert.is(await client.get(5), 5);
    return failureOf(client.get(0));
  });
}

test('a newer server: its errors that the client knows arrive typed, the others as code and text', async () => {
  const both = [noCity('e'), busy('e')];
  const known = await across('e', both, [noCity('e')], () => new DeclaredError('e.NoCity', { id: 7 }));
  assert.instance(known, DeclaredError);
  assert.equal([(known as DeclaredError).errorName, (known as DeclaredError).value], ['e.NoCity', { id: 7 }]);
  const unknown = await across(
    'e',
    both,
    [noCity('e')],
    () => new DeclaredError('e.Busy', { message: 'later', ms: 1 }),
  );
  assert.not.instance(unknown, DeclaredError);
  assert.equal([unknown.code, unknown.message, unknown.started], ['UNKNOWN', 'later', 'yes']);
});

test('a newer client: it gets the errors that the older server declares', async () => {
  const both = [noCity('f'), busy('f')];
  const failure = await across('f', [busy('f')], both, () => new DeclaredError('f.Busy', { message: 'later', ms: 1 }));
  assert.instance(failure, DeclaredError);
  assert.equal((failure as DeclaredError).value, { message: 'later', ms: 1 });
});

test('errors on one side only: the method works, and failures arrive as code and text', async () => {
  const thrown = () => new DeclaredError('g.NoCity', { id: 7 }, { message: 'none' });
  for (const [served, called] of [
    [[noCity('g')], []],
    [[], [noCity('g')]],
  ] as const) {
    const failure = await across('g', served, called, thrown);
    assert.not.instance(failure, DeclaredError);
    assert.equal([failure.code, failure.message], ['UNKNOWN', 'none']);
  }
});

test('the record of an error evolves like any other', async () => {
  const wide = schema({
    type: 'error',
    name: 'h.NoCity',
    fields: [
      { name: 'why', type: 'string', default: 'gone' },
      { name: 'id', type: 'double' },
    ],
  });
  const failure = await across('h', [noCity('h')], [wide], () => new DeclaredError('h.NoCity', { id: 7 }));
  assert.instance(failure, DeclaredError);
  assert.equal((failure as DeclaredError).value, { why: 'gone', id: 7 });
  const breaking = schema({ type: 'error', name: 'i.NoCity', fields: [{ name: 'id', type: 'string' }] });
  const lost = await across('i', [noCity('i')], [breaking], () => new DeclaredError('i.NoCity', { id: 7 }));
  assert.not.instance(lost, DeclaredError);
  assert.is(lost.message, 'i.NoCity');
});

test('the first errors of a connection are typed too, while the schema of the errors is still on its way', async () => {
  const newer = schema({
    type: 'error',
    name: 'k.NoCity',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'hint', type: 'string' },
    ],
  });
  const Now = defineService('k.S', {
    get: unary({ request: 'int', response: 'int', errors: [newer] }),
    list: serverStream({ request: 'int', response: 'int', errors: [newer] }),
  });
  const Then = defineService('k.S', {
    get: unary({ request: 'int', response: 'int', errors: [noCity('k')] }),
    list: serverStream({ request: 'int', response: 'int', errors: [noCity('k')] }),
  });
  const fail = (id: number): never => {
    throw new DeclaredError('k.NoCity', { id, hint: 'x' });
  };
  await between(Now, { get: fail, list: fail }, Then, async (client) => {
    const listed = async () => {
      for await (const _ of client.list(3));
    };
    const failures = await Promise.all([client.get(1), client.get(2), listed()].map((call) => failureOf(call)));
    for (const [at, failure] of failures.entries()) {
      assert.instance(failure, DeclaredError, `call ${at}`);
      assert.equal((failure as DeclaredError).value, { id: at + 1 });
    }
  });
});

test('a plain RpcError of a method with declared errors stays one', async () => {
  const failure = await across('j', [noCity('j')], [noCity('j')], () => new RpcError('NOT_FOUND', 'plain'));
  assert.not.instance(failure, DeclaredError);
  assert.equal([failure.code, failure.message], ['NOT_FOUND', 'plain']);
});

test.run();
