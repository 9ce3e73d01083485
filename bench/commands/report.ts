/**
 * `bench -- report`: makes one page, charts and the figures in README.md and docs/performance.md from the raw results in `bench/results/`.
 * With `--check yes` it writes nothing and says what would change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, option } from '../options.js';
import { reportOf } from '../report/report.js';
import { readResults, resultNames } from '../report/results-files.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const options = {
  results: option.text(
    'FOLDER',
    join(root, 'bench/results'),
    'the raw results; the page and the charts are written there',
  ),
  readme: option.text('FILE', join(root, 'README.md'), 'the front page, whose chart is replaced'),
  figures: option.text('FILE', join(root, 'docs/performance.md'), 'the page whose figures are replaced'),
  check: option.yesOrNo('no', 'write nothing, and fail when something is outdated'),
} as const;

export const reportCommand = command(
  'report',
  'one page, charts and the figures of the documents, from the raw results',
  options,
  async (values) => {
    const folder = values.results;
    const paths = [values.readme, values.figures];
    const check = values.check;
    const documents = paths.map((path) => ({ text: readFileSync(path, 'utf8'), toRoot: toRootFrom(path) }));
    const report = reportOf(readResults(folder), documents);
    if (report.missing.length === resultNames.length) {
      console.log(`there are no results in ${folder}: run the commands of the bench with --json first`);
      return 1;
    }
    const outdated: string[] = [];
    const files = [...report.files].map(([name, text]) => [join(folder, name), text] as const);
    const texts = report.documents.map((text, index) => [paths[index] as string, text] as const);
    for (const [path, text] of [...files, ...texts]) {
      if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
      outdated.push(path);
      if (!check) writeFileSync(path, text);
    }
    for (const path of outdated) console.log(`${check ? 'outdated' : 'written'}: ${path}`);
    if (outdated.length === 0) console.log('all is as the results say');
    for (const name of report.missing) console.log(`left out, there is no ${name}.json`);
    return check && outdated.length > 0 ? 1 : 0;
  },
);

/** The way from a document to the project's folder, for links. */
function toRootFrom(path: string): string {
  const way = relative(dirname(path), root).replaceAll('\\', '/');
  return way === '' ? '' : `${way}/`;
}
