/** Some servers of `bench -- balance` and one client of them, as processes. */
import { Child } from '../process/child.js';
import { type Balanced, type BalanceExtra, type BalancerName, balanceClient, balanceServer } from './roles.js';

export interface ClientSettings {
  readonly callers: number;
  readonly balancer: BalancerName;
  readonly ejection: boolean;
  readonly idempotent: boolean;
}

export class Cluster {
  private readonly servers: Child[] = [];
  private readonly ports: number[] = [];
  private client: Child<BalanceExtra> | null = null;

  /** Starts so many servers, runs `use`, and ends all processes, whatever happens. */
  static async with<T>(servers: number, meanMs: number, use: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = new Cluster();
    try {
      for (let index = 0; index < servers; index++) {
        const server = new Child(balanceServer({ index, meanMs }), null);
        cluster.servers.push(server);
        cluster.ports.push(await server.ready());
      }
      return await use(cluster);
    } finally {
      // The client first: calls that lose their server would be counted as failed.
      await cluster.stopClient();
      for (const server of cluster.servers) await server.stop();
    }
  }

  /** Of the first so many servers, in place of the client there was. Its calls have begun when this resolves. */
  async startClient(servers: number, settings: ClientSettings): Promise<void> {
    await this.stopClient();
    const ports = this.ports.slice(0, servers);
    this.client = new Child(balanceClient({ ports, ...settings }), null);
    await this.client.ready();
  }

  async stopClient(): Promise<void> {
    await this.client?.stop();
    this.client = null;
  }

  /** Sets how the server behaves from now on. */
  async make(server: number, condition: 'healthy' | 'slow' | 'failing'): Promise<void> {
    await this.servers[server].act(condition);
  }

  /** Ends the process; its port is closed from then on. */
  async kill(server: number): Promise<void> {
    await this.servers[server].end('SIGKILL', 5_000);
  }

  /** What the client saw since the last mark. */
  async look(): Promise<Balanced> {
    if (this.client === null) throw new Error('there is no client to look at');
    return (await this.client.mark()).balanced;
  }
}
