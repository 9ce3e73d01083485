/**
 * A TCP proxy with faults, for what a network does: delay, slices, little bandwidth, one-way and two-way silence, FIN
 * and RST at a chosen byte. It passes raw bytes, so TLS goes through it as well. Methods change every connection, open
 * or to come; without a direction they mean both.
 */
import { once } from 'node:events';
import * as net from 'node:net';
import { type DirectionFaults, noFaults, ProxyDirection } from './proxy-direction.js';
import { Random } from './seed.js';

/** From the client that connected to the proxy, or from the server behind it. */
export type Direction = 'toServer' | 'toClient';

const bothDirections: readonly Direction[] = ['toServer', 'toClient'];

interface Link {
  readonly client: net.Socket;
  readonly server: net.Socket;
  readonly directions: Readonly<Record<Direction, ProxyDirection>>;
}

export class FaultProxy {
  readonly #target: net.NetConnectOpts;
  readonly #random: Random;
  readonly #faults: Readonly<Record<Direction, DirectionFaults>> = { toServer: noFaults(), toClient: noFaults() };
  readonly #links = new Set<Link>();
  #listener: net.Server | null = null;
  #port = 0;
  #accepted = 0;

  private constructor(target: net.NetConnectOpts, random: Random) {
    this.#target = target;
    this.#random = random;
  }

  /** In front of a port of 127.0.0.1 or any other address. `random` spreads the jitter. */
  static async start(target: number | net.NetConnectOpts, random: Random = new Random(0)): Promise<FaultProxy> {
    const address = typeof target === 'number' ? { host: '127.0.0.1', port: target } : target;
    const proxy = new FaultProxy(address, random);
    await proxy.listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections so far, and those that are open. */
  get accepted(): number {
    return this.#accepted;
  }

  get open(): number {
    return this.#links.size;
  }

  /** Everything passes `ms` late, give or take `jitterMs`. */
  delay(ms: number, jitterMs = 0, direction?: Direction): void {
    this.#change(direction, { delayMs: ms, jitterMs });
  }

  /** Everything passes in pieces of so many bytes, each in a turn of the event loop of its own. */
  slice(bytes: number, direction?: Direction): void {
    this.#change(direction, { sliceBytes: bytes });
  }

  /** No more than this passes, on each connection; what waits is bounded, then the sender is held up. */
  bandwidth(bytesPerSecond: number, direction?: Direction): void {
    this.#change(direction, { bytesPerSecond });
  }

  /** Silence: nothing is read and nothing passes, FIN and RST included, until `heal`. Nothing is lost. */
  hold(direction?: Direction): void {
    this.#change(direction, { mode: 'held' });
  }

  /** Partition: what is sent is acknowledged and lost, FIN and RST included. After `heal` the bytes are missing. */
  blackhole(direction?: Direction): void {
    this.#change(direction, { mode: 'lost' });
  }

  /** No faults any more. What was held passes. */
  heal(): void {
    for (const direction of bothDirections) this.#change(direction, noFaults());
  }

  /** Lets so many bytes more pass in this direction, then resets the connection that the last of them took. Once. */
  resetAfter(bytes: number, direction: Direction): void {
    this.#change(direction, { resetAfterBytes: bytes });
  }

  /** RST to both ends of every open connection, now. */
  reset(): void {
    for (const link of this.#links) this.#reset(link);
  }

  /** FIN in this direction of every open connection, now; what is sent later in that direction is lost. */
  finish(direction?: Direction): void {
    for (const link of this.#links) {
      for (const one of directionsOf(direction)) link.directions[one].finish();
    }
  }

  /** Closes the port: who connects is refused. Open connections stay. */
  refuse(): void {
    // 'close' would come after the open connections; the port is free at once.
    this.#listener?.close();
    this.#listener = null;
  }

  /** Opens the same port again after `refuse`. */
  async listen(): Promise<void> {
    if (this.#listener !== null) return;
    const listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => this.#link(client));
    this.#listener = listener;
    listener.listen(this.#port, '127.0.0.1');
    await once(listener, 'listening');
    this.#port = (listener.address() as net.AddressInfo).port;
  }

  /** Closes the port and drops every connection. */
  close(): void {
    this.refuse();
    for (const link of this.#links) {
      link.client.destroy();
      link.server.destroy();
    }
  }

  #link(client: net.Socket): void {
    this.#accepted++;
    const server = net.connect({ ...this.#target, allowHalfOpen: true } as net.NetConnectOpts);
    const reset = () => this.#reset(link);
    const direct = (direction: Direction, source: net.Socket, sink: net.Socket) =>
      new ProxyDirection(source, sink, this.#faults[direction], this.#random, reset);
    const link: Link = {
      client,
      server,
      directions: { toServer: direct('toServer', client, server), toClient: direct('toClient', server, client) },
    };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('close', () => this.#unlink(link));
    }
  }

  #unlink(link: Link): void {
    if (!link.client.closed || !link.server.closed) return;
    for (const direction of bothDirections) link.directions[direction].destroy();
    this.#links.delete(link);
  }

  #reset(link: Link): void {
    for (const direction of bothDirections) link.directions[direction].destroy();
    for (const socket of [link.client, link.server]) {
      // A socket that is still connecting has nobody to reset.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  #change(direction: Direction | undefined, faults: Partial<DirectionFaults>): void {
    for (const one of directionsOf(direction)) {
      Object.assign(this.#faults[one], faults);
      for (const link of this.#links) link.directions[one].run();
    }
  }
}

function directionsOf(direction: Direction | undefined): readonly Direction[] {
  return direction === undefined ? bothDirections : [direction];
}
