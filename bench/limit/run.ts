/** The rounds of `bench -- limit`: a server process of the engine on one core, the C program's load on another. */

import { callsServer } from '../calls/roles.js';
import { type CountMark, marksOfStarted, measuredBetween, problemOf, type Times } from '../measure.js';
import { Child } from '../process/child.js';
import type { Pinning } from '../process/cores.js';
import { LineProcess } from '../rivals/line-process.js';
import { inRounds } from '../rounds.js';

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
  /** Why its figures are invalid, or null. */
  readonly problem: string | null;
}

/** Each number of calls over each number of connections that it suffices for. */
export function limitCases({ connections, inFlight }: Pick<LimitSettings, 'connections' | 'inFlight'>): LimitCase[] {
  return connections.flatMap((over) =>
    inFlight.filter((calls) => calls >= over).map((calls) => ({ connections: over, inFlight: calls })),
  );
}

/** Measures every case, in rounds. */
export function findLimit(
  settings: LimitSettings,
  program: string,
  measure: typeof measureLimit = measureLimit,
): Promise<LimitSample[]> {
  return inRounds(
    settings.rounds,
    [limitCases(settings)],
    ({ connections, inFlight }) => `${inFlight} in flight over ${connections} connections`,
    async (one, round) => ({ round: round + 1, ...one, ...(await measure(settings, program, one)) }),
  );
}

export async function measureLimit(
  { pinning, seconds, warmUpSeconds }: LimitSettings,
  program: string,
  { connections, inFlight }: LimitCase,
): Promise<Omit<LimitSample, 'round' | keyof LimitCase>> {
  const [serverCore, clientCore] = pinning.cores ?? [null, null];
  const [clientMarks, serverMarks] = await marksOfStarted(
    { seconds, warmUpSeconds },
    () => new Child(callsServer({ contender: 'engine', handler: 'sync' }), serverCore),
    (port) => {
      const load = [program, 'drive', String(port), String(inFlight), String(connections)];
      return new LineProcess('load of the C peer', load, clientCore);
    },
  );
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
}

function busyShare([from, to]: readonly [CountMark, CountMark]): number {
  return (to.cpuUs - from.cpuUs) / 1000 / (to.atMs - from.atMs);
}
