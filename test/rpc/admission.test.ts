/** What a server does with calls that it cannot run at once. Time is virtual: handlers take what they are said to take. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, raw, Server, serverStream } from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import { VirtualClock } from '../support/clock.js';
import { Notes } from '../support/rpc.js';
import { answered, openAdmission, slow } from './admission-ends.js';

const numbers = (count: number, first = 0): number[] => Array.from({ length: count }, (_, index) => first + index);

test('calls beyond executingMax wait, and run as handlers end: due first goes first, ties as they came, without a deadline last', async () => {
  const ends = await openAdmission({ limits: { executingMax: 1 }, handlers: (clock) => ({ echo: slow(clock, 10) }) });
  const deadlines = [Infinity, Infinity, 500, 300, 500, 400, Infinity];
  for (const [id, deadlineMs] of deadlines.entries()) void ends.call(id, { deadlineMs });
  await ends.clock.advanceSettled(5);
  assert.is(ends.server.load.executing, 1);
  assert.is(ends.server.load.waiting, 6);
  assert.ok(ends.server.load.waitingBytes > 0);
  await ends.clock.advanceSettled(100);
  assert.equal(answered(ends), [0, 3, 5, 2, 4, 1, 6]);
  assert.equal(
    ends.outcomes.map(({ atMs }) => atMs),
    numbers(7, 1).map((turn) => turn * 10),
  );
  assert.equal(
    { ...ends.server.load, intervalMs: 0 },
    { executing: 0, waiting: 0, waitingBytes: 0, refused: 0, intervalMs: 0 },
  );
  await ends.close();
});

test('the cap counts the handlers of all connections', async () => {
  let running = 0;
  let most = 0;
  const ends = await openAdmission({
    limits: { executingMax: 3 },
    clients: 4,
    handlers: (clock) => ({
      echo: async (note) => {
        most = Math.max(most, ++running);
        await clock.sleep(10);
        running--;
        return note;
      },
    }),
  });
  for (const id of numbers(40)) void ends.call(id, { client: id % 4 });
  await ends.clock.advanceSettled(200);
  assert.is(answered(ends).length, 40);
  assert.is(most, 3);
  await ends.close();
});

test('a call whose deadline passes while it waits is DEADLINE_EXCEEDED, started=no, and leaves the queue', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 1 },
    handlers: (clock) => ({ echo: slow(clock, 1_000) }),
  });
  void ends.call(0);
  void ends.call(1);
  const late = ends.call(2, { deadlineMs: 50 });
  await ends.clock.advanceSettled(10);
  assert.is(ends.server.load.waiting, 2);
  await ends.clock.advanceSettled(50);
  assert.is(ends.server.load.waiting, 1);
  const { error } = await late;
  assert.is(error?.code, 'DEADLINE_EXCEEDED');
  assert.is(error?.started, 'no');
  await ends.clock.advanceSettled(2_000);
  assert.equal(answered(ends), [0, 1]);
  await ends.close();
});

test('what cannot be answered in time is refused when it comes, started=no, with a hint to go elsewhere or come later', async () => {
  // 10 at once of 10 ms each: one a millisecond.
  const ends = await openAdmission({ limits: { executingMax: 10 }, handlers: (clock) => ({ echo: slow(clock, 10) }) });
  for (const id of numbers(500)) void ends.call(id);
  await ends.clock.advanceSettled(200);
  assert.is(ends.server.load.intervalMs, 1);
  const before = ends.elapsed();
  // Half of its time is for those ahead of it.
  for (const id of numbers(200, 2_000)) void ends.call(id, { deadlineMs: 200 });
  const refused = ends.outcomes.filter(({ error }) => error?.code === 'RESOURCE_EXHAUSTED').length;
  assert.is(refused, 0);
  await ends.clock.advanceSettled(1);
  const outcomes = ends.outcomes.filter(({ id }) => id >= 2_000);
  assert.ok(outcomes.length >= 100 && outcomes.length <= 115, `${outcomes.length} were refused at once`);
  for (const { error, atMs } of outcomes) {
    assert.is(error?.code, 'RESOURCE_EXHAUSTED');
    assert.is(error?.started, 'no');
    assert.is(error?.elsewhere, true);
    assert.ok((error?.retryAfterMs ?? 0) >= 128 && (error?.retryAfterMs ?? 0) <= 512);
    assert.match(error?.message ?? '', /limits\.executingMax/);
    assert.ok(atMs - before <= 16);
  }
  assert.is(ends.server.load.refused, outcomes.length);
  await ends.clock.advanceSettled(1_000);
  const answers = ends.outcomes.filter(({ id, error }) => id >= 2_000 && error === null);
  assert.is(answers.length, 200 - outcomes.length, 'who was let in was answered in time');
  await ends.close();
});

test('ten times more calls than a server can do: it does as much as it can, answers in time, and refuses the rest', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 20 },
    clients: 5,
    handlers: (clock) => ({ echo: slow(clock, 10) }),
  });
  // 2 a millisecond can be done; 20 come.
  const calls = 10_000;
  for (let id = 0; id < calls; ) {
    for (let at = 0; at < 20; at++, id++) void ends.call(id, { client: id % 5, deadlineMs: 100 });
    await ends.clock.advanceSettled(1);
  }
  await ends.clock.advanceSettled(200);
  assert.is(ends.outcomes.length, calls);
  const good = answered(ends).length;
  assert.ok(good >= 930, `${good} of 1,000 were answered`);
  const failed = ends.outcomes.filter(({ error }) => error !== null);
  assert.ok(failed.every(({ error }) => error?.started === 'no'));
  const refused = failed.filter(({ error }) => error?.code === 'RESOURCE_EXHAUSTED' && error.elsewhere);
  assert.ok(refused.length >= failed.length * 0.99, `${failed.length - refused.length} ran out of time`);
  await ends.close();
});

test('a full queue refuses what is due last, be it the call that comes or one that waits', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 1, admissionQueueCallsMax: 3 },
    handlers: (clock) => ({ echo: slow(clock, 10) }),
  });
  void ends.call(0);
  for (const [index, deadlineMs] of [500, 700, 600].entries()) void ends.call(index + 1, { deadlineMs });
  await ends.clock.advanceSettled(1);
  void ends.call(4, { deadlineMs: 800 });
  await ends.clock.advanceSettled(1);
  void ends.call(5, { deadlineMs: 400 });
  await ends.clock.advanceSettled(1);
  assert.equal(
    ends.outcomes.map(({ id, error }) => [id, error?.code, error?.started, error?.elsewhere]),
    [
      [4, 'RESOURCE_EXHAUSTED', 'no', true],
      [2, 'RESOURCE_EXHAUSTED', 'no', true],
    ],
  );
  assert.match(ends.outcomes[0]?.error?.message ?? '', /admissionQueueCallsMax and admissionQueueBytesMax are 3 and/);
  await ends.clock.advanceSettled(100);
  assert.equal(answered(ends), [0, 5, 1, 3]);
  await ends.close();
});

test('the queue is bounded by bytes too, and one large call does not empty it', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 1, admissionQueueBytesMax: 20_000 },
    handlers: (clock) => ({ echo: slow(clock, 10) }),
  });
  const text = 'x'.repeat(3_000);
  for (const id of numbers(10)) void ends.call(id, { text, deadlineMs: 1_000 + id });
  void ends.call(10, { text: 'x'.repeat(19_000), deadlineMs: 500 });
  await ends.clock.advanceSettled(1);
  assert.equal(
    ends.outcomes.map(({ id }) => id),
    [6, 7, 8, 9, 10],
  );
  assert.ok(ends.server.load.waitingBytes <= 20_000);
  await ends.clock.advanceSettled(100);
  assert.equal(answered(ends), [0, 1, 2, 3, 4, 5]);
  await ends.close();
});

test('a call that is cancelled while it waits leaves the queue at once; a handler that is cancelled keeps its place', async () => {
  const ends = await openAdmission({ limits: { executingMax: 1 }, handlers: (clock) => ({ echo: slow(clock, 100) }) });
  const running = new AbortController();
  const waiting = new AbortController();
  void ends.call(0, { signal: running.signal });
  void ends.call(1, { signal: waiting.signal });
  void ends.call(2);
  await ends.clock.advanceSettled(1);
  waiting.abort();
  running.abort();
  await ends.clock.advanceSettled(1);
  assert.is(ends.server.load.waiting, 1);
  assert.is(ends.server.load.executing, 1, 'the handler goes on');
  assert.equal(
    ends.outcomes.map(({ id, error }) => `${id} ${error?.code}`).sort((one, other) => one.localeCompare(other)),
    ['0 CANCELLED', '1 CANCELLED'],
  );
  await ends.clock.advanceSettled(300);
  assert.equal(answered(ends), [2]);
  assert.is(ends.outcomes.at(-1)?.atMs, 200);
  await ends.close();
});

test('the calls of a lost connection leave the queue', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 1 },
    clients: 2,
    handlers: (clock) => ({ echo: slow(clock, 100) }),
  });
  for (const id of numbers(50)) void ends.call(id);
  void ends.call(100, { client: 1 });
  await ends.clock.advanceSettled(1);
  assert.is(ends.server.load.waiting, 50);
  ends.clients[0]?.close();
  await ends.clock.advanceSettled(1);
  assert.is(ends.server.load.waiting, 1);
  await ends.clock.advanceSettled(300);
  assert.equal(answered(ends), [100]);
  assert.is(ends.server.load.executing, 0);
  await ends.close();
});

test('one connection cannot fill the queue: who has less than its share gets in, and in the end both get as much', async () => {
  const ends = await openAdmission({
    limits: { executingMax: 10 },
    clients: 2,
    handlers: (clock) => ({ echo: slow(clock, 10) }),
  });
  // One a millisecond can be done. The first connection asks for nine, the second for one and a half.
  let id = 0;
  const greedy = new Set<number>();
  for (let ms = 0; ms < 1_200; ms++) {
    for (let at = 0; at < 9; at++) {
      greedy.add(id);
      void ends.call(id++, { client: 0, deadlineMs: 100 });
    }
    // The second begins when the first has filled the queue.
    for (let at = 0; at < 1 + (ms % 2); at++) if (ms >= 200) void ends.call(id++, { client: 1, deadlineMs: 100 });
    await ends.clock.advanceSettled(1);
  }
  const late = ends.outcomes.filter(({ error, atMs }) => error === null && atMs >= 700);
  const modest = late.filter((outcome) => !greedy.has(outcome.id)).length;
  assert.ok(late.length >= 465, `${late.length} were answered in half a second`);
  assert.ok(modest >= late.length * 0.4, `${modest} of ${late.length} were the second connection's`);
  await ends.clock.advanceSettled(300);
  await ends.close();
});

test('synchronous handlers that use up a turn leave the rest of what came to later turns, and cancels are read in between', async () => {
  let ran = 0;
  const ends = await openAdmission({
    handlers: (clock) => ({
      echo: (note) => {
        ran++;
        clock.block(1);
        return note;
      },
    }),
  });
  const abort = new AbortController();
  for (const id of numbers(100)) void ends.call(id, id >= 50 ? { signal: abort.signal } : {});
  // The CANCEL frames are on their way when the server begins with the calls.
  const turn = ends.clock.advanceSettled(0);
  await ends.clock.settle();
  abort.abort();
  await turn;
  await ends.clock.advanceSettled(200);
  assert.is(ran, 50);
  assert.equal(answered(ends), numbers(50));
  await ends.close();
});

test('a server that is late with synchronous handlers refuses early and answers the rest in time', async () => {
  const ends = await openAdmission({
    clients: 4,
    handlers: (clock) => ({
      echo: (note) => {
        clock.block(1);
        return note;
      },
    }),
  });
  // Ten times what can be done: time passes only while handlers run.
  let id = 0;
  for (let next = 0; ends.elapsed() < 1_000; ) {
    for (; next <= ends.elapsed(); next++) {
      for (let at = 0; at < 10; at++) void ends.call(id++, { client: id % 4, deadlineMs: 100 });
    }
    await ends.clock.advanceSettled(1);
  }
  await ends.clock.advanceSettled(500);
  const good = answered(ends).length;
  assert.ok(good >= 800, `${good} of 1,000 were answered`);
  const failed = ends.outcomes.filter(({ error }) => error !== null);
  assert.ok(failed.every(({ error }) => error?.started === 'no'));
  await ends.close();
});

test('a drain lets calls that wait finish', async () => {
  const ends = await openAdmission({ limits: { executingMax: 1 }, handlers: (clock) => ({ echo: slow(clock, 10) }) });
  for (const id of numbers(10)) void ends.call(id);
  await ends.clock.advanceSettled(1);
  const drained = ends.server.drain({ graceMs: 1_000 });
  await ends.clock.advanceSettled(200);
  assert.equal(answered(ends), numbers(10));
  assert.equal((await drained).cancelled, []);
});

test('calls that still wait when the grace of a drain is over are cancelled, started=no, and reported as waiting', async () => {
  const ends = await openAdmission({ limits: { executingMax: 1 }, handlers: (clock) => ({ echo: slow(clock, 100) }) });
  for (const id of numbers(3)) void ends.call(id);
  await ends.clock.advanceSettled(1);
  const drained = ends.server.drain({ graceMs: 50 });
  await ends.clock.advanceSettled(300);
  assert.equal(
    (await drained).cancelled.map(({ state }) => state),
    ['running', 'waiting', 'waiting'],
  );
  assert.equal(
    ends.outcomes.map(({ id, error }) => [id, error?.code, error?.started]),
    [
      [0, 'CANCELLED', 'yes'],
      [1, 'CANCELLED', 'no'],
      [2, 'CANCELLED', 'no'],
    ],
  );
  assert.is(ends.server.load.waiting, 0);
});

test('oneway calls take a place like others, wait in order while their connection is not read, and none is lost', async () => {
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const ends = await openAdmission({
    limits: { executingMax: 2 },
    clients: 2,
    handlers: (clock) => ({
      echo: slow(clock, 10),
      hit: async ({ id }) => {
        order.push(id);
        most = Math.max(most, ++running);
        await clock.sleep(10);
        running--;
      },
    }),
  });
  const [first, second] = ends.clients;
  for (const id of numbers(20)) void first?.caller.call(Notes.methods.hit, { id, text: '' }, Infinity, null);
  for (const id of numbers(20, 100)) void second?.caller.call(Notes.methods.hit, { id, text: '' }, 1_000, null);
  // Behind them on the same connection, which is read when they have begun.
  void ends.call(7);
  await ends.clock.advanceSettled(500);
  assert.is(most, 2);
  assert.equal(
    order.filter((id) => id < 100),
    numbers(20),
  );
  assert.equal(
    order.filter((id) => id >= 100),
    numbers(20, 100),
  );
  assert.equal(answered(ends), [7]);
  assert.is(ends.server.load.executing, 0);
  await ends.close();
});

test('oneway calls and the queue take turns', async () => {
  let hits = 0;
  const ends = await openAdmission({
    limits: { executingMax: 1 },
    clients: 2,
    handlers: (clock) => ({
      echo: slow(clock, 10),
      hit: async () => {
        hits++;
        await clock.sleep(10);
      },
    }),
  });
  for (const id of numbers(20)) void ends.call(id);
  for (const id of numbers(20)) void ends.clients[1]?.caller.call(Notes.methods.hit, { id, text: '' }, Infinity, null);
  await ends.clock.advanceSettled(205);
  assert.ok(hits >= 8 && hits <= 12, `${hits} hits`);
  assert.ok(answered(ends).length >= 8, `${answered(ends).length} answers`);
  await ends.clock.advanceSettled(300);
  assert.is(hits, 20);
  assert.is(answered(ends).length, 20);
  await ends.close();
});

test('a stream counts as executing until its last item, and one that waits begins when a place is free', async () => {
  const Ticks = defineService('test.Ticks', { count: serverStream({ request: raw, response: raw }) });
  const clock = new VirtualClock(1_000_000, 'microtasks');
  const server = new Server({ clock, random: () => 0.5, limits: { executingMax: 1 } }).add(Ticks, {
    async *count() {
      for (let at = 0; at < 3; at++) {
        yield Buffer.from([at]);
        await clock.sleep(10);
      }
    },
  });
  const dialled = async () => {
    const [dialing, accepting] = memoryPair(clock);
    server.accept(accepting);
    return dialing;
  };
  const channel = connect('tcp://memory:1', { clock, random: () => 0.5, dial: dialled });
  const { count } = channel.client(Ticks);
  const read = async (): Promise<number> => {
    let items = 0;
    for await (const _item of count(Buffer.alloc(0))) items++;
    return items;
  };
  const both = Promise.all([read(), read()]);
  await clock.advanceSettled(5);
  assert.is(server.load.executing, 1);
  assert.is(server.load.waiting, 1);
  await clock.advanceSettled(30);
  assert.is(server.load.executing, 1);
  assert.is(server.load.waiting, 0);
  await clock.advanceSettled(30);
  assert.equal(await both, [3, 3]);
  assert.is(server.load.executing, 0);
  const closed = Promise.all([channel.close({ graceMs: 0 }), server.close()]);
  await clock.advanceSettled(200);
  await closed;
});

test.run();
