/**
 * Keeps the event loop awake for a while after the last bytes of connections that ask for it (`busyPollUs`). Otherwise a call waits
 * until the system has woken its sleeping peer, and the answer waits likewise.
 *
 *   bytes    turn, turn, turn ...      turn            nothing runs any more
 *   ---------|-------------------------|---------------|--------------------
 *            ^ last bytes              ^ idleMs later  ^ callsMs later, while calls on it have no answer
 *
 * A turn is one round of the event loop: timers, sockets and immediates of everybody run in it. One poller serves all connections with
 * the same clock, so there is one chain of turns in a process, however many connections want it. A connection that has closed wants no more
 * turns, so the poller keeps a process alive no longer than its sockets do. Used by `PolledTransport`.
 */
import type { Clock } from '../base/clock.js';
import { RpcError } from '../base/errors.js';

/** One connection, as the poller sees it. */
export interface Pollable {
  /** Polled for so long behind its last bytes; milliseconds. */
  readonly idleMs: number;
  /** The same while calls on it have no answer. */
  readonly callsMs: number;
  readonly hasOpenCalls: boolean;
}

/** How the connections of one channel or server are polled. */
export interface Polling {
  readonly poller: BusyPoller;
  readonly idleMs: number;
  readonly callsMs: number;
}

export class BusyPoller {
  /** The connections that want turns, and when their last bytes came or went. */
  private readonly lastAt = new Map<Pollable, number>();
  /** Those whose bytes came or went since the last turn: the clock is read once a turn, not once a write. */
  private readonly fresh: Pollable[] = [];
  /** Up to here no connection needs to be asked. */
  private until = Number.NEGATIVE_INFINITY;
  private running = false;

  constructor(
    private readonly now: () => number,
    private readonly nextTurn: (callback: () => void) => void,
  ) {}

  /** Bytes of this connection came or went. */
  note(connection: Pollable): void {
    const { fresh } = this;
    // Mostly the same one as before.
    if (fresh.length === 0 || fresh[fresh.length - 1] !== connection) fresh.push(connection);
    if (this.running) return;
    this.running = true;
    this.nextTurn(this.onTurn);
  }

  /** It is gone, and is not noted again. */
  forget(connection: Pollable): void {
    this.lastAt.delete(connection);
    const { fresh } = this;
    for (let at = fresh.indexOf(connection); at >= 0; at = fresh.indexOf(connection)) fresh.splice(at, 1);
    this.until = Number.NEGATIVE_INFINITY;
  }

  private readonly onTurn = (): void => {
    const { fresh } = this;
    const now = this.now();
    // Emptied by taking out, since most turns have none or one: setting the length is a call into the runtime.
    for (let connection = fresh.pop(); connection !== undefined; connection = fresh.pop()) {
      this.lastAt.set(connection, now);
      this.until = Math.max(this.until, now + connection.idleMs);
    }
    this.running = now < this.until || this.isWanted(now);
    if (this.running) this.nextTurn(this.onTurn);
  };

  /** Asks one connection after the other until one wants more turns; those before it do not until their next bytes. */
  private isWanted(now: number): boolean {
    for (const [connection, lastAt] of this.lastAt) {
      if (now < lastAt + connection.idleMs) {
        this.until = lastAt + connection.idleMs;
        return true;
      }
      if (now < lastAt + connection.callsMs && connection.hasOpenCalls) return true;
      this.lastAt.delete(connection);
    }
    return false;
  }
}

/** A longer time has nothing to do with wake-ups. */
const BUSY_POLL_US_MAX = 1_000_000;

/** The option in milliseconds. Throws an `RpcError` (INVALID_ARGUMENT). */
export function busyPollMsOf({ busyPollUs = 0 }: { readonly busyPollUs?: number }): number {
  if (typeof busyPollUs === 'number' && busyPollUs >= 0 && busyPollUs <= BUSY_POLL_US_MAX) return busyPollUs / 1000;
  const text = `busyPollUs is ${String(busyPollUs)}, but must be a number from 0 to ${BUSY_POLL_US_MAX}`;
  throw new RpcError('INVALID_ARGUMENT', text);
}

const pollers = new WeakMap<Clock, BusyPoller>();

/** Null: nothing is polled, because the option is 0 or because the clock's time does not pass by turns of the event loop. */
export function pollingOn(clock: Clock, busyPollMs: number, callsMsMax: number): Polling | null {
  if (busyPollMs === 0 || clock.nextTurn === undefined) return null;
  let poller = pollers.get(clock);
  if (poller === undefined) {
    poller = new BusyPoller(() => clock.now(), clock.nextTurn.bind(clock));
    pollers.set(clock, poller);
  }
  return { poller, idleMs: busyPollMs, callsMs: Math.max(busyPollMs, callsMsMax) };
}
