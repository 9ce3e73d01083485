/** What a connection is made with. `peer/open-connection.ts` fills it in for channels and servers. */
import type { Clock } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { Compressor } from '../compression/compressor.js';
import type { Admission } from '../resilience/admission/admission.js';
import type { EndpointStats } from '../resilience/endpoint-stats.js';
import type { PeerIdentity } from '../transport/transport.js';
import type { CallHost } from './calls/call-host.js';
import type { PeerInfo } from './calls/peer-info.js';
import type { PendingCall, RetryReason } from './calls/pending-call.js';
import type { GreetingOptions } from './lifecycle/handshake.js';
import type { CompressionSettings } from './messages/method-compression.js';
import type { SchemaCache } from './methods/schema-exchange.js';

export interface ConnectionObserver<C> {
  /** The peer's HELLO was read. */
  onOpen(connection: C): void;
  /** It takes no new calls: it is draining, or closing for this reason. May come twice. */
  onRetired(connection: C, reason: RpcError | null): void;
  /**
   * A call failed with `failure` and may be retried: the owner makes its `call.nextAttempt()`, or fails it (`call.fail(failure)`). Either
   * way the error lists every attempt; a call that was still waiting here adds none. A call is not offered when it has given items to
   * its caller, has taken items from a source that cannot give them again, or was cancelled. Where the connection is over or drains,
   * `onRetired` was called before. Absent: the calls fail.
   */
  onRetryable?(call: PendingCall, failure: RpcError, reason: RetryReason): void;
  /** After `onClosed`: the last handler that was still running has ended. */
  onHandlersEnded?(connection: C): void;
  /** The socket is gone; once. `reason`: what ended the connection. */
  onClosed(connection: C, reason: RpcError): void;
}

export interface ConnectionOptions<C> extends CompressionSettings, GreetingOptions {
  readonly clock: Clock;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random: () => number;
  /** Answers the peer's calls; null: every one is UNIMPLEMENTED. */
  readonly host: CallHost | null;
  /** Which of its calls run and which wait, together with those of the other connections that have it. Default: its own. */
  readonly admission?: Admission;
  /** Codecs that are loaded: announced to the peer, and used towards it. */
  readonly compressors: readonly Compressor[];
  readonly schemas: SchemaCache;
  readonly observer: ConnectionObserver<C>;
  /** Counts how calls of this side end. Default: statistics of its own. */
  readonly stats?: EndpointStats;
  /** Address of the peer, for `Attempt.endpoint`. Default: that of the socket. */
  readonly endpoint?: string;
  /** Makes the object that represents the peer. Default: a `PeerInfo`. */
  readonly makePeer?: (connection: C, identity: PeerIdentity) => PeerInfo;
}
