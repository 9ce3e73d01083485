/**
 * `bench -- rolling`: servers that are restarted one after the other under load. No call may fail when they drain; when they are killed,
 * only calls may fail that may have run and are not idempotent.
 */
import { command, common, option } from '../options.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { type RollingCase, type RollingRun, type RollingSettings, roll } from '../rolling/restarts.js';

const cases = {
  drain: { signal: 'SIGTERM', method: 'once', waitForReady: false },
  'kill-idempotent': { signal: 'SIGKILL', method: 'again', waitForReady: true },
  kill: { signal: 'SIGKILL', method: 'once', waitForReady: true },
} as const satisfies Record<string, RollingCase>;

export type RollingCaseName = keyof typeof cases;
export const rollingCases = Object.keys(cases) as readonly RollingCaseName[];

const titles: Readonly<Record<RollingCaseName, string>> = {
  drain: 'SIGTERM with drain',
  'kill-idempotent': 'SIGKILL, idempotent method',
  kill: 'SIGKILL, any other method',
};

const options = {
  servers: option.whole('COUNT', 3, 2, 'server processes'),
  restarts: option.whole('COUNT', 20, 1, 'restarts of each server'),
  callers: option.whole('COUNT', 200, 1, 'callers over one channel'),
  calls: option.whole('COUNT', 1_000_000, 1, 'calls of each case'),
  deadline: option.number('SECONDS', 10, 0.1, 'deadline of a call'),
  cases: option.listOf(rollingCases, rollingCases, 'cases'),
  json: common.json,
} as const;

export const rollingCommand = command(
  'rolling',
  'servers restarted in turn under many callers: failed and repeated calls',
  options,
  async (values) => {
    const settings: RollingSettings = {
      servers: values.servers,
      restarts: values.restarts,
      callers: values.callers,
      calls: values.calls,
      deadlineMs: values.deadline * 1000,
    };
    const names = values.cases;
    const environment = describeEnvironment('not pinned: the processes share all cores');
    console.log(`${environmentText(environment)}\n`);
    const from = performance.now();
    const { problems, runs } = await rolling(settings, names);
    console.log(`\nall of it took ${fixed((performance.now() - from) / 1000, 1)} s`);
    for (const problem of problems) console.log(`FAILED: ${problem}`);
    keepRaw(values.json, { command: 'rolling', environment, settings, runs });
    return problems.length === 0 ? 0 : 1;
  },
);

/** All cases, printed. `problems`: what must not have happened, in words. */
export async function rolling(
  settings: RollingSettings,
  names: readonly RollingCaseName[],
): Promise<{ readonly problems: readonly string[]; readonly runs: readonly RollingRun[] }> {
  const { servers, restarts, callers, deadlineMs } = settings;
  const runs: RollingRun[] = [];
  const problems: string[] = [];
  for (const name of names) {
    process.stderr.write(`${titles[name]}: ${servers} servers, ${restarts} restarts each\n`);
    const run = await roll(cases[name], settings);
    runs.push(run);
    problems.push(...problemsOf(run).map((text) => `${titles[name]}: ${text}`));
  }
  console.log(
    `${servers} servers, each restarted ${restarts} times, in turn; ${callers} callers, one channel, deadline ${deadlineMs / 1000} s\n`,
  );
  console.log(table(rows(names, runs), 1));
  for (const [index, { rolled }] of runs.entries()) {
    for (const text of rolled.failures) console.log(`${titles[names[index]]}: ${text}`);
  }
  return { problems, runs };
}

/** One column a case. */
function rows(names: readonly RollingCaseName[], runs: readonly RollingRun[]): string[][] {
  const row = (title: string, cell: (run: RollingRun) => string): string[] => [title, ...runs.map(cell)];
  return [
    ['', ...names.map((name) => titles[name])],
    row('calls', ({ account }) => whole(account.calls)),
    row('failed, not begun', ({ account }) => whole(account.failedUnstarted + account.failedOtherwise)),
    row('failed, may have begun', ({ account }) => whole(account.failedMaybe)),
    row('executions', ({ account }) => whole(account.executions)),
    row('calls executed twice', ({ account }) => whole(account.executedTwice)),
    row('answered, never executed', ({ account }) => whole(account.answeredUnexecuted)),
    row('executed, said not to be', ({ account }) => whole(account.executedUnstarted)),
    row('retries', ({ rolled }) => whole(rolled.retries)),
    row('calls/s', ({ account, seconds }) => whole(account.calls / seconds)),
    row('p50 ms', ({ rolled }) => fixed(rolled.p50Ms, 2)),
    row('p99 ms', ({ rolled }) => fixed(rolled.p99Ms, 2)),
    row('p99.9 ms', ({ rolled }) => fixed(rolled.p999Ms, 1)),
    row('longest call, ms', ({ rolled }) => fixed(rolled.mostMs, 0)),
    row('no call ended for, ms', ({ rolled }) => fixed(rolled.silentMs, 0)),
    row('a server ends in, ms', ({ endingMs }) => fixed(median(endingMs), 0)),
    row('the next is up in, ms', ({ startingMs }) => fixed(median(startingMs), 0)),
    row('seconds', ({ seconds }) => fixed(seconds, 1)),
  ];
}

/** What must not have happened, in words. */
export function problemsOf(run: RollingRun): string[] {
  const { signal, method, account, wrong, badEnds } = run;
  const problems = [...badEnds];
  const none = (count: number, text: string): void => {
    if (count > 0) problems.push(`${count} ${text}`);
  };
  none(wrong, 'answers were wrong');
  none(account.unknown, 'executions of calls that were never made');
  none(account.answeredUnexecuted, 'calls were answered and never executed');
  none(account.executedUnstarted, 'calls failed with started=no and were executed');
  none(account.failedUnstarted, 'calls failed with started=no');
  none(account.failedOtherwise, 'calls failed without an RpcError');
  // Only idempotent calls may run twice, and only the others may fail.
  if (method === 'once') none(account.executedTwice, 'calls were executed twice');
  if (signal === 'SIGTERM' || method === 'again') none(account.failedMaybe, 'calls failed');
  if (account.answered === 0) problems.push('nothing was answered');
  return problems;
}
