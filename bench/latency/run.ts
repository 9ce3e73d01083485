/**
 * The rounds of `bench -- latency`. Each finds the engine's peak in a closed loop and then makes calls at shares of it; the others are asked
 * for as many calls a second as the engine at half its peak, whether or not they can carry it, and for half of their own peak.
 */

import type { Pinning } from '../process/cores.js';
import { type Mark, said } from '../process/marks.js';
import { type Pair, withSides } from '../process/pair.js';
import { rotated } from '../rounds.js';
import type { LatencyContender } from './contenders.js';
import type { OpenCounts } from './open-loop.js';
import { type LatencyClientExtra, type LatencyServerExtra, latencyClient, latencyServer } from './roles.js';

export interface LatencySettings {
  /** The contenders beside the engine. */
  readonly others: readonly LatencyContender[];
  /** Shares of the engine's peak. The one of `COMMON_SHARE` sets the rate of the others. */
  readonly shares: readonly number[];
  readonly rounds: number;
  /** Of the engine at each share, and of the others at each rate. */
  readonly seconds: number;
  readonly othersSeconds: number;
  readonly peakSeconds: number;
  readonly warmUpSeconds: number;
  readonly callers: number;
  readonly outstandingMax: number;
  readonly judged: boolean;
  readonly pinning: Pinning;
}

export interface LatencySample extends OpenCounts {
  readonly round: number;
  readonly contender: string;
  /** Of the contender's own peak; null: the rate of the engine at `COMMON_SHARE` of its peak. */
  readonly share: number | null;
  /** What this contender's closed loop did in this round. */
  readonly peakPerSecond: number;
  /** CPU time by calls answered. The client spins while it waits, so its figure is mostly the length of the run. */
  readonly clientUs: number;
  readonly serverUs: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
}

/** The generator against a call that answers itself, at a share of the engine's peak: what it adds to every latency. */
export interface GeneratorSample extends OpenCounts {
  readonly round: number;
  readonly share: number;
}

export interface LatencyRun {
  readonly samples: readonly LatencySample[];
  readonly generator: readonly GeneratorSample[];
}

/** The share of the engine's peak at which all contenders are compared. */
export const COMMON_SHARE = 0.5;
const ACT_MS_MAX = 60_000;
/** Of each open loop: made and not counted. */
const OPEN_WARM_UP_SECONDS = 0.3;

/** The engine first in each round, since its peak sets the rates; the order of the others moves on by one each round. */
export async function measureLatencies(settings: LatencySettings): Promise<LatencyRun> {
  const { others, rounds, shares } = settings;
  const samples: LatencySample[] = [];
  const generator: GeneratorSample[] = [];
  for (let round = 0; round < rounds; round++) {
    let commonRate = 0;
    const say = (title: string): boolean => process.stderr.write(`round ${round + 1} of ${rounds}: ${title}\n`);
    say('engine');
    await withLoad(settings, 'engine', async (pair) => {
      const peak = await peakOf(settings, pair);
      commonRate = peak * COMMON_SHARE;
      for (const share of shares) {
        const open = await openAt(pair, peak * share, settings.seconds);
        samples.push({ round, contender: 'engine', share, peakPerSecond: peak, ...open });
      }
      const alone = await aloneAt(pair, commonRate, settings.othersSeconds);
      generator.push({ round, share: COMMON_SHARE, ...alone });
    });
    for (const { name, title } of rotated(others, round)) {
      say(title);
      await withLoad(settings, name, async (pair) => {
        const peak = await peakOf(settings, pair);
        const rates = [
          [COMMON_SHARE, peak * COMMON_SHARE],
          [null, commonRate],
        ] as const;
        for (const [share, rate] of rates) {
          const open = await openAt(pair, rate, settings.othersSeconds);
          samples.push({ round, contender: name, share, peakPerSecond: peak, ...open });
        }
      });
    }
  }
  return { samples, generator };
}

type LatencyPair = Pair<LatencyServerExtra, LatencyClientExtra>;

function withLoad<T>(
  settings: LatencySettings,
  contender: string,
  measure: (pair: LatencyPair) => Promise<T>,
): Promise<T> {
  const { outstandingMax, pinning } = settings;
  return withSides(
    {
      server: latencyServer(contender),
      client: (port) => latencyClient({ contender, port, outstandingMax }),
      pinning,
    },
    measure,
  );
}

async function peakOf(
  { callers, warmUpSeconds, peakSeconds }: LatencySettings,
  { client }: LatencyPair,
): Promise<number> {
  const mark = await client.act(`closed:${callers}:${warmUpSeconds}:${peakSeconds}`, ACT_MS_MAX);
  return mark.closedPerSecond;
}

/** The same arrivals, each call answered by itself, while the server's core is as busy: what the machine and the generator make of them. */
async function aloneAt({ client, server }: LatencyPair, perSecond: number, seconds: number): Promise<OpenCounts> {
  const spinning = server.act(`spin:${OPEN_WARM_UP_SECONDS + seconds}`, ACT_MS_MAX);
  const { opened } = await client.act(`alone:${perSecond}:${OPEN_WARM_UP_SECONDS}:${seconds}`, ACT_MS_MAX);
  await spinning;
  return said(opened, 'open loop');
}

async function openAt({ client, server }: LatencyPair, perSecond: number, seconds: number) {
  const [server0, client0] = [await server.mark(), await client.mark()];
  const client1 = await client.act(`open:${perSecond}:${OPEN_WARM_UP_SECONDS}:${seconds}`, ACT_MS_MAX);
  const server1 = await server.mark();
  const cpuUs = (mark: Mark & Partial<LatencyServerExtra>): number => mark.cpuUs + (mark.otherCpuUs ?? 0);
  const perCall = (from: Mark, to: Mark): number => (cpuUs(to) - cpuUs(from)) / (to.done - from.done);
  return {
    ...said(client1.opened, 'open loop'),
    clientUs: perCall(client0, client1),
    serverUs: perCall(server0, server1),
    wrong: client1.wrong - client0.wrong + server1.wrong - server0.wrong,
    failed: client1.failed - client0.failed,
    failure: client1.failure,
  };
}
