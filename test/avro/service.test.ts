/** Definitions of services: what they check, what they compile, what they hand to a connection. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clientStream, duplex, serverStream } from '../../src/avro/service/method.js';
import { defineService, type MessageCodec, oneway, RpcError, raw, schema, unary } from '../../src/index.js';

const Id = schema({ type: 'record', name: 'demo.Id', fields: [{ name: 'id', type: 'long' }] });
const City = schema({ type: 'record', name: 'demo.City', fields: [{ name: 'name', type: 'string' }] });

/** What a wrong definition says. */
function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    assert.instance(error, RpcError);
    assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
    return (error as RpcError).message;
  }
  throw new Error('the definition was accepted');
}

test('a definition gives each method its full name, kind and a number of its own', () => {
  const service = defineService('demo.Cities', {
    get: unary({ request: Id, response: City }),
    within: serverStream({ request: Id, response: City }),
    add: clientStream({ request: City, response: 'int' }),
    chat: duplex({ request: 'string', response: 'string' }),
    hit: oneway({ request: Id }),
  });
  assert.is(service.name, 'demo.Cities');
  const { methods } = service;
  assert.equal(
    Object.values(methods).map(({ name, kind }) => [name, kind]),
    [
      ['demo.Cities/get', 'unary'],
      ['demo.Cities/within', 'serverStream'],
      ['demo.Cities/add', 'clientStream'],
      ['demo.Cities/chat', 'duplex'],
      ['demo.Cities/hit', 'oneway'],
    ],
  );
  const first = methods.get.ordinal;
  assert.equal(
    Object.values(methods).map(({ ordinal }) => ordinal - first),
    [0, 1, 2, 3, 4],
  );
});

test('a definition cannot be changed', () => {
  const service = defineService('S', { get: unary({ request: 'int', response: 'int' }) });
  const { get } = service.methods;
  assert.ok([service, service.methods, get, get.definition].every((part) => Object.isFrozen(part)));
});

test('a method has no errors, is not idempotent and follows the compression of others unless it says so', () => {
  const { plain, told } = defineService('S', {
    plain: unary({ request: 'int', response: 'int' }),
    told: unary({ request: 'int', response: 'int', idempotent: true, compression: 'off' }),
  }).methods;
  assert.equal([plain.errors, plain.declared, plain.idempotent, plain.compression], [null, null, false, undefined]);
  assert.equal([told.idempotent, told.compression], [true, 'off']);
  const { follows, keeps } = defineService(
    'S',
    {
      follows: unary({ request: 'int', response: 'int' }),
      keeps: unary({ request: 'int', response: 'int', compression: 'gzip' }),
    },
    { compression: 'lz4' },
  ).methods;
  assert.equal([follows.compression, keeps.compression], ['lz4', 'gzip']);
});

test('a schema constant is compiled once for each representation of its values', () => {
  const define = () =>
    defineService('S', {
      a: unary({ request: Id, response: Id }),
      b: unary({ request: Id, response: 'string' }),
      big: unary({ request: Id, response: 'string', longs: 'bigint' }),
    }).methods;
  const { a, b, big } = define();
  assert.is(a.request, a.response);
  assert.is(a.request, b.request);
  assert.is(b.response, define().b.response);
  assert.is(big.request, define().big.request);
  assert.is.not(a.request, big.request);
  assert.equal(a.request.fingerprint, big.request.fingerprint);
});

test('a list of errors is compiled once, and not taken for the union of the same schemas', () => {
  const errors = [{ type: 'error', name: 'E', fields: [] }] as const;
  const define = () => defineService('S', { a: unary({ request: errors, response: 'null', errors }) }).methods.a;
  assert.is(define().errors, define().errors);
  assert.is(define().errors?.schemaText, '["string",{"name":"E","type":"record","fields":[]}]');
  assert.is(define().request.schemaText, '[{"name":"E","type":"record","fields":[]}]');
});

test('longs of the service hold for methods that say nothing, and for their errors', () => {
  const { follows, keeps } = defineService(
    'S',
    {
      follows: unary({
        request: 'long',
        response: 'long',
        errors: [{ type: 'error', name: 'E', fields: [{ name: 'at', type: 'long' }] }],
      }),
      keeps: unary({ request: 'long', response: 'long', longs: 'number' }),
    },
    { longs: 'bigint' },
  ).methods;
  const one = Buffer.from([2]);
  assert.is(follows.request.decode(one, 0, 1), 1n);
  assert.is(keeps.request.decode(one, 0, 1), 1);
  assert.equal(follows.errors?.decode(Buffer.from([2, 2]), 0, 2), { name: 'E', value: { at: 1n } });
  assert.is(follows.definition.longs, 'bigint');
});

test('a codec of the application stands in place of a schema', () => {
  const codec: MessageCodec<string> = { ...raw, encode: () => 0, decode: () => 'decoded' };
  const { get } = defineService('S', { get: unary({ request: codec, response: raw }) }).methods;
  assert.is(get.request.encode('any', Buffer.alloc(0), 0), 0);
  assert.is(get.request.decode(Buffer.alloc(0), 0, 0), 'decoded');
  assert.is(get.request.fingerprint, null);
  assert.is(get.response, raw);
});

test('a oneway method declares no schema for a response that it does not have', () => {
  const { hit } = defineService('S', { hit: oneway({ request: Id }) }).methods;
  assert.is(hit.response.fingerprint, null);
});

test('a service name consists of names between dots', () => {
  const methods = { get: unary({ request: 'int', response: 'int' }) };
  for (const name of ['', '.', 'a.', '.a', 'a..b', '1a', 'a b', 'a/b', 'ä', 'a\n']) {
    assert.match(
      refusal(() => defineService(name, methods)),
      `service name ${JSON.stringify(name)}: each part`,
    );
  }
  for (const name of ['a', '_', 'A1.b_2.C']) assert.is(defineService(name, methods).name, name);
  assert.match(
    refusal(() => defineService(7 as never, methods)),
    'must be a string, not number',
  );
});

test('a method name is a name, and not `then`', () => {
  const get = unary({ request: 'int', response: 'int' });
  for (const name of ['', 'a.b', '1a', 'a-b', 'ä']) {
    assert.match(
      refusal(() => defineService('S', { [name]: get })),
      `S/${name}: a method name must match`,
    );
  }
  assert.match(
    refusal(() => defineService('S', { [['th', 'en'].join('')]: get })),
    'pass for a promise',
  );
  assert.match(
    refusal(() => defineService('S', { __proto__: get } as never)),
    'called __proto__?',
  );
  assert.match(
    refusal(() => defineService('S', { ['__proto__']: get })),
    'cannot be called __proto__',
  );
});

test('a name that every object inherits is a method like any other', () => {
  const get = unary({ request: 'int', response: 'int' });
  const { methods } = defineService('S', { constructor: get, toString: get });
  assert.equal(Object.keys(methods), ['constructor', 'toString']);
  assert.is(methods.constructor.name, 'S/constructor');
  assert.not.ok('valueOf' in methods);
});

test('service and method name have at most 255 characters together', () => {
  const get = unary({ request: 'int', response: 'int' });
  const name = 'a'.repeat(251);
  assert.is(defineService(name, { get }).methods.get.name.length, 255);
  assert.match(
    refusal(() => defineService(`${name}a`, { get })),
    '256 of at most 255',
  );
});

test('a service without methods, or with something else for methods, is refused', () => {
  assert.match(
    refusal(() => defineService('S', {})),
    'at least one method',
  );
  assert.match(
    refusal(() => defineService('S', null as never)),
    'must be an object',
  );
  for (const wrong of [undefined, null, 7, {}, { kind: 'ternary' }, () => 1]) {
    assert.match(
      refusal(() => defineService('S', { get: wrong as never })),
      'S/get: must be made by unary',
    );
  }
});

test('a wrong schema is refused when it is defined, with the method and the place in it', () => {
  const wrong = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'strng' }] } as never;
  const int = 'int';
  const errors = [{ type: 'error', name: 'E' }] as never;
  const text = (method: Parameters<typeof unary>[0]) => refusal(() => defineService('S', { get: unary(method) }));
  assert.match(text({ request: wrong, response: int }), /^S\/get: request: .*R\.a: .*"strng"/);
  assert.match(text({ request: int, response: wrong }), /^S\/get: response: .*R\.a: .*"strng"/);
  assert.match(text({ request: int, response: int, errors }), /^S\/get: errors: .*fields/);
  assert.match(text({ request: undefined as never, response: int }), /^S\/get: request: /);
});

test('a schema beyond a limit says which, and a constant that holds itself ends', () => {
  const loop: { type: 'array'; items: unknown } = { type: 'array', items: 'int' };
  loop.items = loop;
  try {
    defineService('S', { get: unary({ request: loop as never, response: 'int' }) });
    assert.unreachable();
  } catch (error) {
    assert.is((error as RpcError).code, 'RESOURCE_EXHAUSTED');
    assert.is((error as RpcError).limit?.name, 'schemaDepthMax');
    assert.match((error as RpcError).message, /^S\/get: request: /);
  }
});

test('a schema constant may be used more than once inside another', () => {
  const Point = schema({ type: 'record', name: 'Point', fields: [{ name: 'x', type: 'int' }] });
  const Sign = schema({ type: 'enum', name: 'Sign', symbols: ['PLUS', 'MINUS'] });
  const Line = schema({
    type: 'record',
    name: 'geo.Line',
    fields: [
      { name: 'from', type: Point },
      { name: 'to', type: ['null', Point] },
      { name: 'via', type: { type: 'array', items: { type: 'map', values: Point } } },
      { name: 'signs', type: { type: 'array', items: Sign } },
      { name: 'sign', type: Sign },
    ],
  });
  const { get } = defineService('S', { get: unary({ request: Line, response: [Line, Point, 'null'] }) }).methods;
  const bytes = Buffer.alloc(64);
  const line = { from: { x: 1 }, to: { x: 2 }, via: [], signs: [], sign: 'MINUS' };
  assert.equal(get.request.decode(bytes, 0, get.request.encode(line, bytes, 0)), line);
  // In the union the same constant stands in no namespace, so it is another type there.
  assert.equal(
    (JSON.parse(get.response.schemaText) as { name: string }[]).slice(0, 2).map(({ name }) => name),
    ['geo.Line', 'Point'],
  );
  const twice = schema([Point, { type: 'array', items: { ...Point } }]);
  assert.match(
    refusal(() => defineService('S', { get: unary({ request: twice, response: 'int' }) })),
    '"Point"',
  );
});

test.run();
