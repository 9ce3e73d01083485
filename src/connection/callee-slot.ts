/** One slot of the callee's table: an object that stays, filled by one call after the other. */
import type { Started } from '../base/errors.js';
import type { CallContext } from './call-context.js';
import type { LongMessage } from './frame-scheduler.js';
import type { IncomingMessage } from './incoming-message.js';
import type { IncomingMethod } from './incoming-methods.js';

/** Where a call is; the drawing is in `callee.ts`. */
export const Phase = { FREE: 0, RECEIVING: 1, HELD: 2, RUNNING: 3, ANSWERING: 4 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export class CalleeSlot {
  phase: Phase = Phase.FREE;
  /** The slot's latest call, open or ended. */
  call = 0;
  generation = 0;
  deadlineAt = Infinity;
  method: IncomingMethod | null = null;
  /** Set while RUNNING or ANSWERING; tells a late handler whether the slot is still its own. */
  context: CallContext | null = null;
  message: IncomingMessage | null = null;
  long: LongMessage | null = null;
  oneway = false;
  /** A call of this slot that has ended while frames of its request may still come, to be thrown away; 0: none. */
  skippedCall = 0;
  /** Goes on with the call that is HELD for the schemas of this method; made when one is for the first time. */
  resume: ((method: IncomingMethod) => void) | null = null;

  /** Whether the handler of the open call has begun. */
  get started(): Started {
    return this.phase === Phase.RUNNING || this.phase === Phase.ANSWERING ? 'yes' : 'no';
  }

  /** Moves the call to an entry of its own; the slot is FREE. */
  moveOut(): CalleeSlot {
    const own = new CalleeSlot();
    own.call = this.call;
    own.method = this.method;
    own.message = this.message;
    own.deadlineAt = this.deadlineAt;
    own.oneway = this.oneway;
    this.message = null;
    this.leave();
    return own;
  }

  /** The call has ended; the slot is FREE and keeps only its number. */
  leave(): void {
    this.phase = Phase.FREE;
    this.deadlineAt = Infinity;
    this.method = null;
    this.context = null;
    this.message?.release();
    this.message = null;
    this.long = null;
    this.oneway = false;
  }
}
