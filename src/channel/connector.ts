/**
 * Opens the connections of a channel: loads codecs, opens a transport to an endpoint, and puts a `Connection` on it. One time limit
 * (`limits.connectMsMax`) covers name look-up, TCP, TLS and handshake. Used by `EndpointPool`.
 */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { CancelSignal } from '../base/cancel-signal.js';
import { RpcError } from '../base/errors.js';
import type { PendingCall, RetryReason } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import { parseAddress } from '../discovery/resolver/address.js';
import type { Endpoint } from '../discovery/resolver/resolver.js';
import type { ConnectionSet } from '../peer/connection-set.js';
import { openConnection } from '../peer/open-connection.js';
import type { ServiceHost } from '../peer/service-host.js';
import { compressorsFor, type EndpointSettings } from '../peer/settings.js';
import type { EndpointStats } from '../resilience/endpoint-stats.js';
import type { Transport } from '../transport/transport.js';
import type { CompressionName } from '../wire/message-codec.js';
import { dial } from './dial.js';

/** What all connections of a channel have in common. */
export interface ConnectorOptions {
  readonly settings: EndpointSettings;
  /** What the peer may call. */
  readonly host: ServiceHost;
  /** Every connection that is not gone; it learns from each connection when that ends. */
  readonly connections: ConnectionSet;
  readonly tls: TlsOptions | undefined;
  /** Opens a transport instead of a socket. */
  readonly dial: ((address: string, connectMsMax: number) => Promise<Transport>) | undefined;
  /** As `ConnectionObserver.onRetryable`. */
  readonly onRetryable: (call: PendingCall, failure: RpcError, reason: RetryReason) => void;
}

/** What a pool learns from each of its connections. */
export interface PooledConnectionEvents {
  /** The peer's HELLO was read. */
  onOpen(connection: Connection): void;
  /** The connection takes no new calls: it is draining, or it ends for this reason. May come twice. */
  onRetired(connection: Connection, reason: RpcError | null): void;
}

export class Connector {
  /** Compressions of the channel and of the methods called so far: their codecs are loaded before the next connection opens. */
  private readonly compressions = new Set<CompressionName>();

  constructor(private readonly options: ConnectorOptions) {
    this.expectCompression(options.settings.compression);
  }

  expectCompression(compression: CompressionName | undefined): void {
    if (compression !== undefined && compression !== 'off') this.compressions.add(compression);
  }

  /**
   * Resolves with a connection whose handshake is not complete yet, or with null when `cancel` was aborted meanwhile. Rejects with an
   * `RpcError`.
   */
  async open(
    endpoint: Endpoint,
    stats: EndpointStats,
    events: PooledConnectionEvents,
    cancel: CancelSignal,
  ): Promise<Connection | null> {
    const { settings, host, connections, onRetryable } = this.options;
    const { clock, limits } = settings;
    const startedAt = clock.now();
    try {
      const compressors = await compressorsFor(this.compressions);
      if (cancel.aborted) return null;
      const transport = await (this.options.dial?.(endpoint.address, limits.connectMsMax) ??
        this.dial(endpoint, cancel));
      if (cancel.aborted) {
        transport.destroy();
        return null;
      }
      const handshakeMs = Math.max(1, limits.connectMsMax - (clock.now() - startedAt));
      const connection = openConnection(settings, {
        transport,
        side: 'dialing',
        handshakeMs,
        host,
        compressors,
        observer: {
          onOpen: (opened) => events.onOpen(opened),
          onRetired: (retired, reason) => events.onRetired(retired, reason),
          onRetryable,
          onClosed: (closed) => connections.onClosed(closed),
          onHandlersEnded: (closed) => connections.onHandlersEnded(closed),
        },
        stats,
        endpoint: endpoint.address,
      });
      connections.add(connection);
      return connection;
    } catch (error) {
      throw error instanceof RpcError ? error : new RpcError('UNAVAILABLE', String(error), { cause: error });
    }
  }

  private dial({ address, serverName }: Endpoint, cancel: CancelSignal): Promise<Transport> {
    const { settings, tls } = this.options;
    const { clock, limits } = settings;
    const named = serverName === undefined ? tls : { servername: serverName, ...tls };
    return dial(parseAddress(address), {
      clock,
      connectMsMax: limits.connectMsMax,
      cancel,
      ...(named === undefined ? {} : { tls: named }),
    });
  }
}
