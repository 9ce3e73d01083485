/** The report as one page: no script, nothing from elsewhere, light and dark. The figures of each chart are in the tables beside it. */
import { escapeText } from './charts/drawing.js';
import type { ReportTable, Section } from './section.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --paper: #ffffff; --line: #d1d9e0; --band: #f3f5f7; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9198a1; --paper: #0d1117; --line: #3d444d; --band: #161b22;
  --good: #57d364; --bad: #ff8f85; } }
body { margin: 0 auto; max-width: 920px; padding: 24px 20px 80px; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 28px; } h2 { margin-top: 56px; border-bottom: 1px solid var(--line); }
svg.chart { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 16px 0; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th.word, td.word { text-align: left; } th[scope=row] { font-weight: 400; }
tr.engine > * { font-weight: 600; } tbody tr:hover { background: var(--band); }
.source { color: var(--quiet); font-size: 14px; }
.won { color: var(--good); } .lost { color: var(--bad); font-weight: 600; }
nav ul { columns: 2; padding-left: 20px; }`;

/** `missing`: names of results that are not there. */
export function page(sections: readonly Section[], missing: readonly string[]): string {
  const contents = sections.map(({ id, title }) => `<li><a href="#${id}">${escapeText(title)}</a></li>`);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Trunkline: benchmarks</title>',
    `<style>${STYLE}\n</style>`,
    '</head>',
    '<body>',
    '<main>',
    '<h1>Trunkline: benchmarks</h1>',
    `<p>Made by <code>npm run bench -- report</code> from the raw results beside this page. What is lost stands here like what is won. ${missingText(missing)}</p>`,
    `<nav aria-label="Contents"><ul>\n${contents.join('\n')}\n</ul></nav>`,
    ...sections.map(sectionOf),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function missingText(missing: readonly string[]): string {
  return missing.length === 0 ? '' : `Not measured: ${missing.map((name) => `<code>${name}</code>`).join(', ')}.`;
}

function sectionOf({ id, title, paragraphs, charts, tables, source }: Section): string {
  return [
    `<section id="${id}" aria-labelledby="${id}-head">`,
    `<h2 id="${id}-head">${escapeText(title)}</h2>`,
    ...paragraphs.map((text) => `<p>${escapeText(text)}</p>`),
    ...charts.map(({ svg }) => `<figure style="margin:0">\n${svg}</figure>`),
    ...tables.map(tableOf),
    `<p class="source">${escapeText(source)}</p>`,
    '</section>',
  ].join('\n');
}

function tableOf({ caption, head, rows, left }: ReportTable): string {
  const word = (column: number): string => (column < left ? ' class="word"' : '');
  const heads = head.map((text, column) => `<th scope="col"${word(column)}>${escapeText(text)}</th>`).join('');
  return [
    '<div class="wide"><table>',
    `<caption>${escapeText(caption)}</caption>`,
    `<thead><tr>${heads}</tr></thead>`,
    '<tbody>',
    ...rows.map((cells) => rowOf(cells, word)),
    '</tbody>',
    '</table></div>',
  ].join('\n');
}

function rowOf(cells: readonly string[], word: (column: number) => string): string {
  const shown = cells.map((text, column) => {
    const inner = verdict(text);
    return column === 0 ? `<th scope="row"${word(column)}>${inner}</th>` : `<td${word(column)}>${inner}</td>`;
  });
  const own = cells.slice(0, 2).some((text) => /^engine\b/.test(text));
  return `<tr${own ? ' class="engine"' : ''}>${shown.join('')}</tr>`;
}

/** Verdicts stand out by colour, and read without it. */
function verdict(text: string): string {
  const shown = escapeText(text);
  if (/^(won|met|ahead)$/.test(text)) return `<span class="won">${shown}</span>`;
  if (/^(lost|MISSED|behind|FAILED)/.test(text)) return `<span class="lost">${shown}</span>`;
  return shown;
}
