/** What an error of a failed call says: who called, which method, which peer, why nobody was there (A9). */
// oxlint-disable typescript/return-await -- what awaits a call is what is tested
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blob, clientStream, connect, defineService, RpcError, Server, serverStream, unary } from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

const Shop = defineService('stack.Shop', {
  get: unary({ request: 'int', response: 'int', idempotent: true }),
  put: clientStream({ request: 'int', response: 'int' }),
  list: serverStream({ request: 'int', response: 'int' }),
  file: blob({ request: 'int', response: 'int' }),
});

const inNode = onlyIn(test, ['node'], 'what is known of awaiting functions is of V8 and Node');

const fails = (): never => {
  throw new RpcError('NOT_FOUND', 'no such city', { metadata: { token: 'hunter2' } });
};

async function openShop(options = {}) {
  const server = new Server().add(Shop, { get: fails, put: fails, list: fails, file: fails });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, options);
  const close = async (): Promise<void> => {
    await channel.close();
    await server.close();
  };
  return { shop: channel.client(Shop), address: `tcp://127.0.0.1:${port}`, close };
}

test('A9 the error of a call names method and peer', async () => {
  const { shop, address, close } = await openShop();
  const calls = [
    shop.get(1),
    shop.get.detailed(1),
    shop.put([1]),
    shop.list(1).next(),
    shop.file({ head: 1, body: null }),
  ];
  for (const [index, call] of calls.entries()) {
    const { method, peer } = await failureOf(call);
    assert.equal([method, peer], [`stack.Shop/${['get', 'get', 'put', 'list', 'file'][index]}`, address]);
  }
  const unsent = await failureOf(shop.get('x' as never));
  assert.equal([unsent.method, unsent.peer], ['stack.Shop/get', undefined]);
  await close();
  const nobody = await failureOf(connect('tcp://127.0.0.1:1').client(Shop).get(1));
  assert.equal([nobody.method, nobody.peer], ['stack.Shop/get', 'tcp://127.0.0.1:1']);
});

inNode('A9 the stack of a failed call names the functions that await it', async () => {
  for (const hedging of [undefined, { delayMsMin: 1 }]) {
    const { shop, close } = await openShop(hedging === undefined ? {} : { hedging });
    async function loadInvoice() {
      return await shop.get(1);
    }
    async function uploadInvoice() {
      return await shop.put([1]);
    }
    async function listInvoices() {
      for await (const invoice of shop.list(1)) return invoice;
      return null;
    }
    async function fetchFile() {
      return await shop.file({ head: 1, body: null });
    }
    async function sendWrong() {
      return await shop.get('x' as never);
    }
    async function awaitTogether() {
      return await Promise.all([shop.get(1), shop.get(2)]);
    }
    for (const call of [loadInvoice, uploadInvoice, listInvoices, fetchFile, sendWrong, awaitTogether]) {
      async function page() {
        return await call();
      }
      const { stack = '' } = await failureOf(page());
      assert.match(stack, new RegExp(`^RpcError: .*\\n[^]*at (async )?${call.name} [^]*at async page `));
    }
    await close();
  }
});

test('A9 an error printed is a few lines: code, method, peer, started, attempts, and no value of metadata', async () => {
  const { shop, address, close } = await openShop();
  const error = await failureOf(shop.get(1));
  for (const text of [inspect(error), inspect({ deep: { in: [error] } }, { depth: null })]) {
    assert.ok(text.split('\n').length <= 25, text);
    for (const part of [
      'no such city',
      "code: 'NOT_FOUND'",
      "method: 'stack.Shop/get'",
      `peer: '${address}'`,
      "started: 'yes'",
    ])
      assert.match(text, part);
    assert.match(text, /attempts: \[ '.* NOT_FOUND yes' \]/);
    assert.match(text, /metadata: \[ 'token' \]/);
    assert.not.match(text, 'hunter2');
  }
  await close();
});

test('A9 a call that waited for a connection until its deadline says why none came', async () => {
  const channel = connect('tcp://127.0.0.1:1');
  const error = await failureOf(channel.client(Shop).get(1, { waitForReady: true, deadlineMs: 300 }));
  assert.equal([error.code, error.started], ['DEADLINE_EXCEEDED', 'no']);
  assert.match(error.message, /ECONNREFUSED/);
  assert.instance(error.cause, RpcError);
  assert.is((error.cause as RpcError).code, 'UNAVAILABLE');
  await channel.close();
});

test.run();
