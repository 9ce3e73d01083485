/** The rivals that run in Node, by the names that options and results use. */
import { fileURLToPath } from 'node:url';
import type { NodeRival, Rival, WorkloadName } from './rival.js';

interface Entry {
  readonly title: string;
  readonly floor?: true;
  readonly setup: string;
  readonly workloads: readonly WorkloadName[];
  readonly load: () => Promise<NodeRival>;
}

const own = () => import('./node/own.js');

const entries = {
  engine: {
    title: 'engine',
    setup: 'default settings; the stream is read with `for await`',
    workloads: ['unary', 'stream'],
    load: async () => (await own()).engineRival(),
  },
  'engine-polling': {
    title: 'engine, busy polling',
    setup: '`busyPollUs` 200 on both sides',
    workloads: ['unary'],
    load: async () => (await own()).enginePollingRival(),
  },
  'engine-batches': {
    title: 'engine, batches()',
    setup: 'default settings; the stream is read with `batches()`',
    workloads: ['stream'],
    load: async () => (await own()).engineBatchesRival(),
  },
  'engine-blob': {
    title: 'engine, blob lane',
    setup: 'default settings; a blob method, the body collected by `buffer()`',
    workloads: ['blob'],
    load: async () => (await own()).engineBlobRival(),
  },
  'engine-bytes': {
    title: 'engine, raw unary',
    setup: 'default settings; a unary method whose messages are `raw`',
    workloads: ['blob'],
    load: async () => (await own()).engineBytesRival(),
  },
  'grpc-js': {
    title: 'grpc-js',
    setup: 'protobufjs without conversions, no channelz, no retries',
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/grpc-js.js')).grpcJsRival,
  },
  'connect-node': {
    title: 'connect-node',
    setup: "Connect's own protocol over HTTP/2, binary messages, no compression",
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/connect-node.js')).connectNodeRival,
  },
  thrift: {
    title: 'thrift',
    setup: 'binary protocol, buffered transport (blobs: framed), Nagle off',
    workloads: ['unary', 'blob'],
    load: async () => (await import('./node/thrift.js')).thriftRival,
  },
  'rsocket-tcp': {
    title: 'rsocket-tcp',
    setup: 'requestResponse and requestStream, Nagle off, the record by plain avsc',
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/rsocket-tcp.js')).rsocketRival(),
  },
  'undici-http': {
    title: 'undici + node:http',
    setup: 'JSON over HTTP/1.1, pipelined; blobs as they are',
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/undici-http.js')).undiciHttpRival,
  },
  capnweb: {
    title: 'capnweb + ws',
    setup: 'one WebSocket without compression',
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/capnweb.js')).capnwebRival,
  },
  nats: {
    title: 'nats',
    setup: "request and reply through a broker on the server's core, the record by plain avsc",
    workloads: ['unary', 'blob'],
    load: async () => (await import('./node/nats.js')).natsRival,
  },
  zeromq: {
    title: 'zeromq',
    setup: 'DEALER and ROUTER, PUSH and PULL, the record by plain avsc',
    workloads: ['unary', 'blob', 'stream'],
    load: async () => (await import('./node/zeromq.js')).zeromqRival(),
  },
  'avsc-rpc': {
    title: 'avsc RPC',
    setup: "avsc's own RPC as it is documented, without its timer per call",
    workloads: ['unary'],
    load: async () => (await own()).avscRpcRival(),
  },
  'avsc-rpc-corked': {
    title: 'avsc RPC, corked',
    setup: 'the same, its socket corked by the application for a turn of the event loop',
    workloads: ['unary'],
    load: async () => (await own()).avscRpcCorkedRival(),
  },
  floor: {
    title: 'floor program',
    floor: true,
    setup: 'node:net, frames, a slot and a promise per call, plain avsc; flushes as the engine does',
    workloads: ['unary', 'stream'],
    load: async () => (await own()).floorRival(),
  },
  'raw-net': {
    title: 'raw node:net',
    floor: true,
    setup: 'frames of the same length without a codec, a write each, answered in order',
    workloads: ['unary'],
    load: async () => (await import('./node/raw-net.js')).rawNetRival,
  },
  'corked-net': {
    title: 'corked node:net',
    floor: true,
    setup: 'the same, the frames of a tick in one write',
    workloads: ['unary'],
    load: async () => (await import('./node/raw-net.js')).corkedNetRival,
  },
  'framed-echo': {
    title: 'framed node:net',
    floor: true,
    setup: 'length and bytes, corked; the client reads into a standing buffer',
    workloads: ['blob'],
    load: async () => (await own()).framedEchoRival(),
  },
} satisfies Readonly<Record<string, Entry>>;

export type NodeRivalName = keyof typeof entries;

export const nodeRivalNames = Object.keys(entries) as readonly NodeRivalName[];

export function loadNodeRival(name: string): Promise<NodeRival> {
  const known = nodeRivalNames.find((candidate) => candidate === name);
  if (known === undefined) throw new Error(`there is no rival ${name}: ${nodeRivalNames.join(', ')}`);
  return entries[known].load();
}

const program = fileURLToPath(new URL('program.js', import.meta.url));

export function nodeRivals(): Rival[] {
  return nodeRivalNames.map((name) => {
    const { title, setup, workloads, floor = false } = entries[name] as Entry;
    return {
      name,
      title,
      language: 'Node',
      floor,
      setup,
      workloads,
      command: [process.execPath, program, name],
      absence: '',
    };
  });
}
