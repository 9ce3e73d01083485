/** What ends a connection when handling what it read throws. Used by `Connection`. */
import { warn } from '../../base/error-values.js';
import { CloseCode } from '../../wire/constants.js';
import { WireError } from '../../wire/wire-error.js';

/**
 * The error itself if the peer broke the protocol. Any other is a defect on this side, which ends this connection, is shown as a
 * warning of the process, and does not end the process.
 */
export function readError(error: unknown): WireError {
  if (error instanceof WireError) return error;
  warn(error);
  return new WireError(CloseCode.INTERNAL, 'an internal error');
}
