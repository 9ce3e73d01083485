/** What the calls of a connection are told when it ends, and what that means for them. Used by `Connection` and `Caller`. */
import { RpcError } from '../../base/errors.js';
import { CloseCode, type CloseCodeNumber, closeCodeName } from '../../wire/constants.js';
import type { CloseRecord } from '../../wire/records/close.js';
import type { PeerInfo } from './peer-info.js';

/** CLOSE codes that this side gives without the peer having broken the protocol. */
const ownReasons: ReadonlySet<number> = new Set([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.BUSY,
  CloseCode.HANDSHAKE_TIMEOUT,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
  CloseCode.WRITE_QUEUE,
  CloseCode.INTERNAL,
  CloseCode.TRUNCATED,
  CloseCode.CHECKSUM,
]);

/** CLOSE codes whose sender has run none of the calls that it was sent (spec, 8.1). */
const ranNothing: ReadonlySet<number> = new Set([
  CloseCode.BAD_PREFACE,
  CloseCode.VERSION,
  CloseCode.AUTH,
  CloseCode.HANDSHAKE_TIMEOUT,
  CloseCode.BUSY,
]);

/** CLOSE codes that say nothing against the calls: another connection may take them. */
const mayMove: ReadonlySet<number> = new Set([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.BUSY,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
  CloseCode.CHECKSUM,
]);

interface Meaning {
  /** The calls may be made elsewhere: nothing says that one of them was why it ended. Default true. */
  readonly movable?: boolean;
  /** The peer, or the way to it, is why it ended. Default true. */
  readonly blamed?: boolean;
  /** The peer guarantees that it has started none of them. Default false. */
  readonly nothingRan?: boolean;
}

/** Why a connection ends, or one half of it, and what that means for the calls of this side that are open. */
export class EndOfCalls {
  readonly movable: boolean;
  readonly blamed: boolean;
  private readonly nothingRan: boolean;

  constructor(
    readonly reason: RpcError,
    { movable = true, blamed = true, nothingRan = false }: Meaning = {},
  ) {
    this.movable = movable;
    this.blamed = blamed;
    this.nothingRan = nothingRan;
  }

  /** The error of one call. `left`: its request was handed to the socket. */
  failure(left: boolean): RpcError {
    const { code, message, cause } = this.reason;
    return new RpcError(code, message, { started: left && !this.nothingRan ? 'maybe' : 'no', cause });
  }
}

/** This side closes. INTERNAL when the peer broke the protocol, else UNAVAILABLE. */
export function closedHere(code: CloseCodeNumber, text: string, peer: PeerInfo): EndOfCalls {
  const rpcCode = ownReasons.has(code) ? 'UNAVAILABLE' : 'INTERNAL';
  const reason = new RpcError(rpcCode, `connection to ${peer} closed (${closeCodeName(code)}): ${text}`);
  const own = code === CloseCode.NONE || code === CloseCode.SHUTDOWN || code === CloseCode.INTERNAL;
  return new EndOfCalls(reason, { movable: mayMove.has(code), blamed: !own });
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
  const meaning = { movable: mayMove.has(code), blamed: code !== CloseCode.NONE, nothingRan: ranNothing.has(code) };
  return new EndOfCalls(reason, meaning);
}
