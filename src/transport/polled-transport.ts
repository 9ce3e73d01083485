/**
 * A transport whose connection wants the event loop awake (`busyPollUs`): it tells the poller when bytes come or go, and when the
 * transport has ended. A connection without that option has none of this in its way. Used by `openConnection`.
 */
import type { BusyPoller, Pollable, Polling } from './busy-poller.js';
import type { PeerIdentity, Transport, TransportEvents } from './transport.js';

/** How many calls of a connection are open. */
export interface OpenCalls {
  readonly callsIn: number;
  readonly callsOut: number;
}

export class PolledTransport implements Transport, Pollable {
  readonly identity: PeerIdentity;
  readonly idleMs: number;
  readonly callsMs: number;
  /** Null while the connection is being made. */
  private calls: OpenCalls | null = null;
  private readonly poller: BusyPoller;
  private closed = false;

  constructor(
    private readonly transport: Transport,
    { poller, idleMs, callsMs }: Polling,
  ) {
    this.identity = transport.identity;
    this.poller = poller;
    this.idleMs = idleMs;
    this.callsMs = callsMs;
  }

  /** Polls for longer while this connection has open calls. */
  pollWhileOpen(calls: OpenCalls): void {
    this.calls = calls;
  }

  get hasOpenCalls(): boolean {
    return this.calls !== null && this.calls.callsIn + this.calls.callsOut > 0;
  }

  start(events: TransportEvents): void {
    this.transport.start({
      onData: (chunk) => {
        this.poller.note(this);
        events.onData(chunk);
      },
      onDrain: () => events.onDrain(),
      onEnd: () => events.onEnd(),
      onClose: (error) => {
        this.closed = true;
        this.poller.forget(this);
        events.onClose(error);
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (!this.closed) this.poller.note(this);
    return this.transport.write(bytes);
  }

  get unsentBytes(): number {
    return this.transport.unsentBytes;
  }

  get sentBytes(): number {
    return this.transport.sentBytes;
  }

  cork(): void {
    this.transport.cork();
  }

  uncork(): void {
    this.transport.uncork();
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  end(): void {
    this.transport.end();
  }

  destroy(): void {
    this.transport.destroy();
  }

  ref(): void {
    this.transport.ref?.();
  }

  unref(): void {
    this.transport.unref?.();
  }
}
