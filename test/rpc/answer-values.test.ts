/** Values that handlers answer with: what does not match the schema is INTERNAL for the caller, and the handler's side learns what it was. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, RpcError, Server, schema, serverStream, unary } from '../../src/index.js';

const Query = schema({
  type: 'record',
  name: 'demo.Query',
  fields: [
    { name: 'limit', type: 'int', default: 10 },
    { name: 'tags', type: { type: 'map', values: 'string' }, default: {} },
  ],
});
const S = defineService('x.S', {
  get: unary({ request: 'int', response: Query }),
  all: serverStream({ request: 'int', response: Query }),
});

const unknown = 'cannot write Query.limt: the record Query has no such field (did you mean limit?)';
const answers: readonly (readonly [answer: () => unknown, told: string])[] = [
  [() => ({ limt: 5 }), unknown],
  [() => Promise.resolve({ limt: 5 }), unknown],
  [
    () => new Map([['limit', 5]]),
    'cannot write Query: expected Query, got a Map (Object.fromEntries makes an object of it)',
  ],
  [() => new Date(0), 'cannot write Query: expected Query, got a Date'],
  [
    () => ({ limit: Promise.resolve(5) }),
    'cannot write Query.limit: expected int, got a Promise (is an await missing?)',
  ],
  [
    () => ({ tags: new Map() }),
    'cannot write Query.tags: expected map, got a Map (Object.fromEntries makes an object of it)',
  ],
  [() => [], 'cannot write Query: expected Query, got an array of 0'],
  [() => undefined, 'cannot write Query: missing, expected Query'],
];

test('A7 answers and items that do not match are INTERNAL, told to the server with their path, and nobody else is hurt', async () => {
  const told: string[] = [];
  const onHandlerError = (error: unknown): void => {
    told.push(error instanceof Error ? error.message : String(error));
  };
  const server = new Server({ onHandlerError }).add(S, {
    get: (index) => (index < 0 ? { limit: 1 } : answers[index]?.[0]()) as { limit: number },
    async *all(index) {
      yield { limit: 1 };
      yield (await answers[index]?.[0]()) as { limit: number };
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
  const client = channel.client(S);
  for (const [index, [, text]] of answers.entries()) {
    const other = client.get(-1);
    const failure: unknown = await client.get(index).catch((error: unknown) => error);
    assert.ok(failure instanceof RpcError && failure.code === 'INTERNAL', String(failure));
    assert.not.match(failure.message, /limt|Map/, 'the caller learns nothing of it');
    assert.is((await other).limit, 1);
    const items: number[] = [];
    const reading = (async () => {
      for await (const { limit } of client.all(index)) items.push(limit);
    })();
    const broken: unknown = await reading.catch((error: unknown) => error);
    assert.ok(broken instanceof RpcError && broken.code === 'INTERNAL', String(broken));
    assert.equal(items, [1]);
    assert.equal(
      told.splice(0).map((message) => message.includes(text)),
      [true, true],
      text,
    );
  }
  await channel.close();
  await server.close();
});

test.run();
