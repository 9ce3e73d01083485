/** PING and PONG: those that this side sent and waits for, and the budget of those that the peer may send. */

import { describeLimit, limitOf } from '../../base/limits.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import type { LifecycleLink } from './lifecycle-link.js';

/** PING frames accepted at once, beyond the mean. */
const PINGS_BURST = 5;
const PING_BYTES = 8;

export class Pings {
  /** PONGs that are still to come. */
  outstanding = 0;
  private sent = 0;
  private readonly budget: TokenBucket;

  constructor(private readonly link: LifecycleLink) {
    const { pingIntervalMsMin } = link.limits;
    const perSecond = pingIntervalMsMin > 0 ? 1000 / pingIntervalMsMin : Infinity;
    this.budget = new TokenBucket(PINGS_BURST, perSecond, link.clock.now());
  }

  /** For keepalive: one that is not answered yet asks already, and several behind a long delay would be taken for a flood. */
  ask(): void {
    if (this.outstanding === 0) this.send();
  }

  send(): void {
    const payload = Buffer.alloc(PING_BYTES);
    this.outstanding++;
    payload.writeUInt32LE(++this.sent);
    this.link.queue.writeFrame(FrameType.PING, 0, 0, 0, payload);
  }

  onPing(buffer: Buffer, start: number, end: number): void {
    const { link } = this;
    const { pingIntervalMsMin } = link.limits;
    if (pingIntervalMsMin > 0 && !this.budget.charge(link.now, 0)) {
      const limit = limitOf(link.limits, 'pingIntervalMsMin');
      link.fail(CloseCode.FLOOD, describeLimit('too many PING frames', limit));
      return;
    }
    link.queue.writeFrame(FrameType.PONG, 0, 0, 0, buffer.subarray(start, end));
  }

  /** False: it does not answer the earliest PING that waits, and the connection has been closed. */
  onPong(buffer: Buffer, start: number): boolean {
    const asked = this.sent - this.outstanding + 1;
    if (this.outstanding > 0 && readU32(buffer, start) === asked && readU32(buffer, start + 4) === 0) {
      this.outstanding--;
      return true;
    }
    this.link.fail(CloseCode.PROTOCOL, 'a PONG that answers no PING');
    return false;
  }
}
