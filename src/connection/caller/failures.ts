/** What the caller makes of requests that cannot be sent and of answers that are no value: FAILURE frames, unreadable responses. */

import type { Started } from '../../base/codes.js';
import { rpcCodeName } from '../../base/codes.js';
import { RpcError } from '../../base/errors.js';
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
  const method = entry.method as OutgoingMethod;
  const marks = entry.extras?.ledger ?? null;
  try {
    const message = new IncomingMessage(link, flags, false, buffer, start, end);
    marks?.answered(message.durations, link.now);
    const record = decodeFailure(buffer, message.start, end);
    const code = rpcCodeName(record.code);
    // Items came from a handler, whatever its side says now: a caller that has seen some must not get them again.
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
    // Prefix parts that are wrong concern this call alone.
    if (error instanceof RpcError) return unreadable(method, error);
    throw error;
  }
}

/** A call is not even tried; `refusal` says why. */
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

/** Encoding runs code of the application (getters, codecs of its own), which may throw anything. `started`: of the call. */
export function unsendable(spec: MethodSpec, error: unknown, started: Started = 'no'): RpcError {
  const known = error instanceof RpcError ? error : null;
  if (known !== null && known.started === started) return known;
  const limit = known?.limit === undefined ? {} : { limit: known.limit };
  const text = error instanceof Error ? error.message : String(error);
  const message = known === null ? `the request of ${spec.name} cannot be encoded: ${text}` : text;
  return new RpcError(known?.code ?? 'INVALID_ARGUMENT', message, { started, cause: error, ...limit });
}

/** What many calls fail with, for one of them: an error tells the attempts of its call. */
export function copyOf({ code, message, started, limit, cause }: RpcError): RpcError {
  return new RpcError(code, message, { started, cause, ...(limit === undefined ? {} : { limit }) });
}

/** An answer that cannot be used: the handler has run, but what it said is lost. */
export function unreadable(method: OutgoingMethod, error: unknown): RpcError {
  const known = error instanceof RpcError ? error : null;
  const options = {
    started: 'yes',
    cause: error,
    ...(known?.limit === undefined ? {} : { limit: known.limit }),
  } as const;
  // A limit of this side and schemas that do not fit keep their codes; whatever else is wrong is the callee's doing.
  const own = known !== null && known.code !== 'INVALID_ARGUMENT' && !known.limit?.name.startsWith('metadata');
  if (own) return new RpcError(known.code, known.message, options);
  const text = error instanceof Error ? error.message : String(error);
  return new RpcError('INTERNAL', `the answer of ${method.spec.name} cannot be read: ${text}`, options);
}
