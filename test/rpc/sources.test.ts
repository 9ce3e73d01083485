/**
 * What an application gives to send from (a Readable, a generator, an iterator, a web stream) is ended exactly once on every path of its
 * call, its late errors are heard, and whoever can act on them is told.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blob,
  type CallOptions,
  type Client,
  clientStream,
  connect,
  defineService,
  duplex,
  type Handlers,
  RpcError,
  raw,
  Server,
  type ServerOptions,
  serverStream,
} from '../../src/index.js';
import { failureOf, gate, sleep } from '../support/rpc.js';
import { until } from './until.js';

const Any = defineService('test.Any', {
  up: clientStream({ request: raw, response: raw }),
  down: serverStream({ request: raw, response: raw }),
  both: duplex({ request: raw, response: raw }),
  file: blob({ request: 'string', response: 'string' }),
});

const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.message));
const lost: unknown[] = [];
process.on('unhandledRejection', (reason) => lost.push(reason));
test.after.each(async () => {
  await sleep(0);
  assert.equal([...lost, ...warnings.splice(0)], []);
});

const nothing = Buffer.alloc(0);
const bytes = Buffer.from('bytes');

/** An iterator that counts how often it is ended, and gives items until then, or `count` of them. */
class Counted implements AsyncIterableIterator<Buffer> {
  returned = 0;
  taken = 0;
  constructor(private readonly count = Infinity) {}
  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<Buffer>> {
    await sleep(1);
    return this.taken++ < this.count ? { value: bytes, done: false } : { value: undefined, done: true };
  }
  async return(): Promise<IteratorResult<Buffer>> {
    this.returned++;
    return { value: undefined, done: true };
  }
}

/** Opened like any iterable: what is counted are iterators. */
function syncCounted() {
  const seen = { returned: 0 };
  const source: IterableIterator<Buffer> = {
    [Symbol.iterator]: () => source,
    next: () => ({ value: bytes, done: false }),
    return: () => {
      seen.returned++;
      return { value: undefined, done: true };
    },
  };
  return { source, seen };
}

interface Given {
  readonly source: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** How often it has ended. */
  ends(): number;
}

/** One of each kind. */
const kinds: Readonly<Record<string, () => Given>> = {
  'an async iterator': () => {
    const source = new Counted();
    return { source, ends: () => source.returned };
  },
  'an iterator': () => {
    const { source, seen } = syncCounted();
    return { source, ends: () => seen.returned };
  },
  'a Readable': () => {
    let ends = 0;
    const source = new Readable({
      read() {
        this.push(bytes);
      },
      destroy(error, done) {
        ends++;
        done(error);
      },
    });
    return { source, ends: () => ends };
  },
  'a web stream': () => {
    let ends = 0;
    const source = new ReadableStream<Buffer>({
      pull: (controller) => controller.enqueue(bytes),
      cancel: () => {
        ends++;
      },
    });
    return { source: source as unknown as AsyncIterable<Buffer>, ends: () => ends };
  },
};

type AnyClient = Client<typeof Any>;

/** Each method that sends, called with one source. */
const calls: Readonly<
  Record<string, (client: AnyClient, source: Given['source'], options: CallOptions) => Promise<unknown>>
> = {
  up: (client, source, options) => client.up(source, options),
  both: (client, source, options) => client.both(source, options).next(),
  file: (client, source, options) => client.file({ head: 'a', body: source }, options),
};

/** Gives back what a generator holds, which fails. */
function giveBack(error: Error): void {
  throw error;
}

async function open(handlers: Partial<Handlers<typeof Any>> = {}, serverOptions: ServerOptions = {}) {
  const told: unknown[] = [];
  const server = new Server({ onHandlerError: (error) => told.push(error), ...serverOptions }).add(Any, {
    up: () => nothing,
    down: () => [],
    both: () => [],
    file: ({ head }) => ({ head, body: null }),
    ...handlers,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
  const close = async () => {
    await channel.close({ graceMs: 0 });
    await server.close();
  };
  return { server, channel, client: channel.client(Any), told, close };
}

/** What keeps a call from beginning, and the code that it fails with. */
const obstacles: Readonly<Record<string, { readonly code: string; readonly options?: CallOptions }>> = {
  'a deadline of 0': { code: 'DEADLINE_EXCEEDED', options: { deadlineMs: 0 } },
  'a deadline that is no number': { code: 'INVALID_ARGUMENT', options: { deadlineMs: Number.NaN } },
  'a signal that had aborted': { code: 'CANCELLED', options: { signal: AbortSignal.abort() } },
  'a priority that is no whole number': { code: 'INVALID_ARGUMENT', options: { priority: 0.5 } },
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`A2 ${kind} is ended once though its call never began`, async () => {
    const { client, channel, close } = await open();
    await channel.ready();
    const dead = connect('tcp://127.0.0.1:1', { retry: false });
    for (const [name, call] of Object.entries(calls)) {
      for (const [what, { code, options = {} }] of Object.entries(obstacles)) {
        const { source, ends } = make();
        assert.is((await failureOf(call(client, source, options))).code, code, `${name}: ${what}`);
        await until(() => ends() === 1, `${name}: ${what}: the end of ${kind}`);
      }
      for (let tries = 0; tries < 3; tries++) {
        const { source, ends } = make();
        assert.is((await failureOf(call(dead.client(Any), source, {}))).code, 'UNAVAILABLE');
        await until(() => ends() === 1, `${name}: nobody listens: the end of ${kind}`);
      }
    }
    const headless = make();
    // @ts-expect-error -- the head is missing
    assert.is((await failureOf(client.file({ body: headless.source }))).code, 'INVALID_ARGUMENT');
    await until(() => headless.ends() === 1, 'the end of a body without a head');
    const unsendable = make();
    // @ts-expect-error -- the head is of another type
    assert.is((await failureOf(client.file({ head: 5, body: unsendable.source }))).code, 'INVALID_ARGUMENT');
    await until(() => unsendable.ends() === 1, 'the end of a body whose head cannot be sent');
    await close();
    const { source, ends } = make();
    assert.is((await failureOf(client.up(source))).code, 'UNAVAILABLE');
    await until(() => ends() === 1, 'the end on a closed channel');
    await sleep(5);
    assert.is(ends(), 1);
    await dead.close();
  });

  test(`A2 ${kind} is ended once when its call is refused, answered, cancelled, late or cut off`, async () => {
    const asked = gate();
    const { client, server, channel, close } = await open({
      up: async (items, { metadata }) => {
        if (metadata['how'] === 'refuse') throw new RpcError('PERMISSION_DENIED', 'no');
        if (metadata['how'] === 'answer') return nothing;
        asked.open();
        for await (const _ of items);
        return nothing;
      },
    });
    const told = (how: string) => ({ metadata: { how } });
    const ended: Given[] = [];
    const given = (): Given['source'] => {
      const made = make();
      ended.push(made);
      return made.source;
    };
    assert.is((await failureOf(client.up(given(), told('refuse')))).code, 'PERMISSION_DENIED');
    assert.is((await client.up(given(), told('answer'))).length, 0);
    // Sources that never pause keep the server so busy that it may refuse the call.
    assert.match(
      (await failureOf(client.up(given(), { deadlineMs: 30 }))).code,
      /^(DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED)$/,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    assert.match(
      (await failureOf(client.up(given(), { signal: controller.signal }))).code,
      /^(CANCELLED|RESOURCE_EXHAUSTED)$/,
    );
    const Unknown = defineService('test.Nobody', { up: clientStream({ request: raw, response: raw }) });
    assert.is((await failureOf(channel.client(Unknown).up(given()))).code, 'UNIMPLEMENTED');
    const cut = failureOf(client.up(given()));
    await Promise.race([asked.opened, cut]);
    await server.close();
    await cut;
    await until(() => ended.every(({ ends }) => ends() === 1), 'the end of each source');
    await sleep(5);
    assert.equal(
      ended.map(({ ends }) => ends()),
      ended.map(() => 1),
    );
    await close();
  });

  test(`A2 ${kind} that a handler gives is ended once when its call ended before, is left, or cannot be answered`, async () => {
    const ended: Given[] = [];
    const given = (): Given['source'] => {
      const made = make();
      ended.push(made);
      return made.source;
    };
    const asked = gate();
    const late = gate();
    const controller = new AbortController();
    const { client, close } = await open({
      down: async (how) => {
        if (how.length > 0) {
          asked.open();
          await late.opened;
        }
        return given();
      },
      both: async function (items) {
        await items.next();
        return given();
      },
      // @ts-expect-error -- a head of another type, then none
      file: ({ head }) => (head === 'headless' ? { body: given() } : { head: 5, body: given() }),
    });
    const givenUp = failureOf(client.down(bytes, { signal: controller.signal }).next());
    await asked.opened;
    controller.abort();
    assert.is((await givenUp).code, 'CANCELLED');
    // Behind the CANCEL.
    assert.is((await client.up([])).length, 0);
    late.open();
    await until(() => ended.length === 1 && ended[0]?.ends() === 1, 'the end of a late answer');
    for await (const _ of client.down(nothing)) break;
    for await (const _ of client.both([bytes])) break;
    assert.is((await failureOf(client.file({ head: 'headless', body: null }))).code, 'INTERNAL');
    assert.is((await failureOf(client.file({ head: 'wrong', body: null }))).code, 'INTERNAL');
    await until(() => ended.length === 5 && ended.every(({ ends }) => ends() === 1), 'the end of each source');
    await sleep(5);
    assert.equal(
      ended.map(({ ends }) => ends()),
      ended.map(() => 1),
    );
    await close();
  });
}

test('A2 a generator that was never started is closed, and one that was runs its finally once', async () => {
  let finals = 0;
  async function* items() {
    try {
      for (;;) {
        yield bytes;
        await sleep(1);
      }
    } finally {
      finals++;
    }
  }
  const { client, close } = await open({ up: async (all) => (await all.next(), nothing) });
  const fresh = items();
  assert.is((await failureOf(client.up(fresh, { deadlineMs: 0 }))).code, 'DEADLINE_EXCEEDED');
  assert.equal(await fresh.next(), { value: undefined, done: true });
  assert.is(finals, 0);
  await client.up(items());
  await until(() => finals === 1, 'the finally');
  await close();
});

test('A2 a source that gave its last item is not returned', async () => {
  const source = new Counted(3);
  const { client, close } = await open({
    async up(all) {
      for await (const _ of all);
      return nothing;
    },
  });
  await client.up(source);
  await sleep(5);
  assert.is(source.returned, 0);
  await close();
});

test('A2 a generator may end its own call, and is closed once it has given its item', async () => {
  const controller = new AbortController();
  let finals = 0;
  function* items() {
    try {
      yield bytes;
      controller.abort();
      yield bytes;
      assert.unreachable('it was not closed');
    } finally {
      finals++;
    }
  }
  const { client, close } = await open({ up: () => new Promise(() => {}) });
  assert.is((await failureOf(client.up(items(), { signal: controller.signal }))).code, 'CANCELLED');
  await until(() => finals === 1, 'the finally');
  await close();
});

const missing = '/does/not/exist';

test('A2 late errors of a Readable end no process: told to the server, not to a caller whose call is over', async () => {
  const { client, told, close } = await open({
    async file({ head, body }, { signal }) {
      if (head === missing) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      // Keeps the call open until its body has ended.
      else for await (const piece of body) assert.ok(piece.length > 0);
      return { head, body: head === missing ? createReadStream(head) : null };
    },
  });
  const late = await failureOf(client.file({ head: missing, body: null }, { deadlineMs: 500 }));
  assert.is(late.code, 'DEADLINE_EXCEEDED');
  await until(() => told.length === 1, 'the error of the Readable');
  assert.match(String(told[0]), /ENOENT/);
  const early = await failureOf(client.file({ head: 'a', body: createReadStream(missing) }, { deadlineMs: 0 }));
  assert.is(early.code, 'DEADLINE_EXCEEDED');
  // While the call is open the error is the call's.
  const used = await failureOf(client.file({ head: 'a', body: createReadStream(missing) }));
  assert.is(used.code, 'CANCELLED');
  assert.match(String(used.cause), /ENOENT/);
  await sleep(50);
  assert.is(told.length, 1);
  await close();
});

for (const how of ['throws', 'throws an RpcError', 'rejects']) {
  test(`A2 what a generator ${how} when it is left is told once`, async () => {
    const error = how === 'throws an RpcError' ? new RpcError('INTERNAL', 'cursor') : new Error('cursor');
    async function* rows() {
      try {
        for (;;) {
          yield bytes;
          await sleep(1);
        }
      } finally {
        await (how === 'rejects' ? Promise.reject(error) : giveBack(error));
      }
    }
    const { client, told, close } = await open({ down: rows, up: async (all) => (await all.next(), nothing) });
    for await (const _ of client.down(nothing)) break;
    await until(() => told.length > 0, 'what the handler threw');
    await client.up(rows());
    await until(() => warnings.length > 0, 'what the items of the caller threw');
    await sleep(10);
    assert.equal(told, [error]);
    assert.equal(warnings.splice(0), ['the items for test.Any/up threw when they were ended: cursor']);
    await close();
  });
}

test('A2 a source that never ends holds neither its call nor a drain beyond its grace', async () => {
  const stuck = (): AsyncIterableIterator<Buffer> => ({
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => new Promise(() => {}),
    return: () => new Promise(() => {}),
  });
  const { client, server, channel, close } = await open({ down: stuck, up: () => new Promise(() => {}) });
  assert.is((await failureOf(client.up(stuck(), { deadlineMs: 20 }))).code, 'DEADLINE_EXCEEDED');
  assert.is((await failureOf(client.down(nothing, { deadlineMs: 20 }).next())).code, 'DEADLINE_EXCEEDED');
  await channel.close({ graceMs: 20 });
  const report = await server.drain({ graceMs: 20 });
  assert.ok(report !== undefined);
  await close();
});

test('A2 bytes of another realm are a body, and raw messages', async () => {
  const foreign: Uint8Array = runInNewContext('new Uint8Array(70000).fill(7)');
  assert.not(foreign instanceof Uint8Array);
  const { client, close } = await open({
    up: async (all) => (await all.next()).value ?? nothing,
    file: ({ head, body }) => ({ head, body }),
  });
  for (const body of [foreign, [foreign, foreign.subarray(0, 5)]]) {
    const wanted = body === foreign ? 70_000 : 70_005;
    const got = await (await client.file({ head: 'a', body })).body.buffer();
    assert.is(got.length, wanted);
    assert.ok(got.every((byte) => byte === 7));
  }
  assert.is((await client.up([foreign])).length, 70_000);
  await close();
});

test.run();
