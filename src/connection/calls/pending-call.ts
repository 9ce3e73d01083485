/**
 * A call that has no slot: what its caller gave, with the promise to settle. It waits in a `CallQueue`, or goes from the channel to a
 * connection and, if that offers it for a retry, back. Used by `channel/`, `peer/` and `Caller`.
 */
import { setMaxListeners } from 'node:events';
import { AsyncContext } from '../../base/async-context.js';
import type { CallLedger } from '../../base/call-ledger.js';
import { rejectCall } from '../../base/caller-stack.js';
import type { CancelSignal } from '../../base/cancel-signal.js';
import type { Started } from '../../base/codes.js';
import { type Attempt, noAttempts } from '../../base/codes.js';
import { RpcError, tellAttempts, tellCall } from '../../base/errors.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { Source } from '../streams/source.js';
import type { CallMarks } from './call-marks.js';

export type Resolve = (value: unknown) => void;
export type Reject = (error: unknown) => void;

/**
 * Why a call may be retried.
 *
 * - `unprocessed`: it certainly did not start. Its endpoint drains, or its connection ended before the request was written.
 * - `refused`: the callee guarantees that it did not start, and that another time or place may do.
 * - `failed`: it may have started, but is idempotent.
 */
export type RetryReason = 'unprocessed' | 'refused' | 'failed';

/** What only some calls have; null for the usual call. */
export interface CallExtras {
  readonly metadata: Metadata | null;
  readonly signal: CancelSignal | null;
  /** Resolves with a `CallResult` instead of the bare value. */
  readonly detailed: boolean;
  /** Of messages that are too long for one frame the higher goes first. */
  readonly priority: number;
  /** The call asks for its ledger. */
  readonly ledger?: CallMarks | null;
  /** Takes the callee's items, of a server stream or duplex call. */
  readonly incoming?: IncomingStream;
  /** Gives the caller's items, of a client stream, duplex or blob call. Whoever made it ends it when the call is settled. */
  readonly source?: Source;
  /** How often the call has been sent again because it had not started (`limits.resendsMax`). */
  readonly resends?: number;
  /** How often the call has been retried otherwise. */
  readonly retries?: number;
  /** The attempts that failed. */
  readonly attempts?: readonly Attempt[];
  /** Calls of one key go to one endpoint, where the channel's balancer does that. */
  readonly key?: string | undefined;
  /** Waits for an endpoint instead of failing when none can be reached. */
  readonly waitForReady?: boolean | undefined;
  /** May be made twice without harm; overrides `MethodSpec.idempotent`. */
  readonly idempotent?: boolean | undefined;
}

export const noExtras: CallExtras = { metadata: null, signal: null, detailed: false, priority: 0 };

/** The answer of a call made with `detailed`. */
export interface CallResult<Response = unknown> {
  readonly value: Response;
  /** Metadata that came with the response, or null. */
  readonly metadata: Metadata | null;
  /** Where the time went; null unless the call asked for it (`ledger: true`) and the other side said what it took. */
  readonly ledger: CallLedger | null;
  /** Where the call was tried, in order; the last one answered, with code `OK`. */
  readonly attempts: readonly Attempt[];
}

export class PendingCall {
  settled = false;
  /** Bytes of its request, while a queue counts them. */
  bytes = 0;
  private onAbort: (() => void) | null = null;
  /** Where it is sent, for getters of the request: the caller's, if that is known. */
  private context: AsyncContext | null = null;

  constructor(
    readonly spec: MethodSpec,
    readonly request: unknown,
    /** Milliseconds of the clock; Infinity: none. */
    readonly deadlineAt: number,
    readonly extras: CallExtras | null,
    readonly resolve: (value: unknown) => void,
    /** Null: `resolve` belongs to a promise, see `rejectCall`. */
    readonly reject: ((error: unknown) => void) | null,
  ) {}

  /** How often it has been sent again because it had not started. */
  get resends(): number {
    return this.extras?.resends ?? 0;
  }

  /** How often it has been retried though it may have started, or was refused. */
  get retries(): number {
    return this.extras?.retries ?? 0;
  }

  /** The attempts that failed. */
  get attempts(): readonly Attempt[] {
    return this.extras?.attempts ?? noAttempts;
  }

  /** The same call for its next attempt, with the same deadline. */
  nextAttempt(as: 'resend' | 'retry' = 'resend'): PendingCall {
    const { resends, retries } = this;
    const count = as === 'resend' ? { resends: resends + 1 } : { retries: retries + 1 };
    const extras = { ...(this.extras ?? noExtras), ...count };
    const call = new PendingCall(this.spec, this.request, this.deadlineAt, extras, this.resolve, this.reject);
    call.context = this.context;
    return call;
  }

  /** It waits from now on, and goes on by `inContext`. */
  keepContext(): void {
    this.context ??= this.extras?.source?.context ?? new AsyncContext();
  }

  /** Goes on with the call in the context of its caller, as far as that is known. */
  inContext(goOn: (call: PendingCall) => void): void {
    const context = this.context ?? this.extras?.source?.context;
    if (context == null) goOn(this);
    else context.run(goOn, this);
  }

  /** Settles the call with `error`, which no other call may have: the attempts are added to it. */
  fail(error: unknown): void {
    this.stopWaiting();
    if (error instanceof RpcError) {
      withEarlierAttempts(error, this.extras);
      tellCall(error, this.spec.name, error.attempts.at(-1)?.endpoint);
    }
    rejectCall(this.resolve, this.reject, error);
  }

  /** The call waits no longer: it has a slot, or has failed. */
  stopWaiting(): void {
    this.settled = true;
    if (this.onAbort !== null) this.extras?.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = null;
  }

  /** Calls back with the call's error when its caller cancels it, or leaves its stream, while it waits. */
  watchAbort(callback: (error: RpcError) => void): void {
    const { extras } = this;
    if (extras === null) return;
    const { signal, incoming } = extras;
    if (incoming !== undefined) incoming.onLeaveEarly = () => callback(streamLeftError('no'));
    if (signal === null) return;
    this.onAbort = () => callback(abortError(signal, 'no'));
    listenForAbort(signal, this.onAbort);
  }
}

/** Adds the attempts before this one to the error of a call that was not sent. No other call may have the error. */
export function withEarlierAttempts(error: RpcError, extras: CallExtras | null): RpcError {
  if (extras?.attempts !== undefined) tellAttempts(error, extras.attempts);
  return error;
}

/**
 * Calls back once when the signal aborts, or at once if it has: a getter of the request may have aborted it. One signal may cancel
 * thousands of calls, so Node's warning about leaking listeners is switched off for it.
 */
export function listenForAbort(signal: CancelSignal, callback: () => void): void {
  if (signal.aborted) {
    callback();
    return;
  }
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', callback, { once: true });
}

/** The error of a call whose caller has stopped reading its items. */
export function streamLeftError(started: Started): RpcError {
  return new RpcError('CANCELLED', 'the caller left the stream before its end', { started });
}

/** The error of a call whose signal aborted: that of `AbortSignal.timeout` is a deadline. */
export function abortError(signal: CancelSignal, started: Started): RpcError {
  const { reason } = signal;
  if (isTimeout(reason)) {
    return new RpcError('DEADLINE_EXCEEDED', 'the signal of the call timed out', { started, cause: reason });
  }
  return new RpcError('CANCELLED', 'the caller cancelled the call', { started, cause: reason });
}

/** The reason of `AbortSignal.timeout`, of any realm. */
function isTimeout(reason: unknown): boolean {
  try {
    return typeof reason === 'object' && reason !== null && 'name' in reason && reason.name === 'TimeoutError';
  } catch {
    return false;
  }
}

/** The error of a call whose deadline had passed before it could be sent. */
export function expiredUnsent(): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed before the call was sent', { late: 'here' });
}
