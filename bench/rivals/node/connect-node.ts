/**
 * Connect for Node (@connectrpc/connect-node) over HTTP/2 without TLS, one connection.
 *
 * At its best: Connect's own protocol, which was faster here than gRPC's (see ../README.md), over HTTP/2, binary messages, no
 * compression, no interceptors, no deadline. The service is described at run time by what its code generator would embed. An int64 is a bigint
 * there; the client's conversion from and to numbers is part of the call.
 */
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { bytesWorkload } from '../../bytes.js';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { ItemCheck } from '../../stream/item-check.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalPackage } from '../rival-package.js';

/** The record as protobuf-es has it. */
interface WireRecord {
  readonly id: bigint;
  readonly name: string;
  readonly tags: string[];
  readonly score: number;
}

interface WireBlock {
  readonly bytes: Uint8Array;
}

interface Handlers {
  record(request: WireRecord): WireRecord;
  block(request: WireBlock): WireBlock;
  list(): AsyncGenerator<WireRecord>;
}

interface Client {
  record(request: WireRecord): Promise<WireRecord>;
  block(request: WireBlock): Promise<WireBlock>;
  list(request: WireRecord): AsyncIterable<WireRecord>;
}

interface Protobuf {
  readonly create: (schema: object, init: object) => object;
  readonly createFileRegistry: (file: object, resolve: () => undefined) => { getService(name: string): object };
}

interface Connect {
  readonly createClient: (service: object, transport: object) => Client;
}

interface ConnectNode {
  readonly connectNodeAdapter: (options: object) => () => void;
  readonly createConnectTransport: (options: object) => object;
}

type Router = { service(service: object, handlers: Handlers): void };

/** Numbers of descriptor.proto: FieldDescriptorProto.Type and Label. */
const DOUBLE = 1;
const INT64 = 3;
const STRING = 9;
const BYTES = 12;
const OPTIONAL = 1;
const REPEATED = 3;

const field = (name: string, number: number, type: number, label = OPTIONAL) => ({ name, number, type, label });
const method = (name: string, type: string, serverStreaming = false) => ({
  name,
  inputType: `.bench.${type}`,
  outputType: `.bench.${type}`,
  serverStreaming,
});

const file = {
  name: 'bench.proto',
  package: 'bench',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Canonical',
      field: [
        field('id', 1, INT64),
        field('name', 2, STRING),
        field('tags', 3, STRING, REPEATED),
        field('score', 4, DOUBLE),
      ],
    },
    { name: 'Block', field: [field('bytes', 1, BYTES)] },
  ],
  service: [
    {
      name: 'Echo',
      method: [method('Record', 'Canonical'), method('Block', 'Block'), method('List', 'Canonical', true)],
    },
  ],
};

async function echoService(): Promise<object> {
  const { create, createFileRegistry } = await rivalPackage<Protobuf>('@bufbuild/protobuf');
  const wkt = await rivalPackage<{ readonly FileDescriptorProtoSchema: object }>('@bufbuild/protobuf/wkt');
  return createFileRegistry(create(wkt.FileDescriptorProtoSchema, file), () => undefined).getService('bench.Echo');
}

async function listen(handlers: Handlers): Promise<number> {
  const { connectNodeAdapter } = await rivalPackage<ConnectNode>('@connectrpc/connect-node');
  const service = await echoService();
  const server = createServer(connectNodeAdapter({ routes: (router: Router) => router.service(service, handlers) }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dialed(port: number): Promise<Client> {
  const { createConnectTransport } = await rivalPackage<ConnectNode>('@connectrpc/connect-node');
  const { createClient } = await rivalPackage<Connect>('@connectrpc/connect');
  return createClient(
    await echoService(),
    createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: '2', useBinaryFormat: true }),
  );
}

const fromWire = ({ id, name, tags, score }: WireRecord): Canonical => ({ id: Number(id), name, tags, score });
const toWire = ({ id, name, tags, score }: Canonical): WireRecord => ({ id: BigInt(id), name, tags, score });

function handlersOf(handled: Handled, onItem: () => number): Handlers {
  return {
    record(request) {
      handled.record(fromWire(request));
      return request;
    },
    block(request) {
      handled.block(request.bytes);
      return request;
    },
    async *list() {
      for (;;) yield toWire(canonicalRecord(onItem()));
    },
  };
}

async function serve(): Promise<ReturnType<Handled['served']>> {
  const handled = new Handled();
  return handled.served(await listen(handlersOf(handled, () => 0)));
}

const unary: Contender = {
  workload: canonicalWorkload,
  serve,
  async dial(port) {
    const client = await dialed(port);
    return async (record) => fromWire(await client.record(toWire(record)));
  },
};

const blob: Contender<Buffer> = {
  workload: bytesWorkload,
  serve,
  async dial(port) {
    const client = await dialed(port);
    return async (block) => {
      const { bytes } = await client.block({ bytes: block });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    };
  },
};

const stream: StreamProgram = {
  async serve() {
    let items = 0;
    return { port: await listen(handlersOf(new Handled(), () => items++)), calls: () => items };
  },

  async consume(port, check) {
    const items = (await dialed(port)).list(toWire(canonicalRecord(1)));
    takeAll(items, check).catch((error: unknown) => check.fail(error));
  },
};

async function takeAll(items: AsyncIterable<WireRecord>, check: ItemCheck): Promise<void> {
  for await (const item of items) check.take(fromWire(item));
  check.fail('the stream ended');
}

export const connectNodeRival: NodeRival = {
  versions: () => packageVersions(['@connectrpc/connect', '@connectrpc/connect-node', '@bufbuild/protobuf']),
  unary,
  blob,
  stream,
};
