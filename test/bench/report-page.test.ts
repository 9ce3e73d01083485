/** The report of raw results: page, charts and the documents' figures. From made-up results; and that what is committed is what the results say. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { partsIn, withFigures } from '../../bench/report/readme.js';
import { reportOf, sectionsOf } from '../../bench/report/report.js';
import { readResults, resultNames } from '../../bench/report/results-files.js';
import { madeUpResults, madeUpRivals, resultsFolder } from './made-up-results.js';
import { runBench } from './run-bench.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const performance = readFileSync(join(root, 'docs/performance.md'), 'utf8');
const documents = [
  { text: readme, toRoot: '' },
  { text: performance, toRoot: '../' },
];
const committed = join(root, 'bench/results');

function inFolder<T>(results: Readonly<Record<string, object>>, body: (folder: string) => T): T {
  const folder = resultsFolder(results);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  let result: T;
  try {
    result = body(folder);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

const reported = (results: Readonly<Record<string, object>>, texts = documents) =>
  inFolder(results, (folder) => reportOf(readResults(folder), texts));

test("the documents' figures, the page and the charts are those of bench/results", () => {
  const results = readResults(committed);
  const report = reportOf(results, documents);
  assert.is(report.documents[0], readme, 'README.md is outdated: npm run bench -- report');
  assert.is(report.documents[1], performance, 'docs/performance.md is outdated: npm run bench -- report');
  if (report.missing.length === resultNames.length) return;
  for (const [name, text] of report.files) {
    assert.is(readFileSync(join(committed, name), 'utf8'), text, `${name} is outdated: npm run bench -- report`);
  }
  for (const name of readdirSync(committed).filter((file) => file.endsWith('.svg'))) {
    assert.ok(report.files.has(name), `bench/results/${name} is made of no results`);
  }
});

test('docs/performance.md has a place for every part, but for two that the page alone has; README for one chart', () => {
  const sections = inFolder(madeUpResults, (folder) => sectionsOf(readResults(folder)));
  const expected = sections.map(({ id }) => id).filter((id) => id !== 'floor' && id !== 'reading');
  assert.equal(partsIn(performance).toSorted(), expected.toSorted());
  assert.equal(partsIn(readme), ['front']);
});

test('the page holds everything itself: no script, no address of another place, every figure of a chart in a table too', () => {
  const page = reported(madeUpResults).files.get('index.html') ?? '';
  assert.not.match(page, /<script|<link|<img|@import|url\(/i);
  assert.equal(new Set(page.match(/https?:\/\/[^"\s<]+/g)), new Set(['http://www.w3.org/2000/svg']));
  assert.match(page, 'prefers-color-scheme: dark');
  for (const file of ['throughput', 'blob', 'stream', 'latency', 'scaling']) assert.match(page, `${file}-title`);
  assert.match(page, 'Made-up CPU &#60;1 &#38; 2&#62;');
  assert.match(page, 'commit 0123456789ab');
  for (const { title, setup } of madeUpRivals.rivals) {
    assert.ok(page.includes(title.replace("'", '&#39;')) || page.includes(title), title);
    assert.ok(page.includes(setup.replaceAll('`', '').replace('&', '&#38;')), setup);
  }
  assert.match(page, 'its package is not installed');
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
  assert.is(new Set(ids).size, ids.length);
});

test('what is lost is said as plainly as what is won', () => {
  const page = reported(madeUpResults).files.get('index.html') ?? '';
  assert.match(page, /<th scope="row" class="word">corked node:net \(floor\)<\/th>.*<span class="lost">lost<\/span>/);
  assert.match(page, /<th scope="row" class="word">rsocket-tcp<\/th>.*<span class="won">won<\/span>/);
  assert.match(page, '<span class="lost">MISSED</span>');
});

test('charts say when, on what and of which commit they are, and have a title and a description', () => {
  const charts = [...reported(madeUpResults).files].filter(([name]) => name.endsWith('.svg'));
  assert.equal(
    charts.map(([name]) => name),
    ['throughput.svg', 'blob.svg', 'streams.svg', 'latency.svg', 'scaling.svg'],
  );
  for (const [name, svg] of charts) {
    for (const part of ['2000-01-02', 'commit 0123456789ab', 'Made-up CPU', '<title', '<desc', 'role="img"', 'dark)']) {
      assert.ok(svg.includes(part), `${name}: no ${part}`);
    }
    assert.not.match(svg, /NaN|Infinity|undefined/, name);
  }
});

test('the same results give the same bytes', () => {
  const first = reported(madeUpResults);
  const again = reported(
    madeUpResults,
    first.documents.map((text, index) => ({ text, toRoot: documents[index].toRoot })),
  );
  assert.equal([...again.files], [...first.files]);
  assert.equal(again.documents, first.documents);
});

test('a rival that failed has its reason in place of figures', () => {
  const samples = madeUpRivals.samples.map((sample) =>
    (sample as { rival?: string }).rival === 'grpc-go' ? { ...sample, failed: 1, failure: 'it <fell> over' } : sample,
  );
  const { files } = reported({ rivals: { ...madeUpRivals, samples } });
  assert.match(
    files.get('index.html') ?? '',
    /grpc-go<\/th>.*1 callers failed, the first with: it &#60;fell&#62; over/,
  );
  assert.not.match(files.get('throughput.svg') ?? '', '>grpc-go<');
});

test('results that are not there are named, and their parts of the documents stay', () => {
  const text =
    '<!-- figures:unary -->\nold unary\n<!-- /figures -->\n\n<!-- figures:latency -->\nold latency\n<!-- /figures -->\n';
  const front = '<!-- figures:front -->\n<!-- /figures -->\n';
  const report = reported({ rivals: madeUpRivals }, [
    { text, toRoot: '../' },
    { text: front, toRoot: '' },
  ]);
  const [page = '', first = ''] = report.documents;
  assert.equal(
    report.missing,
    resultNames.filter((name) => name !== 'rivals'),
  );
  assert.match(report.files.get('index.html') ?? '', '<code>latency</code>');
  assert.match(page, 'old latency');
  assert.not.match(page, 'old unary');
  assert.match(page, /\| engine \| [\d,]+ \| [\d,]+ \| 1,254,600 \|/);
  assert.match(page, '](../bench/README.md)');
  assert.not.match(page, 'throughput.svg');
  assert.match(first, '](bench/results/throughput.svg)');
});

test('only what stands between markers is written', () => {
  const section = {
    id: 'a',
    title: '',
    paragraphs: [],
    charts: [],
    tables: [],
    source: '',
    readme: `new $1 $& ${'long '.repeat(40)}text\n\n| a | ${'b '.repeat(100)}|`,
  };
  const text = 'x\n<!-- figures:a -->\n<!-- /figures -->\ny\n<!-- figures:b -->\nold\n<!-- /figures -->\nz\n';
  const written = withFigures(text, [section]);
  assert.match(written, /^x\n<!-- figures:a -->\n\nnew \$1 \$& long /);
  assert.ok(written.endsWith('\n\n<!-- /figures -->\ny\n<!-- figures:b -->\nold\n<!-- /figures -->\nz\n'));
  const lines = written.split('\n');
  assert.ok(lines.every((line) => line.length <= 130 || line.startsWith('|')));
  assert.is(lines.filter((line) => line.startsWith('|')).length, 1);
});

test('a broken file is named, with what is wrong', () => {
  const broken: readonly (readonly [object, RegExp])[] = [
    [{ ...madeUpRivals, samples: [] }, /rivals.json .*no samples/],
    [{ ...madeUpRivals, skipped: undefined }, /rivals.json .*rivals and skipped/],
    [{ ...madeUpRivals, environment: { ...madeUpRivals.environment, commit: undefined } }, /environment.commit/],
  ];
  for (const [rivals, problem] of broken) {
    inFolder({ rivals }, (folder) => assert.throws(() => readResults(folder), problem));
  }
});

test('the command writes what it says, and --check only looks', () =>
  inFolder(madeUpResults, async (folder) => {
    const file = join(folder, 'README.md');
    const figures = join(folder, 'performance.md');
    writeFileSync(file, '<!-- figures:front -->\n<!-- /figures -->\n');
    writeFileSync(figures, '<!-- figures:unary -->\n<!-- /figures -->\n');
    const args = ['report', '--results', folder, '--readme', file, '--figures', figures];
    const before = await runBench([...args, '--check', 'yes']);
    assert.is(before.code, 1);
    assert.match(before.output, 'outdated');
    assert.not.ok(readdirSync(folder).includes('index.html'));
    const written = await runBench(args);
    assert.is(written.code, 0, written.output);
    assert.match(readFileSync(file, 'utf8'), 'throughput.svg');
    assert.match(readFileSync(figures, 'utf8'), '| engine |');
    const after = await runBench([...args, '--check', 'yes']);
    assert.is(after.code, 0, after.output);
    const empty = await runBench([
      'report',
      '--results',
      join(folder, 'nothing'),
      '--readme',
      file,
      '--figures',
      figures,
    ]);
    assert.is(empty.code, 1);
    assert.match(empty.output, 'there are no results');
  }));

test.run();
