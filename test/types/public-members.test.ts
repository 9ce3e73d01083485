/**
 * What editors offer of the public objects, and which types the public declarations need. Both are lists, so that no member and no
 * internal type gets into the API unseen. What is tested are the declarations in `dist/`, as built last.
 */

import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallContext as HandlerContext } from '../../src/connection/calls/call-context.js';
import type { CallContext, Peer } from '../../src/index.js';
import { projectRoot } from '../support/root.js';
import { readTree } from '../tidy/file-tree.js';
import { membersOf, reachedNames } from './declarations.js';
import { type Equal, expectType } from './equal.js';

// The context that handlers are given has what its public type says; its peer is made by `makePeer`.
expectType<HandlerContext extends Omit<CallContext, 'peer'> ? true : false>(true);
expectType<Equal<keyof Peer extends string ? true : false, true>>(true);

const declarations = readTree(fileURLToPath(projectRoot), ['dist'], ['.d.ts']);

/** Of each class or interface: its file, and the members that it may offer. */
const offered: Readonly<Record<string, readonly [file: string, ...members: readonly string[]]>> = {
  ClientChannel: [
    'client/client',
    'peer',
    'ready',
    'describe',
    'client',
    'add',
    'remove',
    'ref',
    'unref',
    'close',
    '[Symbol.asyncDispose]',
  ],
  Server: [
    'server/server',
    'connectionCount',
    'load',
    'peers',
    'add',
    'remove',
    'listen',
    'register',
    'accept',
    'ref',
    'unref',
    'drain',
    'close',
    '[Symbol.asyncDispose]',
  ],
  Peer: [
    'peer/public-types',
    'kind',
    'address',
    'port',
    'certificate',
    'software',
    'instance',
    'capabilities',
    'limits',
    'callable',
    'closed',
    'client',
    'toString',
  ],
  CallContext: ['peer/public-types', 'responseMetadata', 'priority', 'metadata', 'deadlineMs', 'signal', 'peer'],
  ItemStream: [
    'connection/streams/item-stream',
    'batches',
    'next',
    'return',
    '[Symbol.asyncDispose]',
    'metadata',
    'ledger',
    'attempts',
  ],
  BlobBody: [
    'connection/streams/blob',
    '[Symbol.asyncIterator]',
    'next',
    'return',
    'metadata',
    'ledger',
    'attempts',
    'buffer',
  ],
  UnaryStub: ['peer/public-types', 'detailed'],
  EndpointStats: [
    'resilience/endpoint-stats',
    'answered',
    'failed',
    'refused',
    'failuresInRow',
    'known',
    'cost',
    'costAt',
    'trustedAt',
    'latencyMs',
    'answersSinceBegin',
    'beginAnew',
  ],
  RpcError: [
    'base/errors',
    'code',
    'started',
    'limit',
    'retryAfterMs',
    'elsewhere',
    'metadata',
    'ledger',
    'late',
    'method',
    'peer',
    'attempts',
    '[Symbol.hasInstance]',
    'number',
  ],
  DeclaredError: ['avro/service/declared-error', 'errorName', 'value', '[Symbol.hasInstance]'],
  DnsResolver: ['discovery/dns/dns', 'name', 'start', 'refresh', 'stop'],
  SrvResolver: ['discovery/dns/srv', 'name', 'start', 'refresh', 'stop'],
  EtcdResolver: ['discovery/etcd/resolver', 'name', 'start', 'refresh', 'stop'],
  EtcdRegistry: ['discovery/etcd/registry', 'name', 'register'],
  StaticList: ['discovery/static-list', 'name', 'start', 'refresh', 'stop'],
};

for (const [name, [file, ...members]] of Object.entries(offered)) {
  test(`${name} offers only what applications may use`, () => {
    assert.equal(membersOf(declarations, `dist/${file}.d.ts`, name), members);
  });
}

/** Types outside of `avro/` that the public declarations need beside those that `index.ts` exports. */
const needed = [
  'AnnouncedLimits',
  'Clock',
  'DeclaredErrors',
  'EndpointOptions',
  'ErrorMetadata',
  'HandlerOf',
  'HandlersOf',
  'LocalLimits',
  'MethodSpec',
  'PeerCertificateSummary',
  'PeerIdentity',
  'Resolution',
  'RpcErrorOptions',
  'SchemaGrade',
  'StubOf',
  'StubsOf',
  'Timer',
  'Transport',
  'TransportEvents',
  'methodKinds',
];

/** Where the types are computed that follow from a schema or a service. */
const computed = [
  'dist/avro/schema/schema.d.ts',
  'dist/avro/service/declared-error.d.ts',
  'dist/avro/service/infer.d.ts',
  'dist/avro/service/method.d.ts',
  'dist/avro/service/service.d.ts',
  'dist/avro/service/typed-schema.d.ts',
];

test('the public declarations need no other types than these', () => {
  const reached = reachedNames(declarations, 'dist/index.d.ts');
  const isComputed = (name: string): boolean => name.includes('(dist/avro/');
  const others = reached.filter((name) => !isComputed(name)).map((name) => name.replace(/ .*/, ''));
  assert.equal(others, needed);
  const files = reached.filter(isComputed).map((name) => /\((.*)\)/.exec(name)?.[1]);
  assert.equal(new Set(files), new Set(computed));
});

test.run();
