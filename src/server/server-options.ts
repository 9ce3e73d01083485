/** The options of `Server` and of its methods. */
import type { TlsOptions } from 'node:tls';
import { RpcError } from '../base/errors.js';
import { type OptionKinds, readOptions, wrongOption } from '../base/options.js';
import { type Endpoint, endpointKinds } from '../discovery/resolver/resolver.js';
import { type HandlerOptions, handlerOptionKinds } from '../peer/service-host.js';
import { type EndpointOptions, endpointOptionKinds } from '../peer/settings.js';

export interface ServerOptions extends EndpointOptions, HandlerOptions {
  /**
   * Options of `tls.createServer`: `cert`, `key`, and for client certificates `requestCert` and `ca`. When given, every socket must
   * use TLS (1.2 or later). Default: plain TCP.
   */
  readonly tls?: TlsOptions;
}

export interface ListenOptions {
  /** Address to listen on. Default: all interfaces. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string;
}

export interface RegisterOptions extends Endpoint {
  /** Called when the registry could not be reached or refused; the server retries. Default: errors are ignored. */
  readonly onError?: (error: RpcError) => void;
}

/** `dial` means nothing to a server; it is there in the options of a host of a simulated network. */
export const serverOptionKinds: OptionKinds<ServerOptions> & { readonly dial: 'function' } = {
  ...endpointOptionKinds,
  ...handlerOptionKinds,
  tls: 'object',
  dial: 'function',
};

const listenKinds: OptionKinds<ListenOptions> = { host: 'string', port: 'number', path: 'string' };

/** Throws an `RpcError` (INVALID_ARGUMENT). */
export function readListenOptions(given: ListenOptions | undefined): ListenOptions {
  const options = readOptions('listen', given, listenKinds);
  const { host, port = 0, path } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw wrongOption('listen', 'port', port, 'a whole number from 0 to 65535');
  }
  if (path === '') throw wrongOption('listen', 'path', path, 'the path of a unix socket');
  if (path !== undefined && (host !== undefined || options.port !== undefined)) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      'listen has a path as well as a host or port: a socket has one or the other',
    );
  }
  return options;
}

/** Throws an `RpcError` (INVALID_ARGUMENT). */
export function readRegisterOptions(given: RegisterOptions): RegisterOptions {
  return readOptions('register', given, { ...endpointKinds, onError: 'function' });
}
