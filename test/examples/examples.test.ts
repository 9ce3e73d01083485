/** Every small example, run as the README says, prints what it should and nothing on stderr. */
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { projectRoot } from '../support/root.js';
import { NodeRun, runNode } from './run-node.js';

const printed: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'quickstart.mjs': ['北京 has 18960744 inhabitants'],
  'raw-bytes.mjs': ['{"text":"你好","echoed":true}'],
  'declared-errors.mjs': [
    'left: 70',
    "bank.Overdrawn { account: 'alice', missing: 30 }",
    "bank.NoSuchAccount { account: 'bob' }",
    'INVALID_ARGUMENT, started: yes: the amount is negative',
  ],
  'call-options.mjs': ['Guten Tag, Ada (served by server 1)', 'DEADLINE_EXCEEDED', 'CANCELLED', 'waited 1 ms'],
  'both-directions.mjs': [
    'sold: the piano',
    'kept: the house',
    'offered: a bicycle',
    'offered: two chairs',
    'the market closes at 18:00',
  ],
  'streams.mjs': [
    'history: 20.91 degrees after 2 seconds',
    'server: history ends',
    'server: history ends',
    'history: OUT_OF_RANGE behind 100000 items',
    'upload: 0.5 degrees on average',
    'smooth: 0 0',
    'smooth: 1 0.5',
    'smooth: 2 0.25',
    'smooth: 3 0.625',
    'smooth: method halves',
  ],
  'simulation.mjs': [
    '50 seeds: no order was taken twice. Seen: nobody knows, not ordered, order',
    'seed 7 takes the same way each time: true',
  ],
  'tls.mjs': ['trunkline-test-client', /^UNAVAILABLE: cannot connect to tls:\/\/localhost:\d+: .*certificate/],
  'compression.mjs': ['true 220000'],
  'evolution.mjs': [
    "old client, new server: { name: 'Bonn', mayor: '' }",
    /^ {2}FAILED_PRECONDITION: .*demo\.Cities\/rename.*City\.reason/,
    "new client, old server: { name: 'Bonn', population: -1, twins: [] }",
    '  renamed: true',
  ],
  'avro-protocol.mjs': [
    'you said: 你好',
    '7',
    '{',
    "  name: 'a',",
    "  kind: 'BAR',",
    /^ {2}hash: <Buffer( 07){16}>$/,
    '}',
    '<Buffer 01 02 03>',
    "org.apache.avro.test.TestError { message: 'as declared' }",
    'server: a one-way message came',
  ],
};

for (const [file, lines] of Object.entries(printed)) {
  test(`examples/${file} prints what it should`, async () => {
    const { code, stdout, stderr } = await runNode(`examples/${file}`);
    assert.is(stderr, '');
    assert.is(code, 0);
    const found = stdout.trimEnd().split('\n');
    assert.is(found.length, lines.length, stdout);
    for (const [index, line] of lines.entries()) {
      if (typeof line === 'string') assert.is(found[index], line);
      else assert.match(found[index], line);
    }
  });
}

test('no example is without a test', () => {
  const files = readdirSync(new URL('examples/', projectRoot)).filter((name) => name.endsWith('.mjs'));
  assert.equal(files.sort(), Object.keys(printed).sort());
});

test('the smallest client gets its answer from the smallest server and exits', async () => {
  const server = new NodeRun('examples/smallest/server.mjs', [], { PORT: '0' });
  try {
    const [, port] = await server.printed(/^MyService listens at tcp:\/\/127\.0\.0\.1:(\d+)$/m);
    const { code, stdout, stderr } = await runNode('examples/smallest/client.mjs', [], { PORT: port });
    assert.is(stderr, '');
    assert.is(stdout, '处理结果\n');
    assert.is(code, 0);
  } finally {
    server.signal('SIGTERM');
    await server.outcome();
  }
});

test('the smallest client without a server says where it could not connect, and fails', async () => {
  // Port 1 is tcpmux, which nobody serves.
  const { code, stderr } = await runNode('examples/smallest/client.mjs', [], { PORT: '1' });
  assert.is(code, 1);
  assert.match(stderr, 'RpcError: cannot connect to tcp://127.0.0.1:1: ');
});

test.run();
