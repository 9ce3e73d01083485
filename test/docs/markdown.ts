/** A page in Markdown as the checks of the documents see it: its code blocks, its headings and its links, each with its line. */

/** What an info string says beside the language. */
export interface Marks {
  /** A program of its own: it shares no names with the other blocks of the page. */
  readonly alone: boolean;
  /** Names that it declares are its own; it sees those of the blocks before it. */
  readonly scoped: boolean;
  /** Why it is not run; null: it is. */
  readonly noRun: string | null;
  /** A module of that name, which other blocks of the page import; null: part of a program. */
  readonly file: string | null;
  /** What the programs of the page print. */
  readonly output: boolean;
}

export interface Block {
  readonly language: string;
  readonly marks: Marks;
  /** Of the opening fence, from 1. The code begins in the next line. */
  readonly line: number;
  readonly code: string;
  /** In a comment `<!-- ts ... -->`: part of the program that the reader does not see. */
  readonly hidden: boolean;
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface Page {
  /** From the project's root: `docs/calls.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** What links within and into the page lead to. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly Link[];
  /** What is wrong with the page's form. */
  readonly problems: readonly string[];
}

const FENCE = /^( *)(`{3,})(.*)$/;
const HIDDEN = /^<!-- (ts|js)$/;

/** Reads a page. Code in blocks and in backticks has no links and no headings. */
export function readPage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const problems: string[] = [];
  const prose: string[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const hidden = HIDDEN.exec(line);
    const fence = hidden === null ? FENCE.exec(line) : null;
    if (hidden === null && fence === null) {
      prose.push(line);
      continue;
    }
    const closes = (other: string): boolean => (fence === null ? other === '-->' : other.trim() === fence[2]);
    const from = at + 1;
    for (at = from; at < lines.length && !closes(lines[at]); at++);
    if (at === lines.length) problems.push(`${path}:${from}: the block has no end`);
    prose.push(...Array.from({ length: at - from + 2 }, () => ''));
    const info = fence === null ? (hidden?.[1] ?? '') : fence[3].trim();
    const indent = fence?.[1].length ?? 0;
    const code = lines.slice(from, at).map((each) => each.slice(indent));
    const block = blockOf(info, from, code.join('\n'), hidden !== null);
    if (typeof block === 'string') problems.push(`${path}:${from}: ${block}`);
    else blocks.push(block);
  }
  return { path, text, blocks, anchors: anchorsOf(prose), links: linksOf(prose), problems };
}

/** `ts`, `ts alone`, `ts no-run: it needs an etcd`; a text says what is wrong with it. */
function blockOf(info: string, line: number, code: string, hidden: boolean): Block | string {
  const [, language = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(info) ?? [];
  const [, words = '', noRun = null] = /^(.*?)(?:no-run:?\s*(.*))?$/.exec(rest) ?? [];
  if (language === '') return 'a block without a language';
  if (noRun !== null && !/\w{3}/.test(noRun)) return 'no-run without a reason';
  const marks = { alone: false, scoped: false, output: false };
  let file: string | null = null;
  for (const word of words.split(/\s+/).filter((each) => each !== '')) {
    if (word.startsWith('file=')) file = word.slice('file='.length);
    else if (word === 'alone' || word === 'scoped' || word === 'output') marks[word] = true;
    else return `what does ${JSON.stringify(word)} mean?`;
  }
  return { language, marks: { ...marks, noRun, file }, line, code, hidden };
}

/** As GitHub makes them: lower case, punctuation gone, hyphens for spaces, a number when it comes again. */
function anchorsOf(prose: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  for (const line of prose) {
    for (const [, id] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
    const [, heading] = /^#{1,6} +(.*?)(?: +#+)?$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let name = slug;
    for (let times = 1; anchors.has(name); times++) name = `${slug}-${times}`;
    anchors.add(name);
  }
  return anchors;
}

export function slugOf(heading: string): string {
  const text = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function linksOf(prose: readonly string[]): Link[] {
  return prose.flatMap((line, index) => {
    const text = line.replace(/`[^`]*`/g, (code) => '`'.repeat(code.length));
    const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
    const definitions = [...text.matchAll(/^\[[^\]]+\]: +(\S+)/g)];
    const attributes = [...text.matchAll(/\b(?:href|src)="([^"]+)"/g)];
    return [...inline, ...definitions, ...attributes].map(([, target]) => ({ line: index + 1, target }));
  });
}
