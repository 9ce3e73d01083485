/**
 * What the two halves of calling, and the methods, need from their connection. `Connection` implements it and passes itself to them.
 */
import type { Clock } from '../../base/clock.js';
import type { RpcError } from '../../base/errors.js';
import type { AnnouncedLimits } from '../../base/limits.js';
import type { EndpointStats } from '../../resilience/endpoint-stats.js';
import type { CloseCodeNumber } from '../../wire/constants.js';
import type { CompressionName } from '../../wire/message-codec.js';
import type { SocketHold } from '../lifecycle/socket-hold.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { StreamLink } from '../streams/stream-link.js';
import type { PeerInfo } from './peer-info.js';
import type { PendingCall, RetryReason } from './pending-call.js';

export interface Link extends StreamLink {
  readonly clock: Clock;
  /** What the peer accepts: the protocol's minimum until its HELLO was read. */
  readonly peerLimits: AnnouncedLimits;
  /** Sets `now` to a reading of the clock that was just made. */
  noteTime(now: number): void;
  /** The peer accepts calls of this side, as far as is known. */
  readonly callable: boolean;
  /** The peer has sent DRAIN. */
  readonly peerDrained: boolean;
  readonly peer: PeerInfo;
  /** The peer's address, as `Attempt.endpoint` shows it. */
  readonly endpoint: string;
  /** Whether the socket keeps the process alive. */
  readonly hold: SocketHold;
  /** Counts how the calls of this side end. */
  readonly stats: EndpointStats;
  /** The peer broke the protocol: CLOSE with this code, every call settled, the socket ends. */
  fail(code: CloseCodeNumber, text: string): void;
  /** How a method's messages are compressed towards this peer. */
  compressionFor(method: CompressionName | undefined): MethodCompression;
  /** Charges the peer for one reset. False: that was one too many, and the connection has been closed. */
  chargeReset(): boolean;
  /** Counts a frame of a message of several. False: too many empty ones with MORE in a row, and the connection has been closed. */
  admitFragment(more: boolean, bytes: number): boolean;
  /** Reads no more frames until `resumeReading` was called as often. */
  pauseReading(): void;
  resumeReading(): void;
  /** A call of this side failed and may be retried. The owner of the connection retries it, or fails it with `failure`. */
  offerRetry(call: PendingCall, failure: RpcError, reason: RetryReason): void;
  /** Refuses new calls of the peer, lets open ones finish, then closes. `graceMs`: how long they may take; Infinity sets no limit. */
  drain(text: string, graceMs: number): void;
  /** A call ended. A drain may have waited for it. */
  onCallEnded(): void;
}
