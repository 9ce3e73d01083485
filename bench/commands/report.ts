/**
 * `bench -- report`: makes one page, charts and the figures in README.md and docs/performance.md from the raw results in `bench/results/`.
 * With `--check yes` it writes nothing and says what would change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Options } from '../options.js';
import { reportOf } from '../report/report.js';
import { readResults, resultNames } from '../report/results-files.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export const reportUsage = 'report [--results FOLDER] [--readme FILE] [--figures FILE] [--check yes|no]';

export async function reportCommand(args: readonly string[]): Promise<number> {
  const options = new Options(args, {
    results: join(root, 'bench/results'),
    readme: join(root, 'README.md'),
    figures: join(root, 'docs/performance.md'),
    check: 'no',
  });
  const folder = options.text('results') as string;
  const paths = [options.text('readme') as string, options.text('figures') as string];
  const check = options.oneOf('check', ['yes', 'no']) === 'yes';
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
}

/** The way from a document to the project's folder, for links. */
function toRootFrom(path: string): string {
  const way = relative(dirname(path), root).replaceAll('\\', '/');
  return way === '' ? '' : `${way}/`;
}
