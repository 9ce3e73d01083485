/** The servers by number, and where clients find them: in etcd, where they register themselves, or in the example's own list. */
import type { Resolver } from 'trunkline';
import type { Etcd } from './etcd.js';
import { ListResolver } from './list-resolver.js';
import { ServerProcess } from './server-process.js';
import type { Mode } from './service.js';

export class Fleet {
  /** What `connect` is given. */
  readonly target: string | Resolver;
  private readonly list: ListResolver | null;
  private readonly servers = new Map<number, ServerProcess>();
  /** Kept for servers that are gone too: they come back at the same address. */
  private readonly numbers = new Map<string, number>();

  /** `onDeath` is called when a server exits unexpectedly. */
  constructor(
    readonly etcd: Etcd | null,
    private readonly onDeath: (text: string) => void,
  ) {
    this.list = etcd === null ? new ListResolver() : null;
    this.target = etcd?.target ?? (this.list as ListResolver);
  }

  /** Starts a server, on the port that this number had before. */
  async start(number: number): Promise<ServerProcess> {
    const before = [...this.numbers].find(([, each]) => each === number)?.[0];
    const port = before === undefined ? 0 : Number(before.slice(before.lastIndexOf(':') + 1));
    const server = await ServerProcess.start(port, this.etcd?.target ?? '');
    if (before !== undefined) this.numbers.delete(before);
    this.numbers.set(server.address, number);
    this.servers.set(number, server);
    void server.exited.then(() => {
      if (this.servers.get(number) === server) this.servers.delete(number);
      if (!server.ending) this.onDeath(`server ${number} has died`);
    });
    this.list?.add(server.address);
    return server;
  }

  has(number: number): boolean {
    return this.servers.has(number);
  }

  get(number: number): ServerProcess {
    const server = this.servers.get(number);
    if (server === undefined) throw new Error(`server ${number} does not run`);
    return server;
  }

  /** `#2`, or the address itself where it is unknown. */
  nameOf(address: string): string {
    const number = this.numbers.get(address);
    return number === undefined ? address : `#${number}`;
  }

  kill(number: number): Promise<void> {
    return this.get(number).kill();
  }

  /** Resolves with the exit code of the server. */
  drain(number: number): Promise<number | null> {
    const server = this.get(number);
    this.list?.remove(server.address);
    return server.drain();
  }

  behave(number: number, mode: Mode): void {
    this.get(number).behave(mode);
  }

  /** Drains all that run. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.servers.keys(), (number) => this.drain(number)));
  }
}
