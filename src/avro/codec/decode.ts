/**
 * Runs a reader on one message. It checks that the reader ends exactly where the message ends, and turns every error into an
 * `RpcError` (INVALID_ARGUMENT, OUT_OF_RANGE) that says what is wrong and at which byte. A message from a peer can have no other effect.
 *
 * All codecs share one tap. A decode inside another decode (a logical type that decodes) gets a tap of its own.
 *
 * Called by `codec.ts` and `service/known-branches.ts`, once for each message.
 */
import { assert } from '../../base/assert.js';
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { type Refusal, refused } from '../encoding/byte-tap.js';
import { ReadTap } from '../encoding/read-tap.js';
import type { Read } from '../encoding/shapes.js';

const sharedTap = new ReadTap();

/** The value that `read` makes of exactly the bytes `start` to `end`. `label` is what error texts call the message. */
export function decodeWith(read: Read, label: string, from: Buffer, start: number, end: number): unknown {
  assert(start >= 0 && start <= end && end <= from.length, 'a message lies within its buffer');
  const tap = sharedTap.busy ? new ReadTap() : sharedTap;
  tap.busy = true;
  try {
    tap.begin(from, start, end);
    const value = read(tap);
    tap.finish();
    return value;
  } catch (error) {
    throw unreadable(error, label, tap.refusal, start, end);
  } finally {
    tap.release();
  }
}

function unreadable(error: unknown, label: string, refusal: Refusal | null, start: number, end: number): RpcError {
  if (error === refused && refusal !== null) {
    const { text, at, limit, code } = refusal;
    const message = `cannot read ${label}: ${text}, at byte ${at - start} of ${end - start}`;
    return new RpcError(code, message, limit === undefined ? {} : { limit });
  }
  // What a reader of a part has found, or the end of the stack.
  if (error instanceof RpcError) return error;
  const reason = reasonOf(error);
  return new RpcError('INVALID_ARGUMENT', `cannot read ${label}: ${reason}`, { cause: error });
}
