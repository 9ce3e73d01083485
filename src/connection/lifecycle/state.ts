/**
 * The states of a connection and the only ways between them.
 *
 *            HELLO read          DRAIN sent or read, peer ended its half
 *   greeting ----------> open ---------------------> draining
 *      |                  |                             |
 *      |   error, CLOSE sent or read, all calls ended   |
 *      +-------------+----+-----------------------------+
 *                    v
 *                 closing  ---- socket gone ---->  closed      (any state goes straight to closed when the socket is lost)
 *
 * - greeting: our preface and HELLO are sent, the peer's HELLO has not been read. Calls may be sent under the protocol's
 *   minimum limits. A handshake timer runs.
 * - open: calls both ways.
 * - draining: calls that are open go on, new ones are refused.
 * - closing: every call is settled, CLOSE is on its way out, input is thrown away. A timer ends it after 100 ms.
 * - closed: the socket is gone and everything that belonged to the connection is released.
 */
import { type Steps, step } from '../../base/state-machine.js';

export type ConnectionState = 'greeting' | 'open' | 'draining' | 'closing' | 'closed';

const steps: Steps<ConnectionState> = {
  greeting: ['open', 'closing', 'closed'],
  open: ['draining', 'closing', 'closed'],
  draining: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

/** Returns `to` if the step is drawn above; any other step is a defect of this program. */
export function transition(from: ConnectionState, to: ConnectionState): ConnectionState {
  return step('a connection', steps, from, to);
}
