/** What `console.log` shows of the objects that applications hold: a few lines, and nothing that is secret (E5). */
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blob,
  connect,
  defineService,
  duplex,
  EtcdRegistry,
  EtcdResolver,
  raw,
  Server,
  StaticList,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';

const SECRET = 'hunter2-credential';
const LINES_MAX = 15;

const Wide = defineService(
  'test.Wide',
  Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`m${index}`, unary({ request: raw, response: raw })])),
);
const Talk = defineService('test.Talk', {
  echo: unary({ request: raw, response: raw }),
  chat: duplex({ request: raw, response: raw }),
  file: blob({ request: raw, response: raw }),
});

/** As `console.log` prints it, by itself and inside another object. */
function assertShort(value: unknown, pattern: RegExp): void {
  for (const text of [inspect(value), inspect(value, { depth: null }), inspect(value, { showHidden: true })]) {
    assert.match(text, pattern);
    assert.ok(text.split('\n').length <= LINES_MAX, text);
    for (const secret of [SECRET, 'BEGIN', 'passphrase', 'authorization:']) assert.not.match(text, secret);
  }
  const nested = inspect({ a: { b: { c: { d: value } } } }, { depth: 3 });
  assert.ok(nested.split('\n').length <= LINES_MAX + 2, nested);
}

test('channels, clients, servers, peers, contexts and streams print short and without secrets', async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const tls = { key: `-----BEGIN PRIVATE KEY-----${SECRET}`, cert: SECRET, passphrase: SECRET };
  let seen = '';
  const server = new Server({ ...network.options('server') }).add(Talk, {
    echo: (request, context) => {
      assertShort(context, /^CallContext \{[^]*peer: 'memory:[^]*metadata: \[ 'authorization' \]/);
      assertShort(context.peer, /^Peer \{[^]*software: 'trunkline/);
      seen = inspect(context);
      return request;
    },
    chat: (items) => {
      assertShort(items, /^ItemStream \{/);
      return items;
    },
    file: ({ head, body }) => {
      assertShort(body, /^BlobBody \{/);
      return { head, body };
    },
  });
  network.listen('server', server);
  const addresses = Array.from({ length: 40 }, (_, index) => `tcp://server:${index + 1}`);
  const channel = connect(new StaticList(addresses), { ...network.options('client'), tls });
  const client = channel.client(Talk);
  const metadata = { authorization: `Bearer ${SECRET}` };
  await network.run(client.echo(Buffer.from('a'), { metadata }));
  assert.not.match(seen, SECRET);
  assertShort(channel, /^ClientChannel \{[^]*state: 'ready'[^]*tcp:\/\/server:1 ready, 0 in flight/);
  assertShort(client, /^Client \{ service: 'test.Talk', methods: \[ 'echo', 'chat', 'file' \] \}$/);
  assertShort(channel.client(Wide), /^Client \{[^]*'m4',[^]*55 more items/);
  assertShort(channel.peer, /^Peer \{/);
  assertShort(server, /^Server \{[^]*services: \[ 'test.Talk' \][^]*connections: \d/);
  assertShort(server.peers[0], /^Peer \{/);
  assertShort(new Server({ tls }), /^Server \{[^]*listening: \[\]/);
  const items = client.chat([Buffer.from('b')]);
  assertShort(items, /^ItemStream \{/);
  await network.run(items.next());
  const { body } = await network.run(client.file({ head: Buffer.from('c'), body: Buffer.from('d') }));
  assertShort(body, /^BlobBody \{/);
  assert.is(inspect({ server }, { depth: 0 }), '{ server: [Server] }');
  await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
});

test('what connects to etcd shows no password', () => {
  const options = { endpoints: ['http://127.0.0.1:2379'], prefix: '/services', username: 'root', password: SECRET };
  assertShort(new EtcdResolver(options), /^EtcdResolver \{[^]*name: 'etcd:/);
  assertShort(new EtcdRegistry(options), /^EtcdRegistry \{[^]*name: 'etcd:/);
});

test.run();
