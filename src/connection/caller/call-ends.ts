/**
 * The one place where a call that this side sent comes to its end. Whatever ends it (its answer, FAILURE, a cancel, its deadline, a drain,
 * the loss of the connection) passes through `succeed` or `end`, which
 *
 *   1. adds the attempt to the call's error or result,
 *   2. counts a success or failure of its endpoint (`EndpointStats`), once per call, or nothing when this side ended it,
 *   3. frees the slot, or leaves it CANCELLED until the callee's terminal frame comes,
 *   4. settles the promise, or offers the call for a retry to the owner of the connection,
 *   5. sends a CANCEL if the callee should stop.
 *
 * `Caller.onResponse` does the same in line for the usual RESPONSE. Calls that have no slot yet fail by `PendingCall.fail`.
 * Used by `Caller` and its parts.
 */
import { rejectCall } from '../../base/caller-stack.js';
import type { Attempt, RpcCode, Started } from '../../base/codes.js';
import { type RpcError, tellAttempts, tellCall } from '../../base/errors.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { EndOfCalls } from '../calls/end-of-calls.js';
import type { Link } from '../calls/link.js';
import { type CallResult, noExtras, PendingCall, type RetryReason } from '../calls/pending-call.js';
import { ANSWERED, type CallSlot, type CallTable, FREE, OVERDUE, UNSENT } from './call-table.js';
import { CancelPacer } from './cancel-pacer.js';
import { overdueError } from './failures.js';

/**
 * What ends a call without a usable answer.
 *
 * - `terminal`: the callee's FAILURE, or an answer that was read in full and cannot be used.
 * - `unavailable`: the connection is over, or the peer drains and has not heard of the call.
 * - `cancel`: the caller's signal aborted.
 * - `deadline`: it has passed.
 * - `abandoned`: a stream of the call cannot go on (an item cannot be read or sent, its source failed, the caller left it), or a RESPONSE
 *   cannot be used of which the rest is still to come.
 */
type EndedBy = 'terminal' | 'unavailable' | 'cancel' | 'deadline' | 'abandoned';

export class CallEnds {
  private readonly cancels: CancelPacer;

  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    /** A slot became free. */
    private readonly onFree: () => void,
  ) {
    this.cancels = new CancelPacer(link, table);
  }

  /** The answer was read. `metadata`: what came with it. */
  succeed(entry: CallSlot, value: unknown, metadata: Metadata | null): void {
    const { link } = this;
    const { resolve, since, extras, spec } = entry;
    this.table.finish(entry);
    this.onFree();
    if (spec.kind === 'unary') link.stats.onAnswer(link.now, link.now - since);
    else link.stats.onUntimedEnd(link.now);
    const ledger = extras?.ledger?.finish() ?? null;
    if (extras === null || (!extras.detailed && extras.incoming === undefined)) {
      resolve(value);
      return;
    }
    const attempts = this.attemptsOf(since, extras.attempts, 'OK', 'yes');
    resolve({ value, metadata, ledger, attempts } satisfies CallResult);
  }

  /** A ONEWAY request was written to its end. */
  written(entry: CallSlot): void {
    const { resolve } = entry;
    this.table.release(entry);
    this.onFree();
    resolve(undefined);
    this.tellDrain();
  }

  /** The request could not be encoded or has to wait: nothing of it was sent, and the slot's number is given again. */
  takeBack(entry: CallSlot): PendingCall {
    const { spec, request, deadlineAt, extras, resolve, reject } = entry;
    this.table.release(entry);
    this.onFree();
    return new PendingCall(spec, request, deadlineAt, extras, resolve, reject);
  }

  /** The callee's FAILURE was read. */
  fail(entry: CallSlot, failure: RpcError): void {
    if (!entry.isLive) {
      this.endLate(entry, failure);
      return;
    }
    const { code, started, elsewhere, retryAfterMs } = failure;
    const drained = refusedByDrain(this.link, failure);
    // The call itself is too large for the callee: another attempt would fail too, and the endpoint is not at fault.
    const tooLarge = started === 'no' && code === 'RESOURCE_EXHAUSTED' && !elsewhere && retryAfterMs === undefined;
    if (drained || tooLarge) {
      this.end(entry, failure, 'terminal', drained ? 'unprocessed' : null, null);
      return;
    }
    const refused = started === 'no' && (code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED');
    const reason = refused ? 'refused' : isRepeatable(entry) ? 'failed' : null;
    this.end(entry, failure, 'terminal', reason, this.link.now);
  }

  /** The answer was read in full and cannot be used; the handler has run. */
  failAnswered(entry: CallSlot, failure: RpcError): void {
    this.table.finished++;
    this.end(entry, failure, 'terminal', null, this.faultAt(failure));
  }

  /** A terminal frame came for a call that this side has ended, or whose deadline has passed. `failure`: what it said, if anything. */
  endLate(entry: CallSlot, failure: RpcError | null): void {
    if (entry.state === OVERDUE) {
      const error = overdueError(entry, failure, failure === null);
      this.end(entry, error, 'terminal', null, this.faultAt(error));
      return;
    }
    this.table.release(entry);
    this.onFree();
  }

  /** The caller's signal aborted. */
  cancel(entry: CallSlot, failure: RpcError): void {
    this.end(entry, failure, 'cancel', null, this.faultAt(failure));
  }

  /** The deadline has passed, and the callee has nothing to say about it. */
  expire(entry: CallSlot, failure: RpcError): void {
    this.end(entry, failure, 'deadline', null, this.faultAt(failure));
  }

  /** The callee has not said in time why the deadline passed. */
  expireOverdue(entry: CallSlot): void {
    this.expire(entry, overdueError(entry, null, false));
  }

  /** One of the call's streams cannot go on, or the rest of an answer that cannot be used is still to come. */
  abandon(entry: CallSlot, failure: RpcError): void {
    this.end(entry, failure, 'abandoned', null, this.faultAt(failure));
  }

  /** The peer drains. What it has heard of goes on; the other calls may go to another connection. */
  onPeerDrain(describe: () => RpcError): void {
    for (const entry of this.table.slots) {
      if (entry.state === UNSENT) this.end(entry, describe(), 'unavailable', 'unprocessed', null);
    }
  }

  /** The connection is over: every call ends. */
  close(reason: EndOfCalls): void {
    const { link } = this;
    this.cancels.close();
    // One moment, so that they count as one failure.
    const now = link.clock.now();
    for (const entry of this.table.slots) if (entry.state !== FREE) this.endWithConnection(entry, reason, now);
  }

  private endWithConnection(entry: CallSlot, reason: EndOfCalls, now: number): void {
    const handedOver = entry.state !== UNSENT && this.link.queue.isHandedOver(entry.position);
    const failure = reason.failure(handedOver);
    if (!entry.isLive) {
      this.endLate(entry, failure);
      return;
    }
    const why = handedOver ? (isRepeatable(entry) ? 'failed' : null) : 'unprocessed';
    this.end(entry, failure, 'unavailable', reason.retryable ? why : null, reason.countsAsFailure ? now : null);
  }

  /** See the head of this file. `failedAt`: when the endpoint failed; null: it did not. `retry`: why the call may be retried, or null. */
  private end(
    entry: CallSlot,
    failure: RpcError,
    by: EndedBy,
    retry: RetryReason | null,
    failedAt: number | null,
  ): void {
    const { link, table } = this;
    const { call, state, spec, since, extras, incoming, long, resolve, reject } = entry;
    tellCall(failure, spec.name, link.endpoint || link.peer.toString());
    tellAttempts(failure, this.attemptsOf(since, extras?.attempts, failure.code, failure.started));
    if (failedAt !== null) link.stats.onFailure(failedAt, failure.code);
    const again = retry === null ? null : callToRetry(entry, failure.attempts);
    // What this side gives up at once leaves nothing to read. Other failures come behind the items that came before them.
    if (by === 'cancel' || by === 'deadline' || state === OVERDUE) incoming?.fail(failure, true);
    const waits = by !== 'terminal' && by !== 'unavailable' && state !== UNSENT && state !== ANSWERED;
    if (waits) {
      table.cancelled(entry);
    } else {
      table.release(entry);
      this.onFree();
    }
    if (again === null || retry === null) rejectCall(resolve, reject, failure);
    else link.offerRetry(again, failure, retry);
    if (!waits && by !== 'terminal' && by !== 'unavailable') this.tellDrain();
    // The callee knows the deadline and ends the call by itself, unless the request never gets there in full.
    if (waits && spec.kind !== 'oneway' && (by !== 'deadline' || long !== null))
      this.cancels.cancel(call, long === null);
  }

  /** A slot became free without a frame of the peer; behind frames the connection looks by itself. A drain may have waited for it. */
  private tellDrain(): void {
    if (this.link.state === 'draining') this.link.onCallEnded();
  }

  private attemptsOf(
    since: number,
    earlier: readonly Attempt[] | undefined,
    code: RpcCode | 'OK',
    started: Started,
  ): readonly Attempt[] {
    const { link } = this;
    const now = code === 'OK' ? link.now : link.clock.now();
    const attempt: Attempt = { endpoint: link.endpoint, code, started, durationMs: now - since };
    return earlier === undefined ? [attempt] : [...earlier, attempt];
  }

  /** When a call that this side ended counts as a failure of its endpoint; null: it does not. */
  private faultAt({ code, late, started }: RpcError): number | null {
    const lateThere = code === 'DEADLINE_EXCEEDED' && late !== 'here';
    // The endpoint sent something malformed. A limit of this side or a schema that does not fit has another code.
    const unreadable = code === 'INTERNAL' && started === 'yes';
    return lateThere || unreadable ? this.link.clock.now() : null;
  }
}

/** Whether a FAILURE says that the callee drains (spec, 8.2). No handler can say so: it has started. */
function refusedByDrain({ peerDrained }: Link, { code, started, elsewhere }: RpcError): boolean {
  return peerDrained && code === 'UNAVAILABLE' && started === 'no' && elsewhere;
}

/** Whether the call may be made twice without harm, and its caller has seen nothing of it yet. */
function isRepeatable({ spec, extras, incoming }: CallSlot): boolean {
  return spec.kind !== 'oneway' && (extras?.idempotent ?? spec.idempotent) && !incoming?.begun;
}

/** The call as its caller made it; null when items were taken from an iterable that may not give them again. */
function callToRetry(entry: CallSlot, attempts: readonly Attempt[]): PendingCall | null {
  const { spec, request, deadlineAt, resolve, reject } = entry;
  if (entry.extras?.source?.repeatable === false) return null;
  return new PendingCall(spec, request, deadlineAt, { ...(entry.extras ?? noExtras), attempts }, resolve, reject);
}
