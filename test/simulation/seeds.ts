/** Many seeds, one after the other, with what to print of those that fail. */
import { performance } from 'node:perf_hooks';
import type { TraceEvent } from '../../src/testing/index.js';
import { plantedBugs } from './planted-bugs.js';
import { type Outcome, simulate } from './simulation.js';

export interface SeedRange {
  readonly from: number;
  readonly count: number;
  /** Name of a planted bug, or null. */
  readonly plant: string | null;
  /** Every so many seeds one runs twice and must go the same way; 0: none does. */
  readonly againEvery: number;
}

export interface SeedReport {
  seeds: number;
  failures: { readonly seed: number; readonly text: string }[];
  /** How often calls ended in which way. */
  outcomes: Record<string, number>;
  /** Real milliseconds. */
  ms: number;
}

/** With so many failures there is enough to look at. */
const FAILURES_MAX = 10;
const PROBLEMS_SHOWN = 5;

export function repeatCommand(seed: number, plant: string | null): string {
  return `npm run simulate -- --seeds 1 --from ${seed}${plant === null ? '' : ` --plant ${plant}`}`;
}

/** Planted anew for each seed, so that the seed alone repeats what happened. */
export async function simulateWith(
  plant: string,
  seed: number,
  onEvent?: (event: TraceEvent) => void,
): Promise<Outcome> {
  const bug = plantedBugs.find(({ name }) => name === plant);
  if (bug === undefined) throw new Error(`there is no planted bug ${plant}`);
  const remove = bug.plant();
  try {
    return await simulate(seed, onEvent);
  } finally {
    remove();
  }
}

export async function runSeeds(range: SeedRange, failuresMax = FAILURES_MAX): Promise<SeedReport> {
  const report: SeedReport = { seeds: 0, failures: [], outcomes: {}, ms: 0 };
  const startedAt = performance.now();
  // Failing calls are the daily bread of a simulation, and a stack costs more than the call.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let seed = range.from; seed < range.from + range.count && report.failures.length < failuresMax; seed++) {
      await runSeed(seed, range, report);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  report.ms = performance.now() - startedAt;
  return report;
}

async function runSeed(seed: number, { plant, againEvery }: SeedRange, report: SeedReport): Promise<void> {
  const run = (): Promise<Outcome> => (plant === null ? simulate(seed) : simulateWith(plant, seed));
  const { problems, outcomes, hash } = await run();
  const all = [...problems];
  if (againEvery > 0 && seed % againEvery === 0) {
    const again = await run();
    if (again.hash !== hash) all.push(`went another way when it ran again: ${hash}, then ${again.hash}`);
  }
  report.seeds++;
  for (const [name, count] of outcomes) report.outcomes[name] = (report.outcomes[name] ?? 0) + count;
  if (all.length === 0) return;
  const shown = all.slice(0, PROBLEMS_SHOWN).map((problem) => `  ${problem}`);
  if (all.length > shown.length) shown.push(`  and ${all.length - shown.length} more`);
  const text = `seed ${seed} failed (trace ${hash}):\n${shown.join('\n')}\n  repeat it: ${repeatCommand(seed, plant)}`;
  report.failures.push({ seed, text });
}
