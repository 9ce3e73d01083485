/** What a connection is made of: given by `channel/` and `server/`, all of it injected. */
import type { Clock } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { Limits } from '../base/limits.js';
import type { Compressor } from '../compression/compressor.js';
import type { EndpointStats } from '../resilience/endpoint-stats.js';
import type { FrameChecksums } from '../wire/frame-checksums.js';
import type { CompressionName } from '../wire/message-codec.js';
import type { Admission } from './admission.js';
import type { CallHost } from './call-host.js';
import type { Connection } from './connection.js';
import type { PeerInfo } from './peer-info.js';
import type { PendingCall } from './pending-call.js';
import type { SchemaCache } from './schema-exchange.js';
import type { PeerIdentity, Transport } from './transport.js';

/**
 * Why a call is given back. `moved`: it certainly did not start, since its endpoint drains, or its connection ended before it was
 * written. `refused`: its callee guarantees that, and says that another time or place may do. `failed`: it may have started, but is
 * idempotent.
 */
export type GivenBack = 'moved' | 'refused' | 'failed';

export interface ConnectionObserver {
  /** The peer's HELLO was read. */
  onOpen(connection: Connection): void;
  /** It takes no new calls: it is draining, or closing for this reason. May come twice. */
  onRetired(connection: Connection, reason: RpcError | null): void;
  /**
   * A call failed with `failure` and may be made again: the owner does that (`call.again`), or fails it (`call.fail(failure)`). Both
   * tell all attempts, the last one included; a call that still waited here was not tried. Of one that gave items to its caller,
   * or took some from a source that cannot give them again, or that its caller gave up, nothing comes here. Where the connection is
   * over or drains, `onRetired` has come before. Absent: the calls fail.
   */
  onGivenBack?(call: PendingCall, failure: RpcError, why: GivenBack): void;
  /** After `onClosed`: the last handler that was still running has ended. */
  onHandlersEnded?(connection: Connection): void;
  /** The socket is gone; once. `reason`: what ended the connection. */
  onClosed(connection: Connection, reason: RpcError): void;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly side: 'dialing' | 'accepting';
  readonly clock: Clock;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random: () => number;
  readonly limits: Limits;
  /** Milliseconds until the peer's HELLO must have been read. */
  readonly handshakeMs: number;
  /** Answers the peer's calls; null: every one is UNIMPLEMENTED. */
  readonly host: CallHost | null;
  /** Which of its calls run and which wait, together with those of the other connections that have it. Default: its own. */
  readonly admission?: Admission;
  /** How messages are compressed unless their method says otherwise. */
  readonly compression: CompressionName;
  /** Codecs that are loaded: announced to the peer, and used towards it. */
  readonly compressors: readonly Compressor[];
  /** From so many bytes on a message is worth compressing. */
  readonly compressionBytesMin: number;
  /** Frames have checksums where the peer wants that too. Default: they have none. */
  readonly checksums?: FrameChecksums | null;
  /** Name and version, for the peer's eyes. */
  readonly software: string;
  /** 16 bytes that name this process. */
  readonly instance: Buffer;
  readonly schemas: SchemaCache;
  readonly observer: ConnectionObserver;
  /** How the calls of this side end is counted here; default: nowhere. */
  readonly stats?: EndpointStats;
  /** Address of the peer, for `Attempt.endpoint`. Default: that of the socket. */
  readonly endpoint?: string;
  /** Makes what stands for the other end. Default: a `PeerInfo`. */
  readonly makePeer?: (connection: Connection, identity: PeerIdentity) => PeerInfo;
}
