/** What the end of a drain, or a close, cut off: for `DrainReport`. */
import type { MethodSpec } from '../../wire/message-codec.js';
import type { PeerInfo } from './peer-info.js';

/** A call, or a handler, that had not ended when its connection was closed. */
export interface UnfinishedCall {
  /** `in`: the peer called and this side was to answer. `out`: this side called. */
  readonly direction: 'in' | 'out';
  /** Service and method: `demo.Cities/get`. */
  readonly method: string;
  /** Who was at the other end: `tcp://127.0.0.1:50123`. */
  readonly peer: string;
  /** Milliseconds in this state; `abandoned`: since the handler began; `out`: since the request was sent. */
  readonly ageMs: number;
  /**
   * - `waiting`: no handler had begun: the request was incomplete, or waited for a schema or a free handler.
   * - `running`: its handler was running; for `out`: there was no answer yet.
   * - `answering`: the handler had ended, its answer had not left in full.
   * - `abandoned`: the call had ended before (cancelled, out of time, connection lost), but its handler was still running.
   */
  readonly state: 'waiting' | 'running' | 'answering' | 'abandoned';
}

export function unfinishedCall(
  direction: UnfinishedCall['direction'],
  spec: MethodSpec | undefined,
  peer: PeerInfo,
  ageMs: number,
  state: UnfinishedCall['state'],
): UnfinishedCall {
  return { direction, method: spec?.name ?? '', peer: peer.toString(), ageMs, state };
}
