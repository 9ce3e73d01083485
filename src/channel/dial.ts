/**
 * Opens a socket to a target: TCP (with Happy Eyeballs, as node:net does it), TLS or a unix path. One limit of time for all
 * of it; what is left of it is for the handshake.
 */
import { constants } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { CancelSignal } from '../base/cancel-signal.js';
import type { Clock } from '../base/clock.js';
import { RpcError, systemCode, toRpcError } from '../base/errors.js';
import { describeLimit, limitOf } from '../base/limits.js';
import { type Address, formatAddress } from '../discovery/resolver/address.js';
import { SocketTransport } from '../transport/socket-transport.js';
import { StandingBuffer } from '../transport/standing-buffer.js';
import type { Transport } from '../transport/transport.js';
import { ALPN_PROTOCOL } from '../wire/constants.js';

export interface DialOptions {
  /** Options of node:tls for a `tls://` target: `ca`, `cert`, `key`, `servername`, ... */
  readonly tls?: TlsOptions;
  readonly connectMsMax: number;
  readonly clock: Clock;
  /** Nobody wants the socket any more: it is closed. */
  readonly cancel?: CancelSignal;
}

/** Rejects with an `RpcError` (UNAVAILABLE; RESOURCE_EXHAUSTED without a file descriptor left; started=no). */
export function dial(target: Address, options: DialOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    // TLS decrypts into buffers of its own.
    const standingBuffer = target.kind === 'tls' ? undefined : new StandingBuffer();
    const socket = open(target, options.tls, standingBuffer);
    // Whoever waits for it keeps the process alive: the channel's `ProcessHold`.
    socket.unref();
    const timer = options.clock.setTimer(() => {
      const { connectMsMax } = options;
      fail(new Error(describeLimit('no connection in time', limitOf({ connectMsMax }, 'connectMsMax'))));
    }, options.connectMsMax);
    const abandon = (): void => fail(toRpcError(options.cancel?.reason));
    const fail = (error: Error): void => {
      timer.cancel();
      options.cancel?.removeEventListener('abort', abandon);
      socket.destroy();
      const exhausted = ranOutOfDescriptors(error);
      const why = exhausted
        ? `${describe(error)}; this process or machine has no file descriptor left (ulimit -n)`
        : describe(error);
      const code = exhausted ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE';
      const peer = formatAddress(target);
      reject(new RpcError(code, `cannot connect to ${peer}: ${why}`, { cause: error, peer }));
    };
    const succeed = (): void => {
      if (socket instanceof TLSSocket && socket.alpnProtocol !== ALPN_PROTOCOL) {
        fail(new Error(`the server does not offer ${ALPN_PROTOCOL} over TLS (ALPN)`));
        return;
      }
      timer.cancel();
      options.cancel?.removeEventListener('abort', abandon);
      socket.off('error', fail);
      const path = target.kind === 'unix' ? target.path : undefined;
      resolve(new SocketTransport(socket, { path, standingBuffer }));
    };
    options.cancel?.addEventListener('abort', abandon);
    socket.once('error', fail);
    socket.once(target.kind === 'tls' ? 'secureConnect' : 'connect', succeed);
  });
}

function open(target: Address, tls: TlsOptions | undefined, standingBuffer: StandingBuffer | undefined): Socket {
  const reading = standingBuffer === undefined ? {} : { onread: standingBuffer.onread };
  if (target.kind === 'unix') return connectTcp({ path: target.path, allowHalfOpen: true, ...reading });
  const { host, port } = target;
  if (target.kind === 'tcp') return connectTcp({ host, port, allowHalfOpen: true, noDelay: true, ...reading });
  const settings: TlsOptions & { readonly allowHalfOpen: boolean } = {
    minVersion: 'TLSv1.2',
    // A name is checked against the certificate; an address has no server name to ask for.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...tls,
    secureOptions: (tls?.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
    host,
    port,
    allowHalfOpen: true,
    ALPNProtocols: [ALPN_PROTOCOL],
  };
  return connectTls(settings);
}

/** It says nothing of the other side, which may be fine. */
function ranOutOfDescriptors(error: Error): boolean {
  const errors: readonly Error[] = error instanceof AggregateError ? error.errors : [error];
  return errors.some((one) => ['EMFILE', 'ENFILE'].includes(systemCode(one) ?? ''));
}

/** Happy Eyeballs reports all attempts at once, in an error without a text of its own. */
function describe(error: Error): string {
  const text =
    error instanceof AggregateError ? error.errors.map((each) => String(each.message)).join('; ') : error.message;
  const code = systemCode(error);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}
