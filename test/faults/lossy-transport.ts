/**
 * A transport whose way out can be cut without a word, as a network partition does it: what is written then is taken and
 * lost, the end and the reset included. The way in is the other side's way out. Wraps any transport; with one at each end
 * of a `memoryPair`, a partition takes no time and hits exactly the bytes that a test means.
 */
import type { PeerIdentity, Transport, TransportEvents } from '../../src/transport/transport.js';

export class LossyTransport implements Transport {
  /** From now on nothing reaches the other side. */
  lost = false;
  private events: TransportEvents | null = null;

  constructor(private readonly inner: Transport) {}

  get identity(): PeerIdentity {
    return this.inner.identity;
  }

  get unsentBytes(): number {
    return this.inner.unsentBytes;
  }

  get sentBytes(): number {
    return this.inner.sentBytes;
  }

  start(events: TransportEvents): void {
    this.events = events;
    this.inner.start({
      onData: (chunk) => this.events?.onData(chunk),
      onDrain: () => this.events?.onDrain(),
      onEnd: () => this.events?.onEnd(),
      onClose: (error) => this.close(error),
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.lost ? true : this.inner.write(bytes);
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    if (!this.lost) this.inner.end();
  }

  destroy(): void {
    // The other side does not hear of it.
    if (this.lost) queueMicrotask(() => this.close(null));
    else this.inner.destroy();
  }

  private close(error: Error | null): void {
    const { events } = this;
    this.events = null;
    events?.onClose(error);
  }
}
