/** How streams end: left early, failed in the middle, cancelled, out of time, drained, closed; and that nobody is left behind. */
import { Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CallContext, connect, declared, isDeclared, RpcError, Server } from '../../src/index.js';
import { failureOf, gate, sleep } from '../support/rpc.js';
import { collect, collectUntilFailure, itemsTo, openStreams, Streams } from './stream-ends.js';
import { until } from './until.js';

const ids = (items: readonly { readonly id: number }[]): number[] => items.map(({ id }) => id);

/** Nothing in this file may leave a rejection that nobody handles. */
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
test.after.each(async () => {
  await sleep(0);
  assert.equal(unhandled, []);
});

test('thousands of streams that are left behind their first item end at the peer at once', async () => {
  let open = 0;
  async function* down(_count: number, { signal }: CallContext) {
    open++;
    try {
      yield { id: 1 };
      await new Promise<void>((done) => signal.addEventListener('abort', () => done()));
    } finally {
      open--;
    }
  }
  const ends = await openStreams({ down });
  const leave = async (): Promise<void> => {
    for await (const _ of ends.streams.down(1)) break;
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 100 }, leave));
  await until(() => open === 0, 'the end of every handler');
  assert.is(await ends.streams.up([{ id: 7 }]), 7);
  await ends.close();
});

test('thousands of calls that are cancelled before any answer end at the peer at once, and cost nobody the connection', async () => {
  let open = 0;
  const hold = async ({ signal }: CallContext): Promise<void> => {
    open++;
    await new Promise<void>((done) => signal.addEventListener('abort', () => done()));
    open--;
  };
  const ends = await openStreams({
    async up(_items, context) {
      await hold(context);
      return 0;
    },
    async *down(_count, context) {
      await hold(context);
      yield { id: 1 };
    },
  });
  const leave = async (): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [ends.streams.up([], { signal }), collect(ends.streams.down(1, { signal }))].map(failureOf);
    await sleep(1);
    controller.abort();
    for (const { code } of await Promise.all(calls)) assert.is(code, 'CANCELLED');
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, leave));
  await until(() => open === 0, 'the end of every handler');
  assert.equal(ids(await collect(ends.streams.both([{ id: 7 }]))), [7]);
  await ends.close();
});

/** A handler that gives items until it is stopped, and says what it saw of that. */
function endless() {
  const ended = gate();
  const seen = { context: null as CallContext | null, made: 0, finallyRan: false, aborted: false };
  async function* down(_count: number, context: CallContext) {
    seen.context = context;
    try {
      for (let id = 0; ; id++) {
        seen.made++;
        yield { id };
        if (id % 100 === 99) await sleep(1);
      }
    } finally {
      seen.finallyRan = true;
      seen.aborted = context.signal.aborted;
      ended.open();
    }
  }
  return { down, seen, ended: ended.opened };
}

const reasonOf = ({ context }: { readonly context: CallContext | null }): unknown =>
  (context?.signal.reason as RpcError | undefined)?.code;

for (const how of ['break', 'throw', 'return()', 'break from batches', 'abort']) {
  test(`left early (${how}): the handler's finally runs, its signal is aborted, and the connection goes on`, async () => {
    const { down, seen, ended } = endless();
    const ends = await openStreams({ down });
    const controller = new AbortController();
    const stream = ends.streams.down(0, { signal: controller.signal });
    if (how === 'break') {
      for await (const { id } of stream) if (id === 250) break;
    } else if (how === 'throw') {
      const stop = new Error('enough');
      const { error } = await collectUntilFailure(
        (async function* () {
          for await (const { id } of stream) if (id === 250) throw stop;
          yield 0;
        })(),
      );
      assert.is(error, stop);
    } else if (how === 'return()') {
      await stream.next();
      assert.equal(await stream.return(), { value: undefined, done: true });
    } else if (how === 'break from batches') {
      for await (const batch of stream.batches()) if (batch.length > 0) break;
    } else {
      await stream.next();
      controller.abort(new Error('changed my mind'));
      const failure = await failureOf(stream.next());
      assert.equal([failure.code, failure.started], ['CANCELLED', 'yes']);
      assert.is((failure.cause as Error).message, 'changed my mind');
    }
    await ended;
    assert.ok(seen.finallyRan);
    assert.ok(seen.aborted);
    assert.is(reasonOf(seen), 'CANCELLED');
    assert.equal(await stream.next(), { value: undefined, done: true });
    assert.is(await ends.streams.up(itemsTo(10)), 45);
    assert.equal(ends.handlerErrors, []);
    await ends.close();
  });
}

test('a pending next() ends when the stream is left', async () => {
  const ends = await openStreams({
    async *down() {
      yield { id: 0 };
      await sleep(100);
      yield { id: 1 };
    },
  });
  const stream = ends.streams.down(0);
  await stream.next();
  const pending = stream.next();
  const batch = stream.batches().next();
  await stream.return();
  assert.is((await pending).done, true);
  assert.is((await batch).done, true);
  await ends.close();
});

test('a handler that leaves its items early may still answer, and its caller stops', async () => {
  let sent = 0;
  const stopped = gate();
  async function* items() {
    try {
      for (;;) {
        yield { id: sent++, text: 'x'.repeat(1_000) };
        await sleep(0);
      }
    } finally {
      stopped.open();
    }
  }
  const ends = await openStreams({
    async up(given) {
      for await (const { id } of given) if (id === 3) break;
      return 7;
    },
  });
  assert.is(await ends.streams.up(items()), 7);
  await stopped.opened;
  const after = sent;
  await sleep(20);
  assert.is(sent, after);
  await ends.close();
});

for (const [how, code, text] of [
  ['an RpcError', 'OUT_OF_RANGE', 'no more'],
  ['an Error', 'INTERNAL', 'the handler of test.Streams/down failed'],
] as const) {
  test(`${how} in the middle of a stream comes behind the items before it`, async () => {
    const thrown = code === 'INTERNAL' ? new Error('secret') : new RpcError(code, text);
    const ends = await openStreams({
      *down(count) {
        yield* itemsTo(count);
        throw thrown;
      },
    });
    for (const count of [0, 1, 10_000]) {
      const { got, error } = await collectUntilFailure(ends.streams.down(count));
      assert.is(got.length, count);
      assert.equal([(error as RpcError).code, (error as RpcError).message], [code, text]);
      assert.is((error as RpcError).started, 'yes');
      const batches = await collectUntilFailure(ends.streams.down(count).batches());
      assert.is(batches.got.flat().length, count);
      assert.is((batches.error as RpcError).code, code);
    }
    assert.is(ends.handlerErrors.length, code === 'INTERNAL' ? 6 : 0);
    await ends.close();
  });
}

test('the failure is thrown once, then the stream has ended', async () => {
  const ends = await openStreams({
    down: () => {
      throw new RpcError('NOT_FOUND', 'nothing there');
    },
  });
  const stream = ends.streams.down(0);
  assert.is((await failureOf(stream.next())).code, 'NOT_FOUND');
  assert.equal(await stream.next(), { value: undefined, done: true });
  assert.equal(await collect(stream.batches()), []);
  await ends.close();
});

test('declared errors travel with their values on streams of every kind', async () => {
  const { down, up, both } = Streams.methods;
  const ends = await openStreams({
    *down() {
      yield { id: 1 };
      throw declared(down, 'test.Refused', { at: 1 });
    },
    async up(items) {
      await items.next();
      throw declared(up, 'test.Refused', { at: 2 });
    },
    async *both(items) {
      yield* itemsTo(2);
      for await (const { id } of items) if (id === 2) throw declared(both, 'test.Refused', { at: 3 });
    },
  });
  const fromDown = await collectUntilFailure(ends.streams.down(0));
  assert.ok(isDeclared(fromDown.error, down) && fromDown.error.value.at === 1);
  const fromUp = await ends.streams.up(itemsTo(5)).catch((error: unknown) => error);
  assert.ok(isDeclared(fromUp, up) && fromUp.value.at === 2);
  const fromBoth = await collectUntilFailure(ends.streams.both(itemsTo(5)));
  assert.equal(ids(fromBoth.got), [0, 1]);
  assert.ok(isDeclared(fromBoth.error, both) && fromBoth.error.value.at === 3);
  await ends.close();
});

test('metadata goes with the call, and comes with END, with FAILURE and with the answer of a client stream', async () => {
  const ends = await openStreams({
    async *down(count, context) {
      yield* itemsTo(2);
      context.responseMetadata = { sent: '2', by: context.metadata['who'] ?? '?' };
      if (count === 0) throw new RpcError('ABORTED', 'as asked');
    },
    async up(items, context) {
      for await (const item of items) void item;
      context.responseMetadata = { by: context.metadata['who'] ?? '?' };
      return 1;
    },
    async *both(items, context) {
      context.responseMetadata = { by: context.metadata['who'] ?? '?' };
      yield* items;
    },
  });
  const metadata = { who: 'me' };
  const good = ends.streams.down(1, { metadata });
  assert.is(good.metadata, null);
  await good.next();
  assert.is(good.metadata?.['by'] ?? null, good.metadata === null ? null : 'me');
  await collect(good);
  assert.equal({ ...good.metadata }, { sent: '2', by: 'me' });
  const bad = ends.streams.down(0, { metadata });
  const { error } = await collectUntilFailure(bad);
  assert.equal({ ...(error as RpcError).metadata }, { sent: '2', by: 'me' });
  assert.equal({ ...bad.metadata }, { sent: '2', by: 'me' });
  const answer = await ends.streams.up.detailed(itemsTo(3), { metadata });
  assert.equal([answer.value, answer.metadata?.['by']], [1, 'me']);
  const both = ends.streams.both(itemsTo(3), { metadata });
  assert.is((await collect(both)).length, 3);
  assert.equal({ ...both.metadata }, { by: 'me' });
  const none = ends.streams.down(1);
  await collect(none);
  assert.equal({ ...none.metadata }, { sent: '2', by: '?' });
  await ends.close();
});

test("a source of the caller that throws cancels the call; the error has the source's own as its cause", async () => {
  const reasons: unknown[] = [];
  const handled = gate();
  const ends = await openStreams({
    async up(items, context) {
      try {
        for await (const item of items) void item;
      } catch (error) {
        reasons.push(error, context.signal.reason);
        handled.open();
      }
      return 0;
    },
  });
  const broken = new Error('disk full');
  function* items() {
    yield* itemsTo(3);
    throw broken;
  }
  const failure = await failureOf(ends.streams.up(items()));
  assert.equal([failure.code, failure.started], ['CANCELLED', 'maybe']);
  assert.is(failure.cause, broken);
  assert.match(failure.message, 'disk full');
  await handled.opened;
  assert.ok(reasons.every((reason) => reason instanceof RpcError && reason.code === 'CANCELLED'));
  const both = await collectUntilFailure(ends.streams.both(items()));
  assert.is((both.error as RpcError).cause, broken);
  await ends.close();
});

test('an item that does not match its schema fails the call on either side, and says at its own side where it is wrong', async () => {
  const wrong = [{ id: 0 }, { id: 1, text: 7 as unknown as string }, { id: 2 }];
  let seen = 0;
  let closed = 0;
  function* source() {
    try {
      yield* wrong;
    } finally {
      closed++;
    }
  }
  const ends = await openStreams({
    down: source,
    async up(items) {
      for await (const item of items) seen += item.id + 1;
      return seen;
    },
  });
  const down = await collectUntilFailure(ends.streams.down(0));
  assert.equal(ids(down.got), [0]);
  assert.is((down.error as RpcError).code, 'INTERNAL');
  assert.is((down.error as RpcError).message, 'the answer of test.Streams/down cannot be sent');
  assert.is(ends.handlerErrors.length, 1);
  assert.match(String(ends.handlerErrors[0]), 'Item.text: expected string, got 7');
  const up = await failureOf(ends.streams.up(source()));
  assert.equal([up.code, up.started], ['INVALID_ARGUMENT', 'maybe']);
  assert.match(up.message, 'Item.text: expected string, got 7');
  await until(() => closed === 2, 'the end of both generators');
  await ends.close();
});

test('the deadline ends a stream on both sides, whoever is slow', async () => {
  const { down, seen, ended } = endless();
  const ends = await openStreams({ down });
  const { error } = await collectUntilFailure(ends.streams.down(0, { deadlineMs: 60 }));
  assert.is((error as RpcError).code, 'DEADLINE_EXCEEDED');
  await ended;
  assert.is(reasonOf(seen), 'DEADLINE_EXCEEDED');
  async function* slow() {
    yield { id: 0 };
    await sleep(500);
  }
  assert.is((await failureOf(ends.streams.up(slow(), { deadlineMs: 30 }))).code, 'DEADLINE_EXCEEDED');
  const late = ends.streams.both(slow(), { deadlineMs: 30 });
  assert.is((await collectUntilFailure(late)).got.length, 1);
  await ends.close();
});

test('a signal that is aborted before the call, or while it waits for a connection, starts nothing', async () => {
  const ends = await openStreams();
  let pulled = 0;
  function* source() {
    pulled++;
    yield { id: 0 };
  }
  const before = await failureOf(collect(ends.streams.both(source(), { signal: AbortSignal.abort() })));
  assert.equal([before.code, before.started], ['CANCELLED', 'no']);
  const controller = new AbortController();
  const waiting = ends.streams.up(source(), { signal: controller.signal });
  controller.abort();
  const failure = await failureOf(waiting);
  assert.equal([failure.code, failure.started], ['CANCELLED', 'no']);
  assert.is(pulled, 0);
  await ends.close();
});

test('streams may be made, read and left before the connection exists', async () => {
  const ends = await openStreams();
  const left = ends.streams.down(5);
  const leftByLoop = ends.streams.down(5).batches();
  await left.return();
  await leftByLoop.return?.();
  const [down, sum, both] = await Promise.all([
    collect(ends.streams.down(3)),
    ends.streams.up(itemsTo(4)),
    collect(ends.streams.both(itemsTo(5))),
  ]);
  assert.equal([down.length, sum, both.length], [3, 6, 5]);
  await ends.close();
});

test('no server, a closed channel, and streams that nobody reads leave no rejection behind', async () => {
  const ends = await openStreams();
  const nobody = connect('tcp://127.0.0.1:1');
  const streams = nobody.client(Streams);
  const ignored = [streams.down(1), streams.both(itemsTo(1))];
  assert.is((await failureOf(collect(streams.down(1)))).code, 'UNAVAILABLE');
  await nobody.close();
  const closed = await failureOf(streams.down(1).next());
  assert.equal([closed.code, closed.started], ['UNAVAILABLE', 'no']);
  ignored.push(ends.streams.down(1_000_000), ends.streams.both(itemsTo(3)));
  await ends.streams.up(itemsTo(1));
  await ends.channel.close({ graceMs: 0 });
  await ends.close();
  assert.is(ignored.length, 4);
});

test('a drain lets streams finish; what is left after the grace is cancelled with its items', async () => {
  const go = gate();
  const ends = await openStreams({
    async *down(count, context) {
      yield { id: 0 };
      await go.opened;
      yield* itemsTo(count);
      if (count === 1) {
        const aborted = gate();
        context.signal.addEventListener('abort', aborted.open);
        await aborted.opened;
      }
    },
  });
  const finishing = ends.streams.down(1_000);
  const hanging = ends.streams.down(1);
  await Promise.all([finishing.next(), hanging.next()]);
  const drained = ends.server.drain({ graceMs: 150 });
  go.open();
  assert.is((await collect(finishing)).length, 1_000);
  const { error } = await collectUntilFailure(hanging);
  assert.is((error as RpcError).code, 'CANCELLED');
  await drained;
  await ends.close();
});

test('a server that closes ends streams both ways, and its handlers', async () => {
  const { down, seen, ended } = endless();
  const ends = await openStreams({ down });
  const stream = ends.streams.down(0);
  await stream.next();
  const up = ends.streams.up(
    (async function* () {
      for (;;) {
        yield { id: 1 };
        await sleep(1);
      }
    })(),
  );
  const failed = failureOf(up);
  await ends.server.close();
  assert.is(((await collectUntilFailure(stream)).error as RpcError).code, 'UNAVAILABLE');
  assert.is((await failed).code, 'UNAVAILABLE');
  await ended;
  assert.ok(seen.aborted);
  await ends.close();
});

test('a Readable that a handler returned is destroyed when its call is cancelled, and nobody calls that a failure', async () => {
  let source: Readable | null = null;
  const ends = await openStreams({
    down: () => {
      let id = 0;
      source = new Readable({
        objectMode: true,
        read() {
          setTimeout(() => this.push({ id: id++ }), 1);
        },
      });
      return source;
    },
  });
  for await (const { id } of ends.streams.down(0)) if (id === 3) break;
  await until(() => source?.destroyed === true, 'the end of the Readable');
  await sleep(5);
  assert.equal(ends.handlerErrors, []);
  await ends.close();
});

test('generators that cancel their own call, close the channel, or call back, end well', async () => {
  const ends = await openStreams();
  const controller = new AbortController();
  function* cancelling() {
    yield { id: 0 };
    controller.abort();
    yield { id: 1 };
  }
  assert.is((await failureOf(ends.streams.up(cancelling(), { signal: controller.signal }))).code, 'CANCELLED');
  const inner: Promise<unknown>[] = [];
  function* calling() {
    for (const item of itemsTo(3)) {
      inner.push(ends.streams.up(itemsTo(4)), collect(ends.streams.down(2)));
      yield item;
    }
  }
  assert.is(await ends.streams.up(calling()), 3);
  assert.equal((await Promise.all(inner)).length, 6);
  const closing: Promise<unknown>[] = [];
  async function* closingOnes() {
    yield { id: 0 };
    closing.push(ends.channel.close({ graceMs: 0 }));
    await sleep(50);
    yield { id: 1 };
  }
  assert.is((await failureOf(ends.streams.up(closingOnes()))).code, 'CANCELLED');
  await Promise.all(closing);
  await ends.close();
});

test('a handler that closes its server inside its own stream ends it', async () => {
  const closing: Promise<unknown>[] = [];
  const ends = await openStreams({
    *down() {
      yield { id: 0 };
      closing.push(ends.server.close());
      yield { id: 1 };
    },
  });
  const { error } = await collectUntilFailure(ends.streams.down(0));
  assert.is((error as RpcError).code, 'UNAVAILABLE');
  await Promise.all(closing);
  await ends.close();
});

test('a handler that hangs after its stream was cancelled counts as running until it ends', async () => {
  const go = gate();
  const limits = { handlersMax: 1 };
  const server = new Server({ limits, onHandlerError: () => {} }).add(Streams, {
    async *down() {
      yield { id: 0 };
      await go.opened;
    },
    up: () => 0,
    both: (items) => items,
    rawDown: () => [],
    rawBoth: (items) => items,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const streams = channel.client(Streams);
  for await (const item of streams.down(0)) {
    void item;
    break;
  }
  const refused = await failureOf(streams.up([]));
  assert.equal([refused.code, refused.started, refused.elsewhere], ['RESOURCE_EXHAUSTED', 'no', true]);
  go.open();
  let answer: unknown = null;
  await until(() => {
    streams.up([]).then(
      (value) => (answer = value),
      () => {},
    );
    return answer === 0;
  }, 'the end of the handler');
  await channel.close();
  await server.close();
});

test.run();
