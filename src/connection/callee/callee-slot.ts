/** One slot of the callee's table: an object that stays, filled by one call after the other. */

import type { Started } from '../../base/codes.js';
import { RpcError } from '../../base/errors.js';
import type { CallContext } from '../calls/call-context.js';
import { type LeftCall, leftCall } from '../calls/left-call.js';
import type { PeerInfo } from '../calls/peer-info.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { OutgoingStream } from '../streams/outgoing-stream.js';
import type { SendWindow } from '../streams/send-window.js';
import { LateFrames } from './late-frames.js';

/** Where a call is; the drawing is in `callee.ts`. */
export const Phase = { FREE: 0, RECEIVING: 1, HELD: 2, RUNNING: 3, ANSWERING: 4 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export class CalleeSlot {
  phase: Phase = Phase.FREE;
  /** The slot's latest call, open or ended. */
  call = 0;
  generation = 0;
  /** When the open call came to its phase, in milliseconds of the clock. */
  since = 0;
  deadlineAt = Infinity;
  method: IncomingMethod | null = null;
  /** Set while RUNNING or ANSWERING; tells a late handler whether the slot is still its own. */
  context: CallContext | null = null;
  message: IncomingMessage | null = null;
  long: LongMessage | null = null;
  /** The caller's items, of a client stream or duplex call. */
  incoming: IncomingStream | null = null;
  /** The credit of what this side sends, of a server stream or duplex call, from its REQUEST on; and what sends it. */
  window: SendWindow | null = null;
  outgoing: OutgoingStream | null = null;
  /** While the call waits for a handler to begin. */
  held: { withdraw(): void } | null = null;
  /** What may still come of a call of this slot that has ended. */
  late: LateFrames | null = null;
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
    own.since = this.since;
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
    if (this.held !== null) this.leaveQueue();
    if (this.incoming !== null || this.window !== null) this.leaveStreams();
  }

  private leaveQueue(): void {
    this.held?.withdraw();
    this.held = null;
  }

  private leaveStreams(): void {
    const { incoming, outgoing } = this;
    this.incoming = this.outgoing = this.window = null;
    outgoing?.stop();
    if (incoming === null) return;
    this.late = new LateFrames(this.call, incoming.complete ? -1 : incoming.creditLeft);
    // A handler that still reads from it learns that there is nothing more to come.
    if (!incoming.ended) incoming.fail(new RpcError('CANCELLED', 'the call has ended'), true);
  }
}

/** The calls of the peer that have not ended. */
export function leftInSlots(slots: readonly (CalleeSlot | null)[], peer: PeerInfo, now: number): LeftCall[] {
  const left: LeftCall[] = [];
  for (const entry of slots) {
    if (entry === null || entry.phase === Phase.FREE) continue;
    const { phase, method, since } = entry;
    const state = phase === Phase.RUNNING ? 'running' : phase === Phase.ANSWERING ? 'answering' : 'waiting';
    left.push(leftCall('in', method?.hosted?.spec, peer, now - since, state));
  }
  return left;
}
