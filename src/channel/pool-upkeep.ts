/**
 * Finds the connections of a pool that are too old, or have been idle for too long. Ages are jittered, so that the connections of many
 * clients, which were opened together when a server started, are not replaced together. Used by `EndpointPool`.
 */
import type { Clock } from '../base/clock.js';
import { SweepTimer } from '../base/sweep-timer.js';
import type { Connection } from '../connection/connection.js';
import type { PoolSettings } from './pool-options.js';

const AGE_JITTER = 0.1;

/**
 * Why a connection is due: it is `old` (told once), or it is `idle`: it has had no call for `idleMsMax`, and the pool has more
 * connections than `connectionsMin`.
 */
export type UpkeepReason = 'old' | 'idle';

interface Entry {
  readonly openedAt: number;
  /** When it is too old; Infinity once that was told. */
  oldAt: number;
  /** Since when it has had no call, as seen by the sweeps. */
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
    private readonly onDue: (connection: Connection, reason: UpkeepReason) => void,
  ) {
    this.timer = new SweepTimer(clock, (now) => this.sweep(now));
  }

  onReady(connection: Connection): void {
    const now = this.clock.now();
    const oldAt = now + this.pool.ageMsMax * (1 + AGE_JITTER * (2 * this.random() - 1));
    this.entries.set(connection, { openedAt: now, oldAt, idleSince: now, callsFinished: 0 });
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
      if (entry.oldAt <= now) {
        entry.oldAt = Infinity;
        this.onDue(connection, 'old');
      }
      const { callsFinished, callsOut } = connection;
      if (callsOut > 0 || callsFinished !== entry.callsFinished) {
        entry.idleSince = now;
        entry.callsFinished = callsFinished;
      } else if (now - entry.idleSince >= this.pool.idleMsMax && this.entries.size > this.pool.connectionsMin) {
        this.onDue(connection, 'idle');
      }
    }
    return this.nextAt(now);
  }

  private nextAt(now: number): number {
    let nextAt = this.entries.size > this.pool.connectionsMin ? now + this.pool.idleMsMax / 2 : Infinity;
    for (const { oldAt } of this.entries.values()) nextAt = Math.min(nextAt, oldAt);
    return nextAt;
  }
}
