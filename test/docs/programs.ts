/**
 * From the blocks of a page to programs. The blocks of one language are one program, in their order: a later block uses what an earlier
 * one declares. Each line of a program stands in the line that it has on the page, so that what the compiler and Node say of it is said of
 * the page; the fences make room for braces, and imports, which come more than once, stand together in the first line.
 */
import type { Block, Page } from './markdown.js';

export interface Program {
  /** Of the page. */
  readonly page: string;
  /** Of the file, in the folder of the page. */
  readonly name: string;
  readonly text: string;
  readonly typed: boolean;
  /** Run; a module that others import is not, nor is what is only compiled. */
  readonly runs: boolean;
  /** Read by the compiler: TypeScript, and JavaScript that is not run, for its syntax. */
  readonly compiled: boolean;
}

const LANGUAGES = ['ts', 'js'] as const;
/** `mjs` is another word for `js`. */
const languageOf = ({ language }: Block): string => (language === 'mjs' ? 'js' : language);

export function programsOf(page: Page): Program[] {
  const programs: Program[] = [];
  for (const language of LANGUAGES) {
    const typed = language === 'ts';
    const ending = typed ? 'ts' : 'mjs';
    const shared: Block[] = [];
    for (const block of page.blocks.filter((each) => languageOf(each) === language)) {
      const { file, alone, noRun } = block.marks;
      const name = file ?? `line-${block.line}.${ending}`;
      // Without types there is nothing to check beyond the syntax, and no scope that it would need.
      const apart = file !== null || alone || (noRun !== null && !typed);
      if (!apart) shared.push(block);
      else if (file !== null || noRun !== null) {
        const compiled = typed || noRun !== null;
        programs.push({ page: page.path, name, text: textOf([block], false), typed, runs: false, compiled });
      } else programs.push({ page: page.path, name, text: textOf([block], true), typed, runs: true, compiled: typed });
    }
    if (shared.length === 0) continue;
    const runs = shared.some(({ marks, hidden }) => !hidden && marks.noRun === null);
    programs.push({
      page: page.path,
      name: `page.${ending}`,
      text: textOf(shared, true),
      typed,
      runs,
      compiled: typed,
    });
  }
  return programs;
}

/** `whole`: a program with an end; else a module as it is. */
function textOf(blocks: readonly Block[], whole: boolean): string {
  const lines: string[] = [];
  const imports = new Imports();
  const put = (at: number, text: string): void => {
    while (lines.length < at) lines.push('');
    lines[at - 1] += text;
  };
  for (const { code, line, marks } of blocks) {
    const wrapped = whole && (marks.scoped || marks.noRun !== null) && !marks.alone;
    if (wrapped) put(line, marks.noRun === null ? '{' : `export async function line${line}() {`);
    const kept = whole ? imports.takenFrom(code) : code;
    for (const [index, text] of kept.split('\n').entries()) put(line + 1 + index, text);
    if (wrapped) put(line + 1 + code.split('\n').length, '}');
  }
  if (!whole) return lines.join('\n');
  put(1, imports.text);
  return `${lines.join('\n')}\nexport {};\n`;
}

/** The imports of several blocks, each name once. */
class Imports {
  private readonly names = new Map<string, Set<string>>();
  private readonly others = new Set<string>();

  /** The code without its imports, in as many lines. */
  takenFrom(code: string): string {
    return code.replace(/^import\b[^;]*;/gm, (statement) => {
      this.add(statement.replace(/\s+/g, ' '));
      return statement.replace(/[^\n]/g, '');
    });
  }

  get text(): string {
    const named = [...this.names].map(([from, names]) => `import { ${[...names].join(', ')} } from ${from};`);
    return [...this.others, ...named].join(' ');
  }

  private add(statement: string): void {
    const [, type, names, from] = /^import (type )?\{ ?(.*?),? ?\} from ('[^']+');$/.exec(statement) ?? [];
    if (names === undefined || from === undefined) {
      this.others.add(statement);
      return;
    }
    const known = this.names.get(from) ?? new Set();
    this.names.set(from, known);
    for (const name of names.split(', ')) known.add(type === undefined ? name : `type ${name}`);
  }
}
