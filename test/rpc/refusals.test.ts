/** Calls that cannot be: each fails with a clear error of its own, and the connection goes on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, raw, Server, unary } from '../../src/index.js';
import { callNumber, frame } from '../support/frames.js';
import { failureOf, handlers, Note, Notes, openEnds } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';

const note = { id: 1, text: 'one' };

const City = {
  type: 'record',
  name: 'test.City',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'kind', type: { type: 'enum', name: 'test.Kind', symbols: ['TOWN', 'VILLAGE'] } },
    { name: 'places', type: { type: 'array', items: Note } },
    { name: 'tags', type: { type: 'map', values: 'string' } },
    { name: 'mayor', type: ['null', 'string'] },
  ],
} as const;

const Cities = defineService('test.Cities', { put: unary({ request: City, response: 'int' }) });

test('an unknown method is UNIMPLEMENTED and named, and the methods of that service go on working', async () => {
  const Newer = defineService('test.Notes', {
    echo: unary({ request: Note, response: Note }),
    rename: unary({ request: Note, response: Note }),
  });
  const ends = await openEnds();
  const newer = ends.channel.client(Newer);
  for (let times = 0; times < 2; times++) {
    const failure = await failureOf(newer.rename(note));
    assert.is(failure.code, 'UNIMPLEMENTED');
    assert.is(failure.started, 'no');
    assert.is(failure.elsewhere, true);
    assert.match(failure.message, /"test\.Notes\/rename"/);
  }
  assert.equal(await newer.echo(note), note);
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('an unknown service is UNIMPLEMENTED and named', async () => {
  const ends = await openEnds();
  const city = { id: 1, kind: 'TOWN', places: [], tags: {}, mayor: null } as const;
  const failure = await failureOf(ends.channel.client(Cities).put(city));
  assert.is(failure.code, 'UNIMPLEMENTED');
  assert.match(failure.message, /test\.Cities\/put/);
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('a method of another kind is FAILED_PRECONDITION and says both kinds', async () => {
  const Other = defineService('test.Notes', { hit: unary({ request: Note, response: Note }) });
  const ends = await openEnds();
  const failure = await failureOf(ends.channel.client(Other).hit(note));
  assert.is(failure.code, 'FAILED_PRECONDITION');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /test\.Notes\/hit is oneway here.*unary/);
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('an argument of the wrong type fails with the path of the field; nothing is sent; others go on', async () => {
  let runs = 0;
  const server = new Server().add(Cities, {
    put: async ({ id }) => {
      runs++;
      return id;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const cities = channel.client(Cities);
  const right = { id: 1, kind: 'TOWN', places: [note], tags: { a: 'b' }, mayor: null } as const;
  const wrongs: [unknown, RegExp][] = [
    [{ ...right, id: '1' }, /\bid\b/],
    [{ ...right, id: 2 ** 31 }, /\bid\b/],
    [{ ...right, id: 1.5 }, /\bid\b/],
    [{ ...right, kind: 'CITY' }, /\bkind\b/],
    [{ ...right, kind: 'constructor' }, /\bkind\b/],
    [{ ...right, places: [note, { id: 1, text: 5 }] }, /places\[1\]\.text|places\.1\.text/],
    [{ ...right, tags: { good: 'x', bad: 7 } }, /tags.*bad/],
    [{ ...right, mayor: 7 }, /\bmayor\b/],
    [{ ...right, places: 'none' }, /\bplaces\b/],
    [{ id: 1 }, /\bkind\b/],
    [null, /City|request/],
    [undefined, /City|request/],
    [7, /City|request/],
  ];
  const around = [cities.put(right)];
  const failures = wrongs.map(([value]) => failureOf(cities.put(value as never)));
  around.push(cities.put({ ...right, id: 2 }));
  for (const [index, failed] of failures.entries()) {
    const failure = await failed;
    const [value, pattern] = wrongs[index] as [unknown, RegExp];
    assert.is(failure.code, 'INVALID_ARGUMENT', JSON.stringify(value));
    assert.is(failure.started, 'no');
    assert.match(failure.message, pattern);
  }
  assert.equal(await Promise.all(around), [1, 2]);
  assert.is(runs, 2);
  // Not a single slot was lost either.
  await Promise.all(Array.from({ length: 50 }, () => failureOf(cities.put({} as never))));
  assert.is((await Promise.all(Array.from({ length: 1_000 }, () => cities.put(right)))).length, 1_000);
  await channel.close();
  await server.close();
});

test('a call whose argument is wrong leaves no byte on the wire', async () => {
  const listener = await ScriptedListener.listen();
  const channel = connect(`tcp://127.0.0.1:${listener.port}`);
  const notes = channel.client(Notes);
  const ready = channel.ready();
  const peer = await listener.accept();
  await peer.handshake();
  await ready;
  const first = notes.echo(note);
  const { call } = await peer.skipTo('REQUEST');
  await failureOf(notes.echo({ id: 1 } as never));
  await failureOf(notes.echo({ id: 1, text: { big: 'x'.repeat(100_000) } } as never));
  await peer.expectSilence(20);
  peer.send(frame('RESPONSE', { call, payload: Buffer.from([2, 2, 0x79]) }));
  assert.equal(await first, { id: 1, text: 'y' });
  // The number was not used up.
  notes.echo(note).catch(() => {});
  assert.is((await peer.expect('REQUEST')).call, callNumber(0, 2));
  await listener.close();
  await channel.close();
});

test('a request beyond the limit of the server fails unsent; limit, value and setting are named', async () => {
  const ends = await openEnds({ server: { limits: { messageBytesMax: 100_000 } } });
  await ends.notes.echo(note);
  const failure = await failureOf(ends.notes.bytes(Buffer.alloc(100_001)));
  assert.is(failure.code, 'RESOURCE_EXHAUSTED');
  assert.is(failure.started, 'no');
  assert.equal(failure.limit, {
    name: 'messageBytesMax',
    value: 100_000,
    setting: 'limits.messageBytesMax of the peer',
  });
  assert.match(failure.message, /100001 bytes.*messageBytesMax is 100000 .*limits\.messageBytesMax of the peer/);
  assert.is((await ends.notes.bytes(Buffer.alloc(100_000))).length, 100_000);
  const long = await failureOf(ends.notes.echo({ id: 1, text: 'x'.repeat(100_000) }));
  assert.is(long.code, 'RESOURCE_EXHAUSTED');
  assert.equal(await ends.notes.echo(note), note);
  await ends.close();
});

test('a response beyond the limit of the client fails that call as started, and is reported at the server', async () => {
  const reported: string[] = [];
  const ends = await openEnds({
    channel: { limits: { messageBytesMax: 100_000 } },
    server: { onHandlerError: (error, method) => void reported.push(`${method}: ${(error as Error).message}`) },
    handlers: { bytes: (bytes) => Buffer.alloc(bytes.readUInt32LE(0)) },
  });
  const ask = (length: number) => {
    const request = Buffer.alloc(4);
    request.writeUInt32LE(length);
    return ends.notes.bytes(request);
  };
  for (const length of [100_001, 10_000_000]) {
    const failure = await failureOf(ask(length));
    assert.is(failure.code, 'RESOURCE_EXHAUSTED');
    assert.is(failure.started, 'yes');
    assert.match(failure.message, new RegExp(`test\\.Notes/bytes.*${length} bytes.*messageBytesMax is 100000`));
  }
  assert.is(reported.length, 2);
  assert.is((await ask(100_000)).length, 100_000);
  await ends.close();
});

test('an answer that does not match the schema fails that call, and names the field at the server only', async () => {
  const reported: string[] = [];
  const ends = await openEnds({
    server: { onHandlerError: (error, method) => void reported.push(`${method}: ${(error as Error).message}`) },
    handlers: {
      echo: (request) => (request.id === 1 ? ({ id: 1, text: 7 } as never) : Promise.resolve({ id: 'x' } as never)),
      bytes: () => 'not bytes' as never,
    },
  });
  const failures = [
    await failureOf(ends.notes.echo(note)),
    await failureOf(ends.notes.echo({ id: 2, text: '' })),
    await failureOf(ends.notes.bytes(Buffer.alloc(1))),
  ];
  for (const [index, field] of [/text/, /id/, /Buffer/].entries()) {
    assert.is(failures[index]?.code, 'INTERNAL');
    assert.is(failures[index]?.started, 'yes');
    assert.match(failures[index]?.message ?? '', /^the answer of test\.Notes\/\w+ cannot be sent$/);
    assert.match(reported[index] ?? '', field);
  }
  assert.is(reported.length, 3);
  await ends.close();
});

test('a handler is missing, is no function, or is served twice: an error when the service is added', () => {
  const server = new Server();
  assert.throws(() => server.add(Notes, { echo: handlers().echo } as never), /test\.Notes.*bytes/);
  assert.throws(() => server.add(Notes, { ...handlers(), hit: 7 } as never), /test\.Notes.*hit/);
  // Nothing of a service that was refused is served.
  server.add(Notes, handlers());
  assert.throws(() => server.add(Notes, handlers()), /test\.Notes\/echo is served already/);
});

test('several services and several clients share one connection', async () => {
  const Plus = defineService('test.Plus', { add: unary({ request: Note, response: 'long' }) });
  const server = new Server().add(Notes, handlers()).add(Plus, { add: ({ id, text }) => id + text.length });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const [one, two, plus] = [channel.client(Notes), channel.client(Notes), channel.client(Plus)];
  // The same method defined a second time is a definition of its own, with a number of its own.
  const again = channel.client(defineService('test.Notes', { bytes: unary({ request: raw, response: raw }) }));
  const results = await Promise.all([
    one.echo(note),
    two.echo({ id: 2, text: 'two' }),
    plus.add(note),
    again.bytes(Buffer.from('a')),
    one.bytes(Buffer.from('b')),
  ]);
  assert.equal(results, [note, { id: 2, text: 'two' }, 4, Buffer.from('a'), Buffer.from('b')]);
  assert.is(server.connectionCount, 1);
  await channel.close();
  await server.close();
});

test.run();
