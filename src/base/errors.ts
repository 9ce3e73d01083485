/**
 * The one error of the engine. Every failure that a caller, a handler or an operator sees is an `RpcError`: a stable code
 * (gRPC's names and numbers), whether the call may have run, and, where a limit was hit, that limit by name, value and
 * setting. Message texts are for people and may change; `code` and `started` are API.
 *
 * Used by every room; imports only the types of its fields and the wording of limits.
 */
import type { InspectOptionsStylized } from 'node:util';
import type { CallLedger } from './call-ledger.js';
import { type Attempt, type LatePart, noAttempts, type RpcCode, RpcCodes, type Started } from './codes.js';
import {
  type ErrorMetadata,
  isError,
  knownCode,
  legalLimit,
  legalRetryAfterMs,
  legalStarted,
  readMetadata,
  shortText,
  textOf,
} from './error-values.js';
import { type Inspect, inspectCustom } from './inspect.js';
import { describeLimit, type LimitHit } from './limits.js';

export type { ErrorMetadata } from './error-values.js';

export interface RpcErrorOptions {
  /** Default `no`: an error made before anything was sent. */
  readonly started?: Started;
  readonly limit?: LimitHit;
  /** The server's hint: milliseconds to wait before the next attempt, rounded up to whole ones, at most 2^31 - 1. Absent: no hint. */
  readonly retryAfterMs?: number;
  /** The server's hint: another endpoint may take the call. Default false. */
  readonly elsewhere?: boolean;
  /** Strings and bytes by name, which travel with an error that a handler throws. A `Map` or `Headers` is converted. */
  readonly metadata?: ErrorMetadata | null;
  /** Where the time of the failed call went. */
  readonly ledger?: CallLedger | null;
  /** Of DEADLINE_EXCEEDED: which part was late. */
  readonly late?: LatePart | undefined;
  /** Where the call was tried, in order. */
  readonly attempts?: readonly Attempt[];
  /** The method of the call that failed: `demo.Cities/get`. Default undefined; a failed call has it. */
  readonly method?: string | undefined;
  /** The other side of that call, or who could not be reached: `tcp://10.0.0.1:7000`. */
  readonly peer?: string | undefined;
  readonly cause?: unknown;
}

/**
 * What tells an `RpcError` of whichever copy of this package: an application may have loaded two (two versions, or ESM and CommonJS), and
 * throws errors of either.
 */
const brand: unique symbol = Symbol.for('trunkline.RpcError');
/** The same of errors made by `refuse`. */
const refusalBrand: unique symbol = Symbol.for('trunkline.refusal');

/** What `console.log` shows of an error. */
const ATTEMPTS_SHOWN = 3;
const HEAD_LINES_SHOWN = 3;
const FRAMES_SHOWN = 5;
const STRING_SHOWN = 300;
const FRAME = /^\s+at /;

/** What an error says of itself when nothing was given: on the prototype, so that a printed error shows only what it knows. */
const absent = {
  limit: undefined,
  retryAfterMs: undefined,
  elsewhere: false,
  metadata: null,
  ledger: null,
  late: undefined,
  method: undefined,
  peer: undefined,
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
  /** Service and method of the call that failed, such as `demo.Cities/get`; undefined when it was no call. */
  declare readonly method: string | undefined;
  /** The address of the other side, such as `tcp://10.0.0.1:7000`; undefined when there was none. */
  declare readonly peer: string | undefined;
  /**
   * Where the call was tried and how that ended, in order, the attempt that failed with this error being the last; empty when it was
   * sent nowhere.
   */
  declare readonly attempts: readonly Attempt[];

  /**
   * Never throws. What is wrong becomes the nearest legal value: an unknown code UNKNOWN, and the text names it; `retryAfterMs` whole
   * milliseconds, or no hint; metadata that cannot travel stays as it is, and is reported when the error is sent.
   */
  constructor(code: RpcCode, message: string, options: RpcErrorOptions = {}) {
    const known = knownCode(code);
    const text = typeof message === 'string' ? message : textOf(message);
    super(known === null ? `${text} (with ${shortText(code)}, which is no code)` : text, causeOf(options));
    this.code = known ?? 'UNKNOWN';
    // Callers without types pass anything, null included.
    if (typeof options !== 'object' || options === null) options = {};
    this.started = legalStarted(options.started);
    const limit = options.limit === undefined ? undefined : legalLimit(options.limit);
    if (limit !== undefined) this.limit = limit;
    const retryAfterMs = options.retryAfterMs === undefined ? undefined : legalRetryAfterMs(options.retryAfterMs);
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (options.elsewhere === true) this.elsewhere = true;
    if (options.metadata != null) this.metadata = readMetadata(options.metadata).entries ?? options.metadata;
    if (options.ledger != null) this.ledger = options.ledger;
    if (options.late !== undefined) this.late = options.late;
    if (options.method !== undefined) this.method = options.method;
    if (options.peer !== undefined) this.peer = options.peer;
    if (Array.isArray(options.attempts)) tellAttempts(this, options.attempts);
  }

  /**
   * A few lines: what, where, who called. No value of metadata, which may be a credential, and no message.
   *
   * @internal
   */
  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    if (depth < 0) return options.stylize(`[${this.name}: ${this.code}]`, 'special');
    const { code, method, peer, started, retryAfterMs, limit, late, metadata, cause } = this;
    const attempts = this.attempts
      .slice(0, ATTEMPTS_SHOWN)
      .map((each) => `${each.endpoint} ${each.code} ${each.started}`);
    const more = this.attempts.length - attempts.length;
    const all = {
      code,
      method,
      peer,
      started,
      attempts: attempts.length === 0 ? undefined : more > 0 ? [...attempts, `${more} more`] : attempts,
      retryAfterMs,
      limit,
      late,
      metadata: metadata === null ? undefined : Object.keys(metadata),
      cause: cause === undefined ? undefined : causeView(cause),
    };
    const fields = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const lines = textOf(this.stack).split('\n');
    const frames = lines.filter((line) => FRAME.test(line));
    const head = lines.slice(0, frames.length === 0 ? 1 : lines.findIndex((line) => FRAME.test(line)));
    const shown = [...head.slice(0, HEAD_LINES_SHOWN), ...frames.slice(0, FRAMES_SHOWN)].join('\n');
    return `${shown} ${inspect(fields, { ...options, depth: 2, showHidden: false, maxStringLength: STRING_SHOWN })}`;
  }

  /** Errors of another copy of this package count as well; those of its subclasses only by their own class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === RpcError ? hasBrand(value, brand) : super[Symbol.hasInstance](value);
  }

  /** The code as it travels. */
  get number(): number {
    return RpcCodes[this.code];
  }
}
for (const [name, value] of Object.entries({ name: 'RpcError', ...absent })) {
  Object.defineProperty(RpcError.prototype, name, { value, configurable: true, writable: true });
}
Object.defineProperty(RpcError.prototype, brand, { value: true });

/** The cause in one line. */
function causeView(cause: unknown): string {
  if (!isError(cause)) return `a value of type ${typeof cause}`;
  return `${textOf(cause.name)}: ${textOf(cause.message)}`.slice(0, STRING_SHOWN);
}

function causeOf(options: RpcErrorOptions | null): ErrorOptions | undefined {
  return options?.cause === undefined ? undefined : { cause: options.cause };
}

/** Whether a value is an object with this mark, whichever copy of the package made it. */
export function hasBrand(value: unknown, mark: symbol): boolean {
  try {
    return typeof value === 'object' && value !== null && mark in value;
  } catch {
    // A proxy that forbids the look.
    return false;
  }
}

/** What `refuse` may say besides code and text. */
export type RefusalOptions = Omit<RpcErrorOptions, 'started' | 'attempts' | 'late' | 'ledger'>;

/**
 * An error for a handler to throw before it has done anything: the caller gets it with `started: 'no'`, so it may send the call again.
 * Its channel does so by itself for UNAVAILABLE and RESOURCE_EXHAUSTED. Thrown after a stream's first item it is an error like any other.
 */
export function refuse(code: RpcCode, message: string, options: RefusalOptions = {}): RpcError {
  // Without a hint RESOURCE_EXHAUSTED would say that the call is too large wherever it goes.
  const elsewhere = options.elsewhere ?? (code === 'RESOURCE_EXHAUSTED' && options.retryAfterMs === undefined);
  const error = new RpcError(code, message, { ...options, elsewhere, started: 'no' });
  Object.defineProperty(error, refusalBrand, { value: true });
  return error;
}

function isTrue(value: unknown): boolean {
  return value === true;
}

/** What a FAILURE says of an error that an application made. */
export interface ThrownParts {
  readonly code: RpcCode;
  readonly text: string;
  readonly retryAfterMs: number | null;
  readonly elsewhere: boolean;
  readonly metadata: ErrorMetadata | null;
  /** Why the metadata cannot travel; null: it can, or there is none. */
  readonly wrongMetadata: string | null;
  /** Made by `refuse`. */
  readonly refused: boolean;
}

/**
 * Reads a thrown error once, when it is to be sent: its fields may have been changed since it was made. A limit has no field of its own
 * on the wire, so the text names it. Null: the error cannot even be read.
 */
export function partsOfThrown(error: RpcError): ThrownParts | null {
  try {
    const { code, message, retryAfterMs, elsewhere } = error;
    const known = knownCode(code);
    const limit = legalLimit(error.limit);
    const { entries, wrong } = readMetadata(error.metadata);
    const refused = hasBrand(error, refusalBrand);
    let text = textOf(message);
    if (known === null && !text.includes('which is no code')) text += ` (with ${shortText(code)}, which is no code)`;
    if (limit !== undefined && !text.includes(limit.name)) text = describeLimit(text, limit);
    return {
      code: known ?? 'UNKNOWN',
      text,
      retryAfterMs: legalRetryAfterMs(retryAfterMs) ?? null,
      // Refused by UNAVAILABLE and `elsewhere` means to a caller that this side drains (spec, 8.2).
      elsewhere: isTrue(elsewhere) && !(refused && known === 'UNAVAILABLE'),
      metadata: entries,
      wrongMetadata: wrong,
      refused,
    };
  } catch {
    return null;
  }
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

/** Names the call in its error: its method, and the other side where that is known. The error must belong to this call alone. */
export function tellCall(error: RpcError, method: string, peer: string | undefined): void {
  for (const [name, value] of Object.entries({ method, peer: peer ?? error.peer })) {
    if (value !== undefined && value !== '')
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true });
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

/** An error's name and text; a text for any other value. */
function namedText(error: unknown): string {
  return isError(error) && textOf(error.message) !== ''
    ? `${textOf(error.name)}: ${textOf(error.message)}`
    : textOf(error);
}

/** What was caught, as an `RpcError`: itself if it is one, else INTERNAL with it as the cause. */
export function toRpcError(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError('INTERNAL', namedText(error), { cause: error });
}
