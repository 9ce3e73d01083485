/**
 * Bounds what a peer may do again and again at no cost to itself: cancel calls and provoke refusals, and send frames of a message
 * that carry nothing. Both methods return the error that ends the connection, or null. Used by `Connection`.
 */
import { describeLimit, type Limits, limitOf } from '../../base/limits.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { CloseCode } from '../../wire/constants.js';
import { WireError } from '../../wire/wire-error.js';

/** Frames with MORE and no bytes in a row. */
const EMPTY_FRAGMENTS_MAX = 10;

export class FloodGuard {
  private readonly resets: TokenBucket;
  private emptyFragments = 0;

  constructor(
    private readonly limits: Limits,
    now: number,
  ) {
    this.resets = new TokenBucket(limits.resetsBurstMax, limits.resetsPerSecondMax, now);
  }

  /** One cancelled, refused or late call. `finished`: how many calls have ended normally so far. */
  chargeReset(now: number, finished: number): WireError | null {
    if (this.resets.charge(now, finished)) return null;
    const limit = limitOf(this.limits, 'resetsBurstMax');
    return new WireError(CloseCode.FLOOD, describeLimit('too many cancelled, refused or late calls', limit));
  }

  /** One frame of a message of several. */
  admitFragment(more: boolean, bytes: number): WireError | null {
    this.emptyFragments = more && bytes === 0 ? this.emptyFragments + 1 : 0;
    if (this.emptyFragments <= EMPTY_FRAGMENTS_MAX) return null;
    return new WireError(CloseCode.FLOOD, `more than ${EMPTY_FRAGMENTS_MAX} empty frames with MORE`);
  }
}
