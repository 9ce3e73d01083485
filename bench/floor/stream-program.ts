/**
 * The floor's server stream: framing, plain avsc and what `node:net` says of its buffer, 256 records at a time and a turn of the
 * event loop between them. No credit, no iterables, no end: the consumer is handed each record as it is decoded.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import avsc from 'avsc';
import { type Canonical, canonicalRecord, canonicalSchema } from '../canonical.js';
import type { StreamProgram } from '../stream/program.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';

const REQUEST = 4;
const ITEM = 6;
const CALL = 1;
const ITEMS_PER_TURN = 256;

const freshType = (): avsc.Type => avsc.Type.forSchema(canonicalSchema as unknown as avsc.Schema);

export const floorStream: StreamProgram = {
  async serve() {
    let items = 0;
    const server = createServer((socket) => {
      const type = freshType();
      const writer = new FrameWriter(socket, type);
      let streaming = false;
      const pump = (): void => {
        if (writer.blocked || !streaming) return;
        for (let turn = 0; turn < ITEMS_PER_TURN; turn++) writer.write(ITEM, CALL, canonicalRecord(items++));
        if (!writer.blocked) setImmediate(pump);
      };
      const reader = new FrameReader(type, () => {
        streaming = true;
        pump();
      });
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => reader.read(chunk));
      socket.on('drain', () => {
        writer.blocked = false;
        pump();
      });
      socket.on('close', () => {
        streaming = false;
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, calls: () => items };
  },

  async consume(port, check) {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const type = freshType();
    const reader = new FrameReader(type, (_call, item) => check.take(item as Canonical));
    socket.on('data', (chunk: Buffer) => reader.read(chunk));
    socket.once('close', () => check.fail('the connection was closed'));
    new FrameWriter(socket, type).write(REQUEST, CALL, canonicalRecord(1));
  },
};
