/** Many seeds, one after the other, with what to print of those that fail. */
import { performance } from 'node:perf_hooks';
import type { TraceEvent } from '../../src/testing/index.js';
import { plantedChannelBugs } from './channels/planted-bugs.js';
import { simulateChannels } from './channels/simulation.js';
import type { Outcome } from './outcome.js';
import { type PlantedBug, plantedBugs } from './planted-bugs.js';
import { simulate } from './simulation.js';

/** The kind of simulation: calls of all kinds between channels of one endpoint and their server, or channels of several endpoints. */
export type Scenario = 'connections' | 'channels';

export const scenarios: Readonly<
  Record<
    Scenario,
    {
      readonly simulate: (seed: number, onEvent?: (event: TraceEvent) => void) => Promise<Outcome>;
      readonly plantedBugs: readonly PlantedBug[];
      /** Of `npm run simulate`. */
      readonly option: string;
    }
  >
> = {
  connections: { simulate, plantedBugs, option: '' },
  channels: { simulate: simulateChannels, plantedBugs: plantedChannelBugs, option: '--channels ' },
};

export interface SeedRange {
  readonly scenario: Scenario;
  readonly from: number;
  readonly count: number;
  /** Name of a planted bug, or null. */
  readonly plant: string | null;
  /** One in this many seeds runs twice and must run identically; 0: none. */
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

/** The run stops after this many failures. */
const FAILURES_MAX = 10;
const PROBLEMS_SHOWN = 5;

export function repeatCommand(scenario: Scenario, seed: number, plant: string | null): string {
  const { option } = scenarios[scenario];
  return `npm run simulate -- ${option}--seeds 1 --from ${seed}${plant === null ? '' : ` --plant ${plant}`}`;
}

/** A bug is planted anew for each seed, so that the seed alone repeats what happened. */
export async function simulateSeed(
  scenario: Scenario,
  plant: string | null,
  seed: number,
  onEvent?: (event: TraceEvent) => void,
): Promise<Outcome> {
  const { simulate: run, plantedBugs: bugs } = scenarios[scenario];
  if (plant === null) return run(seed, onEvent);
  const bug = bugs.find(({ name }) => name === plant);
  if (bug === undefined) throw new Error(`there is no planted bug ${plant}`);
  const remove = bug.plant();
  try {
    return await run(seed, onEvent);
  } finally {
    remove();
  }
}

export async function runSeeds(range: SeedRange, failuresMax = FAILURES_MAX): Promise<SeedReport> {
  const report: SeedReport = { seeds: 0, failures: [], outcomes: {}, ms: 0 };
  const startedAt = performance.now();
  // Most calls of a simulation fail, and a stack costs more than the call.
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

async function runSeed(seed: number, range: SeedRange, report: SeedReport): Promise<void> {
  const { scenario, plant, againEvery } = range;
  const run = (): Promise<Outcome> => simulateSeed(scenario, plant, seed);
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
  const text = `seed ${seed} failed (trace ${hash}):\n${shown.join('\n')}\n  repeat it: ${repeatCommand(scenario, seed, plant)}`;
  report.failures.push({ seed, text });
}
