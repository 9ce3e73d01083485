/**
 * The one error of the engine. Every failure that a caller, a handler or an operator sees is an `RpcError`: a stable code
 * (gRPC's names and numbers), whether the call may have run, and, where a limit was hit, that limit by name, value and
 * setting. Message texts are for people and may change; `code` and `started` are API.
 *
 * Used by every room; imports only the types of its fields and the wording of limits.
 */
import { type Attempt, noAttempts } from './attempt.js';
import type { CallLedger } from './call-ledger.js';
import { type LatePart, type RpcCode, RpcCodes, type Started } from './codes.js';
import { describeLimit, type LimitHit } from './limits.js';

export interface RpcErrorOptions {
  /** Default `no`: an error made before anything was sent. */
  readonly started?: Started;
  readonly limit?: LimitHit;
  /** The server's hint: milliseconds to wait before the next attempt. Absent: no hint. */
  readonly retryAfterMs?: number;
  /** The server's hint: another endpoint may take the call. Default false. */
  readonly elsewhere?: boolean;
  /** Metadata that came with the failure. */
  readonly metadata?: ErrorMetadata | null;
  /** Where the time of the failed call went. */
  readonly ledger?: CallLedger | null;
  /** Of DEADLINE_EXCEEDED: which part was late. */
  readonly late?: LatePart | undefined;
  /** Where the call was tried, in order. */
  readonly attempts?: readonly Attempt[];
  readonly cause?: unknown;
}

export type ErrorMetadata = Readonly<Record<string, string | Buffer>>;

/** What an error says of itself when nothing was given: on the prototype, so that a printed error shows only what it knows. */
const absent = {
  limit: undefined,
  retryAfterMs: undefined,
  elsewhere: false,
  metadata: null,
  ledger: null,
  late: undefined,
  attempts: noAttempts,
};

export class RpcError extends Error {
  /** gRPC's name of the status code, such as `UNAVAILABLE`. */
  readonly code: RpcCode;
  /** Whether the handler may have run: `no` is a guarantee. */
  readonly started: Started;
  /** The limit that was hit, or undefined. */
  declare readonly limit: LimitHit | undefined;
  /** Milliseconds to wait before the next attempt, as the server says; undefined without a hint. */
  declare readonly retryAfterMs: number | undefined;
  /** The server says that another endpoint may take the call. */
  declare readonly elsewhere: boolean;
  /** Metadata that the other side sent with the failure, or null. */
  declare readonly metadata: ErrorMetadata | null;
  /** Where the time went: of a call that asked for it and that the other side failed; else null. */
  declare readonly ledger: CallLedger | null;
  /** Of a DEADLINE_EXCEEDED that this side made or was sent: which part was late; else undefined. */
  declare readonly late: LatePart | undefined;
  /**
   * Where the call was tried and how that ended, in order, the attempt that failed with this error being the last; empty when it was
   * sent nowhere. Printed only when there was more than one, since code and `started` of a single one are the error's own.
   */
  declare readonly attempts: readonly Attempt[];

  constructor(code: RpcCode, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.started = options.started ?? 'no';
    if (options.limit !== undefined) this.limit = options.limit;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.elsewhere === true) this.elsewhere = true;
    if (options.metadata != null) this.metadata = options.metadata;
    if (options.ledger != null) this.ledger = options.ledger;
    if (options.late !== undefined) this.late = options.late;
    if (options.attempts !== undefined) tellAttempts(this, options.attempts);
  }

  /** The code as it travels. */
  get number(): number {
    return RpcCodes[this.code];
  }
}
for (const [name, value] of Object.entries({ name: 'RpcError', ...absent })) {
  Object.defineProperty(RpcError.prototype, name, { value, configurable: true, writable: true });
}

/**
 * Adds to an error the attempts of its call. The handler may have run in any of them, so `started` covers them all. The error must belong
 * to this call alone.
 */
export function tellAttempts(error: RpcError, attempts: readonly Attempt[]): void {
  const enumerable = attempts.length > 1;
  Object.defineProperty(error, 'attempts', { value: attempts, enumerable, configurable: true, writable: true });
  for (const { started } of attempts) {
    if (certainty[started] <= certainty[error.started]) continue;
    Object.defineProperty(error, 'started', { value: started, enumerable: true, configurable: true, writable: true });
  }
}

const certainty: Readonly<Record<Started, number>> = { no: 0, maybe: 1, yes: 2 };

/** RESOURCE_EXHAUSTED because of a limit, which the text names with its value and setting. */
export function limitError(what: string, limit: LimitHit, options: Omit<RpcErrorOptions, 'limit'> = {}): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', describeLimit(what, limit), { ...options, limit });
}

/** The code of an error of Node.js, such as `ECONNREFUSED`; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

/** What was caught, as an `RpcError`: itself if it is one, else INTERNAL with it as the cause. */
export function toRpcError(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError('INTERNAL', String(error), { cause: error });
}
