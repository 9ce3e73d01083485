/**
 * `bench -- balance`: which endpoint gets the calls when one of them is slow, fails or is down. The servers' handlers wait and do not
 * compute, so that one machine can stand for six.
 */

import type { Balanced } from '../balance/roles.js';
import {
  type BalanceRuns,
  type BalanceSettings,
  type DownRun,
  type FailingRun,
  runBalance,
  type SlowRun,
  shareOfBad,
} from '../balance/runs.js';
import { SLOWED } from '../balance/service.js';
import { command, common, option } from '../options.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { fixed, table, whole } from '../report/table.js';

const P99_RATIO_MAX = 2;
/** An ejected endpoint gets a call now and then, to probe whether it has recovered. */
const FAILING_SHARE_MAX = 0.02;
/** The default balancer avoids a failing endpoint by itself: with few callers it may not fail often enough to be ejected. */
const FAILURES_SEEN_MIN = 20;
/** Of a channel's calls, and a second on top, of which ten seconds' worth may come at once. */
const RETRY_SHARE_MAX = 0.2;
const RETRIES_PER_SECOND = 10;
const RETRY_WINDOW_SECONDS = 10;

const options = {
  mean: option.number('MS', 10, 1, 'how long a handler waits, in the mean'),
  callers: option.wholes('COUNT', [10, 400], 1, 10_000, 'callers, each a case'),
  seconds: common.seconds(5),
  'warm-up': common.warmUp(2, 0.1),
  json: common.json,
} as const;

export const balanceCommand = command(
  'balance',
  'which endpoint gets the calls when one is slow, fails or is down',
  options,
  async (values) => {
    const settings: BalanceSettings = {
      meanMs: values.mean,
      callers: values.callers,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
    };
    const environment = describeEnvironment('not pinned: the processes share all cores');
    console.log(`${environmentText(environment)}\n`);
    const { problems, results } = await balance(settings, true);
    for (const problem of problems) console.log(`FAILED: ${problem}`);
    keepRaw(values.json, { command: 'balance', environment, settings, ...results });
    return problems.length === 0 ? 0 : 1;
  },
);

/** All three parts, printed. `judged`: not from runs of a moment. */
export async function balance(
  settings: BalanceSettings,
  judged: boolean,
): Promise<{ readonly problems: readonly string[]; readonly results: BalanceRuns }> {
  const problems: string[] = [];
  const judge = (met: boolean, text: string): void => {
    if (!judged) return;
    console.log(`target ${met ? 'met' : 'MISSED'}: ${text}`);
    if (!met) problems.push(`missed: ${text}`);
  };
  const { slowed, failing, down } = await runBalance(settings);
  reportSlow(settings, slowed, judge);
  reportFailing(failing, judge);
  reportDown(down, judge);
  const seen = [...slowed.flatMap(({ healthy, slow }) => [healthy, slow]), ...failing.map(({ healthy }) => healthy)];
  if (seen.some(({ calls }) => calls === 0)) problems.push('nothing was answered');
  if (seen.some(({ callsFailed }) => callsFailed > 0)) problems.push('calls of servers that do not fail failed');
  return { problems, results: { slowed, failing, down } };
}

type Judge = (met: boolean, text: string) => void;

function reportSlow({ meanMs, seconds }: BalanceSettings, runs: readonly SlowRun[], judge: Judge): void {
  console.log(
    `five servers, exponential service times of ${meanMs} ms in the mean, one of them slowed by ${SLOWED} x; windows of ${seconds} s\n`,
  );
  const rows = [['balancer', 'callers', '', 'calls/s', 'p50 ms', 'p99 ms', 'p99 x healthy', 'share of the slow one']];
  for (const { balancer, callers, healthy, onset, slow } of runs) {
    for (const [when, seen] of [
      ['healthy', healthy],
      ['gets slow', onset],
      ['slow', slow],
    ] as const) {
      const first = when === 'healthy' ? [balancer, String(callers)] : ['', ''];
      const times = when === 'healthy' ? '' : fixed(seen.p99Ms / healthy.p99Ms, 2);
      rows.push([
        ...first,
        when,
        perSecond(seen),
        fixed(seen.p50Ms, 1),
        fixed(seen.p99Ms, 1),
        times,
        share(shareOfBad(seen.answered)),
      ]);
    }
  }
  console.log(`${table(rows, 3)}\n`);
  for (const { balancer, callers, healthy, slow } of runs) {
    if (balancer !== 'leastLoaded') continue;
    const times = slow.p99Ms / healthy.p99Ms;
    judge(times <= P99_RATIO_MAX, `p99 with ${callers} callers at most ${P99_RATIO_MAX} x: ${fixed(times, 2)}`);
  }
}

function reportFailing(runs: readonly FailingRun[], judge: Judge): void {
  console.log('\nfive servers, one of them answers every call at once with an error; default balancer\n');
  const rows = [['callers', 'calls/s', 'failed', 'ejected after ms', 'share healthy', 'until ejected', 'ejected']];
  const after: number[] = [];
  for (const { callers, healthy, failing } of runs) {
    const attempts = failing.answered.map((count, index) => count + failing.failed[index]);
    // Where it was not ejected all of the time counts.
    const until = failing.ejection?.attempts ?? attempts.map(() => 0);
    const later = shareOfBad(attempts.map((count, index) => count - until[index]));
    after.push(later);
    rows.push([
      String(callers),
      perSecond(failing),
      whole(failing.callsFailed),
      fixed(failing.ejection?.afterMs ?? Number.NaN, 0),
      share(shareOfBad(healthy.answered)),
      share(shareOfBad(until)),
      share(later),
    ]);
  }
  console.log(`${table(rows, 1)}\n`);
  const most = Math.max(...after);
  judge(most <= FAILING_SHARE_MAX, `its share from then on at most ${share(FAILING_SHARE_MAX)}: ${share(most)}`);
  const spared = runs.filter(({ failing }) => failing.ejection === null && failing.callsFailed >= FAILURES_SEEN_MIN);
  judge(spared.length === 0, `it is ejected, unless it got fewer than ${FAILURES_SEEN_MIN} calls`);
}

function reportDown(runs: readonly DownRun[], judge: Judge): void {
  console.log('\nthree servers, one of them down from the beginning; idempotent method\n');
  const rows = [['it', 'calls', 'failed', 'retries', 'retries/calls', 'budget']];
  const over: string[] = [];
  for (const { how, seen } of runs) {
    const budget = RETRY_SHARE_MAX * seen.calls + RETRIES_PER_SECOND * Math.max(RETRY_WINDOW_SECONDS, seen.ms / 1000);
    if (seen.retries > budget) over.push(how);
    const cells = [whole(seen.calls), whole(seen.callsFailed), whole(seen.retries)];
    rows.push([how, ...cells, share(seen.retries / seen.calls), whole(budget)]);
  }
  console.log(`${table(rows, 1)}\n`);
  judge(over.length === 0, `retries at most 20 % of the calls and 10 a second (${over.join() || 'all'})`);
}

function perSecond({ calls, ms }: Balanced): string {
  return whole((calls / ms) * 1000);
}

function share(value: number): string {
  return Number.isFinite(value) ? `${fixed(value * 100, 1)} %` : '-';
}
