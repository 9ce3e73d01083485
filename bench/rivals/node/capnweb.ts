/**
 * Cap'n Web over a WebSocket of `ws`: calls are JSON messages, bytes travel in base64, streams as its `ReadableStream`.
 *
 * At its best: no compression, the session of one WebSocket, methods of the session's main object. It has no options for speed.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { bytesWorkload } from '../../bytes.js';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { ItemCheck } from '../../stream/item-check.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalPackage } from '../rival-package.js';

interface Api {
  record(record: Canonical): Canonical;
  block(bytes: Uint8Array): Uint8Array;
  list(): ReadableStream<Canonical>;
}

type Stub = { readonly [Name in keyof Api]: (...args: Parameters<Api[Name]>) => Promise<ReturnType<Api[Name]>> };

interface Capnweb {
  readonly RpcTarget: new () => object;
  readonly newWebSocketRpcSession: (socket: object, main?: object) => Stub;
}

interface Ws {
  readonly WebSocketServer: new (options: object) => NodeJS.EventEmitter & { address(): AddressInfo };
  readonly WebSocket: new (url: string, options: object) => NodeJS.EventEmitter;
}

/** The session asks for the constants of a global `WebSocket`, which Node has from version 22 on. */
async function loadWs(): Promise<Ws> {
  const ws = await rivalPackage<Ws>('ws');
  const global = globalThis as { WebSocket?: unknown };
  global.WebSocket ??= ws.WebSocket;
  return ws;
}

async function listen(handled: Handled, onItem: () => number): Promise<number> {
  const { RpcTarget, newWebSocketRpcSession } = await rivalPackage<Capnweb>('capnweb');
  class EchoTarget extends RpcTarget implements Api {
    record(record: Canonical): Canonical {
      handled.record(record);
      return record;
    }

    block(bytes: Uint8Array): Uint8Array {
      handled.block(bytes);
      return bytes;
    }

    list(): ReadableStream<Canonical> {
      return new ReadableStream({ pull: (controller) => controller.enqueue(canonicalRecord(onItem())) });
    }
  }
  const { WebSocketServer } = await loadWs();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket: object) => void newWebSocketRpcSession(socket, new EchoTarget()));
  await once(server, 'listening');
  return server.address().port;
}

async function dialed(port: number): Promise<Stub> {
  const { newWebSocketRpcSession } = await rivalPackage<Capnweb>('capnweb');
  const { WebSocket } = await loadWs();
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(socket, 'open');
  return newWebSocketRpcSession(socket);
}

async function serve(): Promise<ReturnType<Handled['served']>> {
  const handled = new Handled();
  return handled.served(await listen(handled, () => 0));
}

const unary: Contender = {
  workload: canonicalWorkload,
  serve,
  async dial(port) {
    const stub = await dialed(port);
    return (record) => stub.record(record);
  },
};

const blob: Contender<Buffer> = {
  workload: bytesWorkload,
  serve,
  async dial(port) {
    const stub = await dialed(port);
    return async (bytes) => {
      const answer = await stub.block(bytes);
      return Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
    };
  },
};

const stream: StreamProgram = {
  async serve() {
    let items = 0;
    return { port: await listen(new Handled(), () => items++), calls: () => items };
  },

  async consume(port, check) {
    const items = await (await dialed(port)).list();
    readAll(items, check).catch((error: unknown) => check.fail(error));
  },
};

async function readAll(items: ReadableStream<Canonical>, check: ItemCheck): Promise<void> {
  const reader = items.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return check.fail('the stream ended');
    check.take(value);
  }
}

export const capnwebRival: NodeRival = {
  versions: () => packageVersions(['capnweb', 'ws']),
  unary,
  blob,
  stream,
};
