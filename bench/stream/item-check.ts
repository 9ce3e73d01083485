/** Counts the items of one stream and looks at each: the record's id is its place in the stream. */
import { type Canonical, isRight, looksRight } from '../canonical.js';
import type { Counts } from '../process/marks.js';

/** Every so many items, one is compared in full. */
const ITEMS_PER_FULL_CHECK = 1024;

export class ItemCheck {
  done = 0;
  /** Items that were not the expected ones. */
  wrong = 0;
  failed = 0;
  /** What ended the stream, empty while nothing has. */
  failure = '';

  take(item: Canonical): void {
    const id = this.done++;
    const right = id % ITEMS_PER_FULL_CHECK === 0 ? isRight(item, id) : looksRight(item, id);
    if (!right) this.wrong++;
  }

  counts(): Counts {
    const { done, wrong, failed, failure } = this;
    return { done, wrong, failed, failure };
  }

  fail(error: unknown): void {
    this.failed++;
    if (this.failure === '') this.failure = String(error);
  }
}
