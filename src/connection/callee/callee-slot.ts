/**
 * One slot of the calls that the peer opened, and the states of the call in it. A slot is an object that stays: one call after
 * the other fills it. Only `CalleeTable` writes it; everybody else gets it readonly.
 *
 *        any REQUEST that           the whole request is here,          a handler
 *        is not plain               but no handler may begin            may begin
 *   +------+       +------------+                      +---------+              +-----------+      +-----------+
 *   | FREE | ----> | ASSEMBLING | -------------------> | WAITING | -----------> | EXECUTING | ---> | ANSWERING |
 *   +------+       +------------+                      +---------+              +-----------+      +-----------+
 *     |  |               |                                                       ^    ^                  ^
 *     |  |               +---------- a handler may begin at once ----------------+    |                  |
 *     |  +---- plain REQUEST, its handler returned a promise -------------------------+                  |
 *     +------- plain REQUEST, its handler returned a value, which cannot leave yet ----------------------+
 *
 *   From every state back to FREE: the terminal frame was written, or nobody waits for it any more.
 *
 * - FREE: no call. A plain REQUEST (whole, no flag but DEADLINE) whose handler returns a value stays here: it is answered before
 *   the next frame is read.
 * - ASSEMBLING: the request is read, frame by frame.
 * - WAITING: for schemas, for a handler of the server, or, if it is ONEWAY, for one of its connection.
 * - EXECUTING: the handler has begun. `context` says whose slot it is.
 * - ANSWERING: the handler has ended. Its RESPONSE waits for the write queue, or leaves in several frames.
 *
 * The protocol (6.2) names what the caller may still send: its ASSEMBLING is this one; WAITING, EXECUTING and ANSWERING together
 * are its RECEIVING while `incoming` is incomplete, else its RUNNING.
 */

import { assert } from '../../base/assert.js';
import type { Started } from '../../base/codes.js';
import type { CallContext } from '../calls/call-context.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { OutgoingStream } from '../streams/outgoing-stream.js';
import type { SendWindow } from '../streams/send-window.js';
import type { LateFrames } from './late-frames.js';

export const CallState = { FREE: 0, ASSEMBLING: 1, WAITING: 2, EXECUTING: 3, ANSWERING: 4 } as const;
export type CallState = (typeof CallState)[keyof typeof CallState];

const { FREE, ASSEMBLING, WAITING, EXECUTING, ANSWERING } = CallState;

/** By state: the states that may follow it, a bit for each. */
const after: Readonly<Record<CallState, number>> = {
  [FREE]: bits(ASSEMBLING, EXECUTING, ANSWERING),
  [ASSEMBLING]: bits(WAITING, EXECUTING, FREE),
  [WAITING]: bits(EXECUTING, FREE),
  [EXECUTING]: bits(ANSWERING, FREE),
  [ANSWERING]: bits(FREE),
};

function bits(...states: readonly CallState[]): number {
  return states.reduce<number>((all, state) => all | (1 << state), 0);
}

/** A slot as `CalleeTable` writes it. */
export class WritableSlot {
  state: CallState = CallState.FREE;
  /** The slot's latest call, open or ended. */
  call = 0;
  generation = 0;
  /** When the open call came to its state, in milliseconds of the clock; WAITING goes on from ASSEMBLING. */
  since = 0;
  deadlineAt = Infinity;
  method: IncomingMethod | null = null;
  /** Set while EXECUTING or ANSWERING; tells a late handler whether the slot is still its own. */
  context: CallContext | null = null;
  /** The request, until its handler begins. */
  message: IncomingMessage | null = null;
  /** The RESPONSE that leaves in several frames. */
  long: LongMessage | null = null;
  /** The caller's items, of a client stream, duplex or blob call. */
  incoming: IncomingStream | null = null;
  /** The credit of what this side sends, of a server stream, duplex or blob call, from its REQUEST on; and what sends it. */
  window: SendWindow | null = null;
  outgoing: OutgoingStream | null = null;
  /** The call's place in the server's queue, while it is there. */
  place: { withdraw(): void } | null = null;
  /** What may still come of a call of this slot that has ended. */
  late: LateFrames | null = null;
  oneway = false;
  /** A call of this slot that has ended while frames of its request may still come, to be thrown away; 0: none. */
  skippedCall = 0;
  /** The latest call of this slot that has ended after its handler had begun; 0: none. */
  startedCall = 0;
  /** Continues a call that waits for the schemas of this method; made for the first one. */
  resume: ((method: IncomingMethod) => void) | null = null;
}

export type CalleeSlot = Readonly<WritableSlot>;

/** The only way from one state to another. A step that is not drawn above is an error of this program. */
export function transition(slot: WritableSlot, to: CallState): void {
  if (((after[slot.state] >> to) & 1) === 0) failTransition(slot.state, to);
  slot.state = to;
}

function failTransition(from: CallState, to: CallState): void {
  const names = Object.keys(CallState);
  assert(false, `a call of the peer cannot go from ${names[from]} to ${names[to]}`);
}

/** Whether the handler of the open call has begun. */
export function startedOf({ state }: CalleeSlot): Started {
  return state === EXECUTING || state === ANSWERING ? 'yes' : 'no';
}
