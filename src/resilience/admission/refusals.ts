/**
 * The FAILURE of a call that a busy server does not take. An overloaded server refuses most of what comes, so the records are encoded once
 * for each reason and hint, and no error object is made.
 */
import { RpcCodes } from '../../base/codes.js';
import { describeLimit, type Limits, limitOf } from '../../base/limits.js';
import { encodeFailure } from '../../wire/records/failure.js';

/**
 * `late`: the calls before it take too long. `full`: no room to wait. `share`: its connection has its part of the room, and others
 * wait as well.
 */
export type RefusalReason = 'late' | 'full' | 'share';

/** Encoded FAILURE records of one server, by reason and hint. */
export class Refusals {
  private readonly records = new Map<number, Buffer>();

  constructor(private readonly limits: Limits) {}

  /** `waitMs`: until those that wait now are served; the hint is the power of two above it. */
  record(why: RefusalReason, waitMs: number): Buffer {
    const exponent = Math.ceil(Math.log2(Math.max(1, waitMs)));
    const key = exponent * 4 + (why === 'late' ? 0 : why === 'full' ? 1 : 2);
    let record = this.records.get(key);
    if (record === undefined) {
      record = encodeFailure({
        code: RpcCodes.RESOURCE_EXHAUSTED,
        started: 'no',
        text: this.text(why),
        retryAfterMs: 2 ** exponent,
        elsewhere: true,
        detail: null,
      });
      this.records.set(key, record);
    }
    return record;
  }

  private text(why: RefusalReason): string {
    if (why === 'late') return describeLimit('the server cannot answer in time', limitOf(this.limits, 'executingMax'));
    const { admissionQueueCallsMax: calls, admissionQueueBytesMax: bytes } = this.limits;
    const limits = `the limits admissionQueueCallsMax and admissionQueueBytesMax are ${calls} and ${bytes} (settings: limits.NAME)`;
    if (why === 'full') return `too many calls wait at the server: ${limits}`;
    return `too many calls of this connection wait at the server, and others wait too: ${limits}`;
  }
}
