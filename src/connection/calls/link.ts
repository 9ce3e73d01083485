/** What the two halves of calling and the methods need of their connection. `Connection` implements it and hands itself to them. */
import type { Clock } from '../../base/clock.js';
import type { RpcError } from '../../base/errors.js';
import type { AnnouncedLimits } from '../../base/limits.js';
import type { EndpointStats } from '../../resilience/endpoint-stats.js';
import type { CloseCodeNumber } from '../../wire/constants.js';
import type { CompressionName } from '../../wire/message-codec.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { StreamLink } from '../streams/stream-link.js';
import type { PeerInfo } from './peer-info.js';
import type { GivenBack, PendingCall } from './pending-call.js';

export interface Link extends StreamLink {
  readonly clock: Clock;
  /** What the peer accepts: the protocol's minimum until its HELLO was read. */
  readonly peerLimits: AnnouncedLimits;
  /** Sets `now` to a reading of the clock that was just made. */
  noteTime(now: number): void;
  /** The peer takes calls of this side, as far as is known. */
  readonly callable: boolean;
  /** The peer has sent DRAIN. */
  readonly peerDrained: boolean;
  readonly peer: PeerInfo;
  /** Address of the peer, for attempts. */
  readonly endpoint: string;
  /** Counts how calls of this side end. */
  readonly stats: EndpointStats;
  /** The peer broke the protocol: CLOSE with this code, every call settled, the socket ends. */
  fail(code: CloseCodeNumber, text: string): void;
  /** How a method's messages are compressed towards this peer. */
  compressionFor(method: CompressionName | undefined): MethodCompression;
  /** The peer spent one of its resets; false: that was one too many and the connection has been closed. */
  chargeReset(): boolean;
  /** A frame of a message of several came; false: too many with MORE and no bytes in a row, the connection has been closed. */
  admitFragment(more: boolean, bytes: number): boolean;
  /** Reads no more frames until `resumeReading`; nested calls count once. */
  pauseReading(): void;
  resumeReading(): void;
  /** A call of this side failed and may be made again: whoever owns the connection does that, or fails it. */
  giveBack(call: PendingCall, failure: RpcError, why: GivenBack): void;
  /** A call ended; the connection may have waited for the last one. */
  onCallEnded(): void;
}
