/**
 * The transport of a connection whose peer is a test: bytes go in by `feed`, what the connection writes is kept, and nothing
 * happens by itself. It pauses, half-closes and ends as a socket does, and can refuse to take bytes like a peer that does
 * not read. Cheap enough for a hundred thousand connections a second.
 */
import type { Clock } from '../../src/base/clock.js';
import type { PeerIdentity, Transport, TransportEvents } from '../../src/transport/transport.js';

const identity: PeerIdentity = { kind: 'memory', address: 'test', port: 0, certificate: null };

export class FedTransport implements Transport {
  readonly identity = identity;
  unsentBytes = 0;
  sentBytes = 0;
  /** Most bytes that ever waited. */
  unsentBytesMost = 0;
  /** Everything the connection wrote, in its chunks. */
  readonly written: Buffer[] = [];
  writtenBytes = 0;
  /** The connection has ended its direction. */
  ended = false;
  /** The connection has been told that the transport is gone. */
  closed = false;
  /** False: the peer does not read, so what is written stays here. */
  reads = true;
  paused = false;
  private readonly held: Buffer[] = [];
  private peerEnded = false;
  private endHeld = false;
  private closing = false;
  private needDrain = false;
  private events: TransportEvents | null = null;

  constructor(private readonly clock: Clock) {}

  get output(): Buffer {
    return Buffer.concat(this.written);
  }

  start(events: TransportEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): boolean {
    if (this.ended || this.closing) return true;
    this.written.push(Buffer.from(bytes));
    this.writtenBytes += bytes.length;
    if (this.reads) {
      this.sentBytes += bytes.length;
      return true;
    }
    this.unsentBytes += bytes.length;
    if (this.unsentBytes > this.unsentBytesMost) this.unsentBytesMost = this.unsentBytes;
    this.needDrain = true;
    return false;
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.held.length > 0 || this.endHeld) this.clock.afterReads(() => this.deliverHeld());
  }

  end(): void {
    this.ended = true;
    this.closeIfOver();
  }

  destroy(): void {
    this.close();
  }

  /** The peer sends a chunk. */
  feed(chunk: Buffer): void {
    if (this.closing) return;
    if (this.paused || this.held.length > 0) this.held.push(chunk);
    else this.events?.onData(chunk);
  }

  /** The peer ends its direction. */
  feedEnd(): void {
    if (this.closing || this.peerEnded) return;
    if (this.paused || this.held.length > 0) {
      this.endHeld = true;
      return;
    }
    this.endHeld = false;
    this.peerEnded = true;
    this.events?.onEnd();
    this.closeIfOver();
  }

  /** The peer reads again: everything that waited leaves. */
  drain(): void {
    this.reads = true;
    this.sentBytes += this.unsentBytes;
    this.unsentBytes = 0;
    if (this.needDrain && !this.closing) {
      this.needDrain = false;
      this.events?.onDrain();
    }
    this.closeIfOver();
  }

  private deliverHeld(): void {
    while (!this.paused && !this.closing) {
      const chunk = this.held.shift();
      if (chunk === undefined) break;
      this.events?.onData(chunk);
    }
    if (!this.paused && this.endHeld && !this.closing) this.feedEnd();
  }

  private closeIfOver(): void {
    if (this.ended && this.peerEnded && this.unsentBytes === 0) this.close();
  }

  /** Like a socket: the event is emitted in a later turn. */
  private close(): void {
    if (this.closing) return;
    this.closing = true;
    this.held.length = 0;
    this.unsentBytes = 0;
    this.clock.afterReads(() => {
      this.closed = true;
      this.events?.onClose(null);
    });
  }
}
