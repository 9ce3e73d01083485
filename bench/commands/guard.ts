/**
 * `bench -- guard`: does a change cost more than the commit before it? Both commits run the same load program in turns, and every measure (CPU
 * time, heap bytes, buffer bytes, by workload) gets a verdict with 95 % confidence: within the bound, more, or undecided.
 */
import { fileURLToPath } from 'node:url';
import { type Checkout, checkOut, commitOf, copyBuild, defaultBase, git } from '../guard/checkouts.js';
import {
  COUNT_RISE_MAX,
  type CounterLine,
  type CounterSettings,
  type Counts,
  compareCounts,
  countCalls,
  counterRow,
  hasValgrind,
  leastLoss,
} from '../guard/counters.js';
import { type GuardWorkloadName, guardWorkloadNames } from '../guard/names.js';
import { named, turnsHead, turnsRows, turnText } from '../guard/report.js';
import { type TurnSettings, WorkloadTurns } from '../guard/turn.js';
import { type Turns, takeTurns } from '../guard/turns.js';
import { CONFIDENCE, looksOf } from '../guard/verdict.js';
import { Options, UsageError } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { table } from '../report/table.js';

export interface GuardSettings extends TurnSettings {
  readonly workloads: readonly GuardWorkloadName[];
  /** 0.02 allows 2 %. */
  readonly bound: number;
  /** How many turns are taken before each look at the ratios. */
  readonly looks: readonly number[];
  /** For the turns of all workloads together. */
  readonly minutesMax: number;
  /** Null: nothing is counted. */
  readonly counters: CounterSettings | null;
}

export interface GuardResult {
  readonly verdict: 'within' | 'loss' | 'undecided';
  readonly turns: Readonly<Partial<Record<GuardWorkloadName, Turns>>>;
}

/** The working tree that this bench was built from. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const WORKING_TREE = 'worktree';
const exitCodes: Readonly<Record<GuardResult['verdict'], number>> = { within: 0, loss: 1, undecided: 3 };

export const guardUsage = `guard [--base REV] [--head REV|worktree] [--workloads ${guardWorkloadNames.join(',')}]
        [--bound 2] [--turns 8] [--turns-max 64] [--minutes 60] [--windows 6] [--seconds 0.25] [--warm-up 1]
        [--counts yes|no] [--counted-calls 50000] [--callgrind yes|no] [--json FILE]`;

export async function guardCommand(args: readonly string[]): Promise<number> {
  const options = new Options(args, {
    base: null,
    head: WORKING_TREE,
    workloads: guardWorkloadNames.join(','),
    bound: '2',
    turns: '8',
    'turns-max': '64',
    minutes: '60',
    windows: '6',
    seconds: '0.25',
    'warm-up': '1',
    counts: 'yes',
    'counted-calls': '50000',
    callgrind: 'no',
    json: null,
  });
  const calls = options.whole('counted-calls', 1000);
  const callgrind = options.oneOf('callgrind', ['yes', 'no']) === 'yes';
  if (callgrind && !hasValgrind()) throw new UsageError('--callgrind needs valgrind, which is not installed here');
  const counted = options.oneOf('counts', ['yes', 'no']) === 'yes';
  const settings: GuardSettings = {
    workloads: options.listOf('workloads', guardWorkloadNames),
    bound: options.number('bound', 0.1) / 100,
    looks: looksOf(options.whole('turns', 1), options.whole('turns-max', 1)),
    minutesMax: options.number('minutes', 0),
    windows: options.whole('windows', 1),
    seconds: options.number('seconds', 0.01),
    warmUpSeconds: options.number('warm-up', 0),
    counters: counted ? { calls, warmUpCalls: calls, callgrind } : null,
    pinning: findPinning(),
  };
  const environment = describeEnvironment(settings.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const { base, head } = await sides(options.text('base'), options.text('head') ?? WORKING_TREE);
  const result = await guard(settings, base, head);
  keepRaw(options.text('json'), {
    command: 'guard',
    environment,
    settings,
    base: base.title,
    head: head.title,
    ...result,
  });
  return exitCodes[result.verdict];
}

/** Both commits with a build in them. */
async function sides(baseName: string | null, headName: string): Promise<{ base: Checkout; head: Checkout }> {
  const commitNamed = (name: string, option: string): string => {
    const commit = commitOf(root, name);
    if (commit === null) throw new UsageError(`--${option}: there is no commit ${name}`);
    return commit;
  };
  const isTree = headName === WORKING_TREE;
  const headCommit = commitNamed(isTree ? 'HEAD' : headName, 'head');
  const dirty = isTree && git(root, 'status', '--porcelain', '--untracked-files=no') !== '';
  const { commit, why } =
    baseName === null
      ? defaultBase(root, headCommit, dirty)
      : { commit: commitNamed(baseName, 'base'), why: `--base ${baseName}` };
  console.log(`base: ${commit.slice(0, 12)}, ${git(root, 'log', '-1', '--format=%s', commit)} (${why})`);
  console.log(
    `head: ${isTree ? `the working tree at ${headCommit.slice(0, 12)}${dirty ? ', with changes' : ''}` : headName}`,
  );
  const head = isTree ? copyBuild(root) : await checkOut(root, headCommit);
  return { base: await checkOut(root, commit), head };
}

/** Compares and prints. */
export async function guard(settings: GuardSettings, base: Checkout, head: Checkout): Promise<GuardResult> {
  const rose = settings.counters === null ? [] : await guardCounts(settings.workloads, settings.counters, base, head);
  const turns = await guardTurns(settings, base, head);
  const lost = [...rose, ...named(turns, 'loss')];
  const undecided = named(turns, 'undecided');
  if (lost.length > 0) console.log(`\nguard: LOSS: ${lost.join(', ')}`);
  if (undecided.length > 0) console.log(`\nguard: undecided: ${undecided.join(', ')}`);
  const verdict = lost.length > 0 ? 'loss' : undecided.length > 0 ? 'undecided' : 'within';
  if (verdict === 'within') console.log('\nguard: everything is within the bound');
  return { verdict, turns };
}

/** Counts every workload on both sides. Returns the names of counts that rose. */
export async function guardCounts(
  workloads: readonly GuardWorkloadName[],
  counters: CounterSettings,
  base: Checkout,
  head: Checkout,
): Promise<string[]> {
  const rose: string[] = [];
  console.log(
    `\ncounted in one process, per call, item or MB (a loss is a rise by more than ${COUNT_RISE_MAX * 100} %)`,
  );
  for (const workload of workloads) {
    const lines = await countsOfBoth(base, head, workload, counters);
    rose.push(...lines.filter(({ verdict }) => verdict === 'loss').map(({ name }) => `${workload} ${name}`));
    console.log(`\n${table([[workload, 'base', 'head', '', ''], ...lines.map(counterRow)], 1)}`);
  }
  return rose;
}

/** Takes the turns of every workload. */
async function guardTurns(settings: GuardSettings, base: Checkout, head: Checkout): Promise<GuardResult['turns']> {
  const { workloads, bound, looks, minutesMax, windows, seconds } = settings;
  console.log(
    `\ncost in turns: looks after ${looks.join(', ')} turns of ${windows} windows of ${seconds} s for each commit; ` +
      `every verdict with ${CONFIDENCE * 100} % confidence\n`,
  );
  const turns: Partial<Record<GuardWorkloadName, Turns>> = {};
  const rows = [turnsHead];
  const endMs = performance.now() + minutesMax * 60_000;
  for (const [index, workload] of workloads.entries()) {
    // What is left of the time, in equal parts for the workloads that are left.
    const untilMs = performance.now() + (endMs - performance.now()) / (workloads.length - index);
    const taken = new WorkloadTurns({ base, head }, workload, settings);
    const found = await takeTurns({ bound, looks, untilMs }, async (turn) => {
      const costs = await taken.take(turn);
      process.stderr.write(`${workload}, turn ${turn + 1}: ${turnText(costs)}\n`);
      return costs;
    });
    turns[workload] = found;
    rows.push(...turnsRows(workload, found, bound));
  }
  console.log(table(rows, 2));
  return turns;
}

/** A loss is counted a second time on both sides: what was chance does not come again. */
async function countsOfBoth(
  base: Checkout,
  head: Checkout,
  workload: GuardWorkloadName,
  counters: CounterSettings,
): Promise<CounterLine[]> {
  const count = async (): Promise<CounterLine[]> => {
    const counts: Counts[] = [];
    for (const { folder, title } of [base, head]) {
      process.stderr.write(`${workload}: counting ${title}\n`);
      counts.push(await countCalls(folder, workload, counters));
    }
    return compareCounts(counts[0] as Counts, counts[1] as Counts);
  };
  const lines = await count();
  return lines.some(({ verdict }) => verdict === 'loss') ? leastLoss(lines, await count()) : lines;
}
