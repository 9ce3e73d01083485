/** The parts of the report that `bench -- rivals` fills: unary calls, large bytes, streams, who took part, and the targets. */
import { RivalFigures } from '../../rivals/figures.js';
import type { Rival } from '../../rivals/rival.js';
import type { RivalCase } from '../../rivals/run.js';
import { caseTitle, engineOf, isEngine } from '../../rivals/tables.js';
import { targetLines } from '../../rivals/targets.js';
import { type BarRow, barChart } from '../charts/bars.js';
import type { Kind } from '../charts/drawing.js';
import type { ReportedRival, RivalsFile } from '../results-files.js';
import { grouped, markdownChart, markdownTable, type ReportTable, type Section, sourceOf, three } from '../section.js';

interface Shown {
  readonly file: RivalsFile;
  readonly figures: RivalFigures;
  /** As the code of `rivals` takes them. */
  readonly rivals: readonly Rival[];
  readonly cases: readonly RivalCase[];
}

export function rivalSections(file: RivalsFile): Section[] {
  const cases = [...grouped(file.samples, ({ workload, inFlight }) => `${workload} ${inFlight}`).values()].map(
    ([sample]) => sample as RivalCase,
  );
  const rivals = file.rivals.map((rival) => ({ ...rival, command: [] }));
  const shown = { file, figures: new RivalFigures(file.samples), rivals, cases };
  const sections = [
    unarySection(shown),
    caseSection(shown, 'blob'),
    caseSection(shown, 'stream'),
    targetSection(shown),
  ];
  return [...sections.flatMap((section) => section ?? []), setUpSection(file)];
}

export function kindOf({ name, floor }: Pick<ReportedRival, 'name' | 'floor'>): Kind {
  if (isEngine(name)) return 'engine';
  return floor ? 'floor' : 'rival';
}

/** One row a contender, the fastest in the last case first. */
function barRows({ figures, rivals }: Shown, cases: readonly RivalCase[]): BarRow[] {
  const rows = rivals.map((rival) => ({
    label: rival.title,
    kind: kindOf(rival),
    values: cases.map((one) => figures.medians(rival.name, one)?.perSecond ?? null),
  }));
  const last = (row: BarRow): number => row.values.findLast((value) => value !== null) ?? 0;
  return rows.filter((row) => row.values.some((value) => value !== null)).toSorted((a, b) => last(b) - last(a));
}

/** A floor says that it is one. */
export function floorTitle(title: string): string {
  return title.includes('floor') ? title : `${title} (floor)`;
}

const perSecond = { unary: 'calls/s', blob: 'echoes/s', stream: 'items/s' } as const;

function caseTableOf({ figures, rivals }: Shown, one: RivalCase): ReportTable {
  const engine = engineOf(one, rivals);
  const rows: { readonly speed: number; readonly cells: string[] }[] = [];
  for (const { name, title, language, floor, workloads } of rivals) {
    if (!workloads.includes(one.workload)) continue;
    const called = floor ? floorTitle(title) : title;
    const own = figures.medians(name, one);
    if (own === null) {
      rows.push({
        speed: 0,
        cells: [called, language, '-', '-', '-', '-', '-', '-', figures.problem(name, one) ?? 'not run'],
      });
      continue;
    }
    const { clientUs, serverUs, sumUs } = own;
    const costs = [three(clientUs), three(serverUs), three(sumUs)];
    const against = isEngine(name) ? ['', '', ''] : contest(figures, engine, name, one);
    rows.push({ speed: own.perSecond, cells: [called, language, three(own.perSecond), ...costs, ...against] });
  }
  const unit = perSecond[one.workload];
  return {
    caption: caseTitle(one),
    head: ['program', 'language', unit, 'client µs', 'server µs', 'CPU µs', `engine: ${unit} x`, 'CPU x', 'the engine'],
    rows: rows.toSorted((a, b) => b.speed - a.speed).map(({ cells }) => cells),
    left: 2,
  };
}

function contest(figures: RivalFigures, engine: string, rival: string, one: RivalCase): string[] {
  const speed = figures.ratio(engine, rival, one, 'perSecond');
  const cpu = figures.ratio(engine, rival, one, 'sumUs');
  if (speed === null || cpu === null) return ['-', '-', ''];
  const verdict = cpu <= 1 ? (speed >= 1 ? 'won' : 'lost in speed') : speed >= 1 ? 'lost in CPU' : 'lost';
  return [three(speed), three(cpu), verdict];
}

const UNARY_TEXT =
  'One connection; server and client are processes, each pinned to a core where possible; default settings; the canonical record ' +
  'is encoded and decoded on both sides; every answer is checked. Ratios are medians over the rounds. The floor is not a rival: it ' +
  'does the minimum work, without what makes an engine usable.';

function unarySection(shown: Shown): Section | null {
  const cases = shown.cases.filter(({ workload }) => workload === 'unary').toSorted((a, b) => a.inFlight - b.inFlight);
  const most = cases.at(-1);
  if (most === undefined) return null;
  const rows = barRows(shown, cases);
  const source = sourceOf(shown.file);
  const title = 'Unary calls per second';
  const text = `Calls per second of ${rows.length} programs with ${cases.map(({ inFlight }) => inFlight).join(', ')} calls in flight`;
  const chart = {
    file: 'throughput.svg',
    text,
    svg: barChart({
      name: 'throughput',
      title,
      description: describeRows(
        rows,
        cases.map(({ inFlight }) => `${inFlight} in flight`),
        'calls/s',
      ),
      source,
      scale: 'log',
      panels: cases.map(({ inFlight }) => `${inFlight} in flight`),
      rows,
    }),
  };
  return {
    id: 'unary',
    title,
    paragraphs: [UNARY_TEXT],
    charts: [chart],
    tables: cases.map((one) => caseTableOf(shown, one)),
    source,
    readme: [
      `\`npm run bench -- rivals\` measures calls per second and CPU time per call, client and server together. ${UNARY_TEXT}`,
      markdownTable(unaryReadme(shown, cases, most)),
      `${source} [bench/README.md](bench/README.md) says how it is measured.`,
    ].join('\n\n'),
  };
}

/** All contenders in one table: calls/s at each load, and how the engine stands with the most in flight. */
function unaryReadme(shown: Shown, cases: readonly RivalCase[], most: RivalCase): ReportTable {
  const { figures, rivals } = shown;
  const order = caseTableOf(shown, most).rows.map(([title]) => title);
  const rows = rivals
    .filter(({ workloads }) => workloads.includes('unary'))
    .map(({ name, title, floor }) => {
      const called = floor ? floorTitle(title) : title;
      const speeds = cases.map((one) => three(figures.medians(name, one)?.perSecond ?? null));
      const against = isEngine(name) ? ['', ''] : contest(figures, 'engine', name, most).slice(0, 2);
      return [called, ...speeds, three(figures.medians(name, most)?.sumUs ?? null), ...against];
    })
    .toSorted((a, b) => order.indexOf(a[0] as string) - order.indexOf(b[0] as string));
  const head = ['calls/s with so many in flight', ...cases.map(({ inFlight }) => String(inFlight))];
  return {
    caption: '',
    head: [...head, `CPU µs/call (${most.inFlight})`, "engine's calls/s x", "engine's CPU x"],
    rows,
    left: 1,
  };
}

const caseTexts = {
  blob: {
    file: 'blob.svg',
    title: 'Large bytes: echoes of 64 KiB per second',
    paragraph: '16 echoes in flight over one connection; every answer is compared with its request.',
  },
  stream: {
    file: 'streams.svg',
    title: 'One server stream: items per second',
    paragraph: 'The canonical record, one item at a time, over one endless stream; every item is checked.',
  },
} as const;

function caseSection(shown: Shown, workload: 'blob' | 'stream'): Section | null {
  const one = shown.cases.find((candidate) => candidate.workload === workload);
  if (one === undefined) return null;
  const { file: name, title, paragraph } = caseTexts[workload];
  const rows = barRows(shown, [one]);
  const source = sourceOf(shown.file);
  const unit = perSecond[workload];
  const chart = {
    file: name,
    text: `${title}, ${rows.length} programs`,
    svg: barChart({
      name: workload,
      title,
      description: describeRows(rows, [unit], unit),
      source,
      scale: 'linear',
      panels: [unit],
      rows,
    }),
  };
  const table = caseTableOf(shown, one);
  const keep = [0, 2, 5, 6, 7, 8];
  const pick = (cells: readonly string[]): string[] => keep.map((column) => cells[column] as string);
  const short = { head: pick(table.head), rows: table.rows.map(pick), left: 1 };
  return {
    id: workload,
    title,
    paragraphs: [paragraph],
    charts: [chart],
    tables: [table],
    source,
    readme: [`${title}. ${paragraph}`, markdownChart(chart), markdownTable(short), source].join('\n\n'),
  };
}

function describeRows(rows: readonly BarRow[], panels: readonly string[], unit: string): string {
  const texts = rows.map(({ label, values }) => {
    const figures = values.map(
      (value, index) => `${value === null ? 'not measured' : three(value)} (${panels[index]})`,
    );
    return `${label}: ${figures.join(', ')}`;
  });
  return `${unit}: ${texts.join('; ')}.`;
}

function targetSection({ file, figures, rivals }: Shown): Section | null {
  const lines = targetLines(figures, rivals).map((line) => /^target (met|MISSED): (.*): ([^:]*)$/.exec(line) ?? []);
  if (lines.length === 0) return null;
  const rows = lines.map(([, verdict = '', text = '', figure = '']) => [text.replaceAll('`', ''), figure, verdict]);
  const missed = rows.filter(([, , verdict]) => verdict !== 'met');
  const count = `${rows.length - missed.length} of ${rows.length} targets against others are met.`;
  const list = missed.map(([text, figure]) => `- ${text}: ${figure}`).join('\n');
  return {
    id: 'targets',
    title: 'Targets',
    paragraphs: [count],
    charts: [],
    tables: [{ caption: 'Targets', head: ['target', 'figure', ''], rows, left: 1 }],
    source: sourceOf(file),
    readme: missed.length === 0 ? count : `${count} Missed:\n\n${list}`,
  };
}

function setUpSection(file: RivalsFile): Section {
  const rows = file.rivals.map(({ title, language, version, setup }) => [
    title,
    language,
    version,
    setup.replaceAll('`', ''),
  ]);
  const tables: ReportTable[] = [
    { caption: 'Set-up of each program', head: ['program', 'language', 'version', 'set up'], rows, left: 4 },
  ];
  const skipped = file.skipped.map(({ name, why }) => [name, why]);
  if (skipped.length > 0) tables.push({ caption: 'Skipped', head: ['program', 'why'], rows: skipped, left: 2 });
  const names = file.skipped.map(({ name, why }) => `${name} (${why})`).join(', ');
  return {
    id: 'rivals',
    title: 'Programs compared',
    paragraphs: [skipped.length === 0 ? 'None was skipped.' : `${skipped.length} could not run on this machine.`],
    charts: [],
    tables,
    source: sourceOf(file),
    readme:
      `The set-up of each program, and all figures, lost cases included: [bench/results/index.html](bench/results/index.html).` +
      (skipped.length === 0 ? '' : ` Not run on this machine: ${names}.`),
  };
}
