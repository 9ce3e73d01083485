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
import { command, common, option, UsageError } from '../options.js';
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

const options = {
  base: option.optionalText('REV', 'the commit to compare with; default: where the branch left the main one'),
  head: option.text('REV', WORKING_TREE, 'the commit that is compared, or worktree'),
  workloads: option.listOf(guardWorkloadNames, guardWorkloadNames, 'workloads'),
  bound: option.number('PERCENT', 2, 0.1, 'how much more the head may cost'),
  turns: option.whole('COUNT', 8, 1, 'turns before the first look; each further look comes after twice as many'),
  'turns-max': option.whole('COUNT', 64, 1, 'turns before the last look'),
  minutes: option.number('MINUTES', 60, 0, 'time for the turns of all workloads together'),
  windows: option.whole('COUNT', 6, 1, 'windows of each side in a turn'),
  seconds: option.number('SECONDS', 0.25, 0.01, "CPU time of the base's client in a window"),
  'warm-up': common.warmUp(1),
  counts: option.yesOrNo('yes', 'count reads, writes, promises and so on as well'),
  'counted-calls': option.whole('COUNT', 50_000, 1000, 'calls that are counted'),
  callgrind: option.yesOrNo('no', 'count instructions as well; needs valgrind'),
  json: common.json,
} as const;

export const guardCommand = command(
  'guard',
  'two commits in turns: fails when the later one costs more than the bound, in CPU time or bytes allocated',
  options,
  async (values) => {
    const calls = values['counted-calls'];
    const callgrind = values.callgrind;
    if (callgrind && !hasValgrind()) throw new UsageError('--callgrind needs valgrind, which is not installed here');
    const counted = values.counts;
    const settings: GuardSettings = {
      workloads: values.workloads,
      bound: values.bound / 100,
      looks: looksOf(values.turns, values['turns-max']),
      minutesMax: values.minutes,
      windows: values.windows,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      counters: counted ? { calls, warmUpCalls: calls, callgrind } : null,
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const { base, head } = await sides(values.base, values.head);
    const result = await guard(settings, base, head);
    keepRaw(values.json, {
      command: 'guard',
      environment,
      settings,
      base: base.title,
      head: head.title,
      ...result,
    });
    return exitCodes[result.verdict];
  },
);

/** Both commits with a build in them. */
async function sides(baseName: string | null, headName: string): Promise<{ base: Checkout; head: Checkout }> {
  const commitNamed = (name: string, optionName: string): string => {
    const commit = commitOf(root, name);
    if (commit === null) throw new UsageError(`--${optionName}: there is no commit ${name}`);
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

/** A loss is counted a second time on both sides, which rules out chance. */
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
