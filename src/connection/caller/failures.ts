/** The errors of calls that fail at the caller: refused or unsendable requests, FAILURE frames, answers that cannot be read, deadlines. */

import { type LatePart, rpcCodeName, type Started } from '../../base/codes.js';
import { reasonOf } from '../../base/error-values.js';
import { RpcError, type RpcErrorOptions } from '../../base/errors.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import { decodeFailure } from '../../wire/records/failure.js';
import type { Link } from '../calls/link.js';
import { abortError, type CallExtras, expiredUnsent } from '../calls/pending-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import type { CallSlot } from './call-table.js';

/** The error that a FAILURE frame carries. A record that is broken is the connection's error: throws a `WireError`. */
export function readFailure(
  link: Link,
  entry: CallSlot,
  flags: number,
  buffer: Buffer,
  start: number,
  end: number,
): RpcError {
  const { method } = entry;
  const marks = entry.extras?.ledger ?? null;
  try {
    const message = new IncomingMessage(link, flags, false, buffer, start, end);
    marks?.answered(message.durations, link.now);
    const record = decodeFailure(buffer, message.start, end);
    const code = rpcCodeName(record.code);
    // Items come from a handler, whatever the record says: a caller that has seen some must not get them again.
    const started = entry.incoming?.begun ? 'yes' : record.started;
    const late = started === 'yes' ? 'handler' : 'queue';
    const failure = new RpcError(code, record.text, {
      late: code === 'DEADLINE_EXCEEDED' ? late : undefined,
      started,
      elsewhere: record.elsewhere,
      metadata: message.metadata,
      ledger: marks === null ? null : marks.finish(),
      ...(record.retryAfterMs === null ? {} : { retryAfterMs: record.retryAfterMs }),
    });
    const { declared } = method.spec;
    if (record.detail === null || declared === null || method.errors === null) return failure;
    return declared.fromDetail(method.errors, record.detail, failure);
  } catch (error) {
    // A malformed prefix fails this call only.
    if (error instanceof RpcError) return unreadable(method, error);
    throw error;
  }
}

/** Whether the FAILURE carries a declared error that this side may understand. What cannot be read is no detail here. */
export function hasDetail(
  link: Link,
  { method }: CallSlot,
  flags: number,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  if (method.spec.declared === null) return false;
  try {
    const message = new IncomingMessage(link, flags, false, buffer, start, end);
    return decodeFailure(buffer, message.start, end).detail !== null;
  } catch {
    return false;
  }
}

/** Whether a call fails before anything is sent; `refusal` says why. */
export function isRefused(link: Link, remainingMs: number, extras: CallExtras | null): boolean {
  const over = link.state !== 'open' && link.state !== 'greeting' && !link.callable;
  return over || !(remainingMs > 0) || (extras !== null && (extras.signal?.aborted === true || !isPriority(extras)));
}

export function refusal(link: Link, remainingMs: number, extras: CallExtras | null): RpcError {
  if (extras?.signal?.aborted) return abortError(extras.signal, 'no');
  if (Number.isNaN(remainingMs)) return new RpcError('INVALID_ARGUMENT', 'deadlineMs is not a number');
  if (extras !== null && !isPriority(extras)) return new RpcError('INVALID_ARGUMENT', 'priority is not a whole number');
  if (!(remainingMs > 0)) return expiredUnsent();
  return new RpcError('UNAVAILABLE', `the connection to ${link.peer} is ${link.state}`);
}

function isPriority({ priority }: CallExtras): boolean {
  return Number.isSafeInteger(priority);
}

/** Encoding runs code of the application (getters, custom codecs), which may throw anything. `started`: that of the call. */
export function unsendable(spec: MethodSpec, error: unknown, started: Started = 'no'): RpcError {
  const known = error instanceof RpcError ? error : null;
  if (known !== null && known.started === started) return known;
  const limit = known?.limit === undefined ? {} : { limit: known.limit };
  const text = reasonOf(error);
  const message = known === null ? `the request of ${spec.name} cannot be encoded: ${text}` : text;
  return new RpcError(known?.code ?? 'INVALID_ARGUMENT', message, { started, cause: error, ...limit });
}

/** A copy, for one call, of an error that many calls share: the attempts in an error are those of one call. */
export function copyOf({ code, message, started, limit, cause }: RpcError): RpcError {
  return new RpcError(code, message, { started, cause, ...(limit === undefined ? {} : { limit }) });
}

/** The error of a call whose answer cannot be used: the handler has run, but its answer is lost. */
export function unreadable(method: OutgoingMethod, error: unknown): RpcError {
  const known = error instanceof RpcError ? error : null;
  const limit = known?.limit === undefined ? {} : { limit: known.limit };
  const options: RpcErrorOptions = { started: 'yes', cause: error, ...limit };
  // A limit of this side and a schema that does not fit keep their codes; anything else is the callee's fault.
  const own = known !== null && known.code !== 'INVALID_ARGUMENT' && !known.limit?.name.startsWith('metadata');
  if (own) return new RpcError(known.code, known.message, options);
  const text = reasonOf(error);
  return new RpcError('INTERNAL', `the answer of ${method.spec.name} cannot be read: ${text}`, options);
}

/** From this delay on between a deadline and this process seeing it, the process was too busy: timers round up, and a turn takes time. */
const LATE_HERE_MS = 10;

/** Which part was late when only this side speaks. `lateMs`: how long after the deadline this process saw it. */
export function latePartOf(lateMs: number): LatePart {
  return lateMs >= LATE_HERE_MS ? 'here' : 'network';
}

/** The error of an overdue call. `failure`: what the callee said, or how the connection ended; null: neither came. */
export function overdueError({ spec, lateMs }: CallSlot, failure: RpcError | null, answered: boolean): RpcError {
  if (failure?.code === 'DEADLINE_EXCEEDED') return failure;
  const late = latePartOf(lateMs);
  const what = answered ? 'the answer came too late' : 'no answer came';
  const who =
    late === 'here'
      ? `this process was too busy to see that for ${Math.round(lateMs)} ms`
      : "the network was late, or the peer's process";
  const started = failure?.started ?? (answered ? 'yes' : 'maybe');
  const text = `the deadline of ${spec.name} passed, and ${what}: ${who}`;
  return new RpcError('DEADLINE_EXCEEDED', text, { started, late, cause: failure ?? undefined });
}
