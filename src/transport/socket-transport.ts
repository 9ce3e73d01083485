/**
 * A `Transport` on a connected `node:net` or `node:tls` socket. Nagle is off: a flush is already a batch, and a delayed one
 * waits for the peer's acknowledgement. The half-open state is allowed, so that a peer that has ended its half still gets
 * its answers (F7).
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { inFreshContext, inNoContext, socketsKeepContexts } from '../base/async-context.js';
import type { StandingBuffer } from './standing-buffer.js';
import type { PeerCertificateSummary, PeerIdentity, Transport, TransportEvents } from './transport.js';

/** What libuv's stream handle knows beside the public API: bytes submitted to it, and those of them that the kernel has not taken. */
interface StreamHandle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

export interface SocketTransportOptions {
  /** The unix path that the socket was dialled by or that its server listens on. */
  readonly path?: string | undefined;
  /** Given when the socket was made with its `onread`; default: chunks as the socket allocates them. */
  readonly standingBuffer?: StandingBuffer | undefined;
}

export class SocketTransport implements Transport {
  readonly identity: PeerIdentity;
  private readonly socket: Socket & { readonly _handle?: StreamHandle | null };
  private readonly standingBuffer: StandingBuffer | undefined;

  /** `socket` must be connected, with `allowHalfOpen`. */
  constructor(socket: Socket, options: SocketTransportOptions = {}) {
    this.socket = socket;
    this.standingBuffer = options.standingBuffer;
    this.identity = identify(socket, options.path);
    socket.setNoDelay(true);
    // An 'error' event without a listener ends the process. 'close' follows it and reports it, but behind an alert of TLS only
    // if somebody destroys the socket.
    socket.on('error', () => socket.destroy());
  }

  start(events: TransportEvents): void {
    const { socket } = this;
    let failure: Error | null = socket.errored;
    socket.on('error', (error) => {
      failure = error;
    });
    const read = (chunk: Buffer): void => events.onData(chunk);
    const onData = socketsKeepContexts ? (chunk: Buffer): void => inFreshContext(read, chunk) : read;
    if (this.standingBuffer === undefined) socket.on('data', onData);
    else queueMicrotask(() => this.standingBuffer?.start(onData));
    // These may come in the context of whoever wrote last, or ended the connection.
    socket.on('drain', () => inNoContext(() => events.onDrain()));
    socket.on('end', () => inNoContext(() => events.onEnd()));
    socket.on('close', () => inNoContext(() => events.onClose(failure)));
    if (socket.destroyed) queueMicrotask(() => events.onClose(failure));
  }

  write(bytes: Uint8Array): boolean {
    return this.socket.write(bytes);
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  get sentBytes(): number {
    const { socket } = this;
    const { _handle: handle } = socket;
    if (handle?.bytesWritten === undefined) return socket.bytesWritten - socket.writableLength;
    return handle.bytesWritten - (handle.writeQueueSize ?? 0);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }
}

function identify(socket: Socket, path: string | undefined): PeerIdentity {
  if (path !== undefined) return { kind: 'unix', address: path, port: 0, certificate: null };
  const tls = socket instanceof TLSSocket;
  return {
    kind: tls ? 'tls' : 'tcp',
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    certificate: tls ? summarize(socket) : null,
  };
}

function summarize(socket: TLSSocket): PeerCertificateSummary | null {
  const certificate = socket.getPeerCertificate();
  if (certificate.fingerprint256 === undefined) return null;
  const name: unknown = certificate.subject?.CN;
  return {
    subject: typeof name === 'string' ? name : '',
    alternativeNames: certificate.subjectaltname ?? '',
    fingerprint256: certificate.fingerprint256,
    authorized: socket.authorized,
  };
}
