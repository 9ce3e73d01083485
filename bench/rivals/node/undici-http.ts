/**
 * JSON over HTTP/1.1: undici's `Client` and a server on node:http, one connection.
 *
 * At its best: calls in flight are pipelined (a POST has to be declared idempotent for that), `dispatch` with a handler of its own
 * instead of `request`, no timeouts, bodies whole with their length. Blobs travel as they are, without JSON. The stream is a
 * line of JSON an item in one chunked answer, 64 lines a write.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { bytesWorkload } from '../../bytes.js';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { ItemCheck } from '../../stream/item-check.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalCommonPackage } from '../rival-package.js';
import type { Packing } from './avro-codec.js';

interface Handler {
  onRequestStart(): void;
  onResponseStart(controller: object, status: number): void;
  onResponseData(controller: object, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: object, error: Error): void;
}

interface Client {
  dispatch(request: object, handler: Handler): boolean;
}

interface Undici {
  readonly Client: new (url: string, options: object) => Client;
}

const CALLS_PIPELINED_MAX = 1000;
const LINES_PER_WRITE = 64;
/** Then the server yields to the event loop: otherwise a client that keeps up would starve it. */
const WRITES_PER_TURN = 4;

async function listen(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer({ noDelay: true, keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dialed(port: number): Promise<Client> {
  const { Client } = await rivalCommonPackage<Undici>('undici');
  return new Client(`http://127.0.0.1:${port}`, {
    pipelining: CALLS_PIPELINED_MAX,
    bodyTimeout: 0,
    headersTimeout: 0,
  });
}

/** The answer's bytes, whole. */
class WholeAnswer implements Handler {
  private chunks: Buffer[] = [];

  constructor(
    private readonly resolve: (bytes: Buffer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  onRequestStart(): void {}

  onResponseStart(_controller: object, status: number): void {
    if (status !== 200) this.reject(new Error(`answered with status ${status}`));
  }

  onResponseData(_controller: object, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { chunks } = this;
    this.resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  }

  onResponseError(_controller: object, error: Error): void {
    this.reject(error);
  }
}

function echo<Message>(
  workload: Workload<Message>,
  mime: string,
  { pack, unpack }: Packing<Message>,
  look: (handled: Handled, message: Message) => void,
): Contender<Message> {
  return {
    workload,

    async serve() {
      const handled = new Handled();
      const port = await listen((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const message = unpack(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
          look(handled, message);
          const body = pack(message);
          response.writeHead(200, { 'content-type': mime, 'content-length': body.length });
          response.end(body);
        });
      });
      return handled.served(port);
    },

    async dial(port) {
      const client = await dialed(port);
      const headers = ['content-type', mime];
      return async (message) => {
        const body = pack(message);
        const answer = await new Promise<Buffer>((resolve, reject) => {
          const request = { path: '/', method: 'POST', headers, body, idempotent: true, blocking: false };
          client.dispatch(request, new WholeAnswer(resolve, reject));
        });
        return unpack(answer);
      };
    },
  };
}

/** Gives each line to `check` as the record that it is. */
class LinesAnswer implements Handler {
  private cut = '';

  constructor(private readonly check: ItemCheck) {}

  onRequestStart(): void {}

  onResponseStart(_controller: object, status: number): void {
    if (status !== 200) this.check.fail(`answered with status ${status}`);
  }

  onResponseData(_controller: object, chunk: Buffer): void {
    // The records are ASCII: no character is cut by the end of a chunk.
    const lines = (this.cut + chunk.toString('latin1')).split('\n');
    this.cut = lines.pop() ?? '';
    for (const line of lines) this.check.take(JSON.parse(line) as Canonical);
  }

  onResponseEnd(): void {
    this.check.fail('the stream ended');
  }

  onResponseError(_controller: object, error: Error): void {
    this.check.fail(error);
  }
}

const stream: StreamProgram = {
  async serve() {
    let items = 0;
    const send = async (response: ServerResponse): Promise<void> => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (let writes = 1; !response.destroyed; writes++) {
        let lines = '';
        for (let line = 0; line < LINES_PER_WRITE; line++) lines += `${JSON.stringify(canonicalRecord(items++))}\n`;
        if (!response.write(lines)) await once(response, 'drain');
        else if (writes % WRITES_PER_TURN === 0) await setImmediate();
      }
    };
    const port = await listen((request, response) => {
      request.resume();
      // The client leaves in the middle, which is no failure.
      send(response).catch(() => response.destroy());
    });
    return { port, calls: () => items };
  },

  async consume(port, check) {
    const client = await dialed(port);
    client.dispatch({ path: '/', method: 'GET' }, new LinesAnswer(check));
  },
};

const json: Packing<Canonical> = {
  pack: (record) => Buffer.from(JSON.stringify(record)),
  unpack: (bytes) => JSON.parse(bytes.toString()) as Canonical,
};
const bytes: Packing<Buffer> = { pack: (message) => message, unpack: (message) => message };

export const undiciHttpRival: NodeRival = {
  versions: () => `${packageVersions(['undici'])}, Node ${process.versions.node}`,
  unary: echo(canonicalWorkload, 'application/json', json, (handled, record) => handled.record(record)),
  blob: echo(bytesWorkload, 'application/octet-stream', bytes, (handled, block) => handled.block(block)),
  stream,
};
