/** Accepts sockets as scripted peers: the accepting side of a dialogue. It sends nothing by itself. */
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { ScriptedPeer, type ScriptedPeerOptions } from './scripted-peer.js';

export interface ListenerOptions extends ScriptedPeerOptions {
  /** Of a unix socket; default: a free port of 127.0.0.1. */
  readonly path?: string;
  /** Given: accepts TLS. */
  readonly tls?: tls.TlsOptions;
}

export class ScriptedListener {
  readonly #server: net.Server;
  readonly #peers: ScriptedPeer[] = [];
  readonly #options: ListenerOptions;
  /** Peers that `accept` has given out. */
  #accepted = 0;
  #arrived: (() => void) | null = null;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    const accept = (socket: net.Socket): void => {
      this.#peers.push(new ScriptedPeer(socket, options));
      this.#arrived?.();
    };
    this.#server =
      options.tls === undefined
        ? net.createServer({ allowHalfOpen: true }, accept)
        : tls.createServer({ ALPNProtocols: ['trunkline/1'], allowHalfOpen: true, ...options.tls }, accept);
  }

  static async listen(options: ListenerOptions = {}): Promise<ScriptedListener> {
    const listener = new ScriptedListener(options);
    if (options.path === undefined) listener.#server.listen(0, '127.0.0.1');
    else listener.#server.listen(options.path);
    await once(listener.#server, 'listening');
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening on a port');
    return address.port;
  }

  /** Sockets accepted so far, taken by `accept` or not. */
  get connections(): number {
    return this.#peers.length;
  }

  /** The next socket, within the time limit of an expectation. One caller at a time. */
  async accept(): Promise<ScriptedPeer> {
    const limitMs = this.#options.expectMs ?? 5_000;
    if (this.#accepted === this.#peers.length) {
      await new Promise<void>((resolve, reject) => {
        const late = () => reject(new Error(`expected a connection within ${limitMs} ms`));
        const timeout = setTimeout(late, limitMs);
        this.#arrived = () => {
          clearTimeout(timeout);
          resolve();
        };
      }).finally(() => {
        this.#arrived = null;
      });
    }
    return this.#peers[this.#accepted++];
  }

  /** Stops listening and drops every connection. */
  async close(): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}
