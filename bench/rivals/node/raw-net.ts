/**
 * The floors without a codec: `node:net`, 4 bytes of length, 4 of the caller's id, and 45 bytes as the canonical record has them
 * in Avro, which nobody encodes or decodes. The server sends each frame back when it is whole; answers come in the order of the
 * requests. The ids of the answers are checked as everywhere.
 *
 * `raw-net` writes every frame by itself, a system call each. `corked-net` corks the socket: the client until the tick ends, the
 * server for a chunk, so that the frames of a tick leave together. Nagle off. Tried and left out: `onread` with a standing buffer,
 * which is no faster for frames that small.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Contender } from '../../contenders/contender.js';
import type { Workload } from '../../load.js';
import type { NodeRival } from '../rival.js';

const LENGTH_BYTES = 4;
const ID_BYTES = 4;
const RECORD_BYTES = 45;
const BODY_BYTES = ID_BYTES + RECORD_BYTES;
const FRAME_BYTES = LENGTH_BYTES + BODY_BYTES;

const workload: Workload<Buffer> = {
  make(id) {
    const frame = Buffer.allocUnsafe(FRAME_BYTES);
    frame.writeUInt32LE(BODY_BYTES, 0);
    frame.writeUInt32LE(id, LENGTH_BYTES);
    return frame.fill('r', LENGTH_BYTES + ID_BYTES);
  },
  looksRight: (answer, id) => answer.length === FRAME_BYTES && answer.readUInt32LE(LENGTH_BYTES) === id,
  isRight: (answer, id) => answer.equals(workload.make(id)),
};

/** Bytes in any chunking to whole frames, their length included. */
function frameReader(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let cut: Buffer | null = null;
  return (received) => {
    const chunk = cut === null ? received : Buffer.concat([cut, received]);
    let at = 0;
    while (chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + chunk.readUInt32LE(at);
      if (end > chunk.length) break;
      onFrame(chunk.subarray(at, end));
      at = end;
    }
    cut = at < chunk.length ? chunk.subarray(at) : null;
  };
}

function corkUntilTickEnds(socket: Socket): () => void {
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  return () => {
    if (corked) return;
    corked = true;
    socket.cork();
    queueMicrotask(uncork);
  };
}

function rawNet(corked: boolean): Contender<Buffer> {
  return {
    workload,

    async serve() {
      let calls = 0;
      let wrong = 0;
      const server = createServer({ noDelay: true }, (socket) => {
        const read = frameReader((frame) => {
          calls++;
          if (frame.length !== FRAME_BYTES) wrong++;
          socket.write(frame);
        });
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => {
          if (corked) socket.cork();
          read(chunk);
          if (corked) socket.uncork();
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { port: (server.address() as AddressInfo).port, calls: () => calls, wrong: () => wrong };
    },

    async dial(port) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const waiting: ((frame: Buffer) => void)[] = [];
      let first = 0;
      const read = frameReader((frame) => {
        const resolve = waiting[first] as (frame: Buffer) => void;
        // A queue by index: shifting hundreds of waiting calls would cost more than the calls.
        if (++first === 1024) first -= waiting.splice(0, first).length;
        resolve(frame);
      });
      socket.on('data', read);
      const beforeWrite = corked ? corkUntilTickEnds(socket) : () => {};
      return (frame) =>
        new Promise((resolve) => {
          waiting.push(resolve);
          beforeWrite();
          socket.write(frame);
        });
    },
  };
}

const versions = (): string => `Node ${process.versions.node}`;

export const rawNetRival: NodeRival = { versions, unary: rawNet(false) };
export const corkedNetRival: NodeRival = { versions, unary: rawNet(true) };
