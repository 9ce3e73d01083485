/**
 * The caller's slots, and the only file that writes them. A slot is an object that stays and serves one call after the other, so the
 * usual call allocates its promise and nothing else. The states in capitals are the protocol's (spec, 6.2); the others exist at the
 * caller only.
 *
 *   FREE --take--> unsent --first frame of the REQUEST written--> OPEN --RESPONSE with MORE--> PARTIAL
 *
 *   OPEN, PARTIAL --the answer is complete, the callee's schema is not here yet--> answered
 *   OPEN, PARTIAL --the deadline passes--> overdue --the callee did not say why in time--> CANCELLED
 *   OPEN, PARTIAL --this side ends the call--> CANCELLED
 *   any state     --terminal frame, connection over, or the call ends while unsent or answered--> FREE
 *
 * - unsent: the call has a number that the callee has not heard of; the slot's next call gets the same number.
 * - OPEN: the caller waits. The rest of a long request may still be on its way (`long`).
 * - PARTIAL: a RESPONSE of several frames is incomplete. Incomplete items are the `IncomingStream`'s own matter.
 * - overdue: the caller still waits, but only to learn which part was late (`CallerDeadlines`).
 * - CANCELLED: the promise is settled. The slot waits for the callee's terminal frame, or for a ONEWAY request to be written.
 *
 * Used by `Caller` and its parts. `CallEnds` decides how a call ends; the table only moves the slot.
 */
import type { CancelSignal } from '../../base/cancel-signal.js';
import { callNumber, nextCall, type OpenerBit, SLOTS_MAX } from '../../wire/call-number.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import { type CallExtras, listenForAbort, type Reject, type Resolve } from '../calls/pending-call.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { MessageSender } from '../messages/message-sender.js';
import { type OutgoingMethod, unboundMethod } from '../methods/outgoing-methods.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { OutgoingStream } from '../streams/outgoing-stream.js';

// Small integers: a transition costs two loads and a mask, so every step is checked, on the hot path too.
export const FREE = 0;
export const UNSENT = 1;
export const OPEN = 2;
export const PARTIAL = 3;
export const ANSWERED = 4;
export const OVERDUE = 5;
export const CANCELLED = 6;
export type SlotState = 0 | 1 | 2 | 3 | 4 | 5 | 6;

const names = ['FREE', 'unsent', 'OPEN', 'PARTIAL', 'answered', 'overdue', 'CANCELLED'];

/** The drawing above: bit `to` of entry `from` is set if the step is drawn. */
const drawn: readonly number[] = [
  1 << UNSENT,
  (1 << OPEN) | (1 << FREE),
  (1 << PARTIAL) | (1 << ANSWERED) | (1 << OVERDUE) | (1 << CANCELLED) | (1 << FREE),
  (1 << ANSWERED) | (1 << OVERDUE) | (1 << CANCELLED) | (1 << FREE),
  1 << FREE,
  (1 << CANCELLED) | (1 << FREE),
  1 << FREE,
];

/** The only writer of `CallSlot.state`. A step that is not drawn is an error of this program. */
function transition(entry: CallSlot, to: SlotState): void {
  if ((drawn[entry.state] & (1 << to)) === 0) refuseStep(entry.state, to);
  entry.state = to;
}

function refuseStep(from: SlotState, to: SlotState): never {
  throw new Error(`Trunkline invariant broken: a call slot cannot go from ${names[from]} to ${names[to]}`);
}

/** The resolver of a slot whose call has been settled. */
const settled = (): void => {};

export class CallSlot {
  state: SlotState = FREE;
  /** The number of the call in this slot; 0 while it is FREE. */
  call = 0;
  /** The number of the slot's next call. It advances when a call leaves that the callee has heard of. */
  next: number;
  deadlineAt = Infinity;
  /** When the call took the slot, in milliseconds of the clock. */
  since = 0;
  /** Where the request ends in the connection's outgoing bytes; Infinity while only part of it is written. Valid once it is sent. */
  position = 0;
  /** While overdue: by how many milliseconds this process saw the deadline too late. */
  lateMs = 0;
  /** The number of the slot's latest call that asked for its ledger. */
  ledgerCall = 0;
  spec: MethodSpec = unboundMethod.spec;
  /** Set when the request is sent. */
  method: OutgoingMethod = unboundMethod;
  /** What the caller gave, kept until the call is settled: it may have to be sent elsewhere. */
  request: unknown = undefined;
  resolve: Resolve = settled;
  /** Null: `resolve` belongs to a promise, see `rejectCall`. */
  reject: Reject | null = settled;
  extras: CallExtras | null = null;
  /** Listens to the abort signal of `extras`. */
  onAbort: (() => void) | null = null;
  /** The request, while it leaves in several frames. */
  long: LongMessage | null = null;
  /** The response, while it arrives in several frames or waits for a schema. */
  message: IncomingMessage | null = null;
  /** The callee's items; stays while the slot is CANCELLED, since items that still arrive cost credit. */
  incoming: IncomingStream | null = null;
  /** The items that this side sends. */
  outgoing: OutgoingStream | null = null;

  constructor(openerBit: OpenerBit, slot: number) {
    this.next = callNumber(openerBit, 1, slot);
  }

  /** The caller waits for the answer. False while the slot waits for a terminal frame only. */
  get isLive(): boolean {
    return this.state >= UNSENT && this.state <= ANSWERED;
  }

  /** The call's promise is pending: also while it is overdue. */
  get isUnsettled(): boolean {
    return this.state >= UNSENT && this.state <= OVERDUE;
  }
}

export class CallTable {
  readonly slots: CallSlot[] = [];
  /** Calls whose answer was read in full. */
  finished = 0;
  private readonly free: CallSlot[] = [];

  constructor(
    /** Calls that the peer accepts at once. */
    public slotsMax: number,
    private readonly openerBit: OpenerBit,
    private readonly sender: MessageSender,
  ) {}

  /** Slots that are not FREE. */
  get inUse(): number {
    return this.slots.length - this.free.length;
  }

  /** Whether `take` would find a slot. */
  get hasRoom(): boolean {
    return this.free.length > 0 || this.slots.length < Math.min(this.slotsMax, SLOTS_MAX);
  }

  /** Whether the call still has its slot: its terminal frame has not come. */
  has(call: number): boolean {
    const entry = this.slots[call & 0xffff];
    return entry !== undefined && entry.call === call;
  }

  /** The slot of a call that the callee has heard of, or undefined: it may send frames for this one. */
  find(call: number): CallSlot | undefined {
    const entry = this.slots[call & 0xffff];
    return entry !== undefined && entry.call === call && entry.state !== UNSENT ? entry : undefined;
  }

  /** Gives the call a slot and its number, or returns null when there is no slot. The slot freed last comes first: it is in the cache. */
  take(
    spec: MethodSpec,
    request: unknown,
    deadlineAt: number,
    extras: CallExtras | null,
    now: number,
    resolve: Resolve,
    reject: Reject | null,
  ): CallSlot | null {
    const entry = this.free.pop() ?? this.add();
    if (entry === null) return null;
    transition(entry, UNSENT);
    entry.call = entry.next;
    entry.spec = spec;
    entry.request = request;
    entry.deadlineAt = deadlineAt;
    entry.extras = extras;
    entry.since = now;
    entry.resolve = resolve;
    entry.reject = reject;
    if (extras !== null && extras.ledger != null) entry.ledgerCall = entry.call;
    return entry;
  }

  /** The whole request was written; it ends at `position` of the outgoing bytes. */
  sent(entry: CallSlot, method: OutgoingMethod, position: number): void {
    transition(entry, OPEN);
    entry.method = method;
    entry.position = position;
  }

  /** The request leaves in several frames, of which none is written yet. */
  sending(entry: CallSlot, method: OutgoingMethod, long: LongMessage): void {
    entry.method = method;
    entry.position = Infinity;
    entry.long = long;
  }

  /** The first of several frames was written. */
  begun(entry: CallSlot): void {
    transition(entry, OPEN);
  }

  /** The last of several frames was written. */
  sentLong(entry: CallSlot, position: number): void {
    entry.long = null;
    entry.position = position;
  }

  /** Calls back once when the call's signal aborts, at once if it has; not after the call has ended. */
  listen(entry: CallSlot, signal: CancelSignal, onAbort: () => void): void {
    entry.onAbort = onAbort;
    listenForAbort(signal, onAbort);
  }

  bindIncoming(entry: CallSlot, incoming: IncomingStream): void {
    entry.incoming = incoming;
  }

  bindOutgoing(entry: CallSlot, outgoing: OutgoingStream): void {
    entry.outgoing = outgoing;
  }

  /** The first frame of a RESPONSE that is not read at once: it has several frames, or its prefix or its schema take more. */
  receive(entry: CallSlot, message: IncomingMessage): void {
    entry.message = message;
    if (message.partial) transition(entry, PARTIAL);
  }

  /** The terminal frame is here in full and waits for the callee's schema. */
  answered(entry: CallSlot): void {
    transition(entry, ANSWERED);
  }

  /** The deadline has passed, and the callee may say why. Nothing more is sent, and the signal is not heard any more. */
  overdue(entry: CallSlot, lateMs: number): void {
    transition(entry, OVERDUE);
    entry.lateMs = lateMs;
    this.drop(entry);
  }

  /** The call was settled by this side; the slot waits for the terminal frame. */
  cancelled(entry: CallSlot): void {
    transition(entry, CANCELLED);
    entry.resolve = settled;
    entry.reject = settled;
    // A ONEWAY request that is half sent goes on: no terminal frame would follow a CANCEL.
    if (entry.spec.kind === 'oneway') return;
    this.drop(entry);
    entry.extras = null;
  }

  /** The answer was read: as `release`, and counts the call. */
  finish(entry: CallSlot): void {
    this.finished++;
    this.release(entry);
  }

  /** Frees the slot and forgets everything of its call: the one teardown. */
  release(entry: CallSlot): void {
    if (entry.state !== UNSENT) entry.next = nextCall(entry.call);
    transition(entry, FREE);
    entry.call = 0;
    entry.resolve = settled;
    entry.reject = settled;
    entry.request = undefined;
    if (entry.extras !== null || entry.long !== null || entry.message !== null) {
      this.drop(entry);
      entry.extras = null;
    }
    entry.incoming = null;
    this.give(entry);
  }

  /** Drops what only some calls have: their signal's listener, messages that are half sent or half received, the source of their items. */
  private drop(entry: CallSlot): void {
    if (entry.onAbort !== null) entry.extras?.signal?.removeEventListener('abort', entry.onAbort);
    entry.onAbort = null;
    if (entry.long !== null) this.sender.drop(entry.long);
    entry.long = null;
    entry.message?.release();
    entry.message = null;
    const { outgoing } = entry;
    entry.outgoing = null;
    outgoing?.stop();
  }

  private give(entry: CallSlot): void {
    this.free.push(entry);
  }

  private add(): CallSlot | null {
    if (!this.hasRoom) return null;
    const entry = new CallSlot(this.openerBit, this.slots.length);
    this.slots.push(entry);
    return entry;
  }
}
