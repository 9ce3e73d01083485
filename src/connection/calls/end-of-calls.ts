/** Why a connection ended, and what that means for its calls: their errors, retries, statistics. Used by `Connection` and `Caller`. */
import { RpcError } from '../../base/errors.js';
import { CloseCode, type CloseCodeNumber, closeCodeName } from '../../wire/constants.js';
import type { CloseRecord } from '../../wire/records/close.js';
import type { PeerInfo } from './peer-info.js';

/** CLOSE codes whose sender has run none of the calls that it received (spec, 8.1). */
const ranNothing: ReadonlySet<number> = new Set([
  CloseCode.BAD_PREFACE,
  CloseCode.VERSION,
  CloseCode.AUTH,
  CloseCode.HANDSHAKE_TIMEOUT,
  CloseCode.BUSY,
]);

/** CLOSE codes for which no call can be the reason: they may be retried on another connection. */
const retryableCodes: ReadonlySet<number> = new Set([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.BUSY,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
  CloseCode.CHECKSUM,
]);

interface Meaning {
  /** The calls may be retried elsewhere: none of them can be why the connection ended. Default true. */
  readonly retryable?: boolean;
  /** The peer, or the network, is why it ended: calls count as failures of their endpoint. Default true. */
  readonly countsAsFailure?: boolean;
  /** The peer guarantees that it has started none of them. Default false. */
  readonly nothingRan?: boolean;
}

/** Why a connection, or one half of it, ends, and what that means for the open calls of this side. */
export class EndOfCalls {
  readonly retryable: boolean;
  readonly countsAsFailure: boolean;
  private readonly nothingRan: boolean;

  constructor(
    readonly reason: RpcError,
    { retryable = true, countsAsFailure = true, nothingRan = false }: Meaning = {},
  ) {
    this.retryable = retryable;
    this.countsAsFailure = countsAsFailure;
    this.nothingRan = nothingRan;
  }

  /** The error of one call. `handedOver`: its request was given to the socket. */
  failure(handedOver: boolean): RpcError {
    const { code, message, cause } = this.reason;
    return new RpcError(code, message, { started: handedOver && !this.nothingRan ? 'maybe' : 'no', cause });
  }
}

/** This side closes, for reasons of its own or because the peer broke the protocol (spec, 8.1). */
export function closedHere(code: CloseCodeNumber, text: string, peer: PeerInfo): EndOfCalls {
  const reason = new RpcError('UNAVAILABLE', `connection to ${peer} closed (${closeCodeName(code)}): ${text}`);
  const own = code === CloseCode.NONE || code === CloseCode.SHUTDOWN || code === CloseCode.INTERNAL;
  return new EndOfCalls(reason, { retryable: retryableCodes.has(code), countsAsFailure: !own });
}

/** The socket is gone. */
export function lost(error: Error | null, peer: PeerInfo): EndOfCalls {
  const why = error === null ? '' : `: ${error.message}`;
  const text = `the connection to ${peer} was lost${why}`;
  return new EndOfCalls(new RpcError('UNAVAILABLE', text, { cause: error ?? undefined }));
}

/** The peer sent CLOSE. */
export function closedByPeer({ code, text }: CloseRecord, peer: PeerInfo): EndOfCalls {
  const parts = [code === CloseCode.NONE ? '' : closeCodeName(code), text].filter((part) => part !== '');
  const why = parts.length === 0 ? '' : ` (${parts.join(': ')})`;
  const reason = new RpcError('UNAVAILABLE', `${peer} closed the connection${why}`);
  const meaning = {
    retryable: retryableCodes.has(code),
    countsAsFailure: code !== CloseCode.NONE,
    nothingRan: ranNothing.has(code),
  };
  return new EndOfCalls(reason, meaning);
}
