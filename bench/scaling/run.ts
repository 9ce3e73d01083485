/** The rounds of `bench -- scaling`: each case in a pair of processes of its own. */

import { type Measured, measuredBetween, problemOf, sleep } from '../measure.js';
import type { Pinning } from '../process/cores.js';
import type { Mark } from '../process/marks.js';
import { type Pair, withSides } from '../process/pair.js';
import { alternated } from '../rounds.js';
import { type AxisName, axes, caseOf, type ScalingCase } from './axes.js';
import { type ScalingServerExtra, scalingClient, scalingServer } from './roles.js';

export interface ScalingSettings {
  readonly axes: readonly AxisName[];
  /** Instead of an axis' own values; only with one axis. */
  readonly values: readonly number[] | null;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** What a call of the processes' axis computes. */
  readonly workUs: number;
  readonly pinning: Pinning;
  /** A folder for CPU profiles of both sides of each case, or null. */
  readonly profileFolder: string | null;
}

export interface ScalingSample extends ScalingCase {
  readonly round: number;
  readonly perSecond: number;
  /** Of messages, one way, without frames. */
  readonly bytesPerSecond: number;
  readonly clientUs: number;
  /** Of all server processes together. */
  readonly serverUs: number;
  readonly sumUs: number;
  readonly clientRssBytes: number;
  readonly serverRssBytes: number;
  readonly problem: string | null;
}

export function casesOf({ axes: names, values }: Pick<ScalingSettings, 'axes' | 'values'>): ScalingCase[] {
  return names.flatMap((name) => (values ?? axes[name].values).map((value) => caseOf(name, value)));
}

/** All cases once a round; every second round goes through them backwards, so that no end of an axis is always the later one. */
export async function measureScaling(settings: ScalingSettings): Promise<ScalingSample[]> {
  const samples: ScalingSample[] = [];
  const cases = casesOf(settings);
  for (let round = 0; round < settings.rounds; round++) {
    for (const one of alternated(cases, round)) {
      process.stderr.write(`round ${round + 1} of ${settings.rounds}: ${one.axis} ${one.value}\n`);
      samples.push(await measureOne(settings, one, round));
    }
  }
  return samples;
}

/** One core for each side says nothing about several server processes: those are left to the scheduler, and so is their client. */
function pinningOf({ pinning }: ScalingSettings, { processes }: ScalingCase): Pinning {
  return processes > 0 ? { cores: null, text: 'not pinned' } : pinning;
}

function measureOne(settings: ScalingSettings, one: ScalingCase, round: number): Promise<ScalingSample> {
  const { method, connections, inFlight, messageBytes, wide, processes } = one;
  const { workUs, profileFolder, warmUpSeconds, seconds } = settings;
  return withSides(
    {
      server: scalingServer({ wide, processes, workUs }),
      client: (port) => scalingClient({ port, method, connections, inFlight, messageBytes, wide }),
      pinning: pinningOf(settings, one),
      profileFolder,
      profileName: `${one.axis}-${one.value}`,
    },
    async (pair) => {
      await sleep(warmUpSeconds);
      const from = await marksOf(pair);
      await sleep(seconds);
      const to = await marksOf(pair);
      const measured = measuredBetween([from.client, to.client], [from.server, to.server]);
      return sampleOf(one, round, measured, to);
    },
  );
}

interface Marks {
  readonly client: Mark;
  readonly server: Mark;
}

async function marksOf({ client, server }: Pair<ScalingServerExtra>): Promise<Marks> {
  const [ofServer, ofClient] = await Promise.all([server.act('gather'), client.mark()]);
  return { client: ofClient, server: { ...ofServer, cpuUs: ofServer.cpuUs + ofServer.otherCpuUs } };
}

function sampleOf(one: ScalingCase, round: number, measured: Measured, { client, server }: Marks): ScalingSample {
  const { perSecond, clientUs, serverUs, sumUs } = measured;
  return {
    ...one,
    round,
    perSecond,
    bytesPerSecond: perSecond * one.messageBytes,
    clientUs,
    serverUs,
    sumUs,
    clientRssBytes: client.rssBytes,
    serverRssBytes: server.rssBytes,
    problem: problemOf(measured),
  };
}
