/**
 * The least that an echo of framed bytes on node:net can do: 4 bytes of length, then the body. The server answers each frame
 * when it is whole. No calls in between, no limits, no deadlines; answers come in the order of the requests.
 *
 * Both sides read into one standing buffer and copy each body once out of it, which was faster here than keeping the chunks
 * that node:net allocates (`framed-chunks`); frames leave corked, header and body in one system call, and all frames of a
 * chunk together.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { bytesWorkload } from '../bytes.js';
import type { Contender } from './contender.js';

const READ_BYTES = 256 * 1024;
const LENGTH_BYTES = 4;

/** Bytes in any chunking to whole bodies, each in a buffer of its own. */
class FrameReader {
  private readonly length = Buffer.alloc(LENGTH_BYTES);
  private lengthHeld = 0;
  private body: Buffer | null = null;
  private held = 0;

  constructor(private readonly onFrame: (body: Buffer) => void) {}

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.body === null) {
        const taken = chunk.copy(this.length, this.lengthHeld, at, at + LENGTH_BYTES - this.lengthHeld);
        at += taken;
        this.lengthHeld += taken;
        if (this.lengthHeld < LENGTH_BYTES) return;
        this.body = Buffer.allocUnsafeSlow(this.length.readUInt32LE());
        this.held = this.lengthHeld = 0;
      }
      const taken = chunk.copy(this.body, this.held, at);
      at += taken;
      this.held += taken;
      if (this.held < this.body.length) return;
      const whole = this.body;
      this.body = null;
      this.onFrame(whole);
    }
  }
}

function writeFrame(socket: Socket, body: Buffer): void {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(body.length);
  socket.write(length);
  socket.write(body);
}

const standing = (read: (chunk: Buffer) => void) => ({
  buffer: Buffer.allocUnsafeSlow(READ_BYTES),
  callback: (bytes: number, buffer: Uint8Array): boolean => {
    read((buffer as Buffer).subarray(0, bytes));
    return true;
  },
});

export const framedEcho: Contender<Buffer> = {
  workload: bytesWorkload,

  async serve() {
    let calls = 0;
    const server = createServer((socket) => {
      const reader = new FrameReader((body) => {
        calls++;
        writeFrame(socket, body);
      });
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        socket.cork();
        reader.read(chunk);
        socket.uncork();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, calls: () => calls };
  },

  async dial(port) {
    const waiting: ((body: Buffer) => void)[] = [];
    const reader = new FrameReader((body) => waiting.shift()?.(body));
    const socket = connect({ port, host: '127.0.0.1', onread: standing((chunk) => reader.read(chunk)) });
    socket.setNoDelay(true);
    await once(socket, 'connect');
    let due = false;
    return (bytes) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (!due) {
          due = true;
          socket.cork();
          queueMicrotask(() => {
            due = false;
            socket.uncork();
          });
        }
        writeFrame(socket, bytes);
      });
  },
};
