/** What the calls of a connection are told when this side closes it. */
import { RpcError } from '../base/errors.js';
import { CloseCode, type CloseCodeNumber, closeCodeName } from '../wire/constants.js';
import type { PeerInfo } from './peer-info.js';

/** CLOSE codes that this side gives without the peer having broken the protocol. */
const ownReasons: ReadonlySet<number> = new Set([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.HANDSHAKE_TIMEOUT,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
  CloseCode.WRITE_QUEUE,
  CloseCode.INTERNAL,
  CloseCode.TRUNCATED,
]);

/** CLOSE codes whose sender has run none of the calls that it was sent (spec, 8.1). */
const nothingRan: ReadonlySet<number> = new Set([
  CloseCode.BAD_PREFACE,
  CloseCode.VERSION,
  CloseCode.AUTH,
  CloseCode.HANDSHAKE_TIMEOUT,
]);

/** Whether a peer that sent CLOSE with this code guarantees that it has started no call. */
export function peerRanNothing(code: number): boolean {
  return nothingRan.has(code);
}

/** CLOSE codes that say nothing against the calls which have not left: another connection may take them. */
const mayMove: ReadonlySet<number> = new Set([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
]);

/** Whether calls that certainly did not start may go elsewhere when a connection ends with this code. */
export function movesCalls(code: number): boolean {
  return mayMove.has(code);
}

/** INTERNAL when the peer broke the protocol, else UNAVAILABLE. */
export function closeReason(code: CloseCodeNumber, text: string, peer: PeerInfo): RpcError {
  const name = closeCodeName(code);
  return new RpcError(
    ownReasons.has(code) ? 'UNAVAILABLE' : 'INTERNAL',
    `connection to ${peer} closed (${name}): ${text}`,
  );
}

/** What the calls of a connection are told when its socket is gone. */
export function lostReason(error: Error | null, peer: PeerInfo): RpcError {
  const why = error === null ? '' : `: ${error.message}`;
  return new RpcError('UNAVAILABLE', `the connection to ${peer} was lost${why}`, { cause: error ?? undefined });
}

/** What the calls of a connection are told when the peer sent CLOSE. */
export function peerCloseReason(code: number, text: string, peer: PeerInfo): RpcError {
  const parts = [code === CloseCode.NONE ? '' : closeCodeName(code), text].filter((part) => part !== '');
  return new RpcError(
    'UNAVAILABLE',
    `${peer} closed the connection${parts.length === 0 ? '' : ` (${parts.join(': ')})`}`,
  );
}
