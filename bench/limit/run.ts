/** The rounds of `bench -- limit`: a server process of the engine on one core, the C program's load on another. */
import { type CountMark, marksAround, measuredBetween, problemOf, sleep, type Times } from '../measure.js';
import { Child } from '../process/child.js';
import type { Pinning } from '../process/cores.js';
import { LineProcess } from '../rivals/line-process.js';

export interface LimitSettings extends Times {
  readonly rounds: number;
  readonly connections: readonly number[];
  /** In all, shared by the connections. */
  readonly inFlight: readonly number[];
  readonly pinning: Pinning;
}

export interface LimitCase {
  readonly connections: number;
  readonly inFlight: number;
}

export interface LimitSample extends LimitCase {
  /** From 1. */
  readonly round: number;
  readonly done: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** CPU microseconds a call. */
  readonly serverUs: number;
  readonly clientUs: number;
  /** CPU time by wall time: near 1, the process had its core to itself and used all of it. */
  readonly serverBusyShare: number;
  readonly clientBusyShare: number;
  /** What makes its figures worthless, or null. */
  readonly problem: string | null;
}

/** Each number of calls over each number of connections that it suffices for. */
export function limitCases({ connections, inFlight }: Pick<LimitSettings, 'connections' | 'inFlight'>): LimitCase[] {
  return connections.flatMap((over) =>
    inFlight.filter((calls) => calls >= over).map((calls) => ({ connections: over, inFlight: calls })),
  );
}

/** Runs every case once a round, the order turned on by one every round. */
export async function findLimit(
  settings: LimitSettings,
  program: string,
  measure: typeof measureLimit = measureLimit,
): Promise<LimitSample[]> {
  const samples: LimitSample[] = [];
  const cases = limitCases(settings);
  for (let round = 1; round <= settings.rounds; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const one = cases[(turn + round - 1) % cases.length] as LimitCase;
      process.stderr.write(
        `round ${round} of ${settings.rounds}: ${one.inFlight} in flight over ${one.connections} connections\n`,
      );
      samples.push({ round, ...one, ...(await measure(settings, program, one)) });
    }
  }
  return samples;
}

export async function measureLimit(
  { pinning, seconds, warmUpSeconds }: LimitSettings,
  program: string,
  { connections, inFlight }: LimitCase,
): Promise<Omit<LimitSample, 'round' | keyof LimitCase>> {
  const [serverCore, clientCore] = pinning.cores ?? [null, null];
  const server = new Child({ workload: 'calls', side: 'server', contender: 'engine', handler: 'sync' }, serverCore, []);
  let client: LineProcess | null = null;
  try {
    const port = await server.ready();
    client = new LineProcess(
      'load of the C peer',
      [program, 'drive', String(port), String(inFlight), String(connections)],
      clientCore,
    );
    await client.ready();
    await sleep(warmUpSeconds);
    const [clientMarks, serverMarks] = await marksAround<CountMark>({ server, client }, seconds);
    const measured = measuredBetween(clientMarks, serverMarks);
    const { done, perSecond, serverUs, clientUs } = measured;
    return {
      done,
      seconds: measured.seconds,
      perSecond,
      serverUs,
      clientUs,
      serverBusyShare: busyShare(serverMarks),
      clientBusyShare: busyShare(clientMarks),
      problem: problemOf(measured),
    };
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    await client?.stop();
    await server.stop();
  }
}

function busyShare([from, to]: readonly [CountMark, CountMark]): number {
  return (to.cpuUs - from.cpuUs) / 1000 / (to.atMs - from.atMs);
}
