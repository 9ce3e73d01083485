/** Values that do things of their own while they are encoded: call, cancel, close, throw. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, raw, Server, unary } from '../../src/index.js';
import { failureOf, Note, Notes, openEnds } from '../support/rpc.js';

interface NoteValue {
  readonly id: number;
  readonly text: string;
}

/** A note that does something when its id is read: encoding does that after the header's place is taken. */
function acting(id: number, text: string, act: () => void): NoteValue {
  return {
    get id() {
      act();
      return id;
    },
    text,
  };
}

test('calls made by a getter while a request is encoded do not disturb it, nor it them', async () => {
  const ends = await openEnds();
  for (const connected of [false, true]) {
    if (connected) await ends.channel.ready();
    for (const text of ['short', 'x'.repeat(5_000), 'x'.repeat(60_000), 'x'.repeat(300_000)]) {
      const inner: Promise<unknown>[] = [];
      const value = acting(1, text, () => {
        inner.push(ends.notes.echo({ id: 2, text: 'inner' }));
        inner.push(ends.notes.bytes(Buffer.from('inner bytes')));
        inner.push(ends.notes.bytes(Buffer.alloc(200_000, 9)));
        inner.push(ends.notes.echo({ id: 3, text: 'with metadata' }, { metadata: { a: 'b' } }));
        inner.push(ends.notes.hit({ id: 4, text: '' }));
      });
      assert.equal(await ends.notes.echo(value), { id: 1, text });
      const results = await Promise.all(inner);
      assert.ok(results.length >= 5 && results.length % 5 === 0);
      for (let round = 0; round < results.length; round += 5) {
        assert.equal(results[round], { id: 2, text: 'inner' });
        assert.equal(results[round + 1], Buffer.from('inner bytes'));
        assert.equal(results[round + 2], Buffer.alloc(200_000, 9));
        assert.equal(results[round + 3], { id: 3, text: 'with metadata' });
      }
    }
  }
  await ends.close();
});

test('getters may nest calls several deep', async () => {
  const ends = await openEnds();
  await ends.channel.ready();
  const inner: Promise<NoteValue>[] = [];
  const nested = (depth: number): NoteValue =>
    acting(depth, 'x'.repeat(depth * 700), () => {
      if (depth > 0) inner.push(ends.notes.echo(nested(depth - 1)));
    });
  const outer = await ends.notes.echo(nested(6));
  assert.is(outer.id, 6);
  for (const answer of await Promise.all(inner)) assert.is(answer.text.length, answer.id * 700);
  assert.ok(inner.length >= 6);
  await ends.close();
});

test('a getter may make the first call of another method, which is declared in between', async () => {
  const Others = defineService('test.Others', {
    one: unary({ request: Note, response: Note }),
    two: unary({ request: raw, response: raw }),
  });
  const server = new Server().add(Others, { one: (request) => request, two: (bytes) => bytes });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const others = channel.client(Others);
  await channel.ready();
  let two: Promise<Buffer> | null = null;
  const value = acting(1, 'outer', () => {
    two ??= others.two(Buffer.from('first of its method'));
  });
  assert.equal(await others.one(value), { id: 1, text: 'outer' });
  assert.is((await (two as Promise<Buffer> | null))?.toString(), 'first of its method');
  await channel.close();
  await server.close();
});

test('a getter that throws fails its own call and not the one it made before', async () => {
  const ends = await openEnds();
  await ends.channel.ready();
  let inner: Promise<NoteValue> | null = null;
  const value = acting(1, '', () => {
    inner ??= ends.notes.echo({ id: 2, text: 'inner' });
    throw new Error('thrown by a getter');
  });
  const failure = await failureOf(ends.notes.echo(value));
  assert.is(failure.code, 'INVALID_ARGUMENT');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /thrown by a getter/);
  assert.equal(await (inner as Promise<NoteValue> | null), { id: 2, text: 'inner' });
  assert.is((await ends.notes.echo({ id: 3, text: '' })).id, 3);
  await ends.close();
});

test('a call whose own signal aborts while it is encoded is cancelled', async () => {
  let runs = 0;
  const ends = await openEnds({
    handlers: {
      echo: (request) => {
        if (request.id !== 1) return request;
        runs++;
        return new Promise(() => {});
      },
    },
  });
  await ends.channel.ready();
  for (const text of ['short', 'x'.repeat(300_000)]) {
    const controller = new AbortController();
    const value = acting(1, text, () => controller.abort());
    const failure = await failureOf(ends.notes.echo(value, { signal: controller.signal, deadlineMs: 2_000 }));
    assert.is(failure.code, 'CANCELLED', text.slice(0, 5));
  }
  assert.is((await ends.notes.echo({ id: 3, text: '' })).id, 3);
  assert.ok(runs <= 2);
  await ends.close();
});

test('a channel that is closed by a getter still lets that call finish', async () => {
  const ends = await openEnds();
  await ends.channel.ready();
  const closed: Promise<unknown>[] = [];
  const value = acting(1, 'last', () => void closed.push(ends.channel.close()));
  assert.equal(await ends.notes.echo(value), { id: 1, text: 'last' });
  await Promise.all(closed);
  await ends.close();
});

test('a connection that is torn down by a getter fails that call once, and the next call dials anew', async () => {
  for (const size of [10, 300_000]) {
    const ends = await openEnds();
    await ends.channel.ready();
    const value = acting(1, 'x'.repeat(size), () => void ends.channel.close({ graceMs: 0 }));
    const outcome = await ends.notes.echo(value).then(
      () => 'answered',
      (error: Error) => error.name,
    );
    assert.ok(outcome === 'answered' || outcome === 'RpcError', outcome);
    await ends.close();
  }
});

test('values of a response whose getters do things are sent whole, and what they throw fails their call', async () => {
  const reported: unknown[] = [];
  let other: Promise<unknown> = Promise.resolve();
  const second = await openEnds();
  const ends = await openEnds({
    server: { onHandlerError: (error) => void reported.push(error) },
    handlers: {
      echo: (request) =>
        acting(request.id, 'x'.repeat(request.id), () => {
          if (request.id === 13) throw new Error('a getter of an answer');
          other = second.notes.echo({ id: 9, text: 'elsewhere' });
        }),
    },
  });
  for (const id of [1, 5_000, 100_000]) {
    assert.equal(await ends.notes.echo({ id, text: '' }), { id, text: 'x'.repeat(id) });
    assert.equal(await other, { id: 9, text: 'elsewhere' });
  }
  const failure = await failureOf(ends.notes.echo({ id: 13, text: '' }));
  assert.is(failure.code, 'INTERNAL');
  assert.is(failure.started, 'yes');
  assert.is(reported.length, 1);
  await ends.close();
  await second.close();
});

test('a server that is closed by a getter of an answer ends that connection cleanly', async () => {
  const ends = await openEnds({
    handlers: { echo: (request) => acting(request.id, 'x'.repeat(request.id), () => void ends.server.close()) },
  });
  const failure = await failureOf(ends.notes.echo({ id: 100, text: '' }));
  assert.is(failure.code, 'UNAVAILABLE');
  await ends.close();
  assert.is(Object.keys(Notes.methods).length, 3);
});

test.run();
