/** One slot of the caller's table: an object that stays, filled by one call after the other. */
import type { IncomingMessage } from './incoming-message.js';
import type { LongMessage } from './message-sender.js';
import type { OutgoingMethod } from './outgoing-methods.js';
import type { CallExtras } from './pending-call.js';

export type Resolve = (value: unknown) => void;
export type Reject = (error: unknown) => void;

/** The resolver of a slot whose call has been settled. */
export const settled = (): void => {};

export class CallSlot {
  /** The call's number while the slot is in use, else 0. */
  call = 0;
  generation = 0;
  /** Settled for its caller; waits for the terminal frame. */
  givenUp = false;
  deadlineAt = Infinity;
  /** Where the request ends in the connection's outgoing bytes; Infinity while it is only half sent. */
  position = 0;
  method: OutgoingMethod | null = null;
  resolve: Resolve = settled;
  reject: Reject = settled;
  extras: CallExtras | null = null;
  onAbort: (() => void) | null = null;
  /** The request, while it leaves in several frames. */
  long: LongMessage | null = null;
  /** The response, while it arrives in several frames or waits for a schema. */
  message: IncomingMessage | null = null;

  constructor(readonly slot: number) {}
}
