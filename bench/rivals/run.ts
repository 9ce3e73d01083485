/** The rounds of `bench -- rivals`: each rival's cases in turns, both sides of a case as processes of their own on a core each. */
import { type Measured, marksAround, measuredBetween, sleep, type Times } from '../measure.js';
import type { Pinning } from '../process/cores.js';
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

/** Runs every case once a round, the order turned on by one every round, so that nobody always follows the same neighbour. */
export async function compareRivals(
  settings: RivalSettings,
  rivals: readonly Rival[],
  measure: typeof measureRival = measureRival,
): Promise<RivalSample[]> {
  const samples: RivalSample[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    for (const one of casesOf(settings)) {
      const taking = rivals.filter(({ workloads }) => workloads.includes(one.workload));
      for (let turn = 0; turn < taking.length; turn++) {
        const rival = taking[(turn + round - 1) % taking.length] as Rival;
        process.stderr.write(
          `round ${round} of ${settings.rounds}: ${one.workload}, ${one.inFlight} in flight: ${rival.title}\n`,
        );
        const measured = await measure(rival, one, settings);
        samples.push({ round, rival: rival.name, ...one, ...measured });
      }
    }
  }
  return samples;
}

/** Never rejects: a rival that fails is a sample that says so, and the others go on. */
export async function measureRival(rival: Rival, one: RivalCase, settings: RivalSettings): Promise<Measured> {
  const [serverCore, clientCore] = settings.pinning.cores ?? [null, null];
  const { workload, inFlight } = one;
  const processes: LineProcess[] = [];
  const start = (side: string, core: number | null, ...args: readonly string[]): LineProcess => {
    const started = new LineProcess(`${side} of ${rival.name}`, [...rival.command, ...args], core);
    processes.push(started);
    return started;
  };
  try {
    const server = start('server', serverCore, 'serve', workload);
    const port = await server.ready();
    const client = start('client', clientCore, 'drive', workload, String(inFlight), String(port));
    await client.ready();
    await sleep(settings.warmUpSeconds);
    const [clientMarks, serverMarks] = await marksAround({ server, client }, settings.seconds);
    return measuredBetween(clientMarks, serverMarks);
  } catch (error) {
    return failedSample(error);
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    for (const started of processes.reverse()) await started.stop();
  }
}

function failedSample(error: unknown): Measured {
  const nothing = { done: 0, seconds: 0, perSecond: 0, clientUs: 0, serverUs: 0, sumUs: 0, wrong: 0 };
  return { ...nothing, failed: 1, failure: error instanceof Error ? error.message : String(error) };
}
