/**
 * Entry of the process that counts: `node counted-run.js '{"folder":...}'`. Server and client of a workload in one process, over loopback.
 * Prints one line of JSON. Started by `counters.ts`.
 *
 * - `events`: what the runtime did per unit (call, item or MB)
 * - `calls`: makes the calls and ends, for callgrind around it
 */
import { countEvents, type EventCounts } from './event-counts.js';
import { openGuardClient, openGuardServer } from './load.js';
import { type GuardWorkloadName, guardWorkloads } from './names.js';

export interface CountedRole {
  /** Of the checkout. */
  readonly folder: string;
  readonly workload: GuardWorkloadName;
  readonly count: 'events' | 'calls';
  /** Calls before it counts, and calls that it counts. */
  readonly warmUpCalls: number;
  readonly calls: number;
}

async function main(): Promise<void> {
  const { folder, workload, count, warmUpCalls, calls } = JSON.parse(process.argv[2] as string) as CountedRole;
  // Before the first socket.
  const counted = count === 'events' ? countEvents() : null;
  const { ports } = await openGuardServer(folder, workload);
  const client = await openGuardClient(folder, workload, ports);
  if (warmUpCalls > 0) await client.run(warmUpCalls);
  const before = counted?.();
  await client.run(calls);
  const after = counted?.();
  const perUnit: Record<string, number> = {};
  if (before !== undefined && after !== undefined) {
    const units = calls * guardWorkloads[workload].units;
    for (const name of Object.keys(before) as (keyof EventCounts)[])
      perUnit[name] = (after[name] - before[name]) / units;
  }
  process.stdout.write(`${JSON.stringify(perUnit)}\n`, () => process.exit(0));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
