/** What the guard runs on both commits, as processes of each commit's own bench, and the one run of a side. */
import { basename } from 'node:path';
import { measurePair, problemOf, type Times } from '../measure.js';
import type { Pinning } from '../process/cores.js';
import { type Roles, withSides } from '../process/pair.js';
import { type Checkout, peerOf } from './checkouts.js';
import { callersOf, type GuardWorkload } from './names.js';
import type { Run } from './turns.js';

type Sides = Pick<Roles, 'server' | 'client'>;

function sidesOf(workload: GuardWorkload): Sides {
  if (workload === 'stream') {
    return {
      server: { workload: 'stream', side: 'server', contender: 'batches' },
      client: (port) => ({ workload: 'stream', side: 'client', contender: 'batches', port }),
    };
  }
  const contender = workload === 'blob' ? 'engine-blob' : 'engine';
  const inFlight = callersOf[workload];
  return {
    server: { workload: 'calls', side: 'server', contender, handler: 'sync' },
    client: (port) => ({ workload: 'calls', side: 'client', contender, port, inFlight }),
  };
}

/** Server and client of one side, started anew. */
export async function runSide(
  checkout: Checkout,
  workload: GuardWorkload,
  pinning: Pinning,
  times: Times,
): Promise<Run> {
  const roles: Roles = {
    ...sidesOf(workload),
    pinning,
    profileFolder: null,
    profileName: basename(checkout.folder),
    entry: peerOf(checkout.folder),
  };
  try {
    const measured = await withSides(roles, (pair) => measurePair(pair, times));
    const { sumUs, perSecond } = measured;
    const known = Number.isFinite(sumUs) && sumUs > 0;
    return { sumUs, perSecond, problem: problemOf(measured) ?? (known ? null : 'its marks hold no CPU time') };
  } catch (error) {
    return tooOld(checkout.title, workload, error);
  }
}

/** Says what is most likely when a side cannot run a workload. */
export function tooOld(title: string, workload: GuardWorkload, cause: unknown): never {
  throw new Error(
    `${title} did not run ${workload}. Is its bench older than this workload? Then choose a later commit, or leave the workload out.`,
    { cause },
  );
}
