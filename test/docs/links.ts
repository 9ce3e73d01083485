/** Links that lead nowhere: a file that does not exist, a heading that no page has. */
import type { Page } from './markdown.js';

/** What the links are held against. */
export interface LinkTargets {
  /** Whether a file or a folder of that path, from the project's root, exists. */
  readonly exists: (path: string) => boolean;
  /** The pages whose headings are known. */
  readonly pages: ReadonlyMap<string, Page>;
}

const ABSOLUTE = /^[a-z][a-z+.-]*:/;

export function linkProblems(page: Page, { exists, pages }: LinkTargets): string[] {
  return page.links.flatMap(({ line, target }) => {
    if (ABSOLUTE.test(target)) return [];
    const where = `${page.path}:${line}: ${target}`;
    const [path, anchor] = pathOf(page, target);
    if (path === null) return [`${where}: leads out of the project`];
    if (!exists(path)) return [`${where}: there is no such file`];
    if (anchor === '') return [];
    const other = pages.get(path);
    if (other === undefined) return path.endsWith('.md') ? [`${where}: its headings are not known`] : [];
    return other.anchors.has(anchor) ? [] : [`${where}: no heading has that name`];
  });
}

/** The links of a page that do not lead to a file of the package; a folder is one when it holds a file. */
export function unpackedLinks(page: Page, packed: readonly string[]): string[] {
  return page.links.flatMap(({ line, target }) => {
    if (ABSOLUTE.test(target)) return [];
    const [path] = pathOf(page, target);
    const folder = path === null ? null : `${path.replace(/\/$/, '')}/`;
    const there = folder !== null && packed.some((each) => each === path || each.startsWith(folder));
    return there ? [] : [`${page.path}:${line}: ${target}: not in the package`];
  });
}

/** The path from the project's root, and the heading; null when it leads out of the project. */
function pathOf(page: Page, target: string): [path: string | null, anchor: string] {
  const [file = '', anchor = ''] = decodeURIComponent(target).split('#');
  if (file === '') return [page.path, anchor];
  const parts = page.path.split('/').slice(0, -1);
  for (const part of file.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return [null, anchor];
    } else if (part !== '.') parts.push(part);
  }
  return [parts.join('/'), anchor];
}
