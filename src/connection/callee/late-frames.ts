/**
 * What the caller may still send for a call that has ended at the callee (protocol 6.7): frames that were on their way when the
 * terminal frame was. Their content is dropped. What a conforming caller may have sent costs nothing, anything else a reset each.
 */
import { CloseCode, FrameType } from '../../wire/constants.js';
import type { Link } from '../calls/link.js';

/** CREDIT frames that may cross the end of a stream. */
const LATE_CREDITS_MAX = 10;

export class LateFrames {
  private ends = 0;
  private cancels = 0;
  private credits = 0;

  /**
   * `credit`: bytes that the caller might still send of its stream when the call ended; -1: it had none, or had ended it.
   */
  constructor(
    readonly call: number,
    private credit: number,
    /** Its CANCEL costs nothing. */
    private readonly cancelIsFree: boolean,
  ) {}

  /** One late frame; `cost` of an ITEM, else 0. */
  admit(link: Link, type: number, cost: number): void {
    if (!this.isDue(type)) {
      link.chargeReset();
      return;
    }
    if (type !== FrameType.ITEM) return;
    this.credit -= cost;
    if (this.credit < 0) {
      link.fail(CloseCode.FLOW_CONTROL, `a late ITEM frame for call ${this.call}, beyond its credit`);
    }
  }

  /** Whether a conforming caller may have sent this frame as well. */
  private isDue(type: number): boolean {
    this.count(type);
    if (type === FrameType.ITEM) return this.credit >= 0;
    if (type === FrameType.END) return this.ends === 1;
    if (type === FrameType.CANCEL) return this.cancelIsFree && this.cancels === 1;
    return this.credits <= LATE_CREDITS_MAX;
  }

  private count(type: number): void {
    if (type === FrameType.END) this.ends++;
    else if (type === FrameType.CANCEL) this.cancels++;
    else if (type === FrameType.CREDIT) this.credits++;
  }
}
