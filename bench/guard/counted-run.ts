/**
 * Entry of the process that counts: `node counted-run.js '{"build":...}'`. Prints one line of JSON. Started by `counters.ts`.
 *
 * - `events`: what the runtime did per call
 * - `allocation`: bytes that V8's heap was asked for per call, both sides together: growth, plus what each collection gave back
 * - `calls`: makes the calls and ends, for callgrind around it
 */
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { type CountedLoad, countedLoad } from './counted-load.js';
import { countEvents, type EventCounts } from './event-counts.js';
import type { GuardWorkload } from './names.js';

export interface CountedRole {
  readonly build: string;
  readonly workload: GuardWorkload;
  readonly count: 'events' | 'allocation' | 'calls';
  /** Calls before it counts, and calls that it counts. */
  readonly warmUpCalls: number;
  readonly calls: number;
}

/** Parts of a run of which the median is taken: a collection in the wrong moment shifts one of them. */
const ALLOCATION_PARTS = 5;

async function events(role: CountedRole): Promise<Record<string, number>> {
  const counted = countEvents();
  const load = await countedLoad(role.build, role.workload);
  const from = await load.reach(role.warmUpCalls);
  const before = counted();
  const to = await load.reach(from + role.calls);
  const after = counted();
  const names = Object.keys(before) as (keyof EventCounts)[];
  return Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / (to - from)]));
}

async function allocation(role: CountedRole): Promise<Record<string, number>> {
  const load = await countedLoad(role.build, role.workload);
  let from = await load.reach(role.warmUpCalls);
  const parts: number[] = [];
  const calls = Math.ceil(role.calls / ALLOCATION_PARTS);
  for (let part = 0; part < ALLOCATION_PARTS; part++) {
    const { bytes, done } = await allocatedBytes(load, from + calls);
    parts.push(bytes / (done - from));
    from = done;
  }
  return { heapBytes: parts.toSorted((a, b) => a - b)[ALLOCATION_PARTS >> 1] as number };
}

async function allocatedBytes(load: CountedLoad, calls: number): Promise<{ bytes: number; done: number }> {
  const profiler = new GCProfiler();
  const before = getHeapStatistics().used_heap_size;
  profiler.start();
  const done = await load.reach(calls);
  const after = getHeapStatistics().used_heap_size;
  const collections = profiler.stop().statistics;
  const freed = collections.map(
    ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
  );
  return { bytes: after - before + freed.reduce((sum, bytes) => sum + bytes, 0), done };
}

async function main(): Promise<void> {
  const role = JSON.parse(process.argv[2] as string) as CountedRole;
  let counts: Record<string, number> = {};
  if (role.count === 'events') counts = await events(role);
  else if (role.count === 'allocation') counts = await allocation(role);
  else await (await countedLoad(role.build, role.workload)).reach(role.calls);
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
