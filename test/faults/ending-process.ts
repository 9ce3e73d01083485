/**
 * The script of `process-end.test.ts`: plays one scene, closes what it opened, and then has to end without being told. It
 * prints when its last line was done and when it ended.
 */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import * as net from 'node:net';
import { connect, Server } from '../../src/index.js';
import { ItemQueue } from '../support/item-queue.js';
import { handlers, Notes } from '../support/rpc.js';
import { Streams, streamHandlers } from './stream-talk.js';

const note = { id: 1, text: '' };
const startedAt = performance.now();
const elapsedMs = () => Math.round(performance.now() - startedAt);

async function serve(): Promise<{ readonly server: Server; readonly target: string }> {
  const server = new Server().add(Notes, handlers({ bytes: () => new Promise(() => {}) }));
  const { port } = await server.listen({ host: '127.0.0.1' });
  return { server, target: `tcp://127.0.0.1:${port}` };
}

const scenes: Readonly<Record<string, () => Promise<void>>> = {
  closed: async () => {
    const { server, target } = await serve();
    const channel = connect(target);
    await Promise.all(Array.from({ length: 100 }, (_, id) => channel.client(Notes).echo({ id, text: 'x' })));
    await channel.close();
    await server.close();
  },
  drained: async () => {
    const { server, target } = await serve();
    const channel = connect(target);
    await channel.client(Notes).echo(note);
    await server.drain();
    await channel.close();
  },
  refused: async () => {
    const channel = connect('tcp://127.0.0.1:1');
    await channel
      .client(Notes)
      .echo(note)
      .catch(() => {});
    await channel
      .client(Notes)
      .echo(note)
      .catch(() => {});
    await channel.close();
  },
  lost: async () => {
    const { server, target } = await serve();
    const channel = connect(target);
    const lost = channel
      .client(Notes)
      .bytes(Buffer.alloc(1))
      .catch(() => {});
    await channel.ready();
    await server.close();
    await lost;
    await channel.close();
  },
  cancelled: async () => {
    const { server, target } = await serve();
    const channel = connect(target);
    const notes = channel.client(Notes);
    await channel.ready();
    const abort = new AbortController();
    const calls = Array.from({ length: 300 }, (_, index) =>
      notes.bytes(Buffer.alloc(8), index % 2 === 0 ? { signal: abort.signal } : { deadlineMs: 5 }).catch(() => {}),
    );
    setTimeout(() => abort.abort(), 5);
    await Promise.all(calls);
    await channel.close({ graceMs: 50 });
    await server.close();
  },
  streams: async () => {
    const endless = function* () {
      for (;;) yield Buffer.alloc(1_000);
    };
    const server = new Server().add(Streams, streamHandlers({ down: endless, up: () => new Promise(() => {}) }));
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`);
    const client = channel.client(Streams);
    // One that is left, one that nobody reads, one that takes nothing, one whose items never come.
    for await (const _item of client.down(Buffer.of(1))) break;
    client.down(Buffer.of(2));
    client.up(endless()).catch(() => {});
    client.chat(new ItemQueue<Buffer>());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await channel.close({ graceMs: 50 });
    await server.close();
  },
  etcd: async () => {
    // It says that the keys are watched, and nothing after that: an answer that never ends.
    const watched = new EventEmitter();
    const etcd = createServer((request, response) => {
      if (request.url !== '/v3/watch') {
        response.end('{"header":{"revision":"1"}}');
        return;
      }
      response.write('{"result":{"created":true}}\n');
      watched.emit('watched');
    });
    etcd.listen(0, '127.0.0.1');
    await once(etcd, 'listening');
    const { server, target } = await serve();
    const where = `etcd://127.0.0.1:${(etcd.address() as net.AddressInfo).port}/notes`;
    server.register(where, { address: target });
    const channel = connect(where);
    channel.ready().catch(() => {});
    await once(watched, 'watched');
    await channel.close();
    await server.close();
    etcd.close();
  },
  unused: async () => {
    new Server().add(Notes, handlers());
    connect('tcp://127.0.0.1:1').client(Notes);
  },
  polled: async () => {
    // A handler that never answers: only the end of its connection ends the polling.
    const options = { busyPollUs: 1_000_000, limits: { busyPollCallsMsMax: Infinity } };
    const server = new Server(options).add(Notes, handlers({ bytes: () => new Promise(() => {}) }));
    const { port } = await server.listen({ host: '127.0.0.1' });
    const channel = connect(`tcp://127.0.0.1:${port}`, options);
    await channel.client(Notes).echo(note);
    const lost = channel
      .client(Notes)
      .bytes(Buffer.alloc(1))
      .catch(() => {});
    await channel.close({ graceMs: 50 });
    await lost;
    await server.close();
  },
  stalled: async () => {
    // Takes connections and reads nothing.
    const mute = net.createServer({ pauseOnConnect: true }, (socket) => {
      sockets.push(socket.on('error', () => {}));
    });
    const sockets: net.Socket[] = [];
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as net.AddressInfo;
    const channel = connect(`tcp://127.0.0.1:${port}`, { limits: { connectMsMax: 60_000 } });
    const lost = channel
      .client(Notes)
      .bytes(Buffer.alloc(60_000))
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    await channel.close({ graceMs: 0 });
    await lost;
    for (const socket of sockets) socket.destroy();
    mute.close();
  },
};

await scenes[process.argv[2] ?? '']?.();
const doneAt = elapsedMs();
process.once('exit', () => process.stdout.write(`done after ${doneAt} ms, ended after ${elapsedMs()} ms\n`));
