/**
 * A call as the caller asked for it, before it has a slot: what `Connection.call` was given. Waits in a `CallQueue` when it
 * cannot start at once.
 */
import { setMaxListeners } from 'node:events';
import type { CallLedger } from '../base/call-ledger.js';
import { RpcError, type Started } from '../base/errors.js';
import type { MethodSpec } from '../wire/message-codec.js';
import type { Metadata } from '../wire/records/metadata.js';
import type { CallMarks } from './call-marks.js';
import type { CancelSource } from './cancel-source.js';
import type { IncomingStream } from './incoming-stream.js';
import type { ItemSource } from './outgoing-stream.js';

/** What only some calls bring; null for the usual call. */
export interface CallExtras {
  readonly metadata: Metadata | null;
  readonly signal: CancelSource | null;
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
  /** How often the call has been sent again (`limits.resendsMax`). */
  readonly resends?: number;
}

const noExtras: CallExtras = { metadata: null, signal: null, detailed: false, priority: 0 };

/** The answer of a call made with `detailed`. */
export interface CallResult<Response = unknown> {
  readonly value: Response;
  /** Metadata that came with the response, or null. */
  readonly metadata: Metadata | null;
  /** Where the time went; null unless the call asked for it (`ledger: true`) and the other side said what it took. */
  readonly ledger: CallLedger | null;
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

  /** How often it has been sent again. */
  get resends(): number {
    return this.extras?.resends ?? 0;
  }

  /** The same call, to be sent once more. */
  again(): PendingCall {
    const extras = { ...(this.extras ?? noExtras), resends: this.resends + 1 };
    return new PendingCall(this.spec, this.request, this.deadlineAt, extras, this.resolve, this.reject);
  }

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

/**
 * Calls back once when the signal aborts; at once if it has, which a getter of the request may have done meanwhile. One
 * signal may end thousands of calls: that many listeners are no leak, of which Node warns from the eleventh on.
 */
export function listenForAbort(signal: CancelSource, callback: () => void): void {
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
export function abortError(signal: CancelSource, started: Started): RpcError {
  return new RpcError('CANCELLED', 'the caller cancelled the call', { started, cause: signal.reason });
}
