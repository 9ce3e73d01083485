/**
 * The transport of a connection whose other side is a script: bytes are handed in by the test, what the connection writes is
 * collected, and nothing happens by itself.
 */
import type { PeerIdentity, Transport, TransportEvents } from '../../src/transport/transport.js';

export class ScriptedTransport implements Transport {
  readonly identity: PeerIdentity = { kind: 'memory', address: 'script', port: 0, certificate: null };
  /** What the test says the socket holds. */
  unsentBytes = 0;
  sentBytes = 0;
  /** The connection has ended its direction. */
  ended = false;
  private readonly written: Buffer[] = [];
  private readonly held: Buffer[] = [];
  private events: TransportEvents | null = null;
  private paused = false;
  private closed = false;

  /** Everything written so far. */
  get output(): Buffer {
    return Buffer.concat(this.written);
  }

  start(events: TransportEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes));
    this.sentBytes += bytes.length;
    return true;
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && this.held.length > 0) this.deliver(this.held.shift() as Buffer);
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.events?.onClose(null));
  }

  /** The script sends these bytes in chunks of at most `chunkBytes`. */
  send(bytes: Buffer, chunkBytes: number): void {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      this.deliver(Buffer.from(bytes.subarray(at, at + chunkBytes)));
  }

  /** The script ends its direction. */
  sendEnd(): void {
    if (!this.closed) this.events?.onEnd();
  }

  private deliver(chunk: Buffer): void {
    if (this.closed) return;
    if (this.paused) this.held.push(chunk);
    else this.events?.onData(chunk);
  }
}
