/**
 * Two transports that face each other without a network, for tests and simulations: real connections, injected clock. What
 * one side writes, the other reads in a later turn of the clock, never inside the write.
 */
import type { Clock } from '../base/clock.js';
import type { PeerIdentity, Transport, TransportEvents } from './transport.js';

/** Unsent bytes from which `write` answers false, as for a socket. */
const HIGH_WATER_BYTES = 64 * 1024;

export class MemoryTransport implements Transport {
  readonly identity: PeerIdentity;
  unsentBytes = 0;
  sentBytes = 0;
  private other: MemoryTransport | null = null;
  private events: TransportEvents | null = null;
  private queue: Buffer[] = [];
  private ended = false;
  private endSeen = false;
  private closed = false;
  private paused = false;
  private turnDue = false;
  private needDrain = false;

  /** @internal Use `memoryPair`. */
  constructor(
    private readonly clock: Clock,
    address: string,
  ) {
    this.identity = { kind: 'memory', address, port: 0, certificate: null };
  }

  /** @internal */
  connect(other: MemoryTransport): void {
    this.other = other;
  }

  start(events: TransportEvents): void {
    this.events = events;
    this.other?.deliverSoon();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.ended || bytes.length === 0) return true;
    this.queue.push(Buffer.from(bytes));
    this.unsentBytes += bytes.length;
    this.deliverSoon();
    this.needDrain = this.unsentBytes >= HIGH_WATER_BYTES;
    return !this.needDrain;
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.other?.deliverSoon();
  }

  end(): void {
    this.ended = true;
    this.deliverSoon();
  }

  destroy(): void {
    this.close(null);
  }

  private deliverSoon(): void {
    if (this.turnDue) return;
    this.turnDue = true;
    this.clock.afterReads(() => {
      this.turnDue = false;
      this.deliver();
    });
  }

  /** Moves what was written to the other side, as far as that reads. */
  private deliver(): void {
    const { other } = this;
    if (this.closed || other === null || other.events === null || other.closed) return;
    while (!other.paused && !this.closed) {
      const chunk = this.queue.shift();
      if (chunk === undefined) break;
      this.unsentBytes -= chunk.length;
      this.sentBytes += chunk.length;
      other.events.onData(chunk);
    }
    if (this.queue.length > 0 || this.closed) return;
    if (this.needDrain) {
      this.needDrain = false;
      this.events?.onDrain();
    }
    if (this.ended && !other.endSeen && !other.closed) {
      other.endSeen = true;
      other.events.onEnd();
      if (other.ended && this.endSeen) this.closeBoth();
    } else if (this.ended && other.endSeen && other.ended && this.endSeen) {
      this.closeBoth();
    }
  }

  private closeBoth(): void {
    this.close(null);
    this.other?.close(null);
  }

  private close(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.queue = [];
    this.unsentBytes = 0;
    const { events, other } = this;
    this.clock.afterReads(() => {
      events?.onClose(error);
      other?.close(new Error('the other side was destroyed'));
    });
  }
}

/** Two connected transports: the dialling side's and the accepting side's. */
export function memoryPair(clock: Clock): [MemoryTransport, MemoryTransport] {
  const dialing = new MemoryTransport(clock, 'memory:accepting');
  const accepting = new MemoryTransport(clock, 'memory:dialing');
  dialing.connect(accepting);
  accepting.connect(dialing);
  return [dialing, accepting];
}
