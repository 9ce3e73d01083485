/** The documents of the project, as the tests read them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.js';
import { type Page, readPage } from './markdown.js';

const root = fileURLToPath(projectRoot);

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

export function pageAt(path: string): Page {
  return readPage(path, read(path));
}

function pagesIn(folder: string): Page[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const paths = names.filter((name) => name.endsWith('.md') && !name.includes('node_modules'));
  return paths.sort().map((name) => pageAt(`${folder}/${name.replaceAll('\\', '/')}`));
}

/** For users: their code is run, and the package holds them. */
export const userPages: readonly Page[] = [pageAt('README.md'), ...pagesIn('docs')];

/** All whose links are checked. */
export const allPages: readonly Page[] = [
  ...userPages,
  pageAt('CHANGELOG.md'),
  pageAt('src/README.md'),
  ...['spec', 'examples', 'bench', 'native'].flatMap(pagesIn),
];

/** The rows of all tables of a text, each a list of cells; the lines under the heads are left out. */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** The parts of a page by their headings of level 2 and 3. */
export function partsOf(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const part of text.split(/^#{2,3} /m).slice(1)) {
    const end = part.indexOf('\n');
    parts.set(part.slice(0, end).trim(), part.slice(end + 1));
  }
  return parts;
}
