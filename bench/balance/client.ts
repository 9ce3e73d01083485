/** The callers of `bench -- balance`, in one process over one channel: latency of calls, and which server gets them. */
import { type ChannelOptions, connect, consistentHash, leastLoaded, RpcError, roundRobin } from '../../src/index.js';
import { Latencies } from '../latencies.js';
import type { Side } from '../process/side.js';
import type { BalanceClient, Balanced, BalanceExtra, BalancerName } from './roles.js';
import { Balance } from './service.js';

type Channel = ReturnType<typeof connect>;

const balancers = { leastLoaded, roundRobin, consistentHash: consistentHash() } satisfies Record<
  BalancerName,
  ChannelOptions['balancer']
>;
/** How often the channel is checked for ejected endpoints. */
const LOOK_MS = 2;
/** A caller pauses this long after a failure, so that immediate failures do not spin. */
const REST_MS = 1;

export async function openClient(role: BalanceClient): Promise<Side<BalanceExtra>> {
  const { ports, callers } = role;
  const addresses = ports.map((port) => `tcp://127.0.0.1:${port}`);
  const options: ChannelOptions = {
    balancer: balancers[role.balancer],
    ...(role.ejection ? {} : { ejection: false }),
  };
  const channel = connect(addresses, options);
  await channel.ready();
  const client = channel.client(Balance);
  const seen = new Seen(channel, addresses);
  const { [role.idempotent ? 'again' : 'once']: call } = client;
  let done = 0;
  let failed = 0;
  const caller = async (id: number): Promise<void> => {
    const key = String(id);
    for (;;) {
      const from = performance.now();
      try {
        await call(id, { key });
        done++;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        failed++;
        seen.callsFailed++;
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
        continue;
      }
      seen.latencies.add(performance.now() - from);
    }
  };
  for (let id = 0; id < callers; id++) void caller(id);
  setInterval(() => seen.look(), LOOK_MS);
  return {
    port: 0,
    // A failure is expected here: its server was told to fail.
    count: () => ({ done: done + failed, wrong: 0, failed: 0, failure: '', balanced: seen.take() }),
  };
}

/** What happened since the last sample. */
class Seen {
  latencies = new Latencies();
  callsFailed = 0;
  private from = performance.now();
  private ejection: Balanced['ejection'] = null;
  private answered: number[];
  private failed: number[];
  private retries = 0;

  constructor(
    private readonly channel: Channel,
    private readonly addresses: readonly string[],
  ) {
    this.answered = addresses.map(() => 0);
    this.failed = addresses.map(() => 0);
  }

  look(): void {
    if (this.ejection !== null) return;
    const { endpoints } = this.channel.describe();
    if (!endpoints.some(({ ejected }) => ejected)) return;
    const attempts = this.counts().map(({ answered, failed }, index) => {
      return answered - this.answered[index] + failed - this.failed[index];
    });
    this.ejection = { afterMs: performance.now() - this.from, attempts };
  }

  take(): Balanced {
    this.look();
    const counts = this.counts();
    const retries = this.channel.describe().retries.made;
    const { latencies } = this;
    const taken: Balanced = {
      calls: latencies.count + this.callsFailed,
      ms: performance.now() - this.from,
      p50Ms: latencies.quantile(0.5),
      p99Ms: latencies.quantile(0.99),
      answered: counts.map(({ answered }, index) => answered - this.answered[index]),
      failed: counts.map(({ failed }, index) => failed - this.failed[index]),
      ejection: this.ejection,
      retries: retries - this.retries,
      callsFailed: this.callsFailed,
    };
    this.latencies = new Latencies();
    this.callsFailed = 0;
    this.from = performance.now();
    this.ejection = null;
    this.answered = counts.map(({ answered }) => answered);
    this.failed = counts.map(({ failed }) => failed);
    this.retries = retries;
    return taken;
  }

  /** By server. */
  private counts(): { readonly answered: number; readonly failed: number }[] {
    const { endpoints } = this.channel.describe();
    return this.addresses.map((address) => {
      return endpoints.find((endpoint) => endpoint.address === address) ?? { answered: 0, failed: 0 };
    });
  }
}
