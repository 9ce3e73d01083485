/** What the report is made of: a part of the page with its charts and tables, and what the documents say of it. */
import type { Environment } from './environment.js';
import type { ResultFile } from './results-files.js';

export interface ReportTable {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns from the left that hold words. */
  readonly left: number;
}

export interface ReportChart {
  /** A file beside the page. */
  readonly file: string;
  readonly svg: string;
  /** For those who do not see it. */
  readonly text: string;
}

export interface Section {
  /** Also the name of its markers in docs/performance.md. */
  readonly id: string;
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly charts: readonly ReportChart[];
  readonly tables: readonly ReportTable[];
  readonly source: string;
  /** Markdown between the markers; its links are those of a document at the project's root. */
  readonly readme: string;
}

/** When, on what, and how it was measured. */
export function sourceOf(file: ResultFile<unknown>): string {
  const { environment, settings } = file;
  const { rounds, seconds } = settings ?? {};
  const each = seconds === undefined ? '' : ` of ${seconds} s`;
  const many = rounds === 1 ? ` One round${each}.` : ` Medians of ${rounds} rounds${each}.`;
  const how = rounds === undefined ? '' : many;
  return `Measured ${machineOf(environment)}.${how}`;
}

function machineOf(environment: Environment): string {
  const { date, commit, cpu, cores, memoryBytes, system, node, pinning, loadAverage } = environment;
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  const load = loadAverage === undefined ? '' : `; load before it ${loadAverage.toFixed(2)}`;
  return `${date.slice(0, 10)}, commit ${commit || 'unknown'}, on ${cpu}, ${cores} cores, ${memory}, ${system}, Node ${node}; ${pinning}${load}`;
}

/** A table in Markdown: columns of words to the left, others to the right. */
export function markdownTable({ head, rows, left }: Pick<ReportTable, 'head' | 'rows' | 'left'>): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, column) => (column < left ? '---' : '--:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** A chart in a document, with its text for those who do not see it. */
export function markdownChart({ file, text }: Pick<ReportChart, 'file' | 'text'>): string {
  return `![${text.replace(/[[\]]/g, '')}](bench/results/${file})`;
}

/** Three digits: 0.912, 12.3, 1,234. */
export function three(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Groups in the order of their first member. */
export function grouped<T, K>(values: readonly T[], key: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const own = groups.get(key(value));
    if (own === undefined) groups.set(key(value), [value]);
    else own.push(value);
  }
  return groups;
}
