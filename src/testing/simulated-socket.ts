/**
 * One end of a simulated connection: a `Transport` that does what a TCP socket does, with its half-open states, its
 * backpressure and its resets, on a lane in each direction.
 *
 * Made in pairs by `SimulatedNetwork`.
 */
import type { Clock } from '../base/clock.js';
import type { PeerIdentity, Transport, TransportEvents } from '../transport/transport.js';
import type { Lane, LaneReader, LaneWriter } from './lane.js';

/** Unsent bytes from which `write` answers false, as for a socket of node:net. */
const HIGH_WATER_BYTES = 64 * 1024;
/** A reader with a rate reads as often as this. */
const READS_PER_SECOND = 100;

/** What an application on a host does with its sockets; shared by all of the host. */
export interface ReadingRate {
  /** Bytes that it reads per second from each connection; 0: it does not read. */
  bytesPerSecond: number;
}

export interface SocketOwner {
  /** For the trace. */
  onRead(socket: SimulatedSocket, bytes: Buffer): void;
  onEvent(socket: SimulatedSocket, kind: 'end' | 'reset'): void;
  onClosed(socket: SimulatedSocket): void;
}

export class SimulatedSocket implements Transport, LaneReader, LaneWriter {
  readonly identity: PeerIdentity;
  closed = false;
  /** The lane that this side writes into, and the one that it reads. */
  private out: Lane | null = null;
  private inbound: Lane | null = null;
  private events: TransportEvents | null = null;
  private paused = false;
  private needDrain = false;
  private endRead = false;
  private failure: Error | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly owner: SocketOwner,
    private readonly rate: ReadingRate,
    /** Number of the connection in its network. */
    readonly connection: number,
    /** Hosts of this side and of the other. */
    readonly host: string,
    readonly peerHost: string,
  ) {
    this.identity = { kind: 'memory', address: peerHost, port: 0, certificate: null };
  }

  /** @internal */
  attach(out: Lane, inbound: Lane): void {
    this.out = out;
    this.inbound = inbound;
  }

  get unsentBytes(): number {
    return this.out?.unsentBytes ?? 0;
  }

  get sentBytes(): number {
    return this.out?.sentBytes ?? 0;
  }

  start(events: TransportEvents): void {
    this.events = events;
    if (this.closed) this.clock.setTimer(() => events.onClose(this.failure), 0);
    this.inbound?.wake();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || bytes.length === 0) return true;
    this.out?.write(bytes);
    this.needDrain ||= this.unsentBytes >= HIGH_WATER_BYTES;
    return this.unsentBytes < HIGH_WATER_BYTES;
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.inbound?.wake();
  }

  end(): void {
    this.out?.end();
  }

  destroy(): void {
    if (this.closed) return;
    // As a kernel does: what was not read is answered by a reset.
    if (this.inbound?.hasArrived === true) this.out?.reset();
    else this.out?.abandon();
    this.close(null);
  }

  /** @internal The process that held it is gone; the kernel closes it. */
  orphan(): void {
    this.events = null;
    this.destroy();
  }

  /** @internal The host's reading rate has changed. */
  onRateChanged(): void {
    this.inbound?.onRateChanged();
  }

  // LaneReader

  get readable(): number {
    if (this.closed) return Number.POSITIVE_INFINITY;
    const { bytesPerSecond } = this.rate;
    if (this.paused || this.events === null || bytesPerSecond === 0) return 0;
    return Math.max(1, Math.floor(bytesPerSecond / READS_PER_SECOND));
  }

  get bytesPerSecond(): number {
    return this.closed ? Number.POSITIVE_INFINITY : this.rate.bytesPerSecond;
  }

  onBytes(bytes: Buffer): void {
    if (this.closed) {
      // Nobody is here any more: a kernel answers with a reset.
      this.out?.reset();
      return;
    }
    this.owner.onRead(this, bytes);
    this.events?.onData(bytes);
  }

  onEnd(): void {
    if (this.closed) return;
    this.owner.onEvent(this, 'end');
    this.endRead = true;
    this.events?.onEnd();
    if (this.out?.endSent === true) this.close(null);
  }

  onReset(): void {
    if (this.closed) return;
    this.owner.onEvent(this, 'reset');
    const error: NodeJS.ErrnoException = new Error('read ECONNRESET');
    error.code = 'ECONNRESET';
    this.out?.silence();
    this.close(error);
  }

  // LaneWriter

  onAllSent(): void {
    if (this.closed) return;
    if (this.needDrain) {
      this.needDrain = false;
      this.events?.onDrain();
    }
    if (this.endRead && this.out?.endSent === true) this.close(null);
  }

  private close(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.failure = error;
    this.owner.onClosed(this);
    // The rest of what comes is dropped, or answered by a reset.
    this.inbound?.onRateChanged();
    const { events } = this;
    if (events !== null) this.clock.setTimer(() => events.onClose(error), 0);
  }
}
