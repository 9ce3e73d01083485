/**
 * Two copies of the package in one process: what either of them defines, makes or throws works with channels and servers of the other.
 * And services that are no longer what `defineService` made: renamed by spreading, or sent through JSON.
 */
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as first from '../../src/index.js';
import { isBytesCodec } from '../../src/wire/message-codec.js';
import { type Copy, secondCopy } from '../support/second-copy.js';

const second = await secondCopy();

const textService = (copy: Copy, name: string, method: string): first.ServiceDefinition =>
  copy.defineService(name, { [method]: copy.unary({ request: 'string', response: 'string' }) });

type Call = (request: unknown, options?: first.CallOptions) => Promise<unknown>;

/** The methods of a service without types. */
const callsOf = (client: unknown): Record<string, Call> => client as Record<string, Call>;

/** A server of one copy and a channel of another, while `body` runs. */
async function between(
  serving: Copy,
  calling: Copy,
  add: (server: first.Server) => void,
  body: (channel: first.ClientChannel) => Promise<void>,
): Promise<void> {
  const server = new serving.Server({ onHandlerError: () => {} });
  add(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const channel = calling.connect(`tcp://127.0.0.1:${port}`, { retry: false });
  try {
    await body(channel);
  } finally {
    await channel.close();
    await server.close();
  }
}

/** Every choice of copies for server, channel and definition. */
const roles = [first, second].flatMap((serving) =>
  [first, second].flatMap((calling) => [first, second].map((defining) => ({ serving, calling, defining }))),
);

test('A6 methods of services of two copies with the same numbers are told apart', async () => {
  for (const [calling, serving] of [
    [first, second],
    [second, first],
  ] as const) {
    // Enough of each that the numbers of the copies overlap, whatever was defined before.
    const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const table = (copy: Copy): Record<string, ReturnType<typeof first.unary>> =>
      Object.fromEntries(names.map((name) => [name, copy.unary({ request: 'string', response: 'string' })]));
    const services = [
      first.defineService('bank.Money', table(first)),
      second.defineService('bank.Admin', table(second)),
    ];
    const add = (server: first.Server): void => {
      for (const service of services) {
        const handlers = names.map((name) => [name, (text: unknown) => `${service.name}/${name} ${String(text)}`]);
        server.add(service, Object.fromEntries(handlers) as never);
      }
    };
    await between(serving, calling, add, async (channel) => {
      for (const name of names) {
        for (const service of services) {
          assert.is(await callsOf(channel.client(service))[name]?.('x'), `${service.name}/${name} x`);
        }
      }
    });
  }
});

test('A6 a service of either copy is served and called by either, with streams and metadata', async () => {
  for (const { serving, calling, defining } of roles) {
    const { defineService, raw, serverStream, unary } = defining;
    const S = defineService('x.S', {
      get: unary({ request: 'int', response: 'string' }),
      bytes: unary({ request: raw, response: raw }),
      rows: serverStream({ request: 'int', response: 'int' }),
      left: unary({ request: 'int', response: 'boolean' }),
    });
    const handlers: first.Handlers<typeof S> = {
      get: (id) => String(id),
      bytes: (bytes) => bytes,
      *rows(count) {
        for (let i = 0; i < count; i++) yield i;
      },
      left: async (_, context) => Number.isFinite(context.deadlineMs) && context.metadata['trace'] === 'abc',
    };
    await between(
      serving,
      calling,
      (server) => server.add(S, handlers),
      async (channel) => {
        const client = channel.client(S);
        assert.is(await client.get(7), '7');
        assert.equal(await client.bytes(Buffer.alloc(200_000, 7)), Buffer.alloc(200_000, 7));
        const rows: number[] = [];
        for await (const row of client.rows(3)) rows.push(row);
        assert.equal(rows, [0, 1, 2]);
        assert.is(await client.left(1, { metadata: { trace: 'abc' }, deadlineMs: 5000 }), true);
      },
    );
  }
});

test('A6 the context of a handler of one copy is the parent of calls of the other', async () => {
  const Inner = textService(second, 'x.Inner', 'wait');
  const Outer = textService(first, 'x.Outer', 'go');
  let aborted: () => void = () => {};
  const seen = new Promise<void>((done) => (aborted = done));
  const inner = (server: first.Server): unknown =>
    server.add(Inner, {
      wait: (_: unknown, { signal }: first.CallContext) =>
        new Promise<string>(() => signal.addEventListener('abort', aborted)),
    } as never);
  await between(first, second, inner, async (innerChannel) => {
    const { wait } = callsOf(innerChannel.client(Inner));
    const go = (text: unknown, parent: first.CallContext): unknown => wait?.(text, { parent });
    await between(
      first,
      first,
      (server) => server.add(Outer, { go } as never),
      async (channel) => {
        const failure = callsOf(channel.client(Outer))['go']?.('x', { deadlineMs: 300 });
        await failure?.then(
          () => assert.unreachable(),
          (error: first.RpcError) => assert.is(error.code, 'DEADLINE_EXCEEDED'),
        );
        await seen;
      },
    );
  });
});

test('A6 method definitions, codecs, raw and logical types of one copy make services of the other', async () => {
  assert.ok(isBytesCodec(second.raw), 'long messages of the other raw are not copied either');
  assert.not(isBytesCodec({ ...second.raw }));
  const price = { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } as const;
  const S = first.defineService('x.S', {
    get: second.unary({ request: second.avroCodec<number>('int'), response: 'long', longs: 'bigint' }),
    bytes: second.unary({ request: second.raw, response: second.raw }),
    price: second.unary({ request: price, response: price, logicalTypes: second.standardLogicalTypes }),
  });
  const handlers: first.Handlers<typeof S> = {
    get: (value) => BigInt(value),
    bytes: (bytes) => bytes,
    price: (value) => value,
  };
  await between(
    second,
    first,
    (server) => server.add(S, handlers),
    async (channel) => {
      const client = channel.client(S);
      assert.is(await client.get(5), 5n);
      assert.is(String(await client.bytes(Buffer.from('ok'))), 'ok');
      assert.is(String(await client.price(first.Decimal.of('19.90'))), '19.90');
      const failure = await client.get('5' as never).catch((error: unknown) => error);
      assert.match(String(failure), /cannot write int: expected int, got "5"/);
    },
  );
});

test('A6 calls from a server to its client go by the services of either copy', async () => {
  const Back = textService(second, 'x.Back', 'who');
  const Hello = textService(first, 'x.Hello', 'hello');
  const hello = (text: unknown, context: first.CallContext): unknown =>
    callsOf(context.peer.client(Back))['who']?.(text);
  await between(
    first,
    second,
    (server) => server.add(Hello, { hello } as never),
    async (channel) => {
      channel.add(Back, { who: (text: unknown) => `back ${String(text)}` } as never);
      assert.is(await callsOf(channel.client(Hello))['hello']?.('x'), 'back x');
    },
  );
});

test('A6 a method under the name of another is refused, and becomes another one by defineService', async () => {
  const S = first.defineService('x.S', {
    get: first.unary({ request: 'string', response: 'string' }),
    put: first.unary({ request: 'string', response: 'string' }),
  });
  const Renamed = { ...S, methods: { ...S.methods, other: S.methods.get } };
  const Swapped = { name: 'x.S', methods: { get: S.methods.put, put: S.methods.get } };
  const Moved = { name: 'y.S', methods: { ...S.methods } };
  const channel = first.connect('tcp://127.0.0.1:1');
  for (const [service, text] of [
    [Renamed, 'the method other of x.S is x.S/get on the wire'],
    [Swapped, 'the method get of x.S is x.S/put on the wire'],
    [Moved, 'the method get of y.S is x.S/get on the wire'],
  ] as const) {
    const isRefusal = (error: first.RpcError): boolean =>
      error.code === 'INVALID_ARGUMENT' && error.message.startsWith(text);
    assert.throws(() => channel.client(service), isRefusal, text);
    assert.throws(
      () => new first.Server().add(service, { get: String, put: String, other: String } as never),
      isRefusal,
    );
  }
  await channel.close();
  const Defined = first.defineService('y.S', { ...S.methods, other: S.methods.get } as never);
  const handlers = Object.fromEntries(['get', 'put', 'other'].map((name) => [name, () => `y.S/${name}`]));
  const add = (server: first.Server): unknown =>
    server.add(Defined, handlers as never).add(S, { get: () => 'x.S/get', put: () => 'x.S/put' });
  await between(first, first, add, async (on) => {
    const calls = callsOf(on.client(Defined));
    const other = callsOf(on.client(S));
    const answers = [calls['other']?.(''), calls['get']?.(''), other['get']?.(''), other['put']?.('')];
    assert.equal(await Promise.all(answers), ['y.S/other', 'y.S/get', 'x.S/get', 'x.S/put']);
  });
});

test('A6 a copied method object keeps its own identity', async () => {
  const S = first.defineService('x.S', { get: first.unary({ request: 'string', response: 'string' }) });
  const Odd = { name: 'x.S', methods: { get: { ...S.methods.get, response: first.avroCodec('int') } } };
  await between(
    first,
    first,
    (server) => server.add(Odd, { get: () => 7 } as never),
    async (channel) => {
      assert.is(await callsOf(channel.client(Odd))['get']?.('x'), 7);
    },
  );
});

test('A6 what is no service, or lost its codecs on the way, is refused by name', async () => {
  const S = textService(first, 'x.S', 'get');
  const sent: unknown = JSON.parse(JSON.stringify(S));
  const channel = first.connect('tcp://127.0.0.1:1');
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [sent, /^the method get of x\.S has no codecs: JSON and structuredClone lose them/],
    [undefined, /^this is no service/],
    ['x.S', /^this is no service/],
    [S.methods, /^this is no service/],
    [{ default: S }, /^this is no service/],
    [{ name: 'x.S', methods: null }, /^this is no service/],
    [
      { name: 'x.S', methods: { get: first.unary({ request: 'int', response: 'int' }) } },
      /^the method get of x\.S has no codecs/,
    ],
    [{ name: 'x.S', methods: { get: undefined } }, /^the method get of x\.S is none/],
  ];
  for (const [service, text] of cases) {
    const isRefusal = (error: first.RpcError): boolean => error.code === 'INVALID_ARGUMENT' && text.test(error.message);
    assert.throws(() => channel.client(service as never), isRefusal, String(text));
    assert.throws(() => new first.Server().add(service as never, { get: String } as never), isRefusal, String(text));
    assert.throws(() => channel.add(service as never, { get: String } as never), isRefusal, String(text));
  }
  await channel.close();
});

test('A7 methods named like what every object has work', async () => {
  const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  const table = Object.fromEntries(names.map((name) => [name, first.unary({ request: 'string', response: 'string' })]));
  const S = first.defineService('x.constructor', table);
  class Implementation {
    readonly kept = 1;
  }
  assert.throws(() => new first.Server().add(S, new Implementation() as never), /no handler for constructor/);
  const handlers = Object.fromEntries(names.map((name) => [name, () => name]));
  await between(
    first,
    first,
    (server) => server.add(S, handlers as never),
    async (channel) => {
      for (const name of names) assert.is(await callsOf(channel.client(S))[name]?.(''), name);
    },
  );
  assert.throws(() => first.defineService('x.S', JSON.parse('{"__proto__":{}}') as never), /__proto__/);
});

test('A7 raw messages are bytes of any realm', async () => {
  const S = first.defineService('x.S', { get: first.unary({ request: first.raw, response: first.raw }) });
  await between(
    first,
    first,
    (server) => server.add(S, { get: (bytes) => bytes }),
    async (channel) => {
      for (const size of [3, 100_000]) {
        const bytes: unknown = runInNewContext(`new Uint8Array(${size}).fill(7)`);
        assert.equal(await channel.client(S).get(bytes as Uint8Array), Buffer.alloc(size, 7));
      }
    },
  );
});

test.run();
