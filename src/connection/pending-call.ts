/**
 * A call as the caller asked for it, before it has a slot: what `Connection.call` was given. Waits in a `CallQueue` when it
 * cannot start at once.
 */
import { setMaxListeners } from 'node:events';
import { RpcError } from '../base/errors.js';
import type { MethodSpec } from '../wire/message-codec.js';
import type { Metadata } from '../wire/records/metadata.js';

/** What only some calls bring; null for the usual call. */
export interface CallExtras {
  readonly metadata: Metadata | null;
  readonly signal: AbortSignal | null;
  /** Answer with `CallResult` (value and metadata) in place of the bare value. */
  readonly detailed: boolean;
  /** Of long messages the higher goes first. */
  readonly priority: number;
}

/** The answer of a call made with `detailed`. */
export interface CallResult<Response = unknown> {
  readonly value: Response;
  /** Metadata that came with the response, or null. */
  readonly metadata: Metadata | null;
}

export class PendingCall {
  settled = false;
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

  fail(error: unknown): void {
    this.leave();
    this.reject(error);
  }

  /** It waits no longer: its slot or its failure takes over. */
  leave(): void {
    this.settled = true;
    if (this.onAbort !== null) this.extras?.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = null;
  }

  /** Calls back when the caller's signal aborts while it waits. */
  watchAbort(callback: () => void): void {
    const signal = this.extras?.signal;
    if (!signal) return;
    this.onAbort = callback;
    listenForAbort(signal, callback);
  }
}

/**
 * Calls back once when the signal aborts; at once if it has, which a getter of the request may have done meanwhile. One
 * signal may end thousands of calls: that many listeners are no leak, of which Node warns from the eleventh on.
 */
export function listenForAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) {
    callback();
    return;
  }
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', callback, { once: true });
}

/** The error of a call that its caller gave up. */
export function abortError(signal: AbortSignal, started: 'no' | 'maybe'): RpcError {
  return new RpcError('CANCELLED', 'the caller cancelled the call', { started, cause: signal.reason });
}
