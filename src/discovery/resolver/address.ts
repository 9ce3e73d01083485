/**
 * The address of one server: `tcp://host:port`, `tls://host:port` or `unix:/path`. What resolvers give and what a channel dials.
 */

import { isIP } from 'node:net';
import { RpcError } from '../../base/errors.js';
import { shown } from '../../base/options.js';

export type Address =
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const FORMS = 'tcp://host:port, tls://host:port, tcp://[::1]:port or unix:/path';

/** Throws an `RpcError` (INVALID_ARGUMENT) that shows the accepted forms. */
export function parseAddress(text: string): Address {
  if (typeof text !== 'string')
    throw new RpcError('INVALID_ARGUMENT', `the address is ${shown(text)}, but must be ${FORMS}`);
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path !== '') return { kind: 'unix', path: unixPath(path.startsWith('//') ? path.slice(2) : path) };
  }
  const match = /^(tcp|tls):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/,[\]]+)):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port < 1 || port > 65_535) {
    throw new RpcError('INVALID_ARGUMENT', `the address ${JSON.stringify(text)} has none of the forms ${FORMS}`);
  }
  return { kind: match[1] === 'tls' ? 'tls' : 'tcp', host: match[2] ?? match[3], port };
}

/** The text of an address, in the form in which resolvers give it and a channel compares it. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `${address.kind}://${host}:${address.port}`;
}

/** Bytes of a unix socket's path; the system cuts a longer one off silently. Windows has pipes, with paths of another kind. */
const UNIX_PATH_BYTES_MAX =
  process.platform === 'win32' ? Infinity : /^(?:linux|android)$/.test(process.platform) ? 107 : 103;

/** The path. Throws an `RpcError` (INVALID_ARGUMENT) when it is too long. */
export function unixPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= UNIX_PATH_BYTES_MAX) return path;
  const text = `the path of a unix socket has at most ${UNIX_PATH_BYTES_MAX} bytes here, and ${path} has ${bytes}`;
  throw new RpcError('INVALID_ARGUMENT', text);
}
