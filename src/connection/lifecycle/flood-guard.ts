/** What a peer may not do without end: cancel and provoke, and send frames of a message that carry nothing. */

import { describeLimit, limitOf } from '../../base/limits.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { CloseCode } from '../../wire/constants.js';
import type { LifecycleLink } from './lifecycle-link.js';

/** Frames with MORE and no bytes in a row. */
const EMPTY_FRAGMENTS_MAX = 10;

export class FloodGuard {
  private readonly resets: TokenBucket;
  private emptyFragments = 0;

  constructor(private readonly link: LifecycleLink) {
    const { resetsBurstMax, resetsPerSecondMax } = link.limits;
    this.resets = new TokenBucket(resetsBurstMax, resetsPerSecondMax, link.clock.now());
  }

  /** One cancel, refused or late call; `finished` calls have ended normally so far. False: the connection was closed. */
  chargeReset(finished: number): boolean {
    const { link } = this;
    if (this.resets.charge(link.now, finished)) return true;
    const limit = limitOf(link.limits, 'resetsBurstMax');
    link.fail(CloseCode.FLOOD, describeLimit('too many cancelled, refused or late calls', limit));
    return false;
  }

  /** One frame of a message. False: the connection was closed. */
  admitFragment(more: boolean, bytes: number): boolean {
    this.emptyFragments = more && bytes === 0 ? this.emptyFragments + 1 : 0;
    if (this.emptyFragments <= EMPTY_FRAGMENTS_MAX) return true;
    this.link.fail(CloseCode.FLOOD, `more than ${EMPTY_FRAGMENTS_MAX} empty frames with MORE`);
    return false;
  }
}
