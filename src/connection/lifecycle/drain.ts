/**
 * The drain of one connection (spec, 8.2), whichever side begins it.
 *
 *            begin()           send(): DRAIN and PING written       PONG, or the peer ended its half
 *   none --------------> pending -----------------------> asked ------------------------------------> confirmed
 *    |                      ^                                                                            ^
 *    | the peer has drained,| begin()                                                                    |
 *    v no call is live      |                                                                            |
 *   lingering --------------+--------------------- the peer ended its half ------------------------------+
 *    |                                                     (from none too)
 *    | DRAINED_IDLE_MS
 *    v
 *   overdue ----- a call is live after all -----> none
 *
 * - none: this side does not drain. The peer may (`byPeer`).
 * - pending: DRAIN is to be written, which waits for the peer's HELLO: nobody may send a PING before that.
 * - asked: what the peer sent before it saw DRAIN has arrived once the PONG has.
 * - confirmed: the peer opens no more calls. The connection closes (NONE) when no call is live.
 * - lingering: the side that sent DRAIN closes, because the other may have calls to send. But a connection is not kept for a peer
 *   that has drained and then forgot to close: it has DRAINED_IDLE_MS for that.
 * - overdue: that time is up. The connection closes if no call is live at this moment.
 *
 * Beside that runs the grace: when it is over, what is left is cancelled and the connection closes (SHUTDOWN).
 *
 * Decides nothing by itself: `Connection` calls it, and acts on what it returns and on its two timers.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type Steps, step } from '../../base/state-machine.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import { decodeDrain, encodeDrain } from '../../wire/records/drain.js';
import { WireError } from '../../wire/wire-error.js';
import type { WriteQueue } from '../messages/write-queue.js';
import type { Pings } from './pings.js';

const DRAINED_IDLE_MS = 1_000;
const GRACE_MS_MAX = 0x7fff_ffff;
/** A timer that has so much left was not set for the whole time. */
const LONG_TIMER_MS = 1_000;

export type DrainState = 'none' | 'pending' | 'asked' | 'confirmed' | 'lingering' | 'overdue';

const steps: Steps<DrainState> = {
  none: ['pending', 'confirmed', 'lingering'],
  pending: ['asked'],
  asked: ['confirmed'],
  confirmed: [],
  lingering: ['overdue', 'pending', 'confirmed'],
  overdue: ['none'],
};

/** What the drain's timers say. */
export interface DrainTimers {
  onGraceOver(): void;
  /** The peer has drained and has not closed in time: the state is `overdue`. */
  onLingerOver(): void;
}

export class Drain {
  /** The peer has sent DRAIN: it takes no more calls. */
  byPeer = false;
  /** The peer has ended its half. */
  peerEnded = false;
  private current: DrainState = 'none';
  private record: Buffer = Buffer.alloc(0);
  /** The PING that was sent behind DRAIN. */
  private ping = 0;
  private graceAt = Infinity;
  private graceTimer: Timer | null = null;
  private lingerTimer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly queue: WriteQueue,
    private readonly pings: Pings,
    private readonly timers: DrainTimers,
  ) {}

  get state(): DrainState {
    return this.current;
  }

  /** Begins, or shortens the grace of a drain that has begun. `send` follows as soon as the peer's HELLO was read. */
  begin(text: string, graceMs: number): void {
    if (this.current === 'none' || this.current === 'lingering') {
      this.record = encodeDrain({ text, graceMs: Math.min(Math.ceil(graceMs), GRACE_MS_MAX) });
      this.enter('pending');
    }
    const graceAt = this.clock.now() + graceMs;
    if (graceAt >= this.graceAt) return;
    this.graceAt = graceAt;
    this.watchGrace(graceMs);
  }

  private watchGrace(graceMs: number): void {
    this.graceTimer?.cancel();
    this.graceTimer = this.clock.setTimer(
      () => {
        this.graceTimer = null;
        const leftMs = this.graceAt - this.clock.now();
        // Timers end after 24.8 days, which is less than some graces.
        if (leftMs >= LONG_TIMER_MS) this.watchGrace(leftMs);
        else this.timers.onGraceOver();
      },
      Math.min(graceMs, GRACE_MS_MAX),
    );
  }

  /** Writes DRAIN, and a PING whose answer says that the peer has read it. From `pending` only. */
  send(): void {
    this.enter('asked');
    this.queue.writeFrame(FrameType.DRAIN, 0, 0, 0, this.record);
    this.ping = this.pings.send();
  }

  /** The peer's DRAIN. Throws a `WireError`. */
  onFrame(buffer: Buffer, start: number, end: number): void {
    decodeDrain(buffer, start, end);
    if (this.byPeer) throw new WireError(CloseCode.PROTOCOL, 'a second DRAIN');
    this.byPeer = true;
  }

  /** The peer answered the PING of this number. */
  onPong(ping: number): void {
    if (this.current === 'asked' && ping === this.ping) this.enter('confirmed');
  }

  /** The peer ended its half: it opens no more calls, whether or not it has read DRAIN. */
  onReadEnd(): void {
    this.peerEnded = true;
    if (this.current !== 'confirmed') this.enter('confirmed');
  }

  /** The connection drains, and no call is live on it. True: it may close. False: it waits, if need be with a timer. */
  onIdle(): boolean {
    if (this.current === 'none') this.enter('lingering');
    return this.current === 'confirmed' || this.current === 'overdue';
  }

  /** Ends both timers. */
  stop(): void {
    this.graceTimer?.cancel();
    this.graceTimer = null;
    this.stopLingering();
  }

  private enter(to: DrainState): void {
    this.current = step('a drain', steps, this.current, to);
    this.stopLingering();
    if (to !== 'lingering') return;
    this.lingerTimer = this.clock.setTimer(() => {
      this.enter('overdue');
      this.timers.onLingerOver();
      this.enter('none');
    }, DRAINED_IDLE_MS);
  }

  private stopLingering(): void {
    this.lingerTimer?.cancel();
    this.lingerTimer = null;
  }
}
