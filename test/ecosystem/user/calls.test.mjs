/**
 * A user's test file, which `runners.ts` runs under each test runner: as it is, compiled to CommonJS, and with its imports written in
 * other ways. Runners give each test file a realm of its own (`vm`), so values of other realms are part of it.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import vm from 'node:vm';
import { connect, DeclaredError, defineService, raw, RpcError, serverStream, Server, unary } from 'trunkline';

const { test = globalThis.it, beforeAll = globalThis.before, afterAll = globalThis.after } = globalThis;

/** A value of another realm. */
const foreign = (source) => vm.runInNewContext(source);

const City = {
  type: 'record',
  name: 'City',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'tags', type: { type: 'map', values: 'string' }, default: {} },
    { name: 'seal', type: 'bytes', default: '' },
    { name: 'since', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
  ],
};
const Problem = { type: 'error', name: 'user.Problem', fields: [{ name: 'why', type: 'string' }] };
const Cities = () =>
  defineService(
    'user.Cities',
    {
      echo: unary({ request: City, response: City, logicalTypes: 'standard' }),
      fail: unary({ request: 'string', response: 'string', errors: [Problem] }),
      bytes: unary({ request: raw, response: raw }),
      count: serverStream({ request: 'int', response: 'int' }),
    },
  );

const seen = [];
/** A listener that throws, which must disturb nothing. */
function onHandlerError(error) {
  seen.push(error);
  throw new Error('of the listener');
}

const handlers = {
  echo: (city) => city,
  fail(what) {
    if (what === 'refused') throw new RpcError('NOT_FOUND', 'no such city');
    if (what === 'declared') throw new DeclaredError('user.Problem', { why: 'declared' });
    if (what === 'foreign') throw foreign('new TypeError("of another realm")');
    if (what === 'metadata') throw new RpcError('ABORTED', 'told', { metadata: foreign('new Map([["a", "1"]])') });
    return foreign('Promise.resolve("kept")');
  },
  bytes(bytes, context) {
    context.responseMetadata = { mark: foreign('new Uint8Array([7])') };
    assert.equal(Buffer.isBuffer(bytes), true);
    return bytes;
  },
  *count(to) {
    for (let i = 0; i < to; i++) yield i;
  },
};

let server;
let channel;
let cities;
/** Neither is closed: the runner ends all the same. */
let forgotten;

beforeAll(async () => {
  const service = Cities();
  server = new Server({ onHandlerError }).add(service, handlers);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  channel = connect(`tcp://127.0.0.1:${port}`);
  cities = channel.client(service);
  const other = await new Server().add(service, handlers).unref().listen({ host: '127.0.0.1', port: 0 });
  forgotten = connect(`tcp://127.0.0.1:${other.port}`);
});

afterAll(async () => {
  await channel.close();
  await server.drain();
});

const city = { id: 7, name: '北京', tags: {}, seal: Buffer.alloc(0), since: new Date(0) };

test('calls and streams are answered', async () => {
  const answer = await cities.echo(city);
  assert.equal(answer.name, '北京');
  assert.equal(answer.since.getTime(), 0);
  assert.equal(answer.since instanceof Date, true);
  const items = [];
  for await (const item of cities.count(3)) items.push(item);
  assert.deepEqual(items, [0, 1, 2]);
  assert.equal((await forgotten.client(Cities()).echo(city)).id, 7);
});

test('failures are errors of their class and of this realm', async () => {
  const error = await cities.fail('refused').catch((caught) => caught);
  assert.equal(error instanceof RpcError, true);
  assert.equal(error instanceof Error, true);
  assert.equal(error.code, 'NOT_FOUND');
  await assert.rejects(cities.fail('declared'), (caught) => caught instanceof DeclaredError && caught.value.why === 'declared');
  await assert.rejects(cities.echo({ ...city, nam: 1 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(cities.echo(city, { deadlineMs: 0 }), { code: 'DEADLINE_EXCEEDED' });
});

test('bytes, dates, maps, promises and errors of another realm are taken or refused by name', async () => {
  const dated = { ...city, since: foreign('new Date(5)'), seal: foreign('new Uint8Array([1, 2])') };
  const answer = await cities.echo(dated);
  assert.deepEqual([...answer.seal], [1, 2]);
  assert.equal(answer.since.getTime(), 5);
  for (const bytes of [new Uint8Array([3]), Buffer.from([3]), foreign('new Uint8Array([3])')])
    assert.deepEqual([...(await cities.bytes(bytes))], [3]);
  const { metadata } = await cities.bytes.detailed(Buffer.from([1]), { metadata: { b: foreign('new Uint8Array([9])') } });
  assert.deepEqual([...metadata.mark], [7]);
  await assert.rejects(cities.echo({ ...city, tags: foreign('new Map()') }), /Map/);
  await assert.rejects(cities.echo(foreign('Promise.resolve(1)')), /Promise/);
  await assert.rejects(cities.echo(city, { metadata: foreign('new Map()') }), /Map/);
  assert.equal(await cities.fail('promise'), 'kept');
  await assert.rejects(cities.fail('foreign'), { code: 'INTERNAL' });
  assert.equal(seen.at(-1).message, 'of another realm');
  const told = await cities.fail('metadata').catch((caught) => caught);
  assert.equal(told.metadata.a, '1');
});

test('a call that cannot connect tells the reason of the system', async () => {
  const nobody = connect('tcp://127.0.0.1:1', { retry: false });
  const error = await nobody.client(Cities()).echo(city).catch((caught) => caught);
  assert.equal(error.code, 'UNAVAILABLE');
  assert.match(error.message, /ECONNREFUSED/);
  await nobody.close();
});

test('a signal of the runner cancels', async () => {
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(cities.echo(city, { signal: controller.signal }), { code: 'CANCELLED' });
});
