/** The caller's slots: objects that stay, filled by one call after the other, and the list of those that are free. */
import type { RpcError } from '../../base/errors.js';
import { SLOTS_MAX } from '../../wire/call-number.js';
import type { CallExtras, Reject, Resolve } from '../calls/pending-call.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { MessageSender } from '../messages/message-sender.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { OutgoingStream } from '../streams/outgoing-stream.js';

/** The resolver of a slot whose call has been settled. */
export const settled = (): void => {};

export class CallSlot {
  /** The call's number while the slot is in use, else 0. */
  call = 0;
  generation = 0;
  /** Settled for its caller; waits for the terminal frame. */
  givenUp = false;
  deadlineAt = Infinity;
  /** The slot's latest call that asked for its ledger. */
  ledgerCall = 0;
  /** Where the request ends in the connection's outgoing bytes; Infinity while it is only half sent. */
  position = 0;
  method: OutgoingMethod | null = null;
  /** What the caller gave, until the call is settled: it may have to be sent elsewhere. */
  request: unknown = undefined;
  /** When the request was sent, in milliseconds of the clock. */
  since = 0;
  resolve: Resolve = settled;
  reject: Reject = settled;
  extras: CallExtras | null = null;
  onAbort: (() => void) | null = null;
  /** The request, while it leaves in several frames. */
  long: LongMessage | null = null;
  /** The response, while it arrives in several frames or waits for a schema. */
  message: IncomingMessage | null = null;
  /** The callee's items; stays while the call is given up, since they still cost credit. */
  incoming: IncomingStream | null = null;
  /** The items that this side sends. */
  outgoing: OutgoingStream | null = null;

  /** The terminal frame of a stream waits behind items that wait for their schema. */
  endHeld = false;

  constructor(readonly slot: number) {}

  /** The whole response, or the end of its stream, is here; its schema is not. */
  get answered(): boolean {
    return this.endHeld || (this.message !== null && !this.message.partial);
  }

  /** Drops what only some calls have: their signal's listener, and messages that are half sent or half received. */
  forget(sender: MessageSender): void {
    if (this.onAbort !== null) this.extras?.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = null;
    this.extras = null;
    if (this.long !== null) sender.drop(this.long);
    this.long = null;
    this.message?.release();
    this.message = null;
    this.endHeld = false;
    const { outgoing } = this;
    this.outgoing = null;
    outgoing?.stop();
  }
}

export class CallTable {
  readonly slots: CallSlot[] = [];
  private readonly free: CallSlot[] = [];

  /** `slotsMax`: calls that the peer accepts at once. */
  constructor(public slotsMax: number) {}

  get inUse(): number {
    return this.slots.length - this.free.length;
  }

  /** A free slot, or null when there is none. The one that was freed last comes first: its fields are in the cache. */
  take(): CallSlot | null {
    return this.free.pop() ?? this.add();
  }

  give(entry: CallSlot): void {
    this.free.push(entry);
  }

  private add(): CallSlot | null {
    if (this.slots.length >= this.slotsMax || this.slots.length >= SLOTS_MAX) return null;
    const entry = new CallSlot(this.slots.length);
    this.slots.push(entry);
    return entry;
  }
}

/** What `Caller` does for its receiver. */
export interface CallEnds {
  /** Calls that ended with a RESPONSE. */
  finished: number;
  release(entry: CallSlot): void;
  giveUp(entry: CallSlot, error: RpcError): boolean;
  cancel(call: number): void;
}
