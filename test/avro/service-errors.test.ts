/** Declared errors between the handler that throws them and the caller that catches them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeclaredError, declared, defineService, isDeclared, RpcError, schema, unary } from '../../src/index.js';

const NoCity = schema({ type: 'error', name: 'demo.NoCity', fields: [{ name: 'id', type: 'long' }] });
const Busy = schema({
  type: 'error',
  name: 'demo.Busy',
  fields: [
    { name: 'message', type: 'string' },
    { name: 'ms', type: 'int', default: 5 },
  ],
});

const { none, one, two, wide } = defineService('S', {
  none: unary({ request: 'int', response: 'int' }),
  one: unary({ request: 'int', response: 'int', errors: [NoCity] }),
  two: unary({ request: 'int', response: 'int', errors: [NoCity, Busy] }),
  wide: unary({
    request: 'int',
    response: 'int',
    errors: [
      {
        type: 'error',
        name: 'demo.NoCity',
        fields: [
          { name: 'id', type: 'long' },
          { name: 'why', type: 'string', default: 'gone' },
        ],
      },
    ],
  }),
}).methods;
type Declaring = typeof one | typeof two | typeof wide;

const failure = new RpcError('NOT_FOUND', 'no such city', { started: 'yes', retryAfterMs: 7, elsewhere: true });

function send(method: Declaring, error: unknown): Buffer {
  const detail = method.declared?.toDetail(error) ?? null;
  assert.ok(detail !== null, 'the error was not sent');
  return detail as Buffer;
}

function receive(method: Declaring, detail: Buffer, codec = method.errors): RpcError {
  assert.ok(method.declared !== null && codec !== null);
  return (method.declared as NonNullable<typeof method.declared>).fromDetail(
    codec as NonNullable<typeof codec>,
    detail,
    failure,
  );
}

test('a declared error has the code UNKNOWN, the message of its value, and has run', () => {
  const error = new DeclaredError('demo.Busy', { message: 'later', ms: 1 });
  assert.instance(error, RpcError);
  assert.instance(error, Error);
  assert.equal(
    [error.name, error.errorName, error.code, error.message, error.started],
    ['DeclaredError', 'demo.Busy', 'UNKNOWN', 'later', 'yes'],
  );
  assert.is(new DeclaredError('demo.NoCity', { id: 7 }).message, 'demo.NoCity');
  assert.is(new DeclaredError('E', { message: 7 }).message, 'E');
  assert.is(new DeclaredError('E', null).message, 'E');
});

test('code, message and hints of a declared error can be set', () => {
  const cause = new Error('why');
  const options = { code: 'NOT_FOUND', message: 'gone', started: 'no', retryAfterMs: 3, cause } as const;
  const error = declared(one, 'demo.NoCity', { id: 7 }, options);
  assert.equal(
    [error.code, error.message, error.started, error.retryAfterMs, error.cause],
    ['NOT_FOUND', 'gone', 'no', 3, cause],
  );
});

for (const [label, method] of [
  ['one error, which its union holds bare', one],
  ['two errors, which its union wraps', two],
] as const) {
  test(`the value arrives from a method with ${label}`, () => {
    const detail = send(method, declared(method, 'demo.NoCity', { id: 7 }));
    assert.equal([...detail], [2, 14]);
    const error = receive(method, detail);
    assert.instance(error, DeclaredError);
    assert.ok(isDeclared(error, method));
    const { errorName, value } = error as DeclaredError;
    assert.equal([errorName, value], ['demo.NoCity', { id: 7 }]);
    const { code, message, started, retryAfterMs, elsewhere } = error;
    assert.equal([code, message, started, retryAfterMs, elsewhere], ['NOT_FOUND', 'no such city', 'yes', 7, true]);
  });
}

test('the errors of a method are told apart, and defaults are filled in', () => {
  const error = receive(two, send(two, declared(two, 'demo.Busy', { message: 'later' })));
  assert.ok(isDeclared(error, two));
  if (!isDeclared(error, two) || error.errorName !== 'demo.Busy') throw error;
  assert.equal(error.value, { message: 'later', ms: 5 });
});

test('a long value of an error is sent whole', () => {
  const message = 'x'.repeat(10_000);
  const error = receive(two, send(two, new DeclaredError('demo.Busy', { message })));
  assert.is(((error as DeclaredError).value as { message: string }).message, message);
});

test('what the method does not declare travels without detail', () => {
  const { declared: seam } = two;
  assert.ok(seam !== null);
  for (const error of [
    new DeclaredError('demo.NoTown', { id: 7 }),
    new DeclaredError('NoCity', { id: 7 }),
    new DeclaredError('string', 'text'),
    new DeclaredError('__proto__', { id: 7 }),
    new RpcError('NOT_FOUND', 'x'),
    new Error('x'),
    'demo.NoCity',
    undefined,
  ]) {
    assert.is(seam?.toDetail(error), null);
  }
});

test('a value that does not match its schema is refused with the path of the field', () => {
  for (const method of [one, two]) {
    try {
      send(method, new DeclaredError('demo.NoCity', { id: '7' }));
      assert.unreachable();
    } catch (error) {
      assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
      assert.match((error as RpcError).message, /\bid\b/);
    }
  }
});

test("Avro's string branch, broken detail and foreign codecs leave the failure as it was", () => {
  const text = Buffer.from([0, 2, 0x78]);
  for (const method of [one, two]) {
    assert.is(receive(method, text), failure);
    for (const broken of [[], [2], [2, 14, 0], [6, 14], [1, 14]]) {
      assert.is(receive(method, Buffer.from(broken)), failure);
    }
    assert.is(method.declared?.fromDetail(one.request, Buffer.from([2, 14]), failure), failure);
  }
});

/** What `method` reads with, when its peer's errors are those of `writer`. */
function resolved(method: Declaring, writer: Declaring): NonNullable<typeof method.errors> {
  const resolution = method.errors?.resolveWriter(writer.errors?.schemaText ?? '');
  assert.is(resolution?.grade, 'compatible', resolution?.reason ?? '');
  return resolution?.codec as NonNullable<typeof method.errors>;
}

test('an error of an older peer gets the defaults of this side', () => {
  const detail = send(one, declared(one, 'demo.NoCity', { id: 7 }));
  const error = receive(wide, detail, resolved(wide, one));
  assert.equal((error as DeclaredError).value, { id: 7, why: 'gone' });
  const fewer = receive(two, detail, resolved(two, one)) as DeclaredError;
  assert.equal([fewer.errorName, fewer.value], ['demo.NoCity', { id: 7 }]);
});

test('a newer peer may declare further errors: only those arrive without a value', () => {
  const codec = resolved(one, two);
  const known = receive(one, send(two, declared(two, 'demo.NoCity', { id: 7 })), codec) as DeclaredError;
  assert.equal([known.errorName, known.value], ['demo.NoCity', { id: 7 }]);
  assert.is(receive(one, send(two, declared(two, 'demo.Busy', { message: 'later' })), codec), failure);
  for (const broken of [[], [2], [2, 14, 0], [6, 14], [1, 14], [0x80], [0, 2, 0x78]]) {
    assert.is(receive(one, Buffer.from(broken), codec), failure);
  }
});

test('errors that have nothing in common, or are no union of a peer, do not resolve', () => {
  for (const text of ['"string"', '[]', '["int","double"]', '["string",', '', '["string","string"]']) {
    const resolution = two.errors?.resolveWriter(text);
    const expected = text === '"string"' ? 'compatible' : 'breaking';
    assert.is(resolution?.grade, expected, text);
  }
});

test('isDeclared asks for the errors of that method and believes nothing else', () => {
  const error = new DeclaredError('demo.Busy', { message: 'later', ms: 1 });
  assert.ok(isDeclared(error, two));
  assert.not.ok(isDeclared(error, one));
  assert.not.ok(isDeclared(error, none));
  assert.not.ok(isDeclared(failure, two));
  assert.not.ok(isDeclared({ errorName: 'demo.Busy', value: {} }, two));
});

test.run();
