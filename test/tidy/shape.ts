/** What a file looks like: its size, its name, its first lines, and what an `index.ts` holds. */
import { codeOnly, type FileTree, lineAt, withoutComments } from './file-tree.js';

const FILE_LINES_MAX = 400;
/** A file with fewer lines is part of another one, unless it holds a concept of its own. */
const FILE_LINES_MIN = 20;
const FUNCTION_LINES_MAX = 70;
const LINE_CHARACTERS_MAX = 140;

export function sizeProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const lines = text.trimEnd().split('\n');
    if (lines.length > FILE_LINES_MAX) problems.push(`${path}: ${lines.length} lines, at most ${FILE_LINES_MAX}`);
    for (const [index, line] of lines.entries()) {
      if (line.length <= LINE_CHARACTERS_MAX) continue;
      problems.push(`${path}:${index + 1}: ${line.length} characters, at most ${LINE_CHARACTERS_MAX}`);
    }
    for (const [start, length] of functionLengths(text)) {
      if (length <= FUNCTION_LINES_MAX) continue;
      problems.push(`${path}:${start}: a function of ${length} lines, at most ${FUNCTION_LINES_MAX}`);
    }
  }
  return problems;
}

/** `concepts` names what each small file holds that belongs to no other file. Entry points are small by nature. */
export function smallFileProblems(tree: FileTree, concepts: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const count = text.trimEnd().split('\n').length;
    if (count >= FILE_LINES_MIN || path.endsWith('/index.ts') || Object.hasOwn(concepts, path)) continue;
    problems.push(`${path}: ${count} lines, fewer than ${FILE_LINES_MIN}: fold it into the file it belongs to`);
  }
  return problems;
}

// `) {`, `): Type {` and `=> {` open a function, unless a keyword says otherwise.
const opensFunction = /(?:\)|\)\s*:\s*[^=]*|=>)\s*\{$/;
const opensOther = /^\}?\s*(?:else\b|if\b|for\b|while\b|switch\b|catch\b|(?:export\s+)?(?:abstract\s+)?class\b)/;

/** First line and length of each function. The formatter has put its closing brace under the line that opens it. */
function functionLengths(text: string): [number, number][] {
  const lines = codeOnly(text).split('\n');
  const found: [number, number][] = [];
  for (const [index, line] of lines.entries()) {
    const code = line.trim();
    if (!opensFunction.test(code) || opensOther.test(code)) continue;
    const end = line.slice(0, line.length - line.trimStart().length) + '}';
    const length = lines.slice(index + 1).findIndex((below) => below.startsWith(end)) + 2;
    found.push([index + 1, length]);
  }
  return found;
}

/** Each source begins with what it is for. */
export function headerProblems(tree: FileTree): string[] {
  const header = /^(?:#![^\n]*\n)?\/\*\*(?:(?!\*\/)[\s\S]){20,}\*\//;
  return [...tree].filter(([, text]) => !header.test(text)).map(([path]) => `${path}: does not begin with a comment`);
}

export function nameProblems(tree: FileTree): string[] {
  return [...tree.keys()]
    .filter((path) => /(?:^|[/.-])(?:utils?|helpers?|misc)(?:[/.-]|$)/i.test(path))
    .map((path) => `${path}: the name does not say what it is`);
}

export function markerProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    for (const match of text.matchAll(/\b(?:TODO|FIXME)\b/g)) {
      problems.push(`${path}:${lineAt(text, match.index)}: ${match[0]}: do it, or open an issue`);
    }
  }
  return problems;
}

/** An `index.ts` holds named re-exports and nothing else. */
export function indexProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    if (!path.endsWith('/index.ts')) continue;
    const rest = withoutComments(text).replace(/export\s+(?:type\s+)?\{[^}]*\}\s*from\s*['"][^'"]+['"];/g, '');
    if (rest.trim() !== '') problems.push(`${path}: more than named re-exports: ${rest.trim().split('\n')[0]}`);
  }
  return problems;
}

/** The public declarations, as the compiler wrote them, hold no `any`. */
export function anyProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    for (const match of codeOnly(text).matchAll(/(?<![.\w])any\b(?!\w|\s*[:?(])/g)) {
      problems.push(`${path}:${lineAt(text, match.index)}: any`);
    }
  }
  return problems;
}
