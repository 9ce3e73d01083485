/** An error of the whole connection, found in the bytes of a peer: it becomes a CLOSE frame with this code and text. */
import type { CloseCodeNumber } from './constants.js';

export class WireError extends Error {
  readonly code: CloseCodeNumber;

  constructor(code: CloseCodeNumber, message: string) {
    super(message);
    this.code = code;
  }
}
Object.defineProperty(WireError.prototype, 'name', { value: 'WireError', configurable: true, writable: true });
