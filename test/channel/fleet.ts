/** A client and several servers on a simulated network, with a resolver whose list the test pushes. */
import * as assert from 'uvu/assert';
import {
  type CallContext,
  type ChannelOptions,
  type ClientChannel,
  connect,
  defineService,
  type Endpoint,
  type EndpointDescription,
  type Resolver,
  type ResolverContext,
  raw,
  roundRobin,
  Server,
  type ServerOptions,
  unary,
} from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';

export const Who = defineService('test.Who', {
  ask: unary({ request: raw, response: raw }),
  read: unary({ request: raw, response: raw, idempotent: true }),
});

export const nothing = Buffer.alloc(0);

/** A list that a test changes. */
export class PushedList implements Resolver {
  readonly name = 'pushed list';
  context: ResolverContext | null = null;
  refreshes = 0;

  start(context: ResolverContext): void {
    this.context = context;
  }

  push(...endpoints: readonly (string | Endpoint)[]): void {
    this.context?.onEndpoints(
      endpoints.map((each) => (typeof each === 'string' ? { address: addressOf(each) } : each)),
    );
  }

  refresh(): void {
    this.refreshes++;
  }

  stop(): void {
    this.context = null;
  }
}

export function addressOf(host: string): string {
  return `tcp://${host}:1`;
}

/** What a server does with a call; the answer is its name. */
export type Work = (context: CallContext) => Promise<void> | void;

export class Fleet {
  readonly network = new SimulatedNetwork({ seed: 7, latencyMs: 1 });
  readonly list = new PushedList();
  readonly servers = new Map<string, { readonly server: Server; readonly close: () => void }>();
  /** The servers whose handlers began, in order. */
  readonly asked: string[] = [];
  channel: ClientChannel = connect('tcp://nobody:1');

  up(host: string, work: Work = () => this.network.clock.sleep(5), options: ServerOptions = {}): void {
    const answer = async (_request: Buffer, context: CallContext): Promise<Buffer> => {
      this.asked.push(host);
      await work(context);
      return Buffer.from(host);
    };
    const server = new Server({ ...this.network.options(host), ...options }).add(Who, { ask: answer, read: answer });
    this.servers.set(host, { server, close: this.network.listen(host, server).close });
  }

  /** Its process is gone, as far as the client can see. */
  crash(host: string): void {
    this.servers.get(host)?.close();
    this.network.reset('client', host);
  }

  open(options: ChannelOptions = {}): ClientChannel {
    this.channel = connect(this.list, { ...this.network.options('client'), balancer: roundRobin, ...options });
    return this.channel;
  }

  /** Begins calls; they go on while the test lets time pass. */
  begin(count = 1): Promise<string[]> {
    const client = this.channel.client(Who);
    return Promise.all(Array.from({ length: count }, async () => (await client.ask(nothing)).toString()));
  }

  ask(count = 1): Promise<string[]> {
    return this.network.run(this.begin(count));
  }

  describe(host: string): EndpointDescription {
    const found = this.channel.describe().endpoints.find(({ address }) => address === addressOf(host));
    if (found === undefined) throw new Error(`the channel does not know ${host}`);
    return found;
  }

  async close(): Promise<void> {
    await this.network.run(this.channel.close());
    await this.network.run(Promise.all([...this.servers.values()].map(({ server }) => server.close())));
    assert.is(this.network.openSockets, 0);
  }
}

/** Servers that are up, and a channel that is connected to all of them. */
export async function openFleet(
  hosts: readonly string[],
  options: ChannelOptions = {},
  works: Readonly<Record<string, Work>> = {},
): Promise<Fleet> {
  const fleet = new Fleet();
  for (const host of hosts) fleet.up(host, works[host]);
  const ready = fleet.open(options).ready();
  await fleet.network.advance(1);
  fleet.list.push(...hosts);
  await fleet.network.run(ready);
  await fleet.network.quiet();
  return fleet;
}
