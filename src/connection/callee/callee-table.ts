/**
 * The slots of the calls that the peer opened, and the count of those that are open. The only writer of a slot: what a call goes
 * through is a method here, and changes its state by `transition`. Used by the files of this folder.
 */

import { RpcError } from '../../base/errors.js';
import { generationOf, type OpenerBit, openerOf, slotOf } from '../../wire/call-number.js';
import { CloseCode } from '../../wire/constants.js';
import type { CallContext } from '../calls/call-context.js';
import type { Link } from '../calls/link.js';
import { type UnfinishedCall, unfinishedCall } from '../calls/unfinished-call.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { OutgoingStream } from '../streams/outgoing-stream.js';
import type { SendWindow } from '../streams/send-window.js';
import { type CalleeSlot, CallState, startedOf, transition, WritableSlot } from './callee-slot.js';
import { LateFrames } from './late-frames.js';

export class CalleeTable {
  private readonly entries: (WritableSlot | null)[] = [];
  /** By slot number; null: no call has used it yet. */
  readonly slots: readonly (CalleeSlot | null)[] = this.entries;
  private open = 0;

  constructor(
    private readonly link: Link,
    /** The opener bit in the numbers of calls that the peer opened. */
    readonly peerBit: OpenerBit,
  ) {}

  /** Calls that are in a slot, or were moved out of one, and have not ended. */
  get inFlight(): number {
    return this.open;
  }

  /** Makes a slot that no call has used yet. */
  add(slot: number): CalleeSlot {
    const { entries } = this;
    while (entries.length <= slot) entries.push(null);
    const entry = new WritableSlot();
    entries[slot] = entry;
    return entry;
  }

  /** The slot of a call: open, or FREE when the call has ended and this frame is late. A call that never was: CLOSE, null. */
  find(call: number, frame: string): CalleeSlot | null {
    const entry = this.entries[slotOf(call)];
    if (entry != null && entry.call === call && openerOf(call) === this.peerBit) return entry;
    this.link.fail(CloseCode.CALL_NUMBER, `${frame} for call ${call}, which is not open`);
    return null;
  }

  /** A REQUEST names the next call of this slot, which stays FREE. */
  number(slot: CalleeSlot, call: number): void {
    const entry: WritableSlot = slot;
    entry.generation = generationOf(call);
    entry.call = call;
  }

  /** The request is to be read. */
  assemble(slot: CalleeSlot, method: IncomingMethod, oneway: boolean): void {
    const entry: WritableSlot = slot;
    transition(entry, CallState.ASSEMBLING);
    entry.method = method;
    entry.oneway = oneway;
    entry.since = this.link.now;
    this.open++;
  }

  /** The first frame of the request was read. */
  setMessage(slot: CalleeSlot, message: IncomingMessage, deadlineAt: number): void {
    const entry: WritableSlot = slot;
    entry.message = message;
    entry.deadlineAt = deadlineAt;
  }

  /** The handler is about to begin: its request is the caller's, who releases it. */
  takeMessage(slot: CalleeSlot): void {
    const entry: WritableSlot = slot;
    entry.message = null;
  }

  /** The call has items: of its caller, of its handler, or of both. */
  openStreams(slot: CalleeSlot, incoming: IncomingStream | null, window: SendWindow | null): void {
    const entry: WritableSlot = slot;
    entry.incoming = incoming;
    entry.window = window;
  }

  setOutgoing(slot: CalleeSlot, outgoing: OutgoingStream): void {
    const entry: WritableSlot = slot;
    entry.outgoing = outgoing;
  }

  /** No handler may begin yet. */
  wait(slot: CalleeSlot): void {
    // A call that has waited for its schema may have to wait for a handler too.
    if (slot.state !== CallState.WAITING) transition(slot, CallState.WAITING);
  }

  /** Where the call is in the server's queue; null: it is there no longer. */
  setPlace(slot: CalleeSlot, place: CalleeSlot['place']): void {
    const entry: WritableSlot = slot;
    entry.place = place;
  }

  setResume(slot: CalleeSlot, resume: CalleeSlot['resume']): void {
    const entry: WritableSlot = slot;
    entry.resume = resume;
  }

  /** Moves a call that waits to an entry of its own; the slot is FREE for the next one. */
  moveOut(slot: CalleeSlot): CalleeSlot {
    const own = new WritableSlot();
    own.state = slot.state;
    own.call = slot.call;
    own.method = slot.method;
    own.message = slot.message;
    own.since = slot.since;
    own.deadlineAt = slot.deadlineAt;
    own.oneway = slot.oneway;
    this.takeMessage(slot);
    clear(slot);
    return own;
  }

  /** The handler begins, or has returned a promise. */
  execute(slot: CalleeSlot, method: IncomingMethod, context: CallContext, deadlineAt: number): void {
    const entry: WritableSlot = slot;
    if (entry.state === CallState.FREE) this.open++;
    transition(entry, CallState.EXECUTING);
    entry.method = method;
    entry.context = context;
    entry.deadlineAt = deadlineAt;
    entry.since = this.link.now;
  }

  /** The handler has ended, but its answer has not left. The deadline is met by the handler, not by the way of its answer. */
  answer(slot: CalleeSlot, method: IncomingMethod, context: CallContext, long: LongMessage | null): void {
    const entry: WritableSlot = slot;
    entry.long = long;
    if (entry.state === CallState.ANSWERING) return;
    if (entry.state === CallState.FREE) this.open++;
    transition(entry, CallState.ANSWERING);
    entry.method = method;
    entry.context = context;
    entry.deadlineAt = Infinity;
    entry.since = this.link.now;
    if (entry.incoming === null) return;
    entry.startedCall = entry.call;
    closeStreams(entry);
  }

  /** The call has ended; the slot keeps its number, and what may still come of it. For `CalleeEnds` alone. */
  free(slot: CalleeSlot): void {
    clear(slot);
    this.open--;
  }

  /** Frames of this call's request that still come are thrown away. */
  skip(slot: CalleeSlot, call: number): void {
    const entry: WritableSlot = slot;
    entry.skippedCall = call;
  }

  /** A frame of a call that has ended. `cost` of an ITEM, else 0. */
  onLateFrame(slot: CalleeSlot, call: number, type: number, cost: number): void {
    const entry: WritableSlot = slot;
    if (entry.late === null || entry.late.call !== call)
      entry.late = new LateFrames(call, -1, entry.startedCall === call);
    entry.late.admit(this.link, type, cost);
  }

  /** The calls that have not ended. */
  left(now: number): UnfinishedCall[] {
    const left: UnfinishedCall[] = [];
    for (const entry of this.entries) {
      if (entry === null || entry.state === CallState.FREE) continue;
      const { state, method, since } = entry;
      const told = state === CallState.EXECUTING ? 'running' : state === CallState.ANSWERING ? 'answering' : 'waiting';
      left.push(unfinishedCall('in', method?.hosted?.spec, this.link.peer, now - since, told));
    }
    return left;
  }
}

function clear(entry: WritableSlot): void {
  if (startedOf(entry) === 'yes') entry.startedCall = entry.call;
  transition(entry, CallState.FREE);
  entry.deadlineAt = Infinity;
  entry.method = null;
  entry.context = null;
  entry.message?.release();
  entry.message = null;
  entry.long = null;
  entry.oneway = false;
  if (entry.place !== null) leaveQueue(entry);
  if (entry.incoming !== null || entry.window !== null) closeStreams(entry);
}

function leaveQueue(entry: WritableSlot): void {
  entry.place?.withdraw();
  entry.place = null;
}

function closeStreams(entry: WritableSlot): void {
  const { incoming, outgoing } = entry;
  entry.incoming = entry.outgoing = entry.window = null;
  outgoing?.stop();
  if (incoming === null) return;
  entry.late = new LateFrames(
    entry.call,
    incoming.complete ? -1 : incoming.creditLeft,
    entry.startedCall === entry.call,
  );
  // A handler that still reads from it learns that there is nothing more to come.
  if (!incoming.ended) incoming.fail(new RpcError('CANCELLED', 'the call has ended'), true);
}
