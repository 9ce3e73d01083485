/** What keepalive, PING and the budget of resets need of their connection. */
import type { Clock } from '../../base/clock.js';
import type { AnnouncedLimits, Limits } from '../../base/limits.js';
import type { CloseCodeNumber } from '../../wire/constants.js';
import type { WriteQueue } from '../messages/write-queue.js';

export interface LifecycleLink {
  readonly clock: Clock;
  /** This side's settings. */
  readonly limits: Limits;
  /** What the peer accepts: the protocol's minimum until its HELLO was read. */
  readonly peerLimits: AnnouncedLimits;
  /** Milliseconds of the clock, read once per chunk and once per batch of calls. */
  readonly now: number;
  readonly queue: WriteQueue;
  /** The peer broke the protocol: CLOSE with this code, every call settled, the socket ends. */
  fail(code: CloseCodeNumber, text: string): void;
}
