/**
 * Which connections of a pool have been open for too long, or had nothing to do for too long. Ages are jittered, so that the
 * connections of many clients, which began together when a server did, are not replaced together. Used by `EndpointPool`.
 */
import type { Clock } from '../base/clock.js';
import { SweepTimer } from '../base/sweep-timer.js';
import type { Connection } from '../connection/connection.js';
import type { PoolSettings } from './pool-options.js';

const AGE_JITTER = 0.1;

export interface UpkeepListener {
  /** Once: it is old. */
  onAged(connection: Connection): void;
  /** There are more connections than are needed, and this one has had no call for `idleMsMax`. */
  onIdle(connection: Connection): void;
}

interface Entry {
  readonly openedAt: number;
  agedAt: number;
  /** Since when it has had no call, as far as was looked. */
  idleSince: number;
  callsFinished: number;
}

export class PoolUpkeep {
  private readonly entries = new Map<Connection, Entry>();
  private readonly timer: SweepTimer;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly pool: PoolSettings,
    private readonly listener: UpkeepListener,
  ) {
    this.timer = new SweepTimer(clock, (now) => this.sweep(now));
  }

  onReady(connection: Connection): void {
    const now = this.clock.now();
    const agedAt = now + this.pool.ageMsMax * (1 + AGE_JITTER * (2 * this.random() - 1));
    this.entries.set(connection, { openedAt: now, agedAt, idleSince: now, callsFinished: 0 });
    this.timer.watch(this.nextAt(now));
  }

  forget(connection: Connection): void {
    this.entries.delete(connection);
  }

  /** Milliseconds of the clock. */
  openedAt(connection: Connection): number {
    return this.entries.get(connection)?.openedAt ?? this.clock.now();
  }

  stop(): void {
    this.timer.stop();
    this.entries.clear();
  }

  private sweep(now: number): number {
    for (const [connection, entry] of this.entries) {
      if (entry.agedAt <= now) {
        entry.agedAt = Infinity;
        this.listener.onAged(connection);
      }
      const { callsFinished, callsOut } = connection;
      if (callsOut > 0 || callsFinished !== entry.callsFinished) {
        entry.idleSince = now;
        entry.callsFinished = callsFinished;
      } else if (now - entry.idleSince >= this.pool.idleMsMax && this.entries.size > this.pool.connectionsMin) {
        this.listener.onIdle(connection);
      }
    }
    return this.nextAt(now);
  }

  private nextAt(now: number): number {
    let nextAt = this.entries.size > this.pool.connectionsMin ? now + this.pool.idleMsMax / 2 : Infinity;
    for (const { agedAt } of this.entries.values()) nextAt = Math.min(nextAt, agedAt);
    return nextAt;
  }
}
