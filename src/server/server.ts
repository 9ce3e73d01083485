/**
 * Listens, accepts, and routes calls to handlers. Each socket has one `Connection`; a method is looked up by its name once a connection,
 * when the peer declares it.
 *
 *   open --drain(), close(): registrations withdrawn--> stopped: listens no more; its `ConnectionSet` ends the connections
 */
import { constants } from 'node:crypto';
import { createServer as createTcpServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { InspectOptionsStylized } from 'node:util';
import type { ServiceDefinition } from '../avro/service/service.js';
import { callListener, inFreshContext, inNoContext } from '../base/async-context.js';
import { RpcError } from '../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../base/inspect.js';
import { describeLimit, limitOf } from '../base/limits.js';
import { readOptions } from '../base/options.js';
import type { Compressor } from '../compression/compressor.js';
import { formatAddress, unixPath } from '../discovery/resolver/address.js';
import type { Registration, Registry } from '../discovery/resolver/registry.js';
import { registryFor } from '../discovery/targets.js';
import { ConnectionSet, type DrainReport } from '../peer/connection-set.js';
import { openConnection } from '../peer/open-connection.js';
import { peerOf } from '../peer/peer.js';
import type { Peer } from '../peer/public-types.js';
import { type Handlers, ServiceHost } from '../peer/service-host.js';
import { compressorsFor, type EndpointSettings, type GraceOptions, graceMsOf, settingsOf } from '../peer/settings.js';
import { Admission, type ServerLoad } from '../resilience/admission/admission.js';
import { SocketTransport } from '../transport/socket-transport.js';
import { withStandingBuffer } from '../transport/standing-buffer.js';
import type { Transport } from '../transport/transport.js';
import { ALPN_PROTOCOL, CloseCode } from '../wire/constants.js';
import { AcceptPacer } from './accept-pacer.js';
import { Registrations } from './registrations.js';
import {
  type ListenOptions,
  type RegisterOptions,
  readListenOptions,
  readRegisterOptions,
  type ServerOptions,
  serverOptionKinds,
} from './server-options.js';
import { SocketFile } from './socket-file.js';

/**
 * Sockets that may wait to be accepted: room for all clients that come back at once when a server has restarted. Beyond it the system
 * drops connection requests silently, and clients repeat them after a second. The system has its own bound (`somaxconn`, 4,096 on
 * Linux); Node's default is 511.
 */
const ACCEPT_QUEUE_MAX = 4096;

/** Where a server listens; for a unix socket `path` is set and `port` is 0. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export class Server {
  readonly #settings: EndpointSettings;
  readonly #options: ServerOptions;
  /** With the file of each that listens on a unix socket. */
  readonly #listeners = new Map<NetServer, SocketFile | null>();
  readonly #connections: ConnectionSet;
  #compressors: readonly Compressor[] = [];
  readonly #host: ServiceHost;
  readonly #registrations: Registrations;
  readonly #admission: Admission;
  readonly #accepts: AcceptPacer;
  #state: 'open' | 'stopped' = 'open';
  #keepsProcess = true;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for a wrong option. */
  constructor(given?: ServerOptions) {
    const options = readOptions('new Server', given, serverOptionKinds);
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#connections = new ConnectionSet(this.#settings.clock, 'this server is closing', true);
    this.#host = new ServiceHost(options);
    this.#registrations = new Registrations(this.#settings.clock);
    this.#admission = new Admission(this.#settings.limits, this.#settings.clock);
    this.#accepts = new AcceptPacer(this.#settings.clock);
  }

  /** How many connections are not closed. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** How busy the server is: running handlers, waiting calls, refused calls. */
  get load(): ServerLoad {
    return this.#admission.load;
  }

  /** The connected clients that can be called: `peer.client(service)` for a service that they serve. */
  get peers(): Peer[] {
    const peers = Array.from(this.#connections, peerOf);
    // Nothing is known of a peer before its handshake.
    return peers.filter(({ callable, instance }) => callable && instance !== '');
  }

  /**
   * Serves a service, to clients that are connected already as well. Returns the server. Throws an `RpcError` (INVALID_ARGUMENT) when a
   * handler is missing or not a function, or when a method of that name is already served.
   */
  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): this {
    this.#host.add(service, handlers);
    return this;
  }

  /**
   * Serves a service no longer: new calls of its methods fail with UNIMPLEMENTED, running ones finish. Returns the server. Another version
   * may be added in its place; clients that had called the old one then connect again by themselves. Throws an `RpcError`
   * (INVALID_ARGUMENT) when this service is not served.
   */
  remove(service: ServiceDefinition): this {
    this.#host.remove(service);
    return this;
  }

  /**
   * Starts to listen, and may be called again for another address. Resolves with the address. Rejects with the error of node:net, such as
   * EADDRINUSE, or with an `RpcError` (FAILED_PRECONDITION) when the server was closed or a compression cannot be loaded.
   */
  async listen(given?: ListenOptions): Promise<ListenAddress> {
    const options = readListenOptions(given);
    this.#checkOpen();
    this.#compressors = await compressorsFor([this.#settings.compression, ...this.#host.compressions()]);
    this.#checkOpen();
    const path = options.path === undefined ? undefined : unixPath(options.path);
    const file = path === undefined ? null : new SocketFile(path);
    await inNoContext(() => file?.takeOver());
    this.#checkOpen();
    const listener = inNoContext(() => this.#createListener(path));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      const where = path === undefined ? { port: options.port ?? 0, ...hostOf(options) } : { path };
      const onListening = (): void => {
        listener.off('error', reject);
        // Running out of file descriptors is reported here. The server accepts again when there are some.
        listener.on('error', () => {});
        resolve();
      };
      inNoContext(() => listener.listen({ ...where, backlog: ACCEPT_QUEUE_MAX }, onListening));
    });
    file?.listening();
    this.#listeners.set(listener, file);
    if (this.#isStopped) this.#closeListeners();
    if (!this.#keepsProcess) listener.unref();
    const address = listener.address();
    if (address === null || typeof address === 'string') return { host: '', port: 0, path: address ?? path ?? '' };
    return { host: address.address, port: address.port, path: '' };
  }

  /**
   * Registers this server under `options.address`, which clients must be able to reach: in etcd (`etcd://host:2379/prefix`, or an
   * `EtcdRegistry`) or in a registry of your own. Call it once the server listens. It stays registered through failures of the registry
   * until `unregister`; `drain` and `close` withdraw it first. Throws an `RpcError`: INVALID_ARGUMENT for a wrong target or address,
   * FAILED_PRECONDITION when the server was closed.
   */
  register(registry: string | Registry, options: RegisterOptions): Registration {
    const { onError = () => {}, ...endpoint } = readRegisterOptions(options);
    const { clock, random } = this.#settings;
    // What it throws would end the renewal, and with it the registration.
    const tell = (error: RpcError): void => callListener('onError of a registration', onError, error);
    return this.#registrations.add(() =>
      inFreshContext(() => registryFor(registry).register(endpoint, { clock, random, onError: tell })),
    );
  }

  /** Serves one transport that is already connected, such as one end of a `memoryPair`. */
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

  /** Keeps the process alive while the server listens or has connections, which is the default. Returns the server. */
  ref(): this {
    return this.#keepProcess(true);
  }

  /**
   * Lets the process end although the server listens and clients are connected, also while handlers run. Calls that it makes to its peers
   * keep it alive, and so does `drain` or `close` until it has ended. Returns the server.
   */
  unref(): this {
    return this.#keepProcess(false);
  }

  /**
   * Stops listening and refuses new calls, which their callers send to another server by themselves. Running calls may finish; those that
   * have not ended after `graceMs` milliseconds (default 20,000) are cancelled. Resolves when the last connection is closed and the last
   * handler has ended, or when the grace is over, with a report of what was cancelled. Called again with a shorter grace, it shortens it.
   * Registrations are withdrawn first, which takes at most a second of the grace; until then the server goes on serving.
   */
  async drain(options?: GraceOptions): Promise<DrainReport> {
    const graceMs = graceMsOf('drain', options);
    const { clock } = this.#settings;
    const endAt = clock.now() + graceMs;
    const withdrawn = this.#registrations.withdraw(graceMs);
    if (withdrawn !== null) await withdrawn;
    this.#stopListening();
    return this.#connections.drain(Math.max(0, endAt - clock.now()));
  }

  /**
   * Stops at once: open calls fail with UNAVAILABLE. Resolves when the last connection is closed. Registrations are withdrawn first, which
   * takes at most a second.
   */
  async close(): Promise<void> {
    const withdrawn = this.#registrations.withdraw(Infinity);
    if (withdrawn !== null) await withdrawn;
    this.#stopListening();
    await this.#connections.close();
  }

  /** `await using server = new Server()`: as `drain()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /** @internal */
  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const listening = Array.from(this.#listeners.keys(), (listener) => nameOf(listener.address()));
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

  get #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #keepProcess(keeps: boolean): this {
    this.#keepsProcess = keeps;
    for (const listener of this.#listeners.keys()) {
      if (keeps) listener.ref();
      else listener.unref();
    }
    this.#connections.keepProcess(keeps);
    return this;
  }

  #checkOpen(): void {
    if (this.#isStopped) throw new RpcError('FAILED_PRECONDITION', 'this server was closed');
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
    // A failed handshake concerns only its socket, which Node destroys, but not after a timeout.
    listener.on('tlsClientError', (_error, socket) => socket.destroy());
    listener.on('connection', (socket: Socket) => socket.on('error', () => {}));
    return listener;
  }

  #closeListeners(): void {
    for (const [listener, file] of this.#listeners) {
      if (file === null) listener.close();
      else file.close(listener);
    }
    this.#listeners.clear();
  }

  #onSecure(socket: TLSSocket): void {
    if (socket.alpnProtocol === ALPN_PROTOCOL) this.accept(new SocketTransport(socket));
    else socket.destroy();
  }

  #stopListening(): void {
    this.#state = 'stopped';
    this.#closeListeners();
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
