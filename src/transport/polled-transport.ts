/**
 * A transport whose connection wants the event loop awake (`busyPollUs`): tells the poller of all bytes that come or go, and of the end. A
 * connection without that option has none of this in its way. Used by `channel/` and `server/`.
 */
import type { BusyPoller, Pollable, Polling } from './busy-poller.js';
import type { PeerIdentity, Transport, TransportEvents } from './transport.js';

export class PolledTransport implements Transport, Pollable {
  readonly identity: PeerIdentity;
  readonly idleMs: number;
  readonly callsMs: number;
  /** Whose calls are asked for; null while the connection is being made. */
  calls: { readonly callsIn: number; readonly callsOut: number } | null = null;
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
}
