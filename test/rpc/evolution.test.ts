/**
 * Services of different versions on the two sides of a connection. Schemas that were fetched are cached for the whole process,
 * so each test has a namespace of its own.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defineService, oneway, raw, Server, schema, unary } from '../../src/index.js';
import { failureOf, sleep } from '../support/rpc.js';
import { until } from './until.js';
import { between } from './versions.js';

test('old client, new server: added, promoted, reordered and renamed fields of requests', async () => {
  const service = 'a.Cities';
  const old = defineService(service, {
    put: unary({
      request: {
        type: 'record',
        name: 'a.City',
        fields: [
          { name: 'id', type: 'int' },
          { name: 'name', type: 'string' },
          { name: 'old', type: { type: 'array', items: 'string' } },
        ],
      },
      response: 'int',
    }),
  });
  const served = defineService(service, {
    put: unary({
      request: {
        type: 'record',
        name: 'a.City',
        fields: [
          { name: 'title', type: 'string', aliases: ['name'] },
          { name: 'country', type: 'string', default: 'CH' },
          { name: 'id', type: 'long' },
          { name: 'mayor', type: ['null', 'string'], default: null },
        ],
      },
      response: 'int',
    }),
  });
  const seen: unknown[] = [];
  const put = (city: unknown) => seen.push(city);
  await between(served, { put }, old, async (client) => {
    assert.is(await client.put({ id: 2 ** 31 - 1, name: 'Bern', old: ['x', 'y'] }), 1);
    assert.is(await client.put({ id: -1, name: '', old: [] }), 2);
  });
  assert.equal(seen, [
    { title: 'Bern', country: 'CH', id: 2 ** 31 - 1, mayor: null },
    { title: '', country: 'CH', id: -1, mayor: null },
  ]);
});

test('new client, old server: fields the server does not know, and defaults for those it does not send', async () => {
  const old = defineService('b.Cities', {
    get: unary({
      request: schema({ type: 'record', name: 'b.Ask', fields: [{ name: 'id', type: 'long' }] }),
      response: schema({
        type: 'record',
        name: 'b.City',
        fields: [
          { name: 'name', type: 'string' },
          { name: 'size', type: 'int' },
          { name: 'kind', type: { type: 'enum', name: 'b.Kind', symbols: ['TOWN', 'CITY'] } },
        ],
      }),
    }),
  });
  const called = defineService('b.Cities', {
    get: unary({
      request: schema({
        type: 'record',
        name: 'b.Ask',
        fields: [
          { name: 'deep', type: 'boolean' },
          { name: 'id', type: 'int' },
        ],
      }),
      response: schema({
        type: 'record',
        name: 'b.City',
        fields: [
          { name: 'kind', type: { type: 'enum', name: 'b.Kind', symbols: ['CITY', 'HAMLET', 'TOWN'] } },
          { name: 'size', type: 'double' },
          { name: 'label', type: 'string', aliases: ['name'] },
          { name: 'tags', type: { type: 'map', values: 'string' }, default: {} },
        ],
      }),
    }),
  });
  const get = ({ id }: { id: number }) => ({ name: `c${id}`, size: id, kind: 'TOWN' }) as const;
  await between(old, { get }, called, async (client) => {
    for (const id of [1, 2]) {
      const { tags, ...rest } = await client.get({ deep: true, id });
      assert.equal(rest, { kind: 'TOWN', size: id, label: `c${id}` });
      assert.equal(Object.keys(tags), []);
    }
  });
});

test('a method whose requests cannot be read is refused with the path; another method of the service works', async () => {
  const place = (type: 'double' | 'string') =>
    schema({
      type: 'record',
      name: 'c.City',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'location', type: { type: 'record', name: 'c.Place', fields: [{ name: 'lat', type }] } },
      ],
    });
  let runs = 0;
  const served = defineService('c.Cities', {
    put: unary({ request: place('double'), response: 'null' }),
    count: unary({ request: 'null', response: 'int' }),
  });
  const called = defineService('c.Cities', {
    put: unary({ request: place('string'), response: 'null' }),
    count: unary({ request: 'null', response: 'int' }),
  });
  const put = () => {
    runs++;
    return null;
  };
  await between(served, { put, count: () => 7 }, called, async (client) => {
    for (let times = 0; times < 3; times++) {
      const failure = await failureOf(client.put({ id: 1, location: { lat: 'north' } }));
      assert.is(failure.code, 'FAILED_PRECONDITION');
      assert.is(failure.started, 'no');
      assert.match(failure.message, /c\.Cities\/put.*request.*City\.location\.lat/);
      assert.is(await client.count(null), 7);
    }
  });
  assert.is(runs, 0);
});

test('a method whose responses the caller cannot read is refused by the server before its handler runs', async () => {
  const answer = (type: 'long' | 'string') =>
    schema({ type: 'record', name: 'd.Answer', fields: [{ name: 'rows', type: { type: 'array', items: type } }] });
  let runs = 0;
  const served = defineService('d.S', { get: unary({ request: 'null', response: answer('long') }) });
  const called = defineService('d.S', { get: unary({ request: 'null', response: answer('string') }) });
  const get = () => {
    runs++;
    return { rows: [1] };
  };
  await between(served, { get }, called, async (client) => {
    const failure = await failureOf(client.get(null));
    assert.is(failure.code, 'FAILED_PRECONDITION');
    assert.is(failure.started, 'no');
    assert.match(failure.message, /response.*Answer\.rows/);
  });
  assert.is(runs, 0);
});

test('what only the caller can see, a field without default, fails its calls: yes once they ran, no from then on', async () => {
  const answer = <const F extends readonly { name: string; type: 'int' }[]>(fields: F) =>
    ({ type: 'record', name: 'e.Answer', fields }) as const;
  let runs = 0;
  const served = defineService('e.S', {
    get: unary({ request: 'null', response: answer([{ name: 'a', type: 'int' }]) }),
  });
  const called = defineService('e.S', {
    get: unary({
      request: 'null',
      response: answer([
        { name: 'a', type: 'int' },
        { name: 'needed', type: 'int' },
      ]),
    }),
  });
  const get = () => {
    runs++;
    return { a: 1 };
  };
  await between(served, { get }, called, async (client) => {
    const first = await failureOf(client.get(null));
    assert.is(first.code, 'FAILED_PRECONDITION');
    assert.is(first.started, 'yes');
    assert.match(first.message, /e\.S\/get.*needed/);
    const second = await failureOf(client.get(null));
    assert.is(second.code, 'FAILED_PRECONDITION');
    assert.is(second.started, 'no');
  });
  assert.is(runs, 1);
});

test('Avro on one side and raw bytes on the other is refused, in both directions', async () => {
  const avro = defineService('f.S', {
    in: unary({ request: 'string', response: raw }),
    out: unary({ request: raw, response: 'string' }),
  });
  const bytes = defineService('f.S', {
    in: unary({ request: raw, response: raw }),
    out: unary({ request: raw, response: raw }),
  });
  const handlers = { in: () => Buffer.alloc(1), out: () => 'x' };
  await between(avro, handlers, bytes, async (client) => {
    for (const name of ['in', 'out'] as const) {
      const failure = await failureOf(client[name](Buffer.from('x')));
      assert.is(failure.code, 'FAILED_PRECONDITION');
      assert.is(failure.started, 'no');
      assert.match(failure.message, /raw bytes/);
    }
  });
});

test('equal schemas cost no frame; other ones are fetched once, however many calls and methods need them', async () => {
  const version = (fields: number) =>
    schema({
      type: 'record',
      name: 'g.R',
      fields: Array.from({ length: fields }, (_, index) => ({ name: `f${index}`, type: 'int', default: 0 })),
    });
  const of = (fields: number) =>
    defineService('g.S', {
      one: unary({ request: version(fields), response: version(fields) }),
      two: unary({ request: version(fields), response: version(fields) }),
      note: oneway({ request: version(fields) }),
    });
  type Row = Readonly<Record<string, number>>;
  const echo = { one: (row: Row) => row, two: (row: Row) => row, note: () => {} };
  await between(of(3), echo, of(3), async (client, tap) => {
    await client.one({} as never);
    assert.is(tap.count('SCHEMA'), 0);
    assert.is(tap.count('METHOD'), 1);
  });
  const callAll = async (client: { one: unknown; two: unknown; note: unknown }) => {
    const { one, two, note } = client as Record<'one' | 'two' | 'note', (value: object) => Promise<unknown>>;
    const calls = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? one : two)({ f0: index }));
    await note({});
    const answers = (await Promise.all(calls)) as { f0: number }[];
    assert.ok(answers.every(({ f0 }, index) => f0 === index));
  };
  await between(of(3), echo, of(2), async (client, tap) => {
    await callAll(client);
    // One ask and one answer each way.
    assert.is(tap.count('SCHEMA'), 4);
    assert.is(tap.count('METHOD'), 6);
    await callAll(client);
    assert.is(tap.count('SCHEMA'), 4);
  });
  // Another connection finds them in the cache of the process.
  await between(of(3), echo, of(2), async (client, tap) => {
    await callAll(client);
    assert.is(tap.count('SCHEMA'), 0);
  });
});

test('a oneway method evolves as well; calls of a breaking version are dropped without an answer', async () => {
  const note = (type: 'int' | 'long' | 'string') =>
    schema({ type: 'record', name: 'h.Note', fields: [{ name: 'at', type }] });
  const seen: unknown[] = [];
  const served = defineService('h.S', {
    fits: oneway({ request: note('long') }),
    breaks: oneway({ request: note('long') }),
    sync: unary({ request: 'null', response: 'null' }),
  });
  const called = defineService('h.S', {
    fits: oneway({ request: note('int') }),
    breaks: oneway({ request: note('string') }),
    sync: unary({ request: 'null', response: 'null' }),
  });
  const handlers = {
    fits: (value: unknown) => void seen.push(value),
    breaks: () => void seen.push('wrong'),
    sync: () => null,
  };
  await between(served, handlers, called, async (client) => {
    await client.breaks({ at: 'noon' });
    await client.fits({ at: 5 });
    await until(() => seen.length > 0, 'the note');
    await client.sync(null);
    await sleep(5);
  });
  assert.equal(seen, [{ at: 5 }]);
});

test('a schema of more than one frame is fetched, one beyond the limit makes its method breaking', async () => {
  const wide = (name: string, fields: number, length: number) =>
    schema({
      type: 'record',
      name,
      fields: Array.from({ length: fields }, (_, index) => ({
        name: `${'f'.repeat(length)}${index}`,
        type: 'int',
        default: 0,
      })),
    });
  const of = (fields: number) =>
    defineService('i.S', {
      wide: unary({ request: wide('i.Wide', fields, 60), response: 'int' }),
      huge: unary({ request: wide('i.Huge', fields, 250), response: 'int' }),
      plain: unary({ request: 'int', response: 'int' }),
    });
  const handlers = { wide: (value: object) => Object.keys(value).length, huge: () => 0, plain: (n: number) => n };
  await between(of(1_301), handlers as never, of(1_300), async (client, tap) => {
    assert.is(await client.wide({} as never), 1_301);
    assert.ok(tap.count('SCHEMA') > 2, `${tap.count('SCHEMA')} frames`);
    const failure = await failureOf(client.huge({} as never));
    assert.is(failure.code, 'FAILED_PRECONDITION');
    assert.is(failure.started, 'no');
    assert.is(await client.plain(7), 7);
  });
});

test('a server process that is replaced by one of another version is graded anew on the new connection', async () => {
  const of = (type: 'int' | 'long' | 'string') =>
    defineService('j.S', { get: unary({ request: type, response: 'int' }) });
  const first = new Server().add(of('int'), { get: () => 1 });
  const { port } = await first.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const client = channel.client(of('int'));
  assert.is(await client.get(5), 1);
  await first.close();
  const second = new Server().add(of('string'), { get: () => 2 });
  await second.listen({ host: '127.0.0.1', port });
  assert.is((await failureOf(client.get(5))).code, 'FAILED_PRECONDITION');
  await second.close();
  const third = new Server().add(of('long'), { get: () => 3 });
  await third.listen({ host: '127.0.0.1', port });
  assert.is(await client.get(5), 3);
  await channel.close();
  await third.close();
});

test.run();
