/**
 * All connections of a channel or a server until they are gone: draining ones too, and closed ones whose handlers still run. `drain`
 * and `close` end them all, and `drain` reports what it cancelled.
 *
 *   open --drain()--> draining --grace over, close()--> ended      also open --close()--> ended
 *
 * A connection that is added while the set is draining or ended is drained or closed at once.
 */
import type { Clock, Timer } from '../base/clock.js';
import { type Steps, step } from '../base/state-machine.js';
import type { UnfinishedCall } from '../connection/calls/unfinished-call.js';
import type { Connection } from '../connection/connection.js';
import { peerOf } from './peer.js';

/** What `Server.drain` and `Channel.close` had to end. */
export interface DrainReport {
  /**
   * The calls and handlers that had not ended when the grace was over, or when a connection was closed by force; usually none.
   * Their callers got CANCELLED, and their handlers' signals are aborted. Calls of this side that were never sent are not listed.
   */
  readonly cancelled: readonly UnfinishedCall[];
}

type Phase = 'open' | 'draining' | 'ended';

const steps: Steps<Phase> = { open: ['draining', 'ended'], draining: ['ended'], ended: [] };

/** No timer is set for longer (24.8 days). */
const TIMER_MS_MAX = 0x7fff_ffff;
/** A timer that has so much left was not set for the whole time. */
const LONG_TIMER_MS = 1_000;

export class ConnectionSet {
  private readonly open = new Set<Connection>();
  /** Their sockets are gone, but not all of their handlers have ended. */
  private readonly closed = new Set<Connection>();
  private readonly cancelled: UnfinishedCall[] = [];
  private waiters: (() => void)[] = [];
  private graceAt = Infinity;
  private graceTimer: Timer | null = null;
  private phase: Phase = 'open';

  constructor(
    private readonly clock: Clock,
    /** Why the channel or server ends, for the peers. */
    private readonly reason: string,
    /** Whether its sockets keep the process alive without a call, too. */
    private keepsProcess: boolean,
  ) {}

  /** Decides whether its sockets keep the process alive without a call, too. While the set is being ended they do. */
  keepProcess(always: boolean): void {
    this.keepsProcess = always;
    for (const connection of this.open) connection.hold.keep(this.holds);
  }

  private get holds(): boolean {
    return this.keepsProcess || this.waiters.length > 0;
  }

  /** Connections whose sockets are not gone. */
  get size(): number {
    return this.open.size;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.open.values();
  }

  add(connection: Connection): void {
    this.open.add(connection);
    connection.hold.keep(this.holds);
    if (this.phase === 'draining') connection.drain(this.reason, Math.max(0, this.graceAt - this.clock.now()));
    else if (this.phase === 'ended') connection.close(this.reason);
  }

  /** Its socket is gone. */
  onClosed(connection: Connection): void {
    this.open.delete(connection);
    peerOf(connection).onClosed();
    this.cancelled.push(...(connection.left ?? []));
    // A connection that reported its calls as cancelled has no handlers left to wait for.
    if (this.phase !== 'ended' && connection.executing > 0 && connection.left === null) this.closed.add(connection);
    this.resolveIfEmpty();
  }

  /** Its last handler has ended, after its socket. */
  onHandlersEnded(connection: Connection): void {
    if (this.closed.delete(connection)) this.resolveIfEmpty();
  }

  /** Lets calls finish for `graceMs`, then cancels what is left. Called again with a shorter grace, it shortens it. */
  async drain(graceMs: number): Promise<DrainReport> {
    const graceAt = this.clock.now() + graceMs;
    if (this.phase === 'open' || (this.phase === 'draining' && graceAt < this.graceAt)) {
      if (this.phase === 'open') this.transition('draining');
      this.graceAt = graceAt;
      for (const connection of this.open) connection.drain(this.reason, graceMs);
      this.graceTimer?.cancel();
      // It keeps the process alive: the sockets of the handlers that are waited for may be gone.
      this.watchGrace(graceMs);
    }
    await this.untilEmpty();
    return { cancelled: [...this.cancelled] };
  }

  /** Ends everything at once. Resolves when the sockets are gone. */
  async close(): Promise<void> {
    this.end();
    this.closed.clear();
    for (const connection of this.open) connection.close(this.reason);
    await this.untilEmpty();
  }

  private watchGrace(graceMs: number): void {
    this.graceTimer = this.clock.setTimer(() => this.onGraceTimer(), Math.min(graceMs, TIMER_MS_MAX), true);
  }

  private onGraceTimer(): void {
    const leftMs = this.graceAt - this.clock.now();
    // Timers end after 24.8 days, which is less than some graces.
    if (leftMs >= LONG_TIMER_MS) this.watchGrace(leftMs);
    else this.onGraceOver();
  }

  private onGraceOver(): void {
    this.end();
    this.graceTimer = null;
    for (const connection of this.closed) this.cancelled.push(...connection.openCalls());
    this.closed.clear();
    this.resolveIfEmpty();
  }

  private transition(to: Phase): void {
    this.phase = step('a set of connections', steps, this.phase, to);
  }

  private end(): void {
    if (this.phase !== 'ended') this.transition('ended');
  }

  private untilEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      for (const connection of this.open) connection.hold.keep(true);
      this.resolveIfEmpty();
    });
  }

  private resolveIfEmpty(): void {
    if (this.open.size > 0 || this.closed.size > 0) return;
    this.graceTimer?.cancel();
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}
