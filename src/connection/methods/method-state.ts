/**
 * The states of a declared method, at the side that calls it and at the side that serves it, and the only steps between them.
 *
 *   declared --the fingerprints are equal--> ready
 *      |                                       ^
 *      |                                       | both directions fit
 *      +--the fingerprints differ--> resolving +
 *      |                                       | a schema does not fit, or the connection is over
 *      |                                       v
 *      +--no such method, or other kind--> refused <--no longer served-- ready
 *
 * - declared: METHOD DECLARE was written or read. The caller does not wait for an answer: it treats the method as `ready` until
 *   METHOD ANSWER says that the callee's fingerprints differ. Without one the method stays `declared` at the caller for good.
 * - resolving: schemas are on their way. Calls, responses and items that need them wait.
 * - ready: messages can be read in both directions.
 * - refused: every call fails with the method's `failure`.
 */
import { assert } from '../../base/assert.js';

export type MethodState = 'declared' | 'resolving' | 'ready' | 'refused';

const after: Readonly<Record<MethodState, readonly MethodState[]>> = {
  declared: ['resolving', 'ready', 'refused'],
  resolving: ['ready', 'refused'],
  ready: ['refused'],
  refused: [],
};

/** Returns `to` if the step is drawn above; any other step is an error of this program. */
export function transition(from: MethodState, to: MethodState): MethodState {
  assert(after[from].includes(to), `a method cannot go from ${from} to ${to}`);
  return to;
}
