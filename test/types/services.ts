/**
 * What TypeScript makes of service definitions, clients and handlers: a test by being compiled, see `schema-values.ts`.
 */
import { Readable } from 'node:stream';
import {
  type BlobBody,
  blob,
  type CallContext,
  type CallResult,
  type Client,
  type ClientStreamStub,
  clientStream,
  type DuplexStub,
  declared,
  defineService,
  duplex,
  type ErrorsOf,
  type Handlers,
  type Infer,
  type ItemSource,
  type ItemStream,
  isDeclared,
  type MessageCodec,
  type Metadata,
  oneway,
  type RequestInput,
  type RequestOutput,
  type ResponseInput,
  type ResponseOutput,
  raw,
  type ServerStreamStub,
  schema,
  serverStream,
  unary,
} from '../../src/index.js';
import { type Equal, expectType } from './equal.js';

interface Point {
  readonly x: number;
}
declare const pointCodec: MessageCodec<Point>;

const CityId = schema({ type: 'record', name: 'CityId', namespace: 'demo', fields: [{ name: 'id', type: 'long' }] });
const City = schema({
  type: 'record',
  name: 'City',
  namespace: 'demo',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'population', type: 'long', default: 0 },
  ],
});
const NoCity = schema({ type: 'error', name: 'demo.NoCity', fields: [{ name: 'id', type: 'long' }] });

/** Never called: defining this service compiles schemas, and this file is about types. */
export const defineCities = () =>
  defineService('demo.Cities', {
    get: unary({
      request: CityId,
      response: City,
      errors: [NoCity, { type: 'error', name: 'Busy', fields: [{ name: 'ms', type: 'int', default: 5 }] }],
    }),
    big: unary({ request: CityId, response: { type: 'array', items: City }, longs: 'bigint' }),
    hit: oneway({ request: CityId }),
    bytes: unary({ request: raw, response: raw }),
    point: unary({ request: pointCodec, response: 'null' }),
  });

export const defineStreams = () =>
  defineService('demo.Streams', {
    within: serverStream({
      request: { type: 'record', name: 'Box', fields: [{ name: 'west', type: 'double' }] },
      response: City,
    }),
    add: clientStream({ request: City, response: 'int' }),
    chat: duplex({ request: 'string', response: 'string', errors: [NoCity], longs: 'bigint' }),
    bytes: duplex({ request: raw, response: raw }),
  });

export const defineFiles = () => defineService('demo.Files', { put: blob({ request: CityId, response: City }) });

type Cities = ReturnType<typeof defineCities>;
type Methods = Cities['methods'];
type Streams = ReturnType<typeof defineStreams>['methods'];

// The parts of a method.

expectType<Equal<RequestInput<Methods['get']>, { id: number }>>(true);
expectType<Equal<RequestOutput<Streams['add']>, { id: number; name: string; population: number }>>(true);
expectType<Equal<ResponseInput<Methods['get']>, { id: number; name: string; population?: number | undefined }>>(true);
expectType<Equal<ResponseOutput<Methods['get']>, Infer<typeof City>>>(true);
expectType<Equal<RequestInput<Methods['big']>, { id: bigint }>>(true);
expectType<Equal<RequestInput<Methods['bytes']>, Uint8Array>>(true);
expectType<Equal<ResponseOutput<Methods['bytes']>, Buffer>>(true);
expectType<Equal<RequestOutput<Methods['point']>, Point>>(true);
expectType<Equal<ResponseOutput<Methods['hit']>, void>>(true);
expectType<Equal<RequestInput<Streams['within']>, { west: number }>>(true);
expectType<Equal<ResponseOutput<Streams['add']>, number>>(true);
expectType<Equal<ErrorsOf<Streams['chat']>['value'], { id: bigint }>>(true);
expectType<Equal<Streams['chat']['definition']['kind'], 'duplex'>>(true);
expectType<Equal<ErrorsOf<Methods['big']>, never>>(true);
expectType<Equal<ErrorsOf<Methods['get']>['errorName'], 'demo.NoCity' | 'Busy'>>(true);
// @ts-expect-error no such method
export type Gone = Methods['gone'];

// A client.

declare const cities: Client<Cities>;
export async function callEverything(): Promise<unknown[]> {
  const city: Infer<typeof City> = await cities.get({ id: 1 }, { deadlineMs: 5 });
  const { value } = await cities.get.detailed({ id: 1 });
  const [first] = await cities.big({ id: 1n });
  const nothing: void = await cities.hit({ id: 1 });
  const bytes: Buffer = await cities.bytes(new Uint8Array(3));
  const none: null = await cities.point({ x: 1 });
  return [city.population.toFixed(), value.name.trim(), first?.population === 1n, nothing, bytes, none];
}
export const wrongCalls = (): unknown[] => [
  // @ts-expect-error a missing field
  cities.get({}),
  // @ts-expect-error a wrong field
  cities.get({ id: 1, nmae: 'x' }),
  // @ts-expect-error a field of the wrong type
  cities.get({ id: '1' }),
  // @ts-expect-error a number where the method has bigint
  cities.big({ id: 1 }),
  // @ts-expect-error a bigint where the method has number
  cities.get({ id: 1n }),
  // @ts-expect-error no such method
  cities.gett({ id: 1 }),
  // @ts-expect-error no such option
  cities.get({ id: 1 }, { deadline: 5 }),
  // @ts-expect-error a string is no message of bytes
  cities.bytes('text'),
  // @ts-expect-error not what the codec encodes
  cities.point({ y: 1 }),
  // @ts-expect-error the response has no such field
  cities.get({ id: 1 }).then((city) => city.mayor),
];

// Blobs.

declare const files: Client<ReturnType<typeof defineFiles>>;
export async function putEverything(): Promise<unknown[]> {
  const { head, body } = await files.put({ head: { id: 1 }, body: Readable.from([]) }, { deadlineMs: 5 });
  expectType<Equal<typeof body, BlobBody>>(true);
  const whole: Buffer = await body.buffer({ bytesMax: 5 });
  for await (const piece of body) expectType<Equal<typeof piece, Buffer>>(true);
  await files.put({ head: { id: 1 }, body: null });
  await files.put({ head: { id: 1 }, body: [new Uint8Array(1)] });
  return [head.population.toFixed(), whole];
}
export const wrongBlobs = (): unknown[] => [
  // @ts-expect-error a blob has a body
  files.put({ head: { id: 1 } }),
  // @ts-expect-error a wrong head
  files.put({ head: { name: 'x' }, body: null }),
  // @ts-expect-error a string is no body
  files.put({ head: { id: 1 }, body: 'text' }),
  // @ts-expect-error a list of strings is no body
  files.put({ head: { id: 1 }, body: ['text'] }),
];
export const fileHandlers: Handlers<ReturnType<typeof defineFiles>> = {
  put({ head, body }, context) {
    expectType<Equal<typeof head, { id: number }>>(true);
    context.priority = 1;
    return { head: { id: head.id, name: '' }, body };
  },
};
export const wrongFileHandlers: Handlers<ReturnType<typeof defineFiles>> = {
  // @ts-expect-error the head of the answer misses a field
  put: ({ head, body }) => ({ head, body }),
};

// Handlers.

export const handlers: Handlers<Cities> = {
  get(request, context) {
    if (request.id < 0) throw declared(defineCities().methods.get, 'demo.NoCity', { id: request.id });
    expectType<Equal<typeof context, CallContext>>(true);
    return { id: request.id, name: 'x' };
  },
  async big(request) {
    return [{ id: request.id, name: '', population: 1n }];
  },
  hit(request) {
    request.id.toFixed();
  },
  bytes: (request) => request.subarray(1),
  point: () => null,
};

export const wrongHandlers: { readonly [N in keyof Cities['methods']]?: unknown } = {
  // @ts-expect-error a wrong return type
  get: (() => ({ id: '1', name: 'x' })) satisfies Handlers<Cities>['get'],
  // @ts-expect-error a field is missing in what is promised
  big: (async () => [{ id: 1n }]) satisfies Handlers<Cities>['big'],
  // @ts-expect-error the request has no such field
  hit: ((request) => void request.name) satisfies Handlers<Cities>['hit'],
  // @ts-expect-error null is not undefined
  point: (() => undefined) satisfies Handlers<Cities>['point'],
};
// @ts-expect-error handlers are missing
export const fewHandlers: Handlers<Cities> = { point: () => null };
// @ts-expect-error a handler of no method
export const moreHandlers: Handlers<Cities> = { ...handlers, gone: () => null };

// Streams.

type StreamsClient = Client<ReturnType<typeof defineStreams>>;
type StreamsHandlers = Handlers<ReturnType<typeof defineStreams>>;
type ReadCity = Infer<typeof City>;
type WrittenCity = { id: number; name: string; population?: number | undefined };

expectType<Equal<StreamsClient['within'], ServerStreamStub<{ west: number }, ReadCity>>>(true);
expectType<Equal<StreamsClient['add'], ClientStreamStub<WrittenCity, number>>>(true);
expectType<Equal<StreamsClient['chat'], DuplexStub<string, string>>>(true);
expectType<Equal<ReturnType<StreamsClient['within']>, ItemStream<ReadCity>>>(true);
expectType<Equal<Parameters<StreamsClient['bytes']>[0], ItemSource<Uint8Array>>>(true);

declare const streams: StreamsClient;
export async function readStreams(): Promise<unknown[]> {
  const seen: unknown[] = [];
  const within = streams.within({ west: 1 }, { deadlineMs: Infinity });
  for await (const city of within) {
    expectType<Equal<typeof city, ReadCity>>(true);
    seen.push(city.population.toFixed());
  }
  for await (const batch of streams.within({ west: 1 }).batches()) {
    expectType<Equal<typeof batch, ReadCity[]>>(true);
  }
  const next = await within.next();
  if (next.done !== true) seen.push(next.value.name.trim());
  expectType<Equal<typeof within.metadata, Metadata | null>>(true);
  async function* written(): AsyncGenerator<WrittenCity> {
    yield { id: 1, name: 'x' };
  }
  const count: number = await streams.add([{ id: 1, name: 'x' }]);
  const detailed: CallResult<number> = await streams.add.detailed(written());
  for await (const bytes of streams.bytes([new Uint8Array(3)])) expectType<Equal<typeof bytes, Buffer>>(true);
  for await (const line of streams.chat(new Set(['x']))) seen.push(line.trim());
  return [...seen, count, detailed];
}
export const wrongStreams = (): unknown[] => [
  // @ts-expect-error a wrong request
  streams.within({ west: '1' }),
  // @ts-expect-error one item is no stream of them
  streams.add({ id: 1, name: 'x' }),
  // @ts-expect-error items without a field
  streams.add([{ id: 1 }]),
  // @ts-expect-error items of another type
  streams.chat([1, 2]),
  // @ts-expect-error a Buffer is an iterable of numbers, not of messages
  streams.bytes(Buffer.alloc(3)),
  // @ts-expect-error a stream is no promise
  streams.within({ west: 1 }).then(() => {}),
  // @ts-expect-error a server stream has no detailed form: its metadata is on the stream
  streams.within.detailed({ west: 1 }),
];

export const streamHandlers: StreamsHandlers = {
  async *within(request, context) {
    expectType<Equal<typeof context, CallContext>>(true);
    yield { id: request.west, name: 'x' };
  },
  async add(items) {
    expectType<Equal<typeof items, ItemStream<ReadCity>>>(true);
    let people = 0;
    for await (const batch of items.batches()) for (const { population } of batch) people += population;
    return people;
  },
  async chat(lines) {
    const { value } = await lines.next();
    return [value ?? 'nothing'];
  },
  bytes: (items) => items,
};
async function* wrongBytes(): AsyncGenerator<string> {
  yield 'text';
}
export const wrongStreamHandlers: { readonly [N in keyof StreamsHandlers]?: unknown } = {
  // @ts-expect-error one value in place of a stream
  within: (() => ({ id: 1, name: 'x' })) satisfies StreamsHandlers['within'],
  // @ts-expect-error items of another type
  chat: (() => [1]) satisfies StreamsHandlers['chat'],
  // @ts-expect-error items in place of the answer
  add: ((items) => items) satisfies StreamsHandlers['add'],
  // @ts-expect-error a generator of the wrong items
  bytes: wrongBytes satisfies StreamsHandlers['bytes'],
};

// Declared errors.

export async function callFailing(): Promise<number> {
  const { get } = defineCities().methods;
  try {
    await cities.get({ id: 1 });
  } catch (error) {
    if (!isDeclared(error, get)) throw error;
    if (error.errorName === 'Busy') {
      expectType<Equal<typeof error.value, { ms: number }>>(true);
      return error.value.ms;
    }
    expectType<Equal<typeof error.value, { id: number }>>(true);
    return error.value.id;
  }
  throw declared(get, 'Busy', {});
}
export const wrongErrors = (): unknown[] => [
  // @ts-expect-error not declared
  declared(defineCities().methods.get, 'demo.NoTown', { id: 1 }),
  // @ts-expect-error a value of another error
  declared(defineCities().methods.get, 'demo.NoCity', { ms: 1 }),
  // @ts-expect-error the method declares none
  declared(defineCities().methods.hit, 'demo.NoCity', { id: 1 }),
];

// Options of the service reach the types of those methods that do not say otherwise.

const defineBig = () =>
  defineService(
    'Big',
    {
      follows: unary({ request: 'long', response: 'long' }),
      keeps: unary({ request: 'long', response: 'long', longs: 'number' }),
      failing: unary({ request: 'null', response: 'null', errors: [NoCity] }),
    },
    { longs: 'bigint' },
  );
type Big = ReturnType<typeof defineBig>['methods'];
expectType<Equal<RequestInput<Big['follows']>, bigint>>(true);
expectType<Equal<ResponseOutput<Big['keeps']>, number>>(true);
expectType<Equal<ErrorsOf<Big['failing']>['value'], { id: bigint }>>(true);

class DateType {
  _fromValue(value: number): Date {
    return new Date(value);
  }
  _toValue(date: Date): number {
    return date.getTime();
  }
}
const At = schema({ type: 'long', logicalType: 'timestamp-millis' });
const defineClock = () =>
  defineService(
    'Clock',
    {
      follows: unary({ request: At, response: 'long' }),
      keeps: unary({ request: At, response: At, logicalTypes: {} }),
    },
    { logicalTypes: { 'timestamp-millis': DateType } },
  );
type Clock = ReturnType<typeof defineClock>['methods'];
expectType<Equal<RequestInput<Clock['follows']>, Date>>(true);
expectType<Equal<ResponseOutput<Clock['follows']>, number>>(true);
expectType<Equal<ResponseOutput<Clock['keeps']>, number>>(true);

// Definitions that are none.

const badError = { type: 'error', name: 'E', fields: [{ name: 'a', type: 'strng' }] } as const;

export const wrongMethods = (): unknown[] => [
  // @ts-expect-error a unary method has a response
  unary({ request: 'int' }),
  // @ts-expect-error a oneway method has none
  oneway({ request: 'int', response: 'int' }),
  // @ts-expect-error and cannot fail
  oneway({ request: 'int', errors: [NoCity] }),
  // @ts-expect-error no such type
  unary({ request: 'int', response: 'strng' }),
  // @ts-expect-error no such type, inside
  unary({ request: { type: 'record', name: 'R', fields: [{ name: 'a', type: 'strng' }] }, response: 'int' }),
  // @ts-expect-error no such type in an error
  unary({ request: 'int', response: 'int', errors: [badError] }),
  // @ts-expect-error a record is no error
  unary({ request: 'int', response: 'int', errors: [CityId] }),
  // @ts-expect-error misspelt option
  unary({ request: 'int', response: 'int', idempotnet: true }),
  // @ts-expect-error no such codec
  unary({ request: 'int', response: 'int', compression: 'zip' }),
  // @ts-expect-error a method is made by unary, oneway and so on
  defineService('S', { get: { request: 'int', response: 'int' } }),
];
