/** Prints `bench -- latency`: a table for the engine, one of all contenders at the same rate, one of each at half its own peak. */
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import type { OpenCounts } from './open-loop.js';
import { COMMON_SHARE, type LatencyRun, type LatencySample, type LatencySettings } from './run.js';

const P999_MS_MAX = 10;
/** A rate counts as carried when this part of it was answered in time. */
const CARRIED_MIN = 0.99;

/** Prints the result. Returns the exit code: 1 when an answer was wrong or a call of the engine failed, and then no figures. */
export function reportLatencies(settings: LatencySettings, { samples, generator }: LatencyRun): number {
  const bad = samples.find(({ contender, wrong, failed }) => wrong > 0 || (contender === 'engine' && failed > 0));
  if (bad !== undefined) {
    const text = bad.wrong > 0 ? `${bad.wrong} answers were wrong` : `${bad.failed} calls failed: ${bad.failure}`;
    console.log(`FAILED: ${bad.contender}: ${text}`);
    return 1;
  }
  const { others, shares, rounds, outstandingMax, callers } = settings;
  const engine = (share: number): LatencySample[] => of(samples, 'engine', share);
  console.log(
    `arrivals at fixed intervals, one connection, at most ${whole(outstandingMax)} outstanding; latency from the intended moment; medians of ${rounds} rounds; answers checked\n`,
  );
  const peak = whole(
    middle(
      samples.filter(({ contender }) => contender === 'engine'),
      'peakPerSecond',
    ),
  );
  console.log(`engine, peak ${peak} calls/s (closed loop, ${callers} in flight)\n`);
  console.log(latencyTable(shares.map((share) => [`${Math.round(share * 100)} %`, engine(share)])));
  const common = engine(COMMON_SHARE);
  if (others.length > 0 && common.length > 0) {
    const rows = (share: number | null): [string, LatencySample[]][] =>
      others.map(({ name, title }) => [title, of(samples, name, share)]);
    console.log(`\nthe same rate for everybody: half of the engine's peak\n`);
    console.log(latencyTable([['engine', common], ...rows(null)]));
    console.log('\nhalf of its own peak for everybody\n');
    console.log(latencyTable([['engine', common], ...rows(COMMON_SHARE)]));
  }
  console.log(`\n${legend}`);
  printGenerator(generator);
  printFailures(settings, samples);
  const targets = settings.judged ? targetLines(settings, samples) : [];
  if (targets.length > 0) console.log(`\n${targets.join('\n')}`);
  return 0;
}

const legend =
  'late: from the intended moment to the turn of the event loop that sent the call, a part of its latency. not answered: due, and not sent or\n' +
  'not answered 1 s behind the end; they count with their age then, so that the quantiles are lower bounds. CPU: of the server by calls; the client spins.';

const microseconds = ['p50Us', 'p90Us', 'p99Us', 'p999Us', 'p9999Us', 'maxUs', 'lateP50Us', 'lateP999Us'] as const;

function latencyTable(rows: readonly (readonly [string, readonly LatencySample[]])[]): string {
  const head = [
    '',
    'calls/s due',
    'answered',
    'p50 ms',
    'p90',
    'p99',
    'p99.9',
    'p99.99',
    'max',
    'late p50',
    'p99.9',
    'CPU us',
    'not answered',
  ];
  const lines = rows.map(([title, samples]) => [
    title,
    whole(middle(samples, 'ratePerSecond')),
    whole(middle(samples, 'achievedPerSecond')),
    ...microseconds.map((figure) => fixed(middle(samples, figure) / 1_000, 2)),
    fixed(middle(samples, 'serverUs'), 2),
    whole(median(samples.map(({ unsent, unanswered }) => unsent + unanswered))),
  ]);
  return table([head, ...lines], 1);
}

function printGenerator(generator: readonly OpenCounts[]): void {
  const ms = (figure: (typeof microseconds)[number]): string => fixed(middle(generator, figure) / 1_000, 3);
  console.log(
    `\nthe generator alone, against calls that answer themselves, at half of the engine's peak and with both cores busy: p50 ${ms('p50Us')} ms, p99.9 ${ms('p999Us')}, ` +
      `max ${ms('maxUs')}; ${whole(middle(generator, 'turnsPerSecond'))} turns of the event loop a second`,
  );
}

function printFailures({ others }: LatencySettings, samples: readonly LatencySample[]): void {
  for (const { name, title } of others) {
    const failing = samples.filter(({ contender, failed }) => contender === name && failed > 0);
    const failed = failing.reduce((sum, sample) => sum + sample.failed, 0);
    if (failed > 0) console.log(`\n${title}: ${whole(failed)} calls failed, the first with: ${failing[0]?.failure}`);
  }
}

/** Judges the targets by these samples. */
export function targetLines({ others }: LatencySettings, samples: readonly LatencySample[]): string[] {
  const engine = of(samples, 'engine', COMMON_SHARE);
  if (engine.length === 0) return [];
  const ownMs = middle(engine, 'p999Us') / 1_000;
  const lines = [
    judged(ownMs <= P999_MS_MAX, `p99.9 at half of the peak at most ${P999_MS_MAX} ms: ${fixed(ownMs, 2)}`),
  ];
  for (const { name, title, floor } of others) {
    const rival = of(samples, name, null);
    if (floor || rival.length === 0) continue;
    const rivalMs = middle(rival, 'p999Us') / 1_000;
    const carried = middle(rival, 'achievedPerSecond') >= CARRIED_MIN * middle(rival, 'ratePerSecond');
    const beside = `${fixed(ownMs, 2)} ms, ${fixed(rivalMs, 2)} ms${carried ? '' : ', which did not carry the rate'}`;
    lines.push(judged(ownMs < rivalMs, `p99.9 at that rate below that of ${title}: ${beside}`));
  }
  return lines;
}

function judged(met: boolean, text: string): string {
  return `target ${met ? 'met' : 'MISSED'}: ${text}`;
}

function of(samples: readonly LatencySample[], name: string, share: number | null): LatencySample[] {
  return samples.filter((sample) => sample.contender === name && sample.share === share);
}

function middle<T extends string>(samples: readonly Readonly<Record<T, number>>[], figure: T): number {
  return median(samples.map((sample) => sample[figure]));
}
