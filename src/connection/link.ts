/**
 * What the parts of a connection share: the caller's half, the callee's half, methods and schemas all work on one link.
 * `Connection` implements it and hands itself to them.
 */
import type { Clock } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { AnnouncedLimits, Limits } from '../base/limits.js';
import type { Compressor } from '../compression/compressor.js';
import type { EndpointStats } from '../resilience/endpoint-stats.js';
import type { CloseCodeNumber } from '../wire/constants.js';
import type { CompressionName } from '../wire/message-codec.js';
import type { AssemblyLedger } from './assembly.js';
import type { GivenBack } from './connection-options.js';
import type { MessageSender } from './message-sender.js';
import type { MethodCompression } from './method-compression.js';
import type { PeerInfo } from './peer-info.js';
import type { PendingCall } from './pending-call.js';
import type { ConnectionState } from './state.js';
import type { StreamTurns } from './stream-turns.js';
import type { WriteQueue } from './write-queue.js';

/** A stream that owes its peer a CREDIT frame. */
export interface CreditDebtor {
  settleCredit(): void;
}

export interface Link {
  readonly clock: Clock;
  /** This side's settings. */
  readonly limits: Limits;
  /** What the peer accepts: the protocol's minimum until its HELLO was read. */
  readonly peerLimits: AnnouncedLimits;
  readonly state: ConnectionState;
  /** The peer takes calls of this side, as far as is known. */
  readonly callable: boolean;
  /** The peer has sent DRAIN. */
  readonly peerDrained: boolean;
  /** Milliseconds of the clock, read once per chunk and once per batch of calls. */
  now: number;
  /** Milliseconds in which nothing was read before the chunk that is being read. */
  readonly silentMs: number;
  readonly queue: WriteQueue;
  readonly sender: MessageSender;
  readonly turns: StreamTurns;
  readonly ledger: AssemblyLedger;
  readonly reader: {
    /** Gives the buffer of the frame at hand to whoever keeps its payload, or says no: then that is copied. */
    claim(buffer: Buffer): boolean;
    /** Lets the stream settle its credit behind the chunk that is being read, or at once when none is. */
    settleBehindChunk(stream: CreditDebtor): void;
  };
  readonly peer: PeerInfo;
  /** Address of the peer, for attempts. */
  readonly endpoint: string;
  /** Counts how calls of this side end. */
  readonly stats: EndpointStats;
  /** Codecs that this side announced. */
  readonly acceptedCompressors: readonly Compressor[];
  /** How a method's messages are compressed towards this peer. */
  compressionFor(method: CompressionName | undefined): MethodCompression;
  /** The peer broke the protocol: CLOSE with this code, every call settled, the socket ends. */
  fail(code: CloseCodeNumber, text: string): void;
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
