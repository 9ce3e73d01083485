/**
 * The connections of one endpoint, a channel or a server, until they are gone: the draining ones, and those that are closed
 * while handlers of theirs still run. `drain` and `close` end them all, and `drain` tells what it had to cut off.
 *
 *   open --socket gone--> closed, if a handler still runs --handler ends--> forgotten
 *
 * A connection that comes when the endpoint has begun to end is drained or closed likewise.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { UnfinishedCall } from '../connection/calls/unfinished-call.js';
import type { Connection } from '../connection/connection.js';
import { peerOf } from './peer.js';

/** What `Server.drain` and `Channel.close` had to end. */
export interface DrainReport {
  /**
   * The calls and handlers that had not ended when the grace was over, or when a connection was closed by force; usually none.
   * Their callers got CANCELLED, their handlers' signals are aborted. Calls of this side that were not sent are not among them.
   */
  readonly cancelled: readonly UnfinishedCall[];
}

export class ConnectionSet {
  private readonly open = new Set<Connection>();
  /** Their sockets are gone, but not all of their handlers have ended. */
  private readonly closed = new Set<Connection>();
  private readonly cancelled: UnfinishedCall[] = [];
  private waiters: (() => void)[] = [];
  private graceAt = Infinity;
  private graceTimer: Timer | null = null;
  private phase: 'open' | 'draining' | 'ended' = 'open';

  constructor(
    private readonly clock: Clock,
    /** Why the endpoint ends, for the peers. */
    private readonly reason: string,
  ) {}

  /** Connections whose sockets are not gone. */
  get size(): number {
    return this.open.size;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.open.values();
  }

  add(connection: Connection): void {
    this.open.add(connection);
    if (this.phase === 'draining') connection.drain(this.reason, Math.max(0, this.graceAt - this.clock.now()));
    else if (this.phase === 'ended') connection.close(this.reason);
  }

  /** Its socket is gone. */
  onClosed(connection: Connection): void {
    this.open.delete(connection);
    peerOf(connection).onClosed();
    this.cancelled.push(...(connection.left ?? []));
    // What its own grace cut off, handlers included, it has said; nobody waits for those any more.
    if (this.phase !== 'ended' && connection.executing > 0 && connection.left === null) this.closed.add(connection);
    this.judge();
  }

  /** Its last handler has ended, after its socket. */
  onHandlersEnded(connection: Connection): void {
    if (this.closed.delete(connection)) this.judge();
  }

  /** Lets everything finish for `graceMs`, then cancels what is left. Again: with a shorter grace it shortens it. */
  async drain(graceMs: number): Promise<DrainReport> {
    const graceAt = this.clock.now() + graceMs;
    if (this.phase !== 'ended' && graceAt < this.graceAt) {
      this.phase = 'draining';
      this.graceAt = graceAt;
      for (const connection of this.open) connection.drain(this.reason, graceMs);
      this.graceTimer?.cancel();
      // Nothing else may keep the process: the sockets of the handlers that are waited for can be gone.
      this.graceTimer = this.clock.setTimer(() => this.onGraceOver(), graceMs, true);
    }
    await this.untilEmpty();
    return { cancelled: [...this.cancelled] };
  }

  /** Ends everything at once. Resolves when the sockets are gone. */
  async close(): Promise<void> {
    this.phase = 'ended';
    this.closed.clear();
    for (const connection of this.open) connection.close(this.reason);
    await this.untilEmpty();
  }

  private onGraceOver(): void {
    this.phase = 'ended';
    this.graceTimer = null;
    for (const connection of this.closed) this.cancelled.push(...connection.openCalls());
    this.closed.clear();
    this.judge();
  }

  private untilEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.judge();
    });
  }

  private judge(): void {
    if (this.open.size > 0 || this.closed.size > 0) return;
    this.graceTimer?.cancel();
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}
