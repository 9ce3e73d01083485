/** Services made of Apache's protocol files: served and called, and the messages that Apache recorded are read and answered. */
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ProtocolMessage,
  type ProtocolService,
  readProtocol,
  serviceFromProtocol,
} from '../../src/avro/protocol/protocol.js';
import { canonicalForm } from '../../src/avro/schema/canonical.js';
import type { SchemaJson } from '../../src/avro/schema/schema.js';
import { DeclaredError } from '../../src/avro/service/declared-error.js';
import type { RpcError } from '../../src/base/errors.js';
import { type Client, connect, type Handlers, Server } from '../../src/index.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { avroData } from './avro-data.js';
import { decodeWith, encodeWith } from './codec-bytes.js';

type Values = Readonly<Record<string, unknown>>;

const simple = serviceFromProtocol(avroData('schemas/simple.avpr'));
const kinds = (service: ProtocolService): unknown =>
  Object.entries(service.methods).map(([name, { kind }]) => `${name} ${kind}`);

const simpleHandlers: Handlers<typeof simple> = {
  hello: (request) =>
    `Hello ${String((request as Values)['greeting'])
      .replace('Hello ', '')
      .replace('!', '')}`,
  echo: (request) => (request as Values)['record'],
  add: (request) => {
    const { arg1, arg2 } = request as { arg1: number; arg2: number };
    return arg1 + arg2;
  },
  echoBytes: (request) => (request as Values)['data'],
  error: () => {
    throw new DeclaredError('org.apache.avro.test.TestError', { message: 'as declared' });
  },
  ack: () => null,
};

async function calling<T>(
  service: ProtocolService,
  handlers: Handlers<ProtocolService>,
  body: (client: Client<ProtocolService>) => Promise<T>,
): Promise<T> {
  const server = new Server().add(service, handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  try {
    return await body(channel.client(service));
  } finally {
    await channel.close({ graceMs: 1_000 });
    await server.close();
  }
}

test('the services have the names and kinds that the files say', () => {
  assert.is(simple.name, 'org.apache.avro.test.Simple');
  assert.equal(kinds(simple), [
    'hello unary',
    'echo unary',
    'add unary',
    'echoBytes unary',
    'error unary',
    'ack oneway',
  ]);
  assert.is(simple.methods.hello.name, 'org.apache.avro.test.Simple/hello');
  assert.equal(simple.methods.error.errors?.errorNames, ['org.apache.avro.test.TestError']);
  assert.is(simple.methods.hello.errors, null);
  assert.equal(kinds(serviceFromProtocol(avroData('schemas/echo.avdl'))), ['ping unary']);
});

test('simple.avpr is served and called', async () => {
  await calling(simple, simpleHandlers, async (client) => {
    assert.is(await client.hello({ greeting: 'Hello World!' }), 'Hello World');
    const record = { name: 'Foo', kind: 'BAR', hash: Buffer.from('0123456789012345') };
    assert.equal(await client.echo({ record }), record);
    assert.is(await client.add({ arg1: 1, arg2: -3 }), -2);
    assert.equal(await client.echoBytes({ data: Buffer.from('abc') }), Buffer.from('abc'));
    assert.is(await client.ack({}), undefined);
    try {
      await client.error({});
      assert.unreachable('the error did not arrive');
    } catch (error) {
      assert.instance(error, DeclaredError, String(error));
      assert.is((error as DeclaredError).errorName, 'org.apache.avro.test.TestError');
      assert.equal((error as DeclaredError).value, { message: 'as declared' });
      assert.is((error as RpcError).started, 'yes');
    }
  });
});

test('mail.avpr is served and called', async () => {
  const mail = serviceFromProtocol(avroData('schemas/mail.avpr'));
  let arrived: (request: unknown) => void = () => {};
  const fired = new Promise((resolve) => {
    arrived = resolve;
  });
  const handlers: Handlers<typeof mail> = {
    send: (request) => {
      const { to, from, body } = (request as { message: Record<'to' | 'from' | 'body', string> }).message;
      return `Sent message to ${to} from ${from} with body ${body}`;
    },
    fireandforget: (request) => {
      arrived(request);
      return null;
    },
  };
  const message = { to: 'a', from: 'b', body: 'c' };
  await calling(mail, handlers, async (client) => {
    assert.is(await client.send({ message }), 'Sent message to a from b with body c');
    await client.fireandforget({ message });
    assert.equal(await fired, { message });
  });
});

test('BulkData.avpr is served and called', async () => {
  const bulk = serviceFromProtocol(avroData('schemas/BulkData.avpr'));
  let kept: unknown = null;
  const handlers: Handlers<typeof bulk> = {
    read: () => kept,
    write: (request) => {
      kept = (request as Values)['data'];
      return null;
    },
  };
  await calling(bulk, handlers, async (client) => {
    const data = Buffer.alloc(1 << 20, 'bulk');
    assert.is(await client.write({ data }), null);
    assert.ok(data.equals((await client.read({})) as Buffer));
  });
});

/** One message as Apache wrote it into a data file: its schema and its bytes. */
async function recorded(path: string): Promise<{ schema: SchemaJson; bytes: Buffer }> {
  const decoder = avro.createFileDecoder(avroData(`interop/rpc/${path}`), { noDecode: true });
  let schema: SchemaJson = 'null';
  decoder.on('metadata', (type: avro.Type) => {
    schema = type.schema({ exportAttrs: true }) as SchemaJson;
  });
  const all: Buffer[] = [];
  for await (const bytes of decoder) all.push(Buffer.from(bytes as Buffer));
  assert.is(all.length, 1, path);
  return { schema, bytes: all[0] as Buffer };
}

const { messages } = readProtocol(avroData('schemas/simple.avpr'));
const recordings = { hello: 'hello/world', echo: 'echo/foo', add: 'add/onePlusOne' };

for (const [name, folder] of Object.entries(recordings)) {
  test(`the recorded ${name} of simple.avpr is read, written again, and answered as it was`, async () => {
    const method = simple.methods[name];
    const message = messages.find((one) => one.name === name) as ProtocolMessage;
    assert.ok(method !== undefined);
    const request = await recorded(`${folder}/request.avro`);
    const response = await recorded(`${folder}/response.avro`);
    // Requests were written as a record called like the message, in no namespace: what this project calls it too.
    assert.is(canonicalForm(message.request), canonicalForm(request.schema));
    assert.is(canonicalForm(message.response), canonicalForm(response.schema));
    const again = (codec: MessageCodec, bytes: Buffer): unknown => {
      const value = decodeWith(codec, bytes);
      assert.equal(encodeWith(codec, value), bytes);
      return value;
    };
    const sent = again(method.request, request.bytes);
    const expected = again(method.response, response.bytes);
    assert.equal(await calling(simple, simpleHandlers, (client) => client[name](sent)), expected);
  });
}

test.run();
