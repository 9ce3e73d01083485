/**
 * `bench -- guard`: has a change made the engine dearer? Two commits in turns, each as processes of its own bench, and counts of a fixed
 * number of calls. Ends with exit code 1 on a loss of more than 5 %, in time with 95 % confidence or in a count.
 */
import { fileURLToPath } from 'node:url';
import { type Checkout, checkOut, commitOf, defaultBase, git } from '../guard/checkouts.js';
import {
  type CounterLine,
  type CounterSettings,
  type Counts,
  compareCounts,
  countCalls,
  counterRow,
  hasValgrind,
  leastLoss,
} from '../guard/counters.js';
import { type GuardWorkload, guardWorkloads } from '../guard/names.js';
import { type Turns, takeTurns } from '../guard/turns.js';
import { CONFIDENCE, LOSS_SHARE_MAX, looksOf } from '../guard/verdict.js';
import { runSide, tooOld } from '../guard/workloads.js';
import type { Times } from '../measure.js';
import { Options, UsageError } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';

export interface GuardSettings extends Times {
  readonly workloads: readonly GuardWorkload[];
  /** How many rounds are run before each look at the ratios. */
  readonly looks: readonly number[];
  readonly counters: CounterSettings;
  readonly pinning: Pinning;
}

export interface GuardResult {
  readonly lost: boolean;
  readonly turns: Readonly<Partial<Record<GuardWorkload, Turns>>>;
}

/** The working tree that this bench was built from. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const WORKING_TREE = 'worktree';
/** Files by which the two sides are driven: where these differ, a difference may be theirs. */
const DRIVERS = [
  'bench/load.ts',
  'bench/measure.ts',
  'bench/canonical.ts',
  'bench/bytes.ts',
  'bench/contenders',
].concat(['bench/process', 'bench/stream']);

export const guardUsage = `guard [--base REV] [--head REV|worktree] [--rounds 8] [--seconds 1.5] [--warm-up 1]
        [--workloads ${guardWorkloads.join(',')}] [--counted-calls 50000] [--callgrind yes|no] [--json FILE]`;

export async function guardCommand(args: readonly string[]): Promise<number> {
  const options = new Options(args, {
    base: null,
    head: WORKING_TREE,
    rounds: '8',
    seconds: '1.5',
    'warm-up': '1',
    workloads: guardWorkloads.join(','),
    'counted-calls': '50000',
    callgrind: 'no',
    json: null,
  });
  const calls = options.whole('counted-calls', 1000);
  const callgrind = options.oneOf('callgrind', ['yes', 'no']) === 'yes';
  if (callgrind && !hasValgrind()) throw new UsageError('--callgrind needs valgrind, which is not installed here');
  const settings: GuardSettings = {
    workloads: workloadsOf(options.text('workloads') ?? ''),
    looks: looksOf(options.whole('rounds', 1)),
    seconds: options.number('seconds', 0.1),
    warmUpSeconds: options.number('warm-up', 0),
    counters: { calls, warmUpCalls: calls, callgrind },
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
  return result.lost ? 1 : 0;
}

/** Both commits with a build in them. */
async function sides(baseName: string | null, headName: string): Promise<{ base: Checkout; head: Checkout }> {
  const named = (name: string, option: string): string => {
    const commit = commitOf(root, name);
    if (commit === null) throw new UsageError(`--${option}: there is no commit ${name}`);
    return commit;
  };
  const isTree = headName === WORKING_TREE;
  const headCommit = named(isTree ? 'HEAD' : headName, 'head');
  const dirty = isTree && git(root, 'status', '--porcelain', '--untracked-files=no') !== '';
  const { commit, why } =
    baseName === null
      ? defaultBase(root, headCommit, dirty)
      : { commit: named(baseName, 'base'), why: `--base ${baseName}` };
  console.log(`base: ${commit.slice(0, 12)}, ${git(root, 'log', '-1', '--format=%s', commit)} (${why})`);
  console.log(
    `head: ${isTree ? `the working tree at ${headCommit.slice(0, 12)}${dirty ? ', with changes' : ''}` : headName}`,
  );
  sayDrivers(commit, isTree ? null : headCommit);
  const head = isTree ? { folder: root, title: 'the working tree' } : await checkOut(root, headCommit);
  return { base: await checkOut(root, commit), head };
}

function sayDrivers(base: string, head: string | null): void {
  const changed = git(root, 'diff', '--name-only', base, ...(head === null ? [] : [head]), '--', ...DRIVERS);
  if (changed === '') return;
  console.log(
    `what drives the two sides differs as well, and part of a difference may be its: ${changed.split('\n').join(', ')}`,
  );
}

/** Compares, prints, and says whether anything was lost. */
export async function guard(settings: GuardSettings, base: Checkout, head: Checkout): Promise<GuardResult> {
  const { workloads, looks, seconds, warmUpSeconds, pinning } = settings;
  const turns: Partial<Record<GuardWorkload, Turns>> = {};
  let lost = false;
  console.log(`\nper call, counted in one process (a loss is a rise by more than ${LOSS_SHARE_MAX * 100} %)`);
  for (const workload of workloads) {
    const lines = await countsOfBoth(base, head, workload, settings);
    lost ||= lines.some(({ verdict }) => verdict === 'loss');
    console.log(`\n${table([[workload, 'base', 'head', '', ''], ...lines.map(counterRow)], 1)}`);
  }
  console.log(
    `\nCPU per call in turns, ${looks.join(', ')} rounds of ${seconds} s at most; a loss, with ${CONFIDENCE * 100} % ` +
      `confidence, when all of the interval is above ${1 + LOSS_SHARE_MAX}\n`,
  );
  const rows = [['workload', 'base us', 'head us', 'head x', 'interval', 'rounds', 'calls/s x', 'verdict']];
  for (const workload of workloads) {
    const found = await takeTurns(looks, (side, round) => {
      process.stderr.write(`${workload}, round ${round + 1}: ${side}\n`);
      return runSide(side === 'base' ? base : head, workload, pinning, { seconds, warmUpSeconds });
    });
    turns[workload] = found;
    lost ||= found.decision.verdict === 'loss';
    rows.push(turnsRow(workload, found));
  }
  console.log(table(rows, 1));
  console.log(lost ? '\nguard: LOSS' : '\nguard: no certain loss');
  return { lost, turns };
}

/** A loss is counted a second time on both sides: what was chance is not there again. */
async function countsOfBoth(
  base: Checkout,
  head: Checkout,
  workload: GuardWorkload,
  { counters }: GuardSettings,
): Promise<CounterLine[]> {
  const count = async (): Promise<CounterLine[]> => {
    const counts: Counts[] = [];
    for (const { folder, title } of [base, head]) {
      process.stderr.write(`${workload}: counting ${title}\n`);
      counts.push(
        await countCalls(`${folder}/.build`, workload, counters).catch((error: unknown) =>
          tooOld(title, workload, error),
        ),
      );
    }
    return compareCounts(counts[0] as Counts, counts[1] as Counts);
  };
  const lines = await count();
  return lines.some(({ verdict }) => verdict === 'loss') ? leastLoss(lines, await count()) : lines;
}

function turnsRow(workload: GuardWorkload, { decision, base, head }: Turns): string[] {
  const { interval, rounds, verdict } = decision;
  const span = Number.isFinite(interval.low)
    ? `${fixed(interval.low, 3)} to ${fixed(interval.high, 3)}`
    : 'too few rounds';
  const us = (runs: Turns['base']): string => fixed(median(runs.map(({ sumUs }) => sumUs)), 3);
  const speed = median(head.map(({ perSecond }, index) => perSecond / (base[index]?.perSecond ?? Number.NaN)));
  return [workload, us(base), us(head), fixed(decision.median, 3), span, whole(rounds), fixed(speed, 3), verdict];
}

function workloadsOf(text: string): GuardWorkload[] {
  return text.split(',').map((name) => {
    const known = guardWorkloads.find((candidate) => candidate === name);
    if (known === undefined) throw new UsageError(`--workloads takes ${guardWorkloads.join(', ')}, not ${name}`);
    return known;
  });
}
