/** Code of the application runs in the async context of its caller, or in none: never in that of whoever opened the connection. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ClientChannel,
  clientStream,
  connect,
  defineService,
  duplex,
  type Peer,
  type Resolver,
  Server,
  unary,
} from '../../src/index.js';
import { onlyIn } from '../support/runtime.js';

const notInBun = onlyIn(test, ['node', 'deno'], 'Bun has no --expose-gc');

const als = new AsyncLocalStorage<unknown>();
const here = () => String(als.getStore());

function first<T>([value]: readonly T[]): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}

const Where = defineService('test.Where', {
  /** The store that the handler sees; enters a store of the name given. */
  here: unary({ request: 'string', response: 'string' }),
  take: unary({
    request: { type: 'record', name: 'test.Named', fields: [{ name: 'name', type: 'string' }] },
    response: 'string',
  }),
  join: clientStream({ request: 'string', response: 'string' }),
  chat: duplex({ request: 'string', response: 'string' }),
  fail: unary({ request: 'string', response: 'string' }),
  joinHere: unary({ request: 'string', response: 'string' }),
});

interface Ends {
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly port: number;
  readonly told: string[];
  peer(): Peer;
  close(): Promise<void>;
}

async function open(options: Parameters<typeof connect>[1] = {}): Promise<Ends> {
  const told: string[] = [];
  const peers: Peer[] = [];
  const server = new Server({ onHandlerError: () => void told.push(here()) }).add(Where, {
    here: (name, context) => {
      peers.push(context.peer);
      const seen = here();
      if (name !== '') als.enterWith(name);
      return seen;
    },
    take: ({ name }) => name,
    join: async (items) => {
      const all: string[] = [];
      for await (const item of items) all.push(item);
      return all.join();
    },
    chat: async function* (items) {
      for await (const item of items) yield `${item} ${here()}`;
    },
    fail: () => {
      throw new Error('fails');
    },
    joinHere: (name, context) => als.run(name, () => context.peer.client(Back).join(rows(), { parent: context })),
  });
  const { port } = await als.run('listener', () => server.listen({ host: '127.0.0.1' }));
  const channel = als.run('connecting', () => connect(`tcp://127.0.0.1:${port}`, options));
  return {
    server,
    channel,
    port,
    told,
    peer: () => first(peers),
    close: async () => {
      await channel.close();
      await server.close();
    },
  };
}

const Back = defineService('test.Back', {
  who: unary({ request: 'int', response: 'string' }),
  join: clientStream({ request: 'string', response: 'string' }),
});

async function* rows() {
  for (let row = 0; row < 3; row++) {
    yield here();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('A4 items are taken in the context of the call, whoever opens the connection', async () => {
  const { channel, close } = await open();
  const { join } = channel.client(Where);
  const names = ['A', 'B', 'C'];
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(names.map((name) => als.run(name, () => join(rows()))));
    assert.equal(answers, ['A,A,A', 'B,B,B', 'C,C,C']);
  }
  await close();
});

test('A4 an iterable that is left is ended in the context of its call', async () => {
  const { channel, close } = await open();
  const { chat, here: ask } = channel.client(Where);
  const ended: Promise<string>[] = [];
  function endless(): AsyncIterable<string> {
    let end: (store: string) => void = () => {};
    ended.push(new Promise((resolve) => (end = resolve)));
    const next = () => Promise.resolve({ done: false as const, value: here() });
    const stop = () => {
      end(here());
      return Promise.resolve({ done: true as const, value: undefined });
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
  }
  await als.run('first', () => ask(''));
  for (const name of ['A', 'B']) {
    const stream = als.run(name, () => chat(endless()));
    // Left from nobody's context.
    for await (const item of stream) {
      assert.is(item, `${name} undefined`);
      break;
    }
  }
  assert.equal(await Promise.all(ended), ['A', 'B']);
  await close();
});

test('A4 handlers of both sides run in no context', async () => {
  const { channel, peer, close } = await open();
  channel.add(Back, { who: here, join: () => here() });
  const { here: ask } = channel.client(Where);
  assert.is(await als.run('first', () => ask('')), 'undefined');
  assert.is(await als.run('second', () => peer().client(Back).who(1)), 'undefined');
  assert.is(await peer().client(Back).join(['a']), 'undefined');
  await close();
});

test('A4 the store that a handler enters reaches no call that is read later', async () => {
  const { channel, close } = await open();
  const { here: ask } = channel.client(Where);
  for (let call = 0; call < 5; call++) assert.is(await ask(`entered ${call}`), 'undefined');
  await close();
});

test('A4 getters of a request that waits run in the context of its call', async () => {
  const { channel, close } = await open();
  const { take } = channel.client(Where);
  const request = {
    get name() {
      return here();
    },
  };
  const answers = await Promise.all(['A', 'B', 'C'].map((name) => als.run(name, () => take(request))));
  assert.equal(answers, ['A', 'B', 'C']);
  await close();
});

test('A4 a listener of ledgers runs in the context of the call, one of handlers in none', async () => {
  const seen: string[] = [];
  const { channel, told, close } = await open({ ledger: () => void seen.push(here()) });
  const { here: ask, fail } = channel.client(Where);
  for (const name of ['A', 'B']) await als.run(name, () => ask(''));
  assert.equal(seen, ['A', 'B']);
  await als.run('C', () => fail('').catch(() => {}));
  assert.equal(told, ['undefined']);
  await close();
});

test('A4 calls that a handler makes for its own call have the context that it gives them', async () => {
  const { channel, close } = await open();
  channel.add(Back, {
    who: here,
    join: async (items) => {
      const all: string[] = [];
      for await (const item of items) all.push(item);
      return all.join();
    },
  });
  const { joinHere } = channel.client(Where);
  const answers = await Promise.all(['A', 'B'].map((name) => als.run('caller', () => joinHere(name))));
  assert.equal(answers, ['A,A,A', 'B,B,B']);
  await close();
});

test('A4 resolvers and balancers are started in no context', async () => {
  const { port, close } = await open();
  const seen: string[] = [];
  const resolver: Resolver = {
    name: 'list',
    start: ({ onEndpoints }) => {
      seen.push(here());
      onEndpoints([{ address: `tcp://127.0.0.1:${port}` }, { address: `tcp://localhost:${port}` }]);
    },
    refresh: () => void seen.push(here()),
    stop: () => {},
  };
  const channel = connect(resolver, {
    balancer: (candidates) => {
      seen.push(here());
      return { pick: () => first(candidates) };
    },
  });
  await als.run('first', () => channel.client(Where).here(''));
  // Until both endpoints are ready.
  while (seen.length < 2) await als.run('second', () => channel.client(Where).here(''));
  assert.equal(new Set(seen), new Set(['undefined']));
  await channel.close();
  await close();
});

notInBun('A4 an idle channel keeps no store of its callers alive', async () => {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  const { channel, close } = await open();
  const { here: ask, join } = channel.client(Where);
  const refs: WeakRef<object>[] = [];
  const calls = (store: object) => {
    refs.push(new WeakRef(store));
    return als.run(store, async () => {
      await ask('');
      await join(['a']);
    });
  };
  for (let call = 0; call < 4; call++) await calls({ call });
  await new Promise((resolve) => setImmediate(resolve));
  // What is left of the last call is the promise that this function waited for.
  await calls({});
  refs.pop();
  for (let turn = 0; turn < 100 && refs.some((ref) => ref.deref() !== undefined); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
  }
  assert.equal(
    refs.map((ref) => ref.deref()),
    [undefined, undefined, undefined, undefined],
  );
  await close();
});

test.run();
