/**
 * Counts that do not depend on how busy the machine is: both commits make a fixed number of calls in one process, and what the runtime does
 * is counted instead of timed. A count that rises by more than 5 % is a loss, unless it is so small that it costs nothing. The bound is
 * wider than that of the turns: how reads and writes fall together differs a little between two runs of the same commit.
 */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixed } from '../report/table.js';
import type { CountedRole } from './counted-run.js';
import { type GuardWorkloadName, guardWorkloads } from './names.js';

export type Counts = Readonly<Record<string, number>>;

export interface CounterSettings {
  readonly calls: number;
  readonly warmUpCalls: number;
  /** Instructions as well, by valgrind's callgrind. */
  readonly callgrind: boolean;
}

export interface CounterLine {
  readonly name: string;
  readonly base: number;
  readonly head: number;
  readonly verdict: 'loss' | 'held';
}

const ENTRY = fileURLToPath(new URL('counted-run.js', import.meta.url));
const execute = promisify(execFile);
const RUN_MS_MAX = 300_000;
/** A count that rises by more than this share is a loss. */
export const COUNT_RISE_MAX = 0.05;

/**
 * A smaller rise than this is not a loss, however large its share: reads and writes fall together a little differently each time, and one
 * more timer in a thousand calls costs nothing.
 */
const leastRise: Counts = {
  writes: 0.01,
  reads: 0.01,
  wireBytes: 0.5,
  promises: 0.01,
  ticks: 0.01,
  microtasks: 0.01,
  immediates: 0.01,
  timers: 0.01,
  instructions: 100,
};

/** Calls of the two runs under callgrind: what both do, starting Node and compiling, cancels out in their difference. */
const CALLGRIND_CALLS = [40_000, 80_000] as const;
/** A blob takes a thousand times as long. */
const BLOBS_PER_CALL = 1 / 40;

/** Per unit of the workload, by name. `folder`: that of the checkout. */
export async function countCalls(
  folder: string,
  workload: GuardWorkloadName,
  settings: CounterSettings,
): Promise<Counts> {
  const share = workload === 'blob' ? BLOBS_PER_CALL : 1;
  const role = {
    folder,
    workload,
    warmUpCalls: Math.ceil(settings.warmUpCalls * share),
    calls: Math.ceil(settings.calls * share),
  };
  const events = await countedRun([], { ...role, count: 'events' });
  const counts = JSON.parse(events.stdout) as Counts;
  if (!settings.callgrind) return counts;
  const collected: number[] = [];
  for (const calls of CALLGRIND_CALLS.map((number) => Math.ceil(number * share))) {
    const { stderr } = await countedRun(CALLGRIND, { ...role, count: 'calls', warmUpCalls: 0, calls });
    const found = /Collected : (\d+)/.exec(stderr);
    if (found === null) throw new Error(`callgrind said no number of instructions:\n${stderr}`);
    collected.push(Number(found[1]));
  }
  const [few = 0, many = 0] = collected;
  const units = (CALLGRIND_CALLS[1] - CALLGRIND_CALLS[0]) * share * guardWorkloads[workload].units;
  return { ...counts, instructions: (many - few) / units };
}

/**
 * Code that V8 writes while it runs must be translated anew, hence `--smc-check`. The compiler and the collector work on the main thread
 * and hashes have one seed, so that two runs differ little.
 */
const CALLGRIND: readonly string[] = [
  'valgrind',
  '--tool=callgrind',
  '--callgrind-out-file=/dev/null',
  '--smc-check=all-non-file',
];
const NODE_UNDER_CALLGRIND: readonly string[] = ['--single-threaded', '--hash-seed=1', '--random-seed=1'];

export function hasValgrind(): boolean {
  try {
    execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function countedRun(around: readonly string[], role: CountedRole): Promise<{ stdout: string; stderr: string }> {
  const node = around.length === 0 ? [process.execPath] : [process.execPath, ...NODE_UNDER_CALLGRIND];
  const [name, ...args] = [...around, ...node, ENTRY, JSON.stringify(role)];
  return execute(name as string, args, { timeout: RUN_MS_MAX, killSignal: 'SIGKILL' });
}

/** Counts of both sides, line by line. A count that only one side has is omitted. */
export function compareCounts(base: Counts, head: Counts): CounterLine[] {
  return Object.entries(head).flatMap(([name, value]) => {
    const before = base[name];
    if (before === undefined) return [];
    const rise = value - before;
    const lost = rise > before * COUNT_RISE_MAX && rise > (leastRise[name] ?? 0);
    return [{ name, base: before, head: value, verdict: lost ? ('loss' as const) : ('held' as const) }];
  });
}

/** Of two counts of the same calls, line by line: a loss is one only when both counts show it. */
export function leastLoss(first: readonly CounterLine[], second: readonly CounterLine[]): CounterLine[] {
  return first.map((line) => {
    const again = second.find(({ name }) => name === line.name);
    return line.verdict === 'loss' && again?.verdict === 'held' ? again : line;
  });
}

export function counterRow({ name, base, head, verdict }: CounterLine): string[] {
  const digits = Math.max(base, head) >= 100 ? 0 : 4;
  const change = base === 0 ? '' : `${head >= base ? '+' : ''}${fixed((head / base - 1) * 100, 1)} %`;
  return [name, fixed(base, digits), fixed(head, digits), change, verdict];
}
