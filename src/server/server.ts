/**
 * Listens, accepts, and routes calls to handlers. One `Connection` a socket; services are looked up by the method's name once a
 * connection, when the peer declares it.
 */
import { constants } from 'node:crypto';
import { createServer as createTcpServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { InspectOptionsStylized } from 'node:util';
import type { ServiceDefinition } from '../avro/service/service.js';
import { RpcError } from '../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../base/inspect.js';
import { describeLimit, limitOf } from '../base/limits.js';
import type { Compressor } from '../compression/compressor.js';
import { formatAddress } from '../discovery/resolver/address.js';
import type { Registration, Registry } from '../discovery/resolver/registry.js';
import type { Endpoint } from '../discovery/resolver/resolver.js';
import { registryFor } from '../discovery/targets.js';
import { ConnectionSet, type DrainReport } from '../peer/connection-set.js';
import { openConnection } from '../peer/open-connection.js';
import { peerOf } from '../peer/peer.js';
import type { Peer } from '../peer/public-types.js';
import { type HandlerOptions, type Handlers, ServiceHost } from '../peer/service-host.js';
import {
  compressorsFor,
  type EndpointOptions,
  type EndpointSettings,
  graceMsOf,
  settingsOf,
} from '../peer/settings.js';
import { Admission, type ServerLoad } from '../resilience/admission/admission.js';
import { SocketTransport } from '../transport/socket-transport.js';
import { withStandingBuffer } from '../transport/standing-buffer.js';
import type { Transport } from '../transport/transport.js';
import { ALPN_PROTOCOL, CloseCode } from '../wire/constants.js';
import { AcceptPacer } from './accept-pacer.js';
import { Registrations } from './registrations.js';

/**
 * Sockets that wait to be accepted: room for all clients that come back at once when a server has restarted. What is over is dropped
 * without a word, and asks again after a second. The system has a bound of its own (`somaxconn`, 4,096 on Linux); Node's default is 511.
 */
const ACCEPT_QUEUE_MAX = 4096;

export interface ServerOptions extends EndpointOptions, HandlerOptions {
  /**
   * Options of `tls.createServer`: `cert`, `key`, and for client certificates `requestCert` and `ca`. Given: every socket must
   * speak TLS (1.2 or later). Default: plain TCP.
   */
  readonly tls?: TlsOptions;
}

export interface ListenOptions {
  /** Default: all interfaces. */
  readonly host?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  /** A unix socket's path in place of host and port. */
  readonly path?: string;
}

/** Where a server listens; for a unix socket `path` is set and `port` is 0. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export interface RegisterOptions extends Endpoint {
  /** The registry could not be reached, or refused; it is tried again. */
  readonly onError?: (error: RpcError) => void;
}

export class Server {
  readonly #settings: EndpointSettings;
  readonly #options: ServerOptions;
  readonly #listeners = new Set<NetServer>();
  readonly #connections: ConnectionSet;
  #compressors: readonly Compressor[] = [];
  readonly #host: ServiceHost;
  readonly #registrations: Registrations;
  readonly #admission: Admission;
  readonly #accepts: AcceptPacer;
  #stopped = false;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(options: ServerOptions = {}) {
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#connections = new ConnectionSet(this.#settings.clock, 'this server is closing');
    this.#host = new ServiceHost(options);
    this.#registrations = new Registrations(this.#settings.clock);
    this.#admission = new Admission(this.#settings.limits, this.#settings.clock);
    this.#accepts = new AcceptPacer(this.#settings.clock);
  }

  /** Connections that are not closed. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** How busy it is: handlers at work, calls that wait for one, calls refused. */
  get load(): ServerLoad {
    return this.#admission.load;
  }

  /** The clients that are connected and can be called: `peer.client(service)` for what they serve. */
  get peers(): Peer[] {
    const peers = Array.from(this.#connections, peerOf);
    // Before the handshake nothing is known of a peer.
    return peers.filter(({ callable, instance }) => callable && instance !== '');
  }

  /**
   * Serves a service. Throws an `RpcError` (INVALID_ARGUMENT) when a handler is missing or no function, or when a method of
   * that name is served already. Returns the server.
   */
  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): this {
    this.#host.add(service, handlers);
    return this;
  }

  /** Starts to listen. Resolves with the address; rejects with node:net's error, such as EADDRINUSE. */
  async listen(options: ListenOptions = {}): Promise<ListenAddress> {
    if (this.#stopped) throw new RpcError('FAILED_PRECONDITION', 'this server was closed');
    this.#compressors = await compressorsFor([this.#settings.compression, ...this.#host.compressions()]);
    if (this.#stopped) throw new RpcError('FAILED_PRECONDITION', 'this server was closed');
    const { path } = options;
    const listener = this.#createListener(path);
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      const where = path === undefined ? { port: options.port ?? 0, ...hostOf(options) } : { path };
      listener.listen({ ...where, backlog: ACCEPT_QUEUE_MAX }, () => {
        listener.off('error', reject);
        // Running out of descriptors shows here; the server goes on and accepts again when there are some.
        listener.on('error', () => {});
        resolve();
      });
    });
    if (this.#stopped) listener.close();
    else this.#listeners.add(listener);
    const address = listener.address();
    if (address === null || typeof address === 'string') return { host: '', port: 0, path: address ?? path ?? '' };
    return { host: address.address, port: address.port, path: '' };
  }

  /**
   * Makes this server known under `options.address`, which clients must be able to reach: in etcd (`etcd://host:2379/prefix`, or an
   * `EtcdRegistry`) or in a registry of one's own. Call it when the server listens. It stays known, whatever happens to the registry,
   * until `unregister`, and is taken back at the beginning of `drain` and `close`. Throws an `RpcError`: INVALID_ARGUMENT for a target or
   * an address that is wrong, FAILED_PRECONDITION when the server was closed.
   */
  register(registry: string | Registry, options: RegisterOptions): Registration {
    const { onError = () => {}, ...endpoint } = options;
    const { clock, random } = this.#settings;
    const tell = (error: RpcError): void => {
      try {
        onError(error);
      } catch (thrown) {
        // It would end the renewal, and with it the registration.
        process.emitWarning(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    };
    return this.#registrations.add(() => registryFor(registry).register(endpoint, { clock, random, onError: tell }));
  }

  /** Serves one transport that is connected already, such as one end of a `memoryPair`. */
  accept(transport: Transport): void {
    const { limits } = this.#settings;
    const connection = openConnection(this.#settings, {
      transport,
      side: 'accepting',
      handshakeMs: limits.handshakeMsMax,
      host: this.#host,
      admission: this.#admission,
      compressors: this.#compressors,
      observer: {
        onOpen: () => {},
        onRetired: () => {},
        onClosed: (closed) => this.#connections.onClosed(closed),
        onHandlersEnded: (closed) => this.#connections.onHandlersEnded(closed),
      },
    });
    const full = this.#connections.size >= limits.connectionsMax;
    this.#connections.add(connection);
    if (full) {
      const text = describeLimit('too many connections', limitOf(limits, 'connectionsMax'));
      connection.fail(CloseCode.BUSY, text);
    }
  }

  /**
   * Stops listening and refuses new calls, which their callers make elsewhere without being asked. Lets running ones finish; what is
   * left after `graceMs` (default 20,000) is cancelled. Resolves when the last connection is closed and the last handler has
   * ended, or the grace is over, and says what was cancelled. Called again with a shorter grace, it shortens it. Where it is
   * registered it is taken back first, which may take up to a second of the grace; until then it goes on serving.
   */
  async drain(options: { readonly graceMs?: number } = {}): Promise<DrainReport> {
    const graceMs = graceMsOf(options);
    const { clock } = this.#settings;
    const endAt = clock.now() + graceMs;
    const withdrawn = this.#registrations.withdraw(graceMs);
    if (withdrawn !== null) await withdrawn;
    this.#stopListening();
    return this.#connections.drain(Math.max(0, endAt - clock.now()));
  }

  /**
   * Stops at once: open calls fail with UNAVAILABLE. Resolves when the last connection is closed. Where it is registered it is taken
   * back first, which takes up to a second.
   */
  async close(): Promise<void> {
    const withdrawn = this.#registrations.withdraw(Infinity);
    if (withdrawn !== null) await withdrawn;
    this.#stopListening();
    await this.#connections.close();
  }

  /** @internal */
  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const listening = Array.from(this.#listeners, (listener) => nameOf(listener.address()));
    const { executing, waiting } = this.load;
    const fields = {
      listening,
      services: this.#host.services(),
      connections: this.connectionCount,
      executing,
      waiting,
    };
    return shortView('Server', fields, depth, options, inspect);
  }

  #createListener(path: string | undefined): NetServer {
    const { tls } = this.#options;
    if (tls === undefined) {
      return createTcpServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (accepted) =>
        this.#accepts.add(accepted, () => {
          const { socket, standingBuffer } = withStandingBuffer(accepted);
          this.accept(new SocketTransport(socket, { path, standingBuffer }));
        }),
      );
    }
    const settings = {
      minVersion: 'TLSv1.2' as const,
      handshakeTimeout: this.#settings.limits.handshakeMsMax,
      ...tls,
      // A client could ask for one expensive handshake after the other (spec, 3.1).
      secureOptions: (tls.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
      allowHalfOpen: true,
      ALPNProtocols: [ALPN_PROTOCOL],
    };
    const listener = createTlsServer(settings, (socket) => this.#onSecure(socket));
    // A handshake that fails concerns nobody else. Node destroys the socket of one that went wrong, but not of one that is late.
    listener.on('tlsClientError', (_error, socket) => socket.destroy());
    listener.on('connection', (socket: Socket) => socket.on('error', () => {}));
    return listener;
  }

  #onSecure(socket: TLSSocket): void {
    if (socket.alpnProtocol === ALPN_PROTOCOL) this.accept(new SocketTransport(socket));
    else socket.destroy();
  }

  #stopListening(): void {
    this.#stopped = true;
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    this.#accepts.flush();
  }
}

/** `tcp://0.0.0.0:50051`, or a unix socket's path. */
function nameOf(address: ReturnType<NetServer['address']>): string {
  if (address === null) return 'closed';
  return typeof address === 'string'
    ? `unix:${address}`
    : formatAddress({ kind: 'tcp', host: address.address, port: address.port });
}

function hostOf(options: ListenOptions): { host?: string } {
  return options.host === undefined ? {} : { host: options.host };
}
