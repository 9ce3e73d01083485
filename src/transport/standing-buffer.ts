/**
 * Reads plain sockets into one buffer that stays, in place of a new one for each read. All of them share it: what was read is handled
 * before the next socket is read, and whoever keeps part of it must copy it.
 *
 * `net.connect` takes such a buffer as an option (`onread`). `net.Server` has no such option, so an accepted socket's handle moves to a
 * socket that was made with it, before anything is read: see `withStandingBuffer`. What that saves is in
 * spec/decisions/012-what-one-call-costs.md. Used by `channel/dial.ts` and `Server`.
 */
import { type OnReadOpts, Socket } from 'node:net';

const READ_BYTES = 256 * 1024;

let shared: Buffer | null = null;

/** On Windows reads begin before there is anything to read, so no two sockets can share. */
function readBuffer(): Buffer {
  if (process.platform === 'win32') return Buffer.allocUnsafeSlow(READ_BYTES);
  return (shared ??= Buffer.allocUnsafeSlow(READ_BYTES));
}

/**
 * Pass `onread` to the socket, and this to its transport. Chunks are views of the buffer, valid until the callback returns, as
 * `TransportEvents` says.
 */
export class StandingBuffer {
  readonly onread: OnReadOpts;
  private sink: ((chunk: Buffer) => void) | null = null;
  /** What came before anybody listened. */
  private readonly early: Buffer[] = [];

  constructor() {
    const buffer = readBuffer();
    this.onread = {
      buffer,
      callback: (bytes) => {
        const chunk = buffer.subarray(0, bytes);
        if (this.sink === null) this.early.push(Buffer.from(chunk));
        else this.sink(chunk);
        return true;
      },
    };
  }

  start(sink: (chunk: Buffer) => void): void {
    this.sink = sink;
    for (const chunk of this.early.splice(0)) sink(chunk);
  }
}

/** What Node's sockets keep beside their documented properties, as far as it is moved here. */
interface Internals {
  _handle?: { readonly useUserBuffer?: unknown } | null;
  /** The server that counts the socket until it is closed. */
  _server?: unknown;
  server?: unknown;
}

export interface ReadingSocket {
  readonly socket: Socket;
  /** Undefined: the socket allocates its chunks itself. */
  readonly standingBuffer?: StandingBuffer;
}

/**
 * A socket that a server accepted with `pauseOnConnect`, of which nothing was read: its connection, read into the standing buffer from
 * now on. `accepted` is an empty shell then. Where Node's sockets are not made as they were in versions 20 to 24, it is `accepted` itself.
 */
export function withStandingBuffer(accepted: Socket): ReadingSocket {
  const from: Socket & Internals = accepted;
  const handle = from._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.resume();
    return { socket: accepted };
  }
  const standingBuffer = new StandingBuffer();
  from._handle = null;
  const options = { handle, allowHalfOpen: true, onread: standingBuffer.onread };
  const socket: Socket & Internals = new Socket(options);
  socket.server = from.server;
  socket._server = from._server;
  from._server = null;
  return { socket, standingBuffer };
}
