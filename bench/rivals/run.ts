/** The rounds of `bench -- rivals`: each rival's cases in turns, both sides of a case as processes of their own on a core each. */

import { type Measured, marksOfStarted, measuredBetween, type Times } from '../measure.js';
import type { Pinning } from '../process/cores.js';
import { inRounds } from '../rounds.js';
import { LineProcess } from './line-process.js';
import type { Rival, WorkloadName } from './rival.js';

export interface RivalSettings extends Times {
  readonly rounds: number;
  readonly workloads: readonly WorkloadName[];
  /** Of unary calls. */
  readonly inFlight: readonly number[];
  readonly pinning: Pinning;
}

export interface RivalCase {
  readonly workload: WorkloadName;
  readonly inFlight: number;
}

export interface RivalSample extends Measured, RivalCase {
  /** From 1. */
  readonly round: number;
  readonly rival: string;
}

const BLOBS_IN_FLIGHT = 16;

export function casesOf({ workloads, inFlight }: Pick<RivalSettings, 'workloads' | 'inFlight'>): RivalCase[] {
  return workloads.flatMap((workload): RivalCase[] => {
    if (workload === 'unary') return inFlight.map((calls) => ({ workload, inFlight: calls }));
    return [{ workload, inFlight: workload === 'blob' ? BLOBS_IN_FLIGHT : 1 }];
  });
}

/** Measures every rival in each of its cases, in rounds. */
export function compareRivals(
  settings: RivalSettings,
  rivals: readonly Rival[],
  measure: typeof measureRival = measureRival,
): Promise<RivalSample[]> {
  const groups = casesOf(settings).map((one) =>
    rivals.filter(({ workloads }) => workloads.includes(one.workload)).map((rival) => ({ rival, one })),
  );
  return inRounds(
    settings.rounds,
    groups,
    ({ rival, one }) => `${one.workload}, ${one.inFlight} in flight: ${rival.title}`,
    async ({ rival, one }, round) => ({
      round: round + 1,
      rival: rival.name,
      ...one,
      ...(await measure(rival, one, settings)),
    }),
  );
}

/** Never rejects: a rival that fails gives a sample with the reason, and the others are still measured. */
export async function measureRival(rival: Rival, one: RivalCase, settings: RivalSettings): Promise<Measured> {
  const [serverCore, clientCore] = settings.pinning.cores ?? [null, null];
  const { workload, inFlight } = one;
  const start = (side: string, core: number | null, ...args: readonly string[]): LineProcess =>
    new LineProcess(`${side} of ${rival.name}`, [...rival.command, ...args], core);
  try {
    const [clientMarks, serverMarks] = await marksOfStarted(
      settings,
      () => start('server', serverCore, 'serve', workload),
      (port) => start('client', clientCore, 'drive', workload, String(inFlight), String(port)),
    );
    return measuredBetween(clientMarks, serverMarks);
  } catch (error) {
    return failedSample(error);
  }
}

function failedSample(error: unknown): Measured {
  const nothing = { done: 0, seconds: 0, perSecond: 0, clientUs: 0, serverUs: 0, sumUs: 0, wrong: 0 };
  return { ...nothing, failed: 1, failure: error instanceof Error ? error.message : String(error) };
}
