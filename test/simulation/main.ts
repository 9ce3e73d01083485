/**
 * Runs seeds: `npm run simulate -- --seeds 1000000 --from 1`. A seed that fails is printed with the command that repeats it, and
 * the exit code is 1 then. With one seed it also says how to see what happens in it.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { TraceEvent } from '../../src/testing/index.js';
import { runSeeds, type Scenario, type SeedRange, type SeedReport, scenarios, simulateSeed } from './seeds.js';

const namesOf = (scenario: Scenario): string => scenarios[scenario].plantedBugs.map(({ name }) => name).join(', ');

const usage = `npm run simulate -- [options]

Runs simulations: mixed calls and faults on a network in memory, one for each seed.

  --channels    channels of several endpoints, with servers that crash and restart, in place of many calls to one server
  --seeds N     how many (default: 1000)
  --from N      the first (default: 1; nightly runs take a new one each time)
  --jobs N      processes (default: number of CPUs)
  --trace       prints the plan of each seed and everything that happens
  --plant NAME  with a planted bug: ${namesOf('connections')};
                of channels: ${namesOf('channels')}`;

/** Seeds that a process gets at a time. */
const PORTION = 2_000;
const AGAIN_EVERY = 50;

interface Settings {
  readonly scenario: Scenario;
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly trace: boolean;
  readonly plant: string | null;
}

function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      channels: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      trace: { type: 'boolean', default: false },
      plant: { type: 'string' },
    },
  });
  const number = (option: 'seeds' | 'from' | 'jobs'): number => {
    const value = Number(values[option]);
    if (!(Number.isSafeInteger(value) && value > 0)) throw new Error(`--${option} takes a whole number above 0`);
    return value;
  };
  const { trace, plant = null } = values;
  const scenario: Scenario = values.channels ? 'channels' : 'connections';
  const { plantedBugs } = scenarios[scenario];
  if (plant !== null && !plantedBugs.some(({ name }) => name === plant)) throw new Error(`no planted bug ${plant}`);
  return { scenario, seeds: number('seeds'), from: number('from'), jobs: number('jobs'), trace, plant };
}

async function traceSeeds({ scenario, from, seeds, plant }: Settings): Promise<number> {
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const print = ({ at, kind, from: host, to, connection, bytes }: TraceEvent): void => {
      const what = bytes.length === 0 ? '' : `${bytes.length}: ${Buffer.from(bytes).toString('hex', 0, 40)}`;
      console.log(`${at.toFixed(3).padStart(12)}  ${kind} ${host} ${to} #${connection} ${what}`);
    };
    const { plan, hash, problems } = await simulateSeed(scenario, plant, seed, print);
    console.dir(plan, { depth: 5 });
    console.log(`seed ${seed}: hash ${hash}, ${problems.length === 0 ? 'passed' : problems.join('\n  ')}`);
    if (problems.length > 0) failed++;
  }
  return failed;
}

/** Seeds in portions for as many processes as there are jobs. */
async function runInProcesses(settings: Settings): Promise<SeedReport> {
  const total: SeedReport = { seeds: 0, failures: [], outcomes: {}, ms: 0 };
  const { scenario, plant } = settings;
  let next = settings.from;
  const end = settings.from + settings.seeds;
  const worker = async (): Promise<void> => {
    while (next < end && total.failures.length === 0) {
      const range: SeedRange = {
        scenario,
        from: next,
        count: Math.min(PORTION, end - next),
        plant,
        againEvery: AGAIN_EVERY,
      };
      next += range.count;
      add(total, settings.jobs === 1 ? await runSeeds(range) : await runInProcess(range));
    }
  };
  await Promise.all(Array.from({ length: settings.jobs }, worker));
  return total;
}

function runInProcess(range: SeedRange): Promise<SeedReport> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child', JSON.stringify(range)]);
    child.once('message', (report) => resolve(report as SeedReport));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`seeds ${range.from} to ${range.from + range.count - 1}: exit ${code}`)),
    );
  });
}

function add(total: SeedReport, { seeds, failures, outcomes, ms }: SeedReport): void {
  total.seeds += seeds;
  total.ms += ms;
  for (const failure of failures) {
    total.failures.push(failure);
    console.log(failure.text);
  }
  for (const [name, count] of Object.entries(outcomes)) total.outcomes[name] = (total.outcomes[name] ?? 0) + count;
}

async function main(): Promise<number> {
  const [first, second] = process.argv.slice(2);
  if (first === '--child') {
    process.send?.(await runSeeds(JSON.parse(second ?? '') as SeedRange));
    process.disconnect();
    return 0;
  }
  const settings = readSettings(process.argv.slice(2));
  if (settings.trace) return (await traceSeeds(settings)) === 0 ? 0 : 1;
  const { seeds, failures, outcomes, ms } = await runInProcesses({
    ...settings,
    jobs: Math.min(settings.jobs, Math.ceil(settings.seeds / PORTION)),
  });
  for (const name of Object.keys(outcomes).sort()) console.log(`${String(outcomes[name]).padStart(9)}  ${name}`);
  console.log(`${(ms / Math.max(1, seeds)).toFixed(2)} ms a seed`);
  console.log(`${seeds - failures.length} seeds passed, ${failures.length} failed`);
  return failures.length === 0 && seeds > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
