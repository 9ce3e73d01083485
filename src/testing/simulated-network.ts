/**
 * A network in memory with time of its own and faults on demand. Real clients and servers run on it: their options come
 * from `network.options(host)`, which replaces the socket, the clock and chance, and nothing else. All of it follows from one
 * seed: the same program with the same seed takes the same way, which `traceHash()` shows.
 *
 *   const network = new SimulatedNetwork({ seed: 1 });
 *   const server = new Server(network.options('orders')).add(Orders, handlers);
 *   network.listen('orders', server);
 *   const channel = connect('tcp://orders:50051', network.options('shop'));
 *   const order = await network.run(channel.client(Orders).get(7));
 *
 * Time stands still unless `run`, `advance` or `quiet` is being awaited.
 */
import { RpcError } from '../base/errors.js';
import { describeLimit, limitOf } from '../base/limits.js';
import type { EndpointOptions } from '../peer/settings.js';
import type { Transport } from '../transport/transport.js';
import { type Acceptor, Host } from './host.js';
import { Lane } from './lane.js';
import { completeConditions, defaultConditions, Path, type PathConditions } from './path.js';
import { Random } from './random.js';
import type { SimulatedProcess } from './simulated-process.js';
import { SimulatedSocket, type SocketOwner } from './simulated-socket.js';
import { Trace, type TraceEvent } from './trace.js';
import { type Settling, VirtualClock } from './virtual-clock.js';

export interface SimulatedNetworkOptions extends Partial<PathConditions> {
  /** Chooses everything that is left to chance: latencies, cuts, jitter of clients and servers. A whole number. */
  readonly seed: number;
  /** What comes to rest between two events; default `tasks`. `microtasks` is four times as fast, for programs of promises only. */
  readonly settling?: Settling;
  /** Told of everything that happens, for a look at a run that failed. */
  readonly onEvent?: (event: TraceEvent) => void;
}

/** Options for `connect` and `new Server` that put them on a host of the network. */
export interface SimulatedEndpointOptions extends EndpointOptions {
  readonly dial: (target: string, connectMsMax: number) => Promise<Transport>;
}

/** Which of the two ways between hosts `a` and `b`: `forth` is from `a` to `b`, `back` from `b` to `a`. Default: both. */
export type Direction = 'both' | 'forth' | 'back';

/** Virtual time that `run` and `quiet` take at most, unless told otherwise: one hour. */
const RUN_MS_MAX = 3_600_000;

export class SimulatedNetwork {
  readonly seed: number;
  readonly clock: VirtualClock;
  /** For the choices of a test: repeated by the seed, and apart from those of the network. */
  readonly random: Random;
  private readonly conditions: PathConditions;
  private readonly chance: Random;
  private readonly trace: Trace;
  private readonly hosts = new Map<string, Host>();
  private readonly paths = new Map<string, Path>();
  private readonly pairs = new Set<Pair>();
  private connections = 0;
  private dialing = 0;

  /** Throws a `RangeError` for conditions that no network has. */
  constructor(options: SimulatedNetworkOptions) {
    this.seed = options.seed;
    this.random = new Random(options.seed);
    this.chance = this.random.fork('network');
    this.conditions = completeConditions(defaultConditions, options);
    this.clock = new VirtualClock(0, options.settling);
    this.trace = new Trace(options.onEvent ?? null);
  }

  /** Ends of connections that are not closed: 0 when all clients and servers are. */
  get openSockets(): number {
    let open = 0;
    for (const { dialing, accepting } of this.pairs) open += Number(!dialing.closed) + Number(!accepting.closed);
    return open;
  }

  /**
   * Options for a client or server on `host`: add others with `{ ...network.options('shop'), limits }`. A client dials the host
   * that its target names, `tcp://orders:1`; the port means nothing. All that is made by them is one process, which `crash` ends.
   */
  options(host: string): SimulatedEndpointOptions {
    const { random, process } = this.host(host);
    return {
      clock: process,
      random: () => random.unit(),
      identity: process.identity,
      dial: (target, connectMsMax) => this.dial(host, process, target, connectMsMax),
    };
  }

  /**
   * Connections to `host` go to `server` from now on. Returns how to stop that: later ones are refused, as when a process has ended.
   * A server that drains or closes refuses connections itself, with a reason.
   */
  listen(host: string, server: Acceptor): { close(): void } {
    const place = this.host(host);
    place.acceptor = server;
    return {
      close: () => {
        if (place.acceptor === server) place.acceptor = null;
      },
    };
  }

  /** Lets `ms` of virtual time pass. */
  advance(ms: number): Promise<void> {
    return this.clock.advanceSettled(ms);
  }

  /**
   * Lets time pass until the promise settles, and settles like it. Rejects with an `Error` when nothing is left that could happen, or
   * after `msMax` virtual milliseconds (default one hour).
   */
  async run<T>(promise: PromiseLike<T>, msMax: number = RUN_MS_MAX): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    const end = this.clock.now() + msMax;
    if (!(await this.clock.runUntil(() => settled, end))) {
      throw new Error(
        this.clock.pending === 0
          ? 'the promise cannot settle: nothing is left that could happen in the simulation'
          : `the promise has not settled within ${msMax} virtual ms`,
      );
    }
    return promise;
  }

  /**
   * Lets time pass until nothing is on its way that could arrive: no bytes, no attempt to connect. Rejects with an `Error` when that
   * takes more than `msMax` virtual milliseconds (default one hour).
   */
  async quiet(msMax: number = RUN_MS_MAX): Promise<void> {
    await this.clock.settle();
    if (!(await this.clock.runUntil(() => !this.isBusy(), this.clock.now() + msMax))) {
      if (this.isBusy()) throw new Error(`the network was not quiet within ${msMax} virtual ms`);
    }
  }

  /** Changes what the way between two hosts is like; what is not named stays. Throws a `RangeError` for a wrong value. */
  configure(a: string, b: string, changes: Partial<PathConditions>, direction: Direction = 'both'): void {
    for (const path of this.between(a, b, direction)) path.conditions = completeConditions(path.conditions, changes);
  }

  /** Nothing arrives any more, without notice to either side. Nothing is lost: TCP sends it again until `heal`. */
  partition(a: string, b: string, direction: Direction = 'both'): void {
    this.trace.add(this.clock.now(), `partition ${direction}`, a, b, 0);
    for (const path of this.between(a, b, direction)) path.close();
  }

  /** Ends a partition, in one way or both; without hosts, all of them. */
  heal(a?: string, b?: string, direction: Direction = 'both'): void {
    this.trace.add(this.clock.now(), `heal ${direction}`, a ?? '', b ?? '', 0);
    const healed = a === undefined || b === undefined ? [...this.paths.values()] : this.between(a, b, direction);
    for (const path of healed) path.heal();
  }

  /** Resets the connections between two hosts: what is on its way is lost, and both ends get ECONNRESET. Returns how many. */
  reset(a: string, b: string): number {
    const pairs = this.pairsBetween(a, b);
    this.trace.add(this.clock.now(), 'reset', a, b, 0);
    for (const { forth, back } of pairs) {
      forth.reset();
      back.reset();
    }
    return pairs.length;
  }

  /**
   * Forgets the connections between two hosts without telling either end, as when a peer lost power or a router its table: both
   * sides are left half-open, and nothing that they write arrives. New connections work. Returns how many.
   */
  sever(a: string, b: string): number {
    const pairs = this.pairsBetween(a, b);
    this.trace.add(this.clock.now(), 'sever', a, b, 0);
    for (const { forth, back } of pairs) {
      forth.forget();
      back.forget();
    }
    return pairs.length;
  }

  /**
   * The process on `host` is gone, as by SIGKILL: nothing listens there, its connections are closed without a word, bytes that had
   * not left are lost, and none of its timers runs any more. Its peers get the end of the stream, or ECONNRESET. `options(host)` are
   * those of a new process from now on, which may `listen` in its place. What waits in the test for something else, such as a handler
   * for `network.clock`, goes on, unnoticed by its peers.
   */
  crash(host: string): void {
    this.trace.add(this.clock.now(), 'crash', host, '', 0);
    this.host(host).endProcess();
    for (const { dialing, accepting } of this.pairs) {
      for (const socket of [dialing, accepting]) if (socket.host === host) socket.orphan();
    }
  }

  /** From now on `host` reads so many bytes per second from each of its connections: 0 for nothing, Infinity for the usual. */
  setReading(host: string, bytesPerSecond: number): void {
    if (!(bytesPerSecond >= 0)) throw new RangeError(`bytesPerSecond is ${bytesPerSecond}, but must be at least 0`);
    this.trace.add(this.clock.now(), `read ${bytesPerSecond}`, host, '', 0);
    this.host(host).rate.bytesPerSecond = bytesPerSecond;
    for (const { dialing, accepting } of this.pairs) {
      for (const socket of [dialing, accepting]) if (socket.host === host) socket.onRateChanged();
    }
  }

  /** Makes an event of the test's own part of the trace, such as the outcome of a call. */
  record(text: string): void {
    this.trace.add(this.clock.now(), text, '', '', 0);
  }

  /** Stands for everything that has happened so far, as 8 hexadecimal digits: the same seed, the same hash. */
  traceHash(): string {
    return this.trace.hash;
  }

  private host(name: string): Host {
    let host = this.hosts.get(name);
    if (host === undefined) {
      host = new Host(name, this.random.fork(`host ${name}`), this.clock);
      this.hosts.set(name, host);
    }
    return host;
  }

  private path(from: string, to: string): Path {
    const name = `${from}\n${to}`;
    let path = this.paths.get(name);
    if (path === undefined) {
      path = new Path(from, to, this.conditions);
      this.paths.set(name, path);
    }
    return path;
  }

  private between(a: string, b: string, direction: Direction): Path[] {
    const forth = direction === 'back' ? [] : [this.path(a, b)];
    return direction === 'forth' ? forth : [...forth, this.path(b, a)];
  }

  private pairsBetween(a: string, b: string): Pair[] {
    return [...this.pairs].filter(({ dialing: { host, peerHost } }) => {
      return (host === a && peerHost === b) || (host === b && peerHost === a);
    });
  }

  private isBusy(): boolean {
    if (this.dialing > 0) return true;
    for (const { forth, back } of this.pairs) if (forth.arriving || back.arriving) return true;
    return false;
  }

  private dial(from: string, process: SimulatedProcess, target: string, connectMsMax: number): Promise<Transport> {
    const to = hostOf(target);
    // Nobody is left who could dial.
    if (!process.alive) return new Promise(() => {});
    this.trace.add(this.clock.now(), 'dial', from, to, 0);
    return new Promise((resolve, reject) => {
      let over = false;
      const settle = (act: () => void): void => {
        over = true;
        timer.cancel();
        this.dialing--;
        if (process.alive) act();
      };
      const fail = (why: string): void => {
        if (!over) settle(() => reject(new RpcError('UNAVAILABLE', `cannot connect to ${target}: ${why}`)));
      };
      this.dialing++;
      const late = describeLimit('no connection in time', limitOf({ connectMsMax }, 'connectMsMax'));
      const timer = this.clock.setTimer(() => fail(late), connectMsMax);
      const forth = this.path(from, to);
      const back = this.path(to, from);
      this.carry(forth, () => {
        if (over) return;
        const socket = this.accept(from, to, forth, back);
        this.carry(back, () => {
          if (socket === null) fail('connect ECONNREFUSED');
          else if (over || !process.alive) socket.destroy();
          else settle(() => resolve(socket));
        });
      });
    });
  }

  /** A packet goes a way, now or when that is open. */
  private carry(path: Path, arrive: () => void): void {
    path.whenOpen(() => {
      const { latencyMs, jitterMs } = path.conditions;
      const ms = latencyMs + this.chance.unit() * jitterMs;
      this.clock.setTimer(() => (path.open ? arrive() : this.carry(path, arrive)), ms);
    });
  }

  /** The dialling end of a connection whose other end was accepted; null when no server listens. */
  private accept(from: string, to: string, forth: Path, back: Path): SimulatedSocket | null {
    const { acceptor } = this.host(to);
    this.trace.add(this.clock.now(), acceptor === null ? 'refuse' : 'accept', to, from, this.connections + 1);
    if (acceptor === null) return null;
    const connection = ++this.connections;
    const { clock, chance } = this;
    const dialing = new SimulatedSocket(clock, this.owner, this.host(from).rate, connection, from, to);
    const accepting = new SimulatedSocket(clock, this.owner, this.host(to).rate, connection, to, from);
    const out = new Lane(clock, chance, forth, back, dialing, accepting);
    const inbound = new Lane(clock, chance, back, forth, accepting, dialing);
    dialing.attach(out, inbound);
    accepting.attach(inbound, out);
    this.pairs.add({ dialing, accepting, forth: out, back: inbound });
    acceptor.accept(accepting);
    return dialing;
  }

  private readonly owner: SocketOwner = {
    onRead: ({ host, peerHost, connection }, bytes) => {
      this.trace.add(this.clock.now(), 'bytes', peerHost, host, connection, bytes);
    },
    onEvent: ({ host, peerHost, connection }, kind) => {
      this.trace.add(this.clock.now(), kind, peerHost, host, connection);
    },
    onClosed: ({ host, peerHost, connection }) => {
      this.trace.add(this.clock.now(), 'closed', host, peerHost, connection);
      for (const pair of this.pairs) {
        if (!pair.dialing.closed || !pair.accepting.closed) continue;
        pair.forth.release();
        pair.back.release();
        this.pairs.delete(pair);
      }
    },
  };
}

/** The two ends of a connection and what is between them. */
interface Pair {
  readonly dialing: SimulatedSocket;
  readonly accepting: SimulatedSocket;
  readonly forth: Lane;
  readonly back: Lane;
}

/** `orders` of `tcp://orders:50051`, the path of a `unix:` target. */
function hostOf(target: string): string {
  const match = /^[a-z]+:(?:\/\/)?(?:\[([^\]]+)\]|([^:]+))/.exec(target);
  return match?.[1] ?? match?.[2] ?? target;
}
