/**
 * The drain of one connection (spec, 8.2), whichever side begins it.
 *
 *   begin() --HELLO read--> DRAIN and PING written --PONG--> the peer has seen it --no call is live--> CLOSE (NONE)
 *      |                                                                                                   ^
 *      |   DRAIN read --no call is live--> the peer has DRAINED_IDLE_MS to close --------------------------+
 *      |
 *      +-- the grace is over: what is left is cancelled --> CLOSE (SHUTDOWN)
 *
 * The PONG says that every call which crossed DRAIN has been read. Whoever sent DRAIN closes, for the other side may have
 * calls to send; but nobody keeps a connection for a peer that has drained and then forgot to close. Used by `Connection`.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import { decodeDrain, encodeDrain } from '../../wire/records/drain.js';
import { WireError } from '../../wire/wire-error.js';
import type { WriteQueue } from '../messages/write-queue.js';
import type { Pings } from './pings.js';

const DRAINED_IDLE_MS = 1_000;
const GRACE_MS_MAX = 0x7fff_ffff;

export interface DrainOwner {
  readonly clock: Clock;
  readonly queue: WriteQueue;
  /** No call is live in either direction, and no handler runs. */
  readonly idle: boolean;
  /** The connection takes no new calls of one side, or of both. */
  enterDraining(): void;
  /** Every call is done. */
  onDrained(): void;
  onGraceOver(): void;
}

export class Drain {
  /** The peer has sent DRAIN: it takes no more calls. */
  byPeer = false;
  /** The peer has ended its half. */
  peerEnded = false;
  /** This side's DRAIN; null: it does not drain. */
  private record: Buffer | null = null;
  /** PONGs to come before the peer is known to have seen our DRAIN; -1: none was sent. */
  private pongs = -1;
  private graceAt = Infinity;
  private graceTimer: Timer | null = null;
  private idleTimer: Timer | null = null;

  constructor(
    private readonly owner: DrainOwner,
    private readonly pings: Pings,
  ) {}

  /** Begins, or shortens the grace of what has begun. */
  begin(text: string, graceMs: number): void {
    const { clock } = this.owner;
    const graceAt = clock.now() + graceMs;
    this.record ??= encodeDrain({ text, graceMs: Math.min(Math.ceil(graceMs), GRACE_MS_MAX) });
    if (graceAt >= this.graceAt) return;
    this.graceAt = graceAt;
    this.graceTimer?.cancel();
    this.graceTimer = clock.setTimer(() => this.owner.onGraceOver(), graceMs);
  }

  /** Writes DRAIN. Not before the peer's HELLO, since nobody may send a PING before that. */
  send(): void {
    if (this.record === null) return;
    this.owner.enterDraining();
    // The peer has ended its half, or has been told: there is nothing to ask of it.
    if (this.pongs >= 0) return;
    this.owner.queue.writeFrame(FrameType.DRAIN, 0, 0, 0, this.record);
    // What the peer sent before it saw DRAIN has arrived once its answer to this PING has.
    this.pings.send();
    this.pongs = this.pings.outstanding;
  }

  /** The peer's DRAIN. */
  onFrame(buffer: Buffer, start: number, end: number): void {
    decodeDrain(buffer, start, end);
    if (this.byPeer) throw new WireError(CloseCode.PROTOCOL, 'a second DRAIN');
    this.byPeer = true;
    this.owner.enterDraining();
  }

  onPong(): void {
    if (this.pongs > 0) this.pongs--;
  }

  /** Nothing more comes from the peer, whatever it has seen. */
  onReadEnd(): void {
    this.peerEnded = true;
    this.pongs = 0;
    this.owner.enterDraining();
  }

  /** The connection drains, one way or the other, and nothing is live on it. */
  onIdle(): void {
    if (this.pongs === 0) {
      this.owner.onDrained();
    } else if (this.pongs < 0 && this.idleTimer === null) {
      this.idleTimer = this.owner.clock.setTimer(() => {
        this.idleTimer = null;
        if (this.owner.idle) this.owner.onDrained();
      }, DRAINED_IDLE_MS);
    }
  }

  stop(): void {
    this.graceTimer?.cancel();
    this.idleTimer?.cancel();
    this.graceTimer = this.idleTimer = null;
  }
}
