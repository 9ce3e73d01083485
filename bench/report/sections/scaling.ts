/** The part of the report that `bench -- scaling` fills: what a call costs as the load grows in one direction. */
import { type LinePanel, lineChart } from '../charts/lines.js';
import { short, shortBytes } from '../charts/scale.js';
import type { ResultFile, ScalingSample } from '../results-files.js';
import { grouped, markdownChart, type ReportTable, type Section, sourceOf, three } from '../section.js';
import { medians } from '../statistics.js';

const titles: Readonly<Record<string, readonly [title: string, unit: string]>> = {
  connections: ['connections, 512 calls over all', 'call'],
  connectionsEach: ['connections, 4 calls on each', 'call'],
  messageBytes: ['bytes of a message', 'call'],
  inFlight: ['calls in flight', 'call'],
  streams: ['streams, for await', 'item'],
  streamBatches: ['streams, batches()', 'item'],
  processes: ['server processes', 'call'],
};

interface Point {
  readonly value: number;
  readonly samples: readonly ScalingSample[];
}

interface AxisPoints {
  readonly title: string;
  readonly unit: string;
  readonly name: string;
  readonly points: readonly Point[];
  readonly problems: readonly string[];
}

export function scalingSection(file: ResultFile<ScalingSample>): Section {
  const axes = [...grouped(file.samples, ({ axis }) => axis)].map(([name, samples]) => axisOf(name, samples));
  const source = sourceOf(file);
  const title = 'Cost per call as the load grows';
  const chart = {
    file: 'scaling.svg',
    text: `CPU time per call and calls per second, by ${axes.map((axis) => axis.title).join('; by ')}`,
    svg: lineChart({
      name: 'scaling',
      title: title,
      description: axes.map(describe).join(' '),
      source: `${source} Solid: CPU time per call or item, client and server together. Dashed: thousands of calls or items per second.`,
      columns: 3,
      panelHeight: 170,
      panels: axes.map(panelOf),
    }),
  };
  return {
    id: 'scaling',
    title,
    paragraphs: [
      'One parameter grows, the others stay fixed. Both sides share this machine, so more processes than cores cannot answer more calls.',
    ],
    charts: [chart],
    tables: axes.map(tableOf),
    source,
    readme: [`${title}:`, markdownChart(chart), source].join('\n\n'),
  };
}

function axisOf(name: string, samples: readonly ScalingSample[]): AxisPoints {
  const [title, unit] = titles[name] ?? [name, 'call'];
  const problems = samples.flatMap(({ value, problem }) => (problem ? [`${value}: ${problem}`] : []));
  const right = samples.filter(({ problem, value }) => !problem && value > 0);
  const groups = grouped(right, ({ value }) => value);
  const points = [...groups].map(([value, own]) => ({ value, samples: own })).toSorted((a, b) => a.value - b.value);
  return { title, unit, name, points, problems };
}

function panelOf({ title, unit, name, points }: AxisPoints): LinePanel {
  const at = points.map(({ value, samples }) => ({ value, figures: medians(samples) }));
  const text = name === 'messageBytes' ? shortBytes : shortCount;
  return {
    title: `by ${title}`,
    xTitle: '',
    xTicks: points.map(({ value }) => [value, text(value)] as const),
    xScale: 'log',
    series: [
      { label: `µs/${unit}`, look: 0, points: at.map(({ value, figures }) => [value, figures.sumUs] as const) },
      { label: 'k/s', look: 1, points: at.map(({ value, figures }) => [value, figures.perSecond / 1000] as const) },
    ],
  };
}

function shortCount(value: number): string {
  return value < 10_000 ? value.toLocaleString('en-US') : short(value);
}

function tableOf({ title, unit, name, points, problems }: AxisPoints): ReportTable {
  const rows = points.map(({ value, samples }) => {
    const { perSecond, clientUs, serverUs, sumUs } = medians(samples);
    const bytes = samples[0]?.bytesPerSecond ?? 0;
    const mebibytes = three((perSecond * (bytes / (samples[0]?.perSecond ?? Number.NaN))) / 2 ** 20);
    const text = name === 'messageBytes' ? shortBytes(value) : value.toLocaleString('en-US');
    return [text, three(perSecond), mebibytes, three(clientUs), three(serverUs), three(sumUs)];
  });
  for (const problem of problems) rows.push([`FAILED: ${problem}`, '-', '-', '-', '-', '-']);
  return {
    caption: `by ${title}`,
    head: [title, `${unit}s/s`, 'MiB/s one way', 'client µs', 'server µs', `CPU µs/${unit}`],
    rows,
    left: 0,
  };
}

function describe({ title, unit, points }: AxisPoints): string {
  const texts = points.map(({ value, samples }) => {
    const { perSecond, sumUs } = medians(samples);
    return `${value}: ${three(sumUs)} µs per ${unit}, ${three(perSecond)} per second`;
  });
  return `By ${title}: ${texts.join('; ')}.`;
}
