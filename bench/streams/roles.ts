/** Many streams of the engine on one connection: the processes of `bench -- streams`. */
import { type Role, roleOf } from '../process/role.js';

export interface StreamsServer {
  readonly side: 'server';
  /** Calls of each kind that run at once. */
  readonly streams: number;
}

export interface StreamsClient {
  readonly side: 'client';
  readonly port: number;
  readonly streams: number;
  /** Records of each call of the kinds. */
  readonly itemsEach: number;
}

/** What the sender of streams holds. */
export interface Held {
  /** Most bytes that the socket had not taken, since the last mark. */
  readonly unsentBytesMax: number;
  /** Bytes of items, as frames, that were taken from the source of the stream that nobody reads. */
  readonly stalledBytes: number;
  /** Heap and buffers in use, measured behind a collection of garbage; 0 when none was asked for. */
  readonly heapBytes: number;
}

export interface StreamsExtra {
  readonly held: Held;
}

const module = new URL('sides.js', import.meta.url);

export function streamsServer(streams: number): Role<StreamsExtra> {
  return roleOf(module, 'server of streams', { side: 'server', streams } satisfies StreamsServer);
}

export function streamsClient(argument: Omit<StreamsClient, 'side'>): Role {
  return roleOf(module, 'client of streams', { side: 'client', ...argument } satisfies StreamsClient);
}
