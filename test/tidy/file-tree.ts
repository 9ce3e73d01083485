/**
 * A tree of text files, from the disk or written down in a test. The tidy checks are functions from a tree to a list of
 * problems, so that each can be shown a tree it must object to.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Text by path, relative to the project's root, with `/`. */
export type FileTree = ReadonlyMap<string, string>;

/** Reads the files below some folders whose names end in one of the endings, not those of packages. A folder that is not there is empty. */
export function readTree(root: string, folders: readonly string[], endings: readonly string[]): FileTree {
  const tree = new Map<string, string>();
  for (const folder of folders) {
    for (const path of listFiles(root, folder)) {
      if (endings.some((ending) => path.endsWith(ending))) tree.set(path, readFileSync(join(root, path), 'utf8'));
    }
  }
  return tree;
}

function listFiles(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/').replace(/^\//, ''))
      .filter((path) => !path.includes('/node_modules/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Strings, templates, comments, and regular expressions (a slash where a value begins), so that none is taken for another. */
const notCode = new RegExp(
  [
    /(['"])(?:\\.|(?!\1)[^\\\n])*\1/,
    /`(?:\\.|[^\\`])*`/,
    /\/\/[^\n]*/,
    /\/\*[\s\S]*?\*\//,
    /(?<=(?:^|[(,=:[!&|?{};]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gm',
);

const isComment = (match: string): boolean => match.startsWith('//') || match.startsWith('/*');
const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** The text with its comments blanked; lines stay where they are. */
export function withoutComments(text: string): string {
  return text.replace(notCode, (match) => (isComment(match) ? blank(match) : match));
}

/** The text with its comments and the contents of its strings blanked; lines stay where they are. */
export function codeOnly(text: string): string {
  return text.replace(notCode, (match) =>
    isComment(match) ? blank(match) : match.charAt(0) + blank(match.slice(1, -1)) + match.charAt(0),
  );
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
