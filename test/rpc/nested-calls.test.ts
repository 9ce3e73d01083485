/** Calls that a handler makes on behalf of its own call: `parent: context`. And what the context's signal says, and when. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CallContext as HandlerContext } from '../../src/connection/calls/call-context.js';
import {
  type CallContext,
  type CallOptions,
  connect,
  defineService,
  RpcError,
  raw,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { callNumber, frame, magic } from '../support/frames.js';
import { helloRecord, writeRecord } from '../support/records.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';
import { ScriptedTransport } from '../support/scripted-transport.js';

const Chain = defineService('test.Chain', {
  outer: unary({ request: raw, response: raw }),
  inner: unary({ request: raw, response: raw }),
  items: serverStream({ request: raw, response: raw }),
});

/** Client, server, and a server behind it, whose handlers never answer. `nest` makes the call between the servers. */
async function openChain(optionsOf: (context: CallContext) => CallOptions = (parent) => ({ parent })) {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: 1 });
  const inner: CallContext[] = [];
  const outer: CallContext[] = [];
  const failures: RpcError[] = [];
  const reasons: RpcError[] = [];
  const enter = (context: CallContext): Promise<never> => {
    inner.push(context);
    context.signal.addEventListener('abort', () => reasons.push(context.signal.reason as RpcError));
    return new Promise<never>(() => {});
  };
  const last = new Server(network.options('last')).add(Chain, {
    outer: () => bytes,
    inner: (_, context) => enter(context),
    items: async function* (_, context) {
      yield await enter(context);
    },
  });
  network.listen('last', last);
  const toLast = connect('tcp://last:1', network.options('middle'));
  const chain = toLast.client(Chain);
  const middle = new Server(network.options('middle')).add(Chain, {
    async outer(request, context) {
      outer.push(context);
      if (request.length > 0) return request;
      try {
        return await chain.inner(bytes, optionsOf(context));
      } catch (error) {
        failures.push(error as RpcError);
        throw error;
      }
    },
    inner: () => bytes,
    async *items(_, context) {
      yield* chain.items(bytes, optionsOf(context));
    },
  });
  network.listen('middle', middle);
  const channel = connect('tcp://middle:1', network.options('client'));
  await network.run(Promise.all([channel.ready(), toLast.ready()]));
  return {
    network,
    client: channel.client(Chain),
    chain,
    inner,
    outer,
    failures,
    reasons,
    close: () =>
      network
        .run(Promise.all([channel, toLast].map((one) => one.close({ graceMs: 0 }))))
        .then(() => network.run(Promise.all([middle, last].map((one) => one.close())))),
  };
}

const bytes = Buffer.alloc(0);

test('a nested call gets what is left of the time of its parent, or its own if that is less', async () => {
  for (const [ownMs, expectedMs] of [
    [undefined, 499],
    [10_000, 499],
    [100, 100],
    [Number.POSITIVE_INFINITY, 499],
  ] as const) {
    const { network, client, inner, close } = await openChain((parent) =>
      ownMs === undefined ? { parent } : { parent, deadlineMs: ownMs },
    );
    const failed = failureOf(client.outer(bytes, { deadlineMs: 500 }));
    await network.advance(2);
    // In whole milliseconds, rounded up, of which nothing has passed at the last server.
    assert.ok(Math.abs((inner[0]?.deadlineMs ?? 0) - expectedMs) <= 1, `${ownMs}: ${inner[0]?.deadlineMs}`);
    assert.is((await network.run(failed)).code, 'DEADLINE_EXCEEDED');
    await close();
  }
});

test('a nested call of a parent without a deadline has the usual one', async () => {
  const { network, client, inner, close } = await openChain();
  const failed = failureOf(client.outer(bytes, { deadlineMs: Number.POSITIVE_INFINITY }));
  await network.advance(2);
  assert.is(inner[0]?.deadlineMs, 30_000);
  await close();
  await network.run(failed);
});

for (const kind of ['outer', 'items'] as const) {
  test(`cancelling a call cancels those made for it, at every step (${kind})`, async () => {
    const { network, client, failures, reasons, close } = await openChain();
    const abort = new AbortController();
    const failed = failureOf(
      kind === 'outer'
        ? client.outer(bytes, { signal: abort.signal })
        : client.items(bytes, { signal: abort.signal }).next(),
    );
    await network.advance(5);
    abort.abort(new Error('enough'));
    assert.is((await network.run(failed)).code, 'CANCELLED');
    await network.advance(3);
    assert.is(reasons.length, 1);
    assert.is(reasons[0]?.code, 'CANCELLED');
    if (kind === 'outer') {
      assert.is(failures[0]?.code, 'CANCELLED');
      const cause = failures[0]?.cause;
      assert.instance(cause, RpcError);
      assert.match((cause as RpcError).message, 'the caller cancelled the call');
    }
    await close();
  });
}

test('with a signal as well, whichever comes first cancels', async () => {
  const own = new AbortController();
  const { network, client, failures, close } = await openChain((parent) => ({ parent, signal: own.signal }));
  const first = failureOf(client.outer(bytes));
  await network.advance(5);
  const reason = new Error('its own');
  own.abort(reason);
  await network.run(first);
  assert.is(failures[0]?.cause, reason);
  await close();
});

test('a parent that has been cancelled makes no more calls', async () => {
  const { network, client, chain, outer, inner, close } = await openChain();
  const abort = new AbortController();
  const failed = failureOf(client.outer(bytes, { signal: abort.signal }));
  await network.advance(5);
  abort.abort();
  await network.run(failed);
  await network.advance(5);
  const parent = outer[0] as CallContext;
  const failure = await failureOf(chain.inner(bytes, { parent }));
  assert.is(failure.code, 'CANCELLED');
  assert.is(failure.started, 'no');
  await network.advance(5);
  assert.is(inner.length, 1, 'only the first was sent');
  await close();
});

test('a call that has ended no longer follows its parent', async () => {
  const { network, client, chain, outer, close } = await openChain();
  await network.run(client.outer(Buffer.alloc(1)));
  const parent = outer[0] as CallContext;
  await network.run(Promise.all(Array.from({ length: 50 }, () => chain.outer(bytes, { parent }))));
  assert.instance(parent, HandlerContext);
  const { listeners } = (parent as unknown as HandlerContext).followers as unknown as {
    readonly listeners: ReadonlySet<unknown>;
  };
  assert.is(listeners.size, 0);
  await close();
});

test('the signal of a context aborts, with the reason, before the frame that says so has been left', async () => {
  const contexts: CallContext[] = [];
  const server = new Server().add(
    Notes,
    handlers({
      bytes: (_, context) => {
        contexts.push(context);
        return new Promise<never>(() => {});
      },
    }),
  );
  const transport = new ScriptedTransport();
  server.accept(transport);
  const hello = frame('HELLO', { payload: writeRecord('HELLO', helloRecord()) });
  transport.send(Buffer.concat([magic, hello]), Number.POSITIVE_INFINITY);
  const method = {
    role: 'DECLARE',
    name: 'test.Notes/bytes',
    kind: 'UNARY',
    request: null,
    response: null,
    errors: null,
  } as const;
  transport.send(frame('METHOD', { payload: writeRecord('METHOD', method) }), Number.POSITIVE_INFINITY);
  for (const slot of [0, 1]) transport.send(frame('REQUEST', { call: callNumber(slot) }), Number.POSITIVE_INFINITY);
  assert.is(contexts.length, 2);
  const heard: unknown[] = [];
  for (const { signal } of contexts) signal.addEventListener('abort', () => heard.push(signal.reason));
  const cancel = writeRecord('CANCEL', { code: 1, text: 'no longer wanted' });
  transport.send(frame('CANCEL', { call: callNumber(0), payload: cancel }), Number.POSITIVE_INFINITY);
  assert.is(heard.length, 1, 'in the same tick');
  assert.is((heard[0] as RpcError).code, 'CANCELLED');
  assert.is((heard[0] as RpcError).message, 'no longer wanted');
  transport.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(heard.length, 2);
  assert.is((heard[1] as RpcError).code, 'UNAVAILABLE');
  await server.close();
});

test.run();
