/**
 * PING and PONG: those that this side sent and waits for, and the budget of those that the peer may send. Used by `Connection`, by
 * `Keepalive` and by `Drain`.
 */
import { describeLimit, type Limits, limitOf } from '../../base/limits.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { WireError } from '../../wire/wire-error.js';
import type { WriteQueue } from '../messages/write-queue.js';

/** PING frames accepted at once, beyond the mean. */
const PINGS_BURST = 5;
const PING_BYTES = 8;

export class Pings {
  /** PING frames sent so far; each carries its number. */
  private sent = 0;
  /** The number of the last one that the peer has answered. */
  private answered = 0;
  private readonly budget: TokenBucket;

  constructor(
    private readonly queue: WriteQueue,
    private readonly limits: Limits,
    now: number,
  ) {
    const { pingIntervalMsMin } = limits;
    const perSecond = pingIntervalMsMin > 0 ? 1000 / pingIntervalMsMin : Infinity;
    this.budget = new TokenBucket(PINGS_BURST, perSecond, now);
  }

  /**
   * For keepalive: sends a PING unless one is unanswered, which asks already. Several of them, held up by a long delay, would look
   * like a flood.
   */
  ask(): void {
    if (this.answered === this.sent) this.send();
  }

  /** Returns the number of the PING. */
  send(): number {
    const payload = Buffer.alloc(PING_BYTES);
    payload.writeUInt32LE(++this.sent);
    this.queue.writeFrame(FrameType.PING, 0, 0, 0, payload);
    return this.sent;
  }

  /** Answers the peer's PING. Throws a `WireError` when it sends too many. */
  onPing(buffer: Buffer, start: number, end: number, now: number): void {
    const { limits } = this;
    if (limits.pingIntervalMsMin > 0 && !this.budget.charge(now, 0)) {
      throw new WireError(CloseCode.FLOOD, describeLimit('too many PING frames', limitOf(limits, 'pingIntervalMsMin')));
    }
    this.queue.writeFrame(FrameType.PONG, 0, 0, 0, buffer.subarray(start, end));
  }

  /** Returns the number of the PING that is answered. Throws a `WireError` when it is not the earliest that waits. */
  onPong(buffer: Buffer, start: number): number {
    const asked = this.answered + 1;
    if (asked > this.sent || readU32(buffer, start) !== asked || readU32(buffer, start + 4) !== 0) {
      throw new WireError(CloseCode.PROTOCOL, 'a PONG that answers no PING');
    }
    this.answered = asked;
    return asked;
  }
}
