/** The three parts of `bench -- balance`: a slow server, a failing one, and what retries add when one of three is down. */
import { sleep } from '../measure.js';
import { Cluster } from './cluster.js';
import type { Balanced, BalancerName } from './roles.js';

export interface BalanceSettings {
  readonly meanMs: number;
  readonly callers: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const SERVERS = 5;
const SERVERS_FEW = 3;
/** The server that is made slow, failing or down. */
const BAD = 0;

/** A window of time with five healthy servers, the one in which a server gets slow, and one after that. */
export interface SlowRun {
  readonly balancer: BalancerName;
  readonly callers: number;
  readonly healthy: Balanced;
  readonly onset: Balanced;
  readonly slow: Balanced;
}

export const slowBalancers = ['leastLoaded', 'roundRobin'] as const satisfies readonly BalancerName[];

async function runSlow(cluster: Cluster, settings: BalanceSettings): Promise<SlowRun[]> {
  const { callers, seconds, warmUpSeconds } = settings;
  const runs: SlowRun[] = [];
  for (const count of callers) {
    for (const balancer of slowBalancers) {
      process.stderr.write(`one of five slow: ${balancer}, ${count} callers\n`);
      await cluster.make(BAD, 'healthy');
      await cluster.startClient(SERVERS, { callers: count, balancer, ejection: true, idempotent: false });
      await sleep(warmUpSeconds);
      await cluster.look();
      await sleep(seconds);
      const healthy = await cluster.look();
      await cluster.make(BAD, 'slow');
      await sleep(warmUpSeconds);
      const onset = await cluster.look();
      await sleep(seconds);
      runs.push({ balancer, callers: count, healthy, onset, slow: await cluster.look() });
      await cluster.stopClient();
    }
  }
  return runs;
}

/** One of five answers every call at once, with an error. */
export interface FailingRun {
  readonly callers: number;
  readonly healthy: Balanced;
  readonly failing: Balanced;
}

async function runFailing(cluster: Cluster, settings: BalanceSettings): Promise<FailingRun[]> {
  const { callers, seconds, warmUpSeconds } = settings;
  const runs: FailingRun[] = [];
  for (const count of callers) {
    process.stderr.write(`one of five failing: ${count} callers\n`);
    await cluster.make(BAD, 'healthy');
    await cluster.startClient(SERVERS, { callers: count, balancer: 'leastLoaded', ejection: true, idempotent: false });
    await sleep(warmUpSeconds);
    await cluster.look();
    await sleep(seconds);
    const healthy = await cluster.look();
    await cluster.make(BAD, 'failing');
    await sleep(seconds);
    runs.push({ callers: count, healthy, failing: await cluster.look() });
    await cluster.stopClient();
  }
  return runs;
}

export interface DownRun {
  /** How the server is down. */
  readonly how: 'closed port' | 'fails, ejection' | 'fails, no ejection';
  /** From the client's start on. */
  readonly seen: Balanced;
}

/** One of three is down before the client starts; the method is idempotent. Round robin without ejection keeps picking it. */
async function runDown(cluster: Cluster, { callers, seconds }: BalanceSettings): Promise<DownRun[]> {
  const client = { callers: callers.at(-1) ?? 1, idempotent: true };
  const runs: DownRun[] = [];
  const run = async (how: DownRun['how'], balancer: BalancerName, ejection: boolean): Promise<void> => {
    process.stderr.write(`one of three down: ${how}\n`);
    await cluster.startClient(SERVERS_FEW, { ...client, balancer, ejection });
    await sleep(seconds);
    runs.push({ how, seen: await cluster.look() });
    await cluster.stopClient();
  };
  await cluster.make(BAD, 'failing');
  await run('fails, no ejection', 'roundRobin', false);
  await run('fails, ejection', 'leastLoaded', true);
  await cluster.kill(BAD);
  await run('closed port', 'leastLoaded', true);
  return runs;
}

export interface BalanceRuns {
  readonly slowed: readonly SlowRun[];
  readonly failing: readonly FailingRun[];
  readonly down: readonly DownRun[];
}

export function runBalance(settings: BalanceSettings): Promise<BalanceRuns> {
  return Cluster.with(SERVERS, settings.meanMs, async (cluster) => ({
    slowed: await runSlow(cluster, settings),
    failing: await runFailing(cluster, settings),
    down: await runDown(cluster, settings),
  }));
}

/** The bad server's share of these. */
export function shareOfBad(counts: readonly number[]): number {
  return counts[BAD] / counts.reduce((sum, count) => sum + count, 0);
}
