/** The part of the report that `bench -- latency` fills: how long calls take that come at a fixed rate. */
import { problemOf } from '../../measure.js';
import { type LineSeries, lineChart } from '../charts/lines.js';
import { short } from '../charts/scale.js';
import type { LatencyFile } from '../results-files.js';
import { grouped, markdownChart, markdownTable, type Section, sourceOf, three } from '../section.js';
import { median } from '../statistics.js';
import { floorTitle } from './rivals.js';

const steps = [
  ['p50Us', 'p50'],
  ['p90Us', 'p90'],
  ['p99Us', 'p99'],
  ['p999Us', 'p99.9'],
  ['p9999Us', 'p99.99'],
] as const;

interface Line {
  readonly contender: string;
  readonly title: string;
  readonly share: number | null;
  readonly rate: number;
  readonly achieved: number;
  /** In microseconds, by `steps`. */
  readonly percentiles: readonly number[];
  readonly problem: string | null;
}

export function latencySection(file: LatencyFile): Section {
  const lines = linesOf(file);
  const own = lines.filter(({ contender }) => contender === 'engine');
  const others = lines.filter(({ contender, share }) => contender !== 'engine' && share === null);
  const half = own.find(({ share }) => share === 0.5);
  const common = half === undefined ? others : [half, ...others];
  const source = sourceOf(file);
  const title = 'Latency at fixed arrival rates';
  const text = `Latency percentiles of the engine at ${own.length} rates, and of ${common.length} programs at one rate`;
  const loads = (line: Line): string => `${Math.round((line.share ?? 0) * 100)} %`;
  const chart = {
    file: 'latency.svg',
    text,
    svg: lineChart({
      name: 'latency',
      title: `${title}, in µs from the intended moment of sending`,
      description: lines.map((line) => `${line.title} at ${short(line.rate)}/s: ${percentilesText(line)}`).join('; '),
      source,
      columns: 2,
      panelHeight: 250,
      panels: [
        panel(
          'Trunkline, at shares of its peak',
          own.map((line, index) => series(line, loads(line), index)),
        ),
        panel(
          `all at ${common[0] === undefined ? 'one rate' : `${short(common[0].rate)} calls/s`}`,
          common.filter(({ problem }) => problem === null).map((line, index) => series(line, line.title, index)),
        ),
      ],
    }),
  };
  const head = ['program', 'load', 'calls/s asked', 'calls/s answered', ...steps.map(([, name]) => `${name} µs`), ''];
  const table = { caption: 'Medians of the rounds', head, rows: lines.map(row), left: 2 };
  const shown = { head: head.slice(0, -1), rows: common.map((line) => row(line).slice(0, -1)), left: 2 };
  const paragraph =
    'Calls start at fixed times, whether or not earlier ones have been answered (an open loop). Latency is measured from the time a ' +
    'call was due, so a program that cannot keep up shows it. Every program gets as many calls per second as the engine at half its peak.';
  return {
    id: 'latency',
    title,
    paragraphs: [paragraph],
    charts: [chart],
    tables: [table],
    source,
    readme: [`${title}. ${paragraph}`, markdownChart(chart), markdownTable(shown), source].join('\n\n'),
  };
}

function linesOf({ samples, settings }: LatencyFile): Line[] {
  const titles = new Map(
    (settings?.others ?? []).map(({ name, title, floor }) => [name, floor ? floorTitle(title) : title]),
  );
  const groups = grouped(samples, ({ contender, share }) => `${contender} ${share}`);
  return [...groups.values()].map((rounds) => {
    const { contender, share } = rounds[0] as (typeof rounds)[number];
    const of = (figure: (typeof steps)[number][0] | 'ratePerSecond' | 'achievedPerSecond'): number =>
      median(rounds.map((sample) => sample[figure]));
    const problems = rounds.map((sample) => problemOf({ ...sample, done: sample.achievedPerSecond }));
    return {
      contender,
      title: titles.get(contender) ?? contender,
      share,
      rate: of('ratePerSecond'),
      achieved: of('achievedPerSecond'),
      percentiles: steps.map(([figure]) => of(figure)),
      problem: problems.find((problem) => problem !== null) ?? null,
    };
  });
}

function series(line: Line, label: string, look: number): LineSeries {
  const points = line.percentiles.flatMap((us, index) => (us > 0 ? [[index, us] as const] : []));
  return { label, look, points };
}

function panel(title: string, all: readonly LineSeries[]) {
  const xTicks = steps.map(([, name], index) => [index, name] as const);
  return { title, xTitle: 'percentile', xTicks, xScale: 'steps' as const, series: all };
}

function row(line: Line): string[] {
  const { title, share, rate, achieved, percentiles, problem } = line;
  const load = share === null ? "half of the engine's peak" : `${Math.round(share * 100)} % of its peak`;
  const figures = problem === null ? percentiles.map(three) : percentiles.map(() => '-');
  return [title, load, three(rate), three(achieved), ...figures, problem ?? ''];
}

function percentilesText({ percentiles, problem }: Line): string {
  return problem ?? percentiles.map((us, index) => `${steps[index]?.[1]} ${three(us)} µs`).join(', ');
}
