/** A transport whose incoming bytes are damaged at one place, and cut into other chunks. Wraps any transport. */
import type { PeerIdentity, Transport, TransportEvents } from '../../src/transport/transport.js';

export interface Damage {
  /** Which of the bytes that come, from 0. */
  readonly at: number;
  /** The bits of it that are turned over. */
  readonly bits: number;
}

export class DamagingTransport implements Transport {
  receivedBytes = 0;

  constructor(
    private readonly inner: Transport,
    private readonly damage: Damage | null,
    /** Where a chunk ends besides, among the bytes that come. */
    private readonly splitAt = 0,
  ) {}

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
    this.inner.start({
      onData: (chunk) => this.pass(Buffer.from(chunk), events),
      onDrain: () => events.onDrain(),
      onEnd: () => events.onEnd(),
      onClose: (error) => events.onClose(error),
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.inner.write(bytes);
  }

  cork(): void {
    this.inner.cork();
  }

  uncork(): void {
    this.inner.uncork();
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }

  private pass(chunk: Buffer, events: TransportEvents): void {
    const from = this.receivedBytes;
    this.receivedBytes += chunk.length;
    const { damage, splitAt } = this;
    if (damage !== null && damage.at >= from && damage.at < this.receivedBytes) {
      chunk[damage.at - from] = (chunk[damage.at - from] as number) ^ damage.bits;
    }
    const cut = Math.min(Math.max(splitAt - from, 0), chunk.length);
    if (cut > 0) events.onData(chunk.subarray(0, cut));
    if (cut < chunk.length) events.onData(chunk.subarray(cut));
  }
}
