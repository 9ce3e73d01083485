/**
 * How a call that this side sent comes to its end: what its error or result tells of its attempts, whether its endpoint is praised
 * or blamed for it, and whether it may be made again. Used by `Caller` and its parts.
 *
 *   FAILURE, connection lost, request not written --> may be made again? --yes--> given back to the owner of the connection
 *                                                                        --no---> fails
 *
 * Each call counts once for its endpoint: answered, failed, or not at all when this side ended it.
 */
import type { Attempt } from '../../base/attempt.js';
import type { RpcCode, Started } from '../../base/codes.js';
import { type RpcError, tellAttempts } from '../../base/errors.js';
import type { Link } from '../calls/link.js';
import type { GivenBack } from '../calls/pending-call.js';
import { noExtras, PendingCall } from '../calls/pending-call.js';
import type { CallSlot } from './call-table.js';

/** Of a call that ends: when it was sent, and where it had been tried before. */
export interface Tried {
  readonly since: number;
  readonly earlier: readonly Attempt[] | undefined;
}

/** To be asked before the slot is released. */
export function triedIn({ since, extras }: CallSlot): Tried {
  return { since, earlier: extras?.attempts };
}

/** All attempts of a call whose last one ends at `now`. */
export function attemptsOf(
  link: Link,
  { since, earlier }: Tried,
  code: RpcCode | 'OK',
  started: Started,
  now: number,
): readonly Attempt[] {
  const attempt: Attempt = { endpoint: link.endpoint, code, started, durationMs: now - since };
  return earlier === undefined ? [attempt] : [...earlier, attempt];
}

/** The call failed, by whatever: its error, which must be of this call alone, tells its attempts. */
export function tellTried(link: Link, tried: Tried, failure: RpcError): void {
  const attempts = attemptsOf(link, tried, failure.code, failure.started, link.clock.now());
  tellAttempts(failure, attempts);
}

/** This side ended the call, since it was given up, or its answer cannot be read: its error tells its attempts, and whose fault it is. */
export function endHere(link: Link, tried: Tried, failure: RpcError): void {
  const { code, late, started } = failure;
  tellTried(link, tried, failure);
  const lateThere = code === 'DEADLINE_EXCEEDED' && late !== 'here';
  // What the endpoint sent makes no sense. That it is too much for this side, or of a schema that does not fit, is not its fault.
  const unreadable = code === 'INTERNAL' && started === 'yes';
  if (lateThere || unreadable) link.stats.onFailure(link.clock.now(), code);
}

/** Whether a FAILURE says that the callee drains (spec, 8.2). No handler can say so: it has started. */
export function refusedByDrain({ peerDrained }: Link, { code, started, elsewhere }: RpcError): boolean {
  return peerDrained && code === 'UNAVAILABLE' && started === 'no' && elsewhere;
}

/** What becomes of a call that the callee failed; null: it has failed. */
export function afterFailure(link: Link, entry: CallSlot, failure: RpcError): GivenBack | null {
  const { code, started, elsewhere, retryAfterMs } = failure;
  if (refusedByDrain(link, failure)) return 'moved';
  if (started === 'no' && code === 'RESOURCE_EXHAUSTED' && !elsewhere && retryAfterMs === undefined) {
    // The call itself is too much, as a message that is too long: so it would be everywhere and ever.
    return null;
  }
  link.stats.onFailure(link.now, code);
  if (started === 'no' && (code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED')) return 'refused';
  return isRepeatable(entry) ? 'failed' : null;
}

/** Whether the call of this slot may be made twice without harm, and its caller has seen nothing of it yet. */
export function isRepeatable({ method, extras, incoming }: CallSlot): boolean {
  if (method === null || method.spec.kind === 'oneway') return false;
  return (extras?.idempotent ?? method.spec.idempotent) && !incoming?.begun;
}

/**
 * The call of this slot as its caller gave it, for whoever makes it again; null when nobody waits for it any more, or when items were
 * taken from an iterable that may not give them again. To be asked before the slot is released.
 */
export function givenBackCall(entry: CallSlot, attempts: readonly Attempt[]): PendingCall | null {
  const { method, givenUp, outgoing, deadlineAt, resolve, reject } = entry;
  // Without a method: declaring that has broken the connection.
  if (method === null || givenUp) return null;
  if (outgoing !== null && !Array.isArray(entry.extras?.source)) return null;
  const extras = { ...(entry.extras ?? noExtras), attempts };
  return new PendingCall(method.spec, entry.request, deadlineAt, extras, resolve, reject);
}
