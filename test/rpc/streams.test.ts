/** Streams as applications use them: every kind, every source of items, every size, and every way to read them. */
import { Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, gate, sleep } from '../support/rpc.js';
import { collect, collectUntilFailure, itemsTo, openStreams } from './stream-ends.js';
import { until } from './until.js';

const ids = (items: readonly { readonly id: number }[]): number[] => items.map(({ id }) => id);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, id) => id);

test('a server stream gives its items in order, and ends', async () => {
  const ends = await openStreams();
  for (const count of [0, 1, 2, 1_000, 20_000]) {
    assert.equal(ids(await collect(ends.streams.down(count))), upTo(count));
  }
  await ends.close();
});

test('a client stream sends its items in order, and has one answer', async () => {
  const seen: number[] = [];
  const ends = await openStreams({
    async up(items) {
      for await (const { id } of items) seen.push(id);
      return seen.length;
    },
  });
  for (const count of [0, 1, 5_000]) {
    seen.length = 0;
    assert.is(await ends.streams.up(itemsTo(count)), count);
    assert.equal(seen, upTo(count));
  }
  await ends.close();
});

test('a duplex call is a conversation: each side sees what the other says while it talks', async () => {
  const ends = await openStreams({
    async *both(items) {
      yield { id: -1, text: 'hello' };
      for await (const { id, text } of items) yield { id, text: `${text}!` };
      yield { id: -2, text: 'bye' };
    },
  });
  let answer = gate();
  async function* questions() {
    for (let id = 0; id < 5; id++) {
      yield { id, text: `question ${id}` };
      await answer.opened;
      answer = gate();
    }
  }
  const heard: string[] = [];
  for await (const { id, text } of ends.streams.both(questions())) {
    heard.push(text);
    if (id >= 0) answer.open();
  }
  assert.equal(heard, ['hello', ...upTo(5).map((id) => `question ${id}!`), 'bye']);
  await ends.close();
});

test('the callee may end its half of a duplex call first, which ends the call and the items of the caller', async () => {
  const left = gate();
  const ends = await openStreams({
    async *both(items) {
      for await (const item of items) {
        yield item;
        if (item.id === 9) return;
      }
    },
  });
  function* endless() {
    try {
      for (let id = 0; ; id++) yield { id };
    } finally {
      left.open();
    }
  }
  assert.equal(ids(await collect(ends.streams.both(endless()))), upTo(10));
  await left.opened;
  await ends.close();
});

test('items come from arrays, sets, generators, async generators and Readables, on both sides', async () => {
  async function* slowly() {
    for (const item of itemsTo(3)) {
      await sleep(1);
      yield item;
    }
  }
  const sources = {
    array: () => [...itemsTo(3)],
    set: () => new Set(itemsTo(3)),
    generator: () => itemsTo(3),
    'async generator': slowly,
    'Readable of objects': () => Readable.from(itemsTo(3)),
    'iterable object': () => ({ [Symbol.iterator]: () => itemsTo(3) }),
    'async iterable object': () => ({ [Symbol.asyncIterator]: slowly }),
  };
  const names = Object.keys(sources) as (keyof typeof sources)[];
  const ends = await openStreams({
    down: (index) => sources[names[index] as keyof typeof sources](),
  });
  for (const [index, name] of names.entries()) {
    assert.is(await ends.streams.up(sources[name]()), 3, name);
    assert.equal(ids(await collect(ends.streams.down(index))), [0, 1, 2], name);
    assert.equal(ids(await collect(ends.streams.both(sources[name]()))), [0, 1, 2], name);
  }
  await ends.close();
});

test('a handler may promise its iterable, and be an async generator or a plain function', async () => {
  const ends = await openStreams({
    async down(count) {
      await sleep(1);
      return itemsTo(count);
    },
    both: async (items) => (await items.next(), items),
  });
  assert.equal(ids(await collect(ends.streams.down(3))), [0, 1, 2]);
  assert.equal(ids(await collect(ends.streams.both(itemsTo(3)))), [1, 2]);
  await ends.close();
});

test('what is no iterable is refused: the caller is told at once, the handler by the failure of its call', async () => {
  const ends = await openStreams({ down: (() => 7) as never });
  for (const wrong of [undefined, null, 7, {}, 'text', () => itemsTo(1)]) {
    const { code, started } = await failureOf(ends.streams.up(wrong as never));
    assert.equal([code, started], ['INVALID_ARGUMENT', 'no']);
    const failure = await failureOf(collect(ends.streams.both(wrong as never)));
    assert.match(failure.message, 'the items for test.Streams/both must be an iterable or async iterable');
  }
  assert.is((await failureOf(collect(ends.streams.down(1)))).code, 'INTERNAL');
  assert.match(String(ends.handlerErrors[0]), 'must be an iterable');
  await ends.close();
});

test('items may have no bytes, a frame full, more than the window, and up to messageBytesMax', async () => {
  const limits = { messageBytesMax: 3 << 20 };
  const ends = await openStreams({}, { server: { limits }, channel: { limits } });
  const sizes = [0, 1, 1_011, 1_012, 1_013, 65_535, 65_536, 65_537, 262_144, 1 << 20, 3 << 20, 0, 5];
  const items = sizes.map((size, index) => Buffer.alloc(size, index + 1));
  const echoed = await collect(ends.streams.rawBoth(items));
  assert.equal(
    echoed.map(({ length }) => length),
    sizes,
  );
  for (const [index, bytes] of echoed.entries()) assert.ok(bytes.equals(items[index] as Buffer), `item ${index}`);
  await ends.close();
});

test('an item beyond messageBytesMax fails the call, names the limit, and the items before it arrive', async () => {
  const ends = await openStreams({
    rawDown: () => [Buffer.alloc(10), Buffer.alloc(200_000), Buffer.alloc((4 << 20) + 1), Buffer.alloc(10)],
    async rawBoth(items) {
      return [Buffer.from(String((await collectUntilFailure(items)).got.length))];
    },
  });
  const { got, error } = await collectUntilFailure(ends.streams.rawDown(Buffer.alloc(0)));
  assert.equal(
    got.map(({ length }) => length),
    [10, 200_000],
  );
  assert.is((error as { code?: string }).code, 'RESOURCE_EXHAUSTED');
  assert.match(String(error), /messageBytesMax is 4194304/);
  const own = await failureOf(
    collect(ends.streams.rawBoth([Buffer.alloc(10), Buffer.alloc((4 << 20) + 1), Buffer.alloc(10)])),
  );
  assert.is(own.code, 'RESOURCE_EXHAUSTED');
  assert.is(own.limit?.name, 'messageBytesMax');
  assert.is(own.started, 'maybe');
  await ends.close();
});

test('batches give what is here, at least one item each, all of them once', async () => {
  const ends = await openStreams();
  for (const count of [0, 1, 30_000]) {
    const got: number[] = [];
    let batches = 0;
    for await (const batch of ends.streams.down(count).batches()) {
      assert.ok(batch.length > 0);
      got.push(...ids(batch));
      batches++;
    }
    assert.equal(got, upTo(count));
    if (count > 1) assert.ok(batches < count / 4, `${batches} batches`);
  }
  await ends.close();
});

test('a handler reads its items in batches too', async () => {
  const ends = await openStreams({
    async up(items) {
      let sum = 0;
      for await (const batch of items.batches()) for (const { id } of batch) sum += id;
      return sum;
    },
  });
  assert.is(await ends.streams.up(itemsTo(10_000)), (10_000 * 9_999) / 2);
  await ends.close();
});

test('next() called many times at once gives the items in order, and then the end to every caller', async () => {
  const ends = await openStreams();
  const stream = ends.streams.down(50);
  const results = await Promise.all(Array.from({ length: 60 }, () => stream.next()));
  assert.equal(
    results.map(({ value }) => value?.id),
    [...upTo(50), ...Array.from({ length: 10 }, () => undefined)],
  );
  assert.equal(
    results.map(({ done }) => done),
    [...Array.from({ length: 50 }, () => false), ...Array.from({ length: 10 }, () => true)],
  );
  await ends.close();
});

test('next(), batches() and several batch readers share one stream without loss', async () => {
  const ends = await openStreams();
  const stream = ends.streams.down(20_000);
  const got: number[] = [];
  const one = await stream.next();
  got.push(one.value?.id ?? -1);
  const readers = [stream.batches(), stream.batches(), stream.batches()];
  await Promise.all(
    readers.map(async (batches) => {
      for await (const batch of batches) got.push(...ids(batch));
    }),
  );
  assert.equal(
    got.sort((a, b) => a - b),
    upTo(20_000),
  );
  await ends.close();
});

test('a second loop over a stream continues where the first stopped reading by next(), and is empty after the end', async () => {
  const ends = await openStreams();
  const stream = ends.streams.down(3);
  await stream.next();
  assert.equal(ids(await collect(stream)), [1, 2]);
  assert.equal(ids(await collect(stream)), []);
  assert.equal(await collect(stream.batches()), []);
  await ends.close();
});

test('a stream that nobody reads stops its producer, and other calls continue', async () => {
  let made = 0;
  const ends = await openStreams({
    *down(count) {
      for (const item of itemsTo(count, 'x'.repeat(1_000))) {
        made++;
        yield item;
      }
    },
  });
  const stream = ends.streams.down(1_000_000);
  await until(() => made > 200, 'the window');
  assert.is(await ends.streams.up(itemsTo(10_000)), (10_000 * 9_999) / 2);
  await sleep(50);
  assert.ok(made < 300, `${made} items of 1 KB against a window of 256 KiB`);
  await stream.return();
  await ends.close();
});

test('many slow consumers of tiny items never meet a limit: the window is all that they may hold', async () => {
  const ends = await openStreams();
  const all = Array.from({ length: 20 }, () => ends.streams.down(1_000_000));
  // Every window is full: what came is more than the ledger of one connection would take item by item.
  for (const stream of all) await stream.next();
  await sleep(300);
  for (const stream of all) {
    for (let id = 1; id < 10_000; id++) {
      const { value } = await stream.next();
      if (value?.id !== id) assert.unreachable(`item ${id} is ${JSON.stringify(value)}`);
    }
    await stream.return();
  }
  await ends.close();
});

test('items longer than the window wait in the window, and are not taken in ahead of a consumer that stalls', async () => {
  let made = 0;
  const ends = await openStreams({
    *rawDown() {
      for (; made < 100; made++) yield Buffer.alloc(1 << 20, made);
    },
  });
  const stream = ends.streams.rawDown(Buffer.alloc(0));
  const first = await stream.next();
  assert.is(first.value?.length, 1 << 20);
  await sleep(200);
  assert.ok(made <= 4, `${made} items of 1 MiB were made for a consumer that took one`);
  const rest = await collect(stream);
  assert.is(rest.length, 99);
  for (const [index, bytes] of rest.entries()) assert.is(bytes[77_777], index + 1);
  await ends.close();
});

test.run();
