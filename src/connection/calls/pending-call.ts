/**
 * A call as the caller asked for it, before it has a slot: what `Connection.call` was given. Waits in a `CallQueue` when it
 * cannot start at once.
 */
import { setMaxListeners } from 'node:events';
import { type Attempt, noAttempts } from '../../base/attempt.js';
import type { CallLedger } from '../../base/call-ledger.js';
import type { CancelSignal } from '../../base/cancel-signal.js';
import type { Started } from '../../base/codes.js';
import { RpcError, tellAttempts } from '../../base/errors.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { IncomingStream } from '../streams/incoming-stream.js';
import type { ItemSource } from '../streams/outgoing-stream.js';
import type { CallMarks } from './call-marks.js';

export type Resolve = (value: unknown) => void;
export type Reject = (error: unknown) => void;

/**
 * Why a call is given back. `moved`: it certainly did not start, since its endpoint drains, or its connection ended before it was
 * written. `refused`: its callee guarantees that, and says that another time or place may do. `failed`: it may have started, but is
 * idempotent.
 */
export type GivenBack = 'moved' | 'refused' | 'failed';

/** What only some calls bring; null for the usual call. */
export interface CallExtras {
  readonly metadata: Metadata | null;
  readonly signal: CancelSignal | null;
  /** Answer with `CallResult` (value and metadata) in place of the bare value. */
  readonly detailed: boolean;
  /** Of long messages the higher goes first. */
  readonly priority: number;
  /** The call asks for its ledger. */
  readonly ledger?: CallMarks | null;
  /** Takes the callee's items, of a server stream or duplex call. */
  readonly incoming?: IncomingStream;
  /** Gives the caller's items, of a client stream or duplex call. */
  readonly source?: ItemSource;
  /** How often the call has been sent again because it had not started (`limits.resendsMax`). */
  readonly resends?: number;
  /** How often it has been made again otherwise. */
  readonly retries?: number;
  /** Where it was tried before, without success. */
  readonly attempts?: readonly Attempt[];
  /** Calls of one key go to one endpoint, where the channel's balancer does that. */
  readonly key?: string | undefined;
  /** Waits for an endpoint in place of failing when none can be reached. */
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
  /** Of its request, while a queue counts them. */
  bytes = 0;
  private onAbort: (() => void) | null = null;

  constructor(
    readonly spec: MethodSpec,
    readonly request: unknown,
    /** Milliseconds of the clock; Infinity: none. */
    readonly deadlineAt: number,
    readonly extras: CallExtras | null,
    readonly resolve: (value: unknown) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  /** How often it has been sent again because it had not started. */
  get resends(): number {
    return this.extras?.resends ?? 0;
  }

  /** How often it has been made again though it may have started, or was refused. */
  get retries(): number {
    return this.extras?.retries ?? 0;
  }

  /** Where it was tried. */
  get attempts(): readonly Attempt[] {
    return this.extras?.attempts ?? noAttempts;
  }

  /** The same call, to be made once more, until the same deadline. */
  again(as: 'resend' | 'retry' = 'resend'): PendingCall {
    const { resends, retries } = this;
    const count = as === 'resend' ? { resends: resends + 1 } : { retries: retries + 1 };
    const extras = { ...(this.extras ?? noExtras), ...count };
    return new PendingCall(this.spec, this.request, this.deadlineAt, extras, this.resolve, this.reject);
  }

  /** `error` is of this call alone: it is told the attempts. */
  fail(error: unknown): void {
    this.leave();
    if (error instanceof RpcError) withEarlier(error, this.extras);
    this.reject(error);
  }

  /** It waits no longer: its slot or its failure takes over. */
  leave(): void {
    this.settled = true;
    if (this.onAbort !== null) this.extras?.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = null;
  }

  /** Calls back with the call's error when its caller gives it up while it waits. */
  watchAbort(callback: (error: RpcError) => void): void {
    const { extras } = this;
    if (extras === null) return;
    const { signal, incoming } = extras;
    if (incoming !== undefined) incoming.onLeaveEarly = () => callback(leftEarly('no'));
    if (signal === null) return;
    this.onAbort = () => callback(abortError(signal, 'no'));
    listenForAbort(signal, this.onAbort);
  }
}

/** The error of a call that was not sent, which must be of this call alone: it tells where that was tried before. */
export function withEarlier(error: RpcError, extras: CallExtras | null): RpcError {
  if (extras?.attempts !== undefined) tellAttempts(error, extras.attempts);
  return error;
}

/**
 * Calls back once when the signal aborts; at once if it has, which a getter of the request may have done meanwhile. One
 * signal may end thousands of calls: that many listeners are no leak, of which Node warns from the eleventh on.
 */
export function listenForAbort(signal: CancelSignal, callback: () => void): void {
  if (signal.aborted) {
    callback();
    return;
  }
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', callback, { once: true });
}

/** The error of a call whose caller has stopped to take its items. */
export function leftEarly(started: Started): RpcError {
  return new RpcError('CANCELLED', 'the caller left the stream before its end', { started });
}

/** The error of a call that its caller gave up. */
export function abortError(signal: CancelSignal, started: Started): RpcError {
  return new RpcError('CANCELLED', 'the caller cancelled the call', { started, cause: signal.reason });
}

/** The error of a call whose deadline had passed before anything could be done for it. */
export function expiredUnsent(): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed before the call was sent', { late: 'here' });
}
