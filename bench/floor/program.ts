/**
 * The floor: the least that an RPC on node:net with avsc has to do. Framing, a slot per call, a promise per call, plain avsc both
 * ways, and nothing else: no limits, no deadlines, no flow control, no errors. It is not usable in practice; what the engine
 * costs on top of it is the price of being usable.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import avsc from 'avsc';
import { type Canonical, canonicalSchema, canonicalWorkload } from '../canonical.js';
import type { Contender } from '../contenders/contender.js';
import { Handled } from '../contenders/handled.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';

const REQUEST = 4;
const RESPONSE = 5;
const SLOTS = 65_536;

type Handler = (request: unknown) => unknown;

const freshType = (): avsc.Type => avsc.Type.forSchema(canonicalSchema as unknown as avsc.Schema);

export const floor: Contender = {
  workload: canonicalWorkload,

  async serve(kind) {
    const handled = new Handled();
    const returning: Handler = (request) => {
      handled.record(request as Canonical);
      return request;
    };
    const promising = async (request: unknown): Promise<unknown> => returning(request);
    const server = createServer((socket) => {
      const type = freshType();
      const writer = new FrameWriter(socket, type);
      const answer = (call: number, request: unknown): void => {
        if (kind === 'sync') writer.write(RESPONSE, call, returning(request));
        else void promising(request).then((response) => writer.write(RESPONSE, call, response));
      };
      const reader = new FrameReader(type, answer);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => reader.read(chunk));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return handled.served((server.address() as AddressInfo).port);
  },

  async dial(port) {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const type = freshType();
    const writer = new FrameWriter(socket, type);
    const slots: (((answer: Canonical) => void) | null)[] = Array.from({ length: SLOTS }, () => null);
    const free = Array.from({ length: SLOTS }, (_, slot) => SLOTS - 1 - slot);
    const reader = new FrameReader(type, (slot, answer) => {
      const resolve = slots[slot] as (answer: Canonical) => void;
      slots[slot] = null;
      free.push(slot);
      resolve(answer as Canonical);
    });
    socket.on('data', (chunk: Buffer) => reader.read(chunk));
    return (record) =>
      new Promise((resolve) => {
        const slot = free.pop() as number;
        slots[slot] = resolve;
        writer.write(REQUEST, slot, record);
      });
  },
};
