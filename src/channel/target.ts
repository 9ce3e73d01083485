/** Where a channel leads: `tcp://host:port`, `tls://host:port` or `unix:/path`. */
import { RpcError } from '../base/errors.js';

export type Target =
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Throws an `RpcError` (INVALID_ARGUMENT) that shows the accepted forms. */
export function parseTarget(text: string): Target {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path !== '') return { kind: 'unix', path: path.startsWith('//') ? path.slice(2) : path };
  }
  const match = /^(tcp|tls):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/[\]]+)):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port < 1 || port > 65_535) {
    const forms = 'tcp://host:port, tls://host:port, tcp://[::1]:port or unix:/path';
    throw new RpcError('INVALID_ARGUMENT', `the target ${JSON.stringify(text)} has none of the forms ${forms}`);
  }
  return { kind: match[1] as 'tcp' | 'tls', host: (match[2] ?? match[3]) as string, port };
}
