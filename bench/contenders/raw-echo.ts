/**
 * The least that a round trip over node:net takes: as many bytes as a request frame of the engine with the canonical record, one write for
 * each message and side, no codec, no calls. The server writes what it reads. For one message in flight; the answer is whole when as
 * many bytes are back.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { frameBytes } from '../canonical.js';
import type { Contender } from './contender.js';

const DEADLINE_BYTES = 4;
export const MESSAGE_BYTES = frameBytes(0) + DEADLINE_BYTES;

const message = (id: number): Buffer => Buffer.alloc(MESSAGE_BYTES, `${id}:abcdefghijklmnop`);

export const rawEcho: Contender<Buffer> = {
  workload: {
    make: message,
    looksRight: (answer) => answer.length === MESSAGE_BYTES,
    isRight: (answer, id) => answer.equals(message(id)),
  },

  async serve() {
    let bytes = 0;
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        socket.write(chunk);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, calls: () => Math.floor(bytes / MESSAGE_BYTES) };
  },

  async dial(port) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    let pending: Buffer | null = null;
    let onAnswer: (answer: Buffer) => void = () => {};
    socket.on('data', (chunk: Buffer) => {
      const answer: Buffer = pending === null ? chunk : Buffer.concat([pending, chunk]);
      if (answer.length < MESSAGE_BYTES) {
        pending = answer;
        return;
      }
      pending = null;
      onAnswer(answer);
    });
    return (bytes) =>
      new Promise((resolve) => {
        onAnswer = resolve;
        socket.write(bytes);
      });
  },
};
