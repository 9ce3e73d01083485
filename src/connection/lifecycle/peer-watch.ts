/**
 * Watches over a peer that does not do its part: it is silent (`Keepalive`), reads nothing (`StallWatch`), or sends too much of what costs
 * it nothing (`FloodGuard`, `Pings`). Used by `Connection`, which ends with the error that `onFailure` receives.
 */
import type { Clock } from '../../base/clock.js';
import { type AnnouncedLimits, describeLimit, type Limits, limitOf } from '../../base/limits.js';
import type { Transport } from '../../transport/transport.js';
import { CloseCode } from '../../wire/constants.js';
import { WireError } from '../../wire/wire-error.js';
import type { WriteQueue } from '../messages/write-queue.js';
import { FloodGuard } from './flood-guard.js';
import { Keepalive } from './keepalive.js';
import { Pings } from './pings.js';
import { StallWatch } from './stall-watch.js';

export interface PeerWatchOptions {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly transport: Transport;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random: () => number;
}

export class PeerWatch {
  readonly stall: StallWatch;
  readonly flood: FloodGuard;
  readonly pings: Pings;
  private keepalive: Keepalive | null = null;

  constructor(
    private readonly options: PeerWatchOptions,
    queue: WriteQueue,
    private readonly onFailure: (error: WireError) => void,
  ) {
    const { clock, limits, transport } = options;
    const now = clock.now();
    this.flood = new FloodGuard(limits, now);
    this.pings = new Pings(queue, limits, now);
    this.stall = new StallWatch(clock, transport, limits.stallMsMax, onFailure);
  }

  /** The peer's HELLO was read. `lastHeardAt`: milliseconds of the clock at which bytes last came. */
  startKeepalive(peerLimits: AnnouncedLimits, lastHeardAt: () => number): void {
    const { clock, limits, random } = this.options;
    const silenceMs = Math.max(limits.keepaliveMs, peerLimits.pingIntervalMsMin);
    const times = { silenceMs, timeoutMs: limits.keepaliveTimeoutMs, random };
    this.keepalive = new Keepalive(clock, this.pings, times, lastHeardAt, () => {
      const text = describeLimit('no answer to PING', limitOf(limits, 'keepaliveTimeoutMs'));
      this.onFailure(new WireError(CloseCode.KEEPALIVE_TIMEOUT, text));
    });
  }

  /** The peer ended its half: it cannot answer a PING any more. */
  stopKeepalive(): void {
    this.keepalive?.stop();
    this.keepalive = null;
  }

  /** Ends all timers. */
  stop(): void {
    this.stopKeepalive();
    this.stall.stop();
  }
}
