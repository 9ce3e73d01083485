/** How the callee refuses requests: those that no conforming caller sends, and those it has no room for. */
import { limitError, RpcError } from '../../base/errors.js';
import { limitOf } from '../../base/limits.js';
import { generationOf, nextGeneration, type OpenerBit, openerOf } from '../../wire/call-number.js';
import { CloseCode, Flag } from '../../wire/constants.js';
import type { Link } from '../calls/link.js';
import type { Answers } from './answers.js';
import { type CalleeSlot, CallState } from './callee-slot.js';

/** Closes the connection for a REQUEST that neither opens a call nor continues one; the text says why. */
export function failMisplaced(link: Link, entry: CalleeSlot, call: number, number: number, peerBit: OpenerBit): void {
  if (openerOf(call) !== peerBit) {
    link.fail(CloseCode.CALL_NUMBER, `REQUEST for call ${call}, which only this side could open`);
  } else if (entry.state !== CallState.FREE) {
    link.fail(CloseCode.CALL_NUMBER, `REQUEST for call ${call}, but call ${entry.call} is open in that slot`);
  } else if (generationOf(call) !== nextGeneration(entry.generation)) {
    const text = `REQUEST for call ${call}: generation ${generationOf(call)} follows ${entry.generation}`;
    link.fail(CloseCode.CALL_NUMBER, text);
  } else {
    link.fail(CloseCode.PROTOCOL, `REQUEST for method ${number}, which was not declared`);
  }
}

/** This side takes no new calls. */
export function serverDraining(): RpcError {
  return new RpcError('UNAVAILABLE', 'this server is draining', { elsewhere: true });
}

/** Every handler that this connection may run at once is busy. */
export function noFreeHandler({ limits }: Link): RpcError {
  return limitError('all handlers of this connection are busy', limitOf(limits, 'handlersMax'), { elsewhere: true });
}

/** A REQUEST for a slot that this side does not have: nothing is kept of it. `draining`: comes before the missing slot (spec, 9.3). */
export function refuseSlot(
  { link, answers, draining }: { readonly link: Link; readonly answers: Answers; readonly draining: boolean },
  call: number,
  flags: number,
  peerBit: OpenerBit,
): void {
  if (openerOf(call) !== peerBit) {
    link.fail(CloseCode.CALL_NUMBER, `REQUEST for call ${call}, which only this side could open`);
  } else if (link.chargeReset() && (flags & Flag.ONEWAY) === 0) {
    const noSlot = limitError('too many calls at once', limitOf(link.limits, 'callsInFlightMax'));
    answers.fail(call, draining ? serverDraining() : noSlot, 'no');
  }
}
