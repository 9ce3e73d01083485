/**
 * `bench -- overload`: how a server behaves under ten times the load that it can carry. First a closed loop finds its peak; then
 * calls come at a fixed rate. Two kinds of handlers: those that wait, of which `limits.executingMax` run at once, and those that
 * compute. The server's heap is capped.
 */
import { command, common, option } from '../options.js';
import { type OverloadCounts, type OverloadMemory, overloadClient, overloadServer } from '../overload/roles.js';
import { loads, type OverloadKind } from '../overload/service.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { fixed, table, whole } from '../report/table.js';

export interface OverloadSettings {
  readonly factors: readonly number[];
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly deadlineMs: number;
  /** What a call of `compute` costs. */
  readonly computeUs: number;
  readonly judged: boolean;
  readonly pinning: Pinning;
}

export interface OverloadStep {
  /** Load as a multiple of the server's peak; 0: the closed loop, which found the peak. */
  readonly factor: number;
  readonly counts: OverloadCounts;
  readonly memory: OverloadMemory;
  /** CPU time of the server by what it answered in time. */
  readonly serverUs: number;
  /** Handlers that ran in vain: their callers had given up. */
  readonly wasted: number;
}

export interface OverloadRun {
  readonly kind: OverloadKind;
  readonly steps: readonly OverloadStep[];
  readonly wrong: number;
  readonly failure: string;
}

const GOODPUT_MIN = 0.8;
const HEAP_MIB_MAX = 128;
const MIB = 1024 * 1024;
/** Callers of the closed loop: enough to keep every handler busy. */
const CALLERS = 64;
const ACT_MS_MAX = 120_000;

const options = {
  factors: option.wholes('FACTOR', [1, 2, 10], 1, 100, 'rates, by what the server can do'),
  connections: option.whole('COUNT', 32, 1, 'connections'),
  seconds: common.seconds(5),
  'warm-up': common.warmUp(2, 0.1),
  'deadline-ms': option.whole('MS', 500, 1, 'deadline of a call'),
  'compute-us': option.whole('US', 400, 1, 'what a handler computes'),
  json: common.json,
} as const;

export const overloadCommand = command(
  'overload',
  'what a server answers under ten times the load that it can carry',
  options,
  async (values) => {
    const settings: OverloadSettings = {
      factors: values.factors,
      connections: values.connections,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      deadlineMs: values['deadline-ms'],
      computeUs: values['compute-us'],
      judged: true,
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const { runs, problems } = await overload(settings);
    for (const problem of problems) console.log(`FAILED: ${problem}`);
    keepRaw(values.json, { command: 'overload', environment, settings, runs });
    return problems.length === 0 ? 0 : 1;
  },
);

/** Both kinds, printed. `problems`: what was wrong or missed, in words. */
export async function overload(
  settings: OverloadSettings,
): Promise<{ readonly runs: readonly OverloadRun[]; readonly problems: readonly string[] }> {
  const runs: OverloadRun[] = [];
  const problems: string[] = [];
  for (const kind of loads) {
    const run = await runKind(settings, kind);
    runs.push(run);
    problems.push(...report(settings, run));
  }
  return { runs, problems };
}

function runKind(settings: OverloadSettings, kind: OverloadKind): Promise<OverloadRun> {
  const { connections, deadlineMs, computeUs, seconds, warmUpSeconds, factors, pinning } = settings;
  const roles = {
    server: overloadServer({ kind, computeUs }),
    client: (port: number) => overloadClient({ kind, port, connections, deadlineMs }),
    pinning,
    nodeArguments: [`--max-old-space-size=${HEAP_MIB_MAX}`],
  };
  return withSides(roles, async ({ server, client }) => {
    const steps: OverloadStep[] = [];
    let last = await client.act(`closed:${CALLERS}:${warmUpSeconds}`, ACT_MS_MAX);
    let wrong = last.wrong;
    const step = async (factor: number, act: string): Promise<OverloadCounts> => {
      process.stderr.write(`${kind}: ${act}\n`);
      const before = await server.mark();
      last = await client.act(act, ACT_MS_MAX);
      wrong = last.wrong;
      const counts = last.overload;
      const after = await server.mark();
      steps.push({
        factor,
        counts,
        memory: after.memory,
        serverUs: (after.cpuUs - before.cpuUs) / counts.answered,
        wasted: after.done - before.done - counts.answered,
      });
      return counts;
    };
    const peak = perSecond(await step(0, `closed:${CALLERS}:${seconds}`));
    for (const factor of factors) await step(factor, `open:${Math.round(peak * factor)}:${seconds}`);
    return { kind, steps, wrong, failure: last.failure };
  });
}

function perSecond({ answered, ms }: OverloadCounts): number {
  return (answered / ms) * 1_000;
}

function report({ connections, deadlineMs, judged, factors }: OverloadSettings, run: OverloadRun): string[] {
  const { kind, steps, wrong, failure } = run;
  if (wrong > 0) return [`${kind}: ${wrong} answers were wrong`];
  if (failure !== '') return [`${kind}: ${failure}`];
  const peak = perSecond((steps[0] as OverloadStep).counts);
  console.log(
    `${kind}: ${connections} connections, deadlines of ${deadlineMs} ms, a heap of ${HEAP_MIB_MAX} MiB; all answers checked\n`,
  );
  const head = [
    '',
    'calls/s made',
    'answered/s',
    'by peak',
    'p50 ms',
    'p99 ms',
    'CPU us',
    'wasted',
    'refused',
    'late',
    'here',
    'maybe ran',
    'waiting',
    'heap MiB',
    'RSS MiB',
  ];
  const rows = steps.map(({ factor, counts, memory, serverUs, wasted }) => [
    factor === 0 ? 'closed loop' : `${factor} x`,
    whole((counts.made / counts.ms) * 1_000),
    whole(perSecond(counts)),
    fixed(perSecond(counts) / peak, 2),
    fixed(counts.p50Ms, 0),
    fixed(counts.p99Ms, 0),
    whole(serverUs),
    whole(wasted),
    whole(counts.refused),
    whole(counts.late),
    whole(counts.here),
    whole(counts.mayHaveRun),
    whole(memory.waitingMax),
    fixed(memory.heapBytesMax / MIB, 0),
    fixed(memory.rssBytesMax / MIB, 0),
  ]);
  console.log(table([head, ...rows], 1));
  console.log(
    '\nCPU us: of the server by calls answered; wasted: handlers whose callers had given up. refused: by the server, started=no, elsewhere; late: deadline passed, started=no; here: refused by the caller, whose connections\n' +
      'had all their calls in flight; maybe ran: failed otherwise. Memory: the most so far, of the server.\n',
  );
  const problems: string[] = [];
  const judge = (met: boolean, text: string): void => {
    console.log(`target ${met ? 'met' : 'MISSED'}: ${text}`);
    if (!met) problems.push(`missed: ${kind}: ${text}`);
  };
  const worst = steps.at(-1) as OverloadStep;
  const goodput = perSecond(worst.counts) / peak;
  if (judged)
    judge(
      goodput >= GOODPUT_MIN,
      `at ${factors.at(-1)} x at least ${GOODPUT_MIN * 100} % of the peak are answered in time`,
    );
  if (judged)
    judge(
      worst.counts.mayHaveRun <= worst.counts.made * 0.001,
      'of what is not answered all but one in a thousand did not start',
    );
  judge(worst.memory.heapBytesMax <= HEAP_MIB_MAX * MIB, `the heap stays within ${HEAP_MIB_MAX} MiB`);
  console.log();
  return problems;
}
