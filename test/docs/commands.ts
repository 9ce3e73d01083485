/** What `sh` blocks and prose tell the reader to type: npm scripts and files that do not exist. */
import type { Page } from './markdown.js';

export interface Commands {
  /** Of package.json. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Whether a file of that path, from the project's root, exists. */
  readonly exists: (path: string) => boolean;
}

export function commandProblems(page: Page, { scripts, exists }: Commands): string[] {
  const problems: string[] = [];
  for (const { language, line: from, code } of page.blocks) {
    if (language !== 'sh') continue;
    for (const [index, line] of code.split('\n').entries()) {
      const where = `${page.path}:${from + 1 + index}`;
      for (const command of line.replace(/(^|\s)#.*$/, '').split(/&&|\|\||[;|]/)) {
        const [name = '', ...args] = command
          .trim()
          .split(/\s+/)
          .filter((word) => !/^[A-Z_]+=/.test(word));
        const file = name === 'node' ? args.find((arg) => !arg.startsWith('-')) : name.includes('/') ? name : undefined;
        if (file !== undefined && !file.includes('<') && !exists(file)) problems.push(`${where}: there is no ${file}`);
        if (name === 'npm' && (args[0] === 'start' || args[0] === 'test') && !Object.hasOwn(scripts, args[0]))
          problems.push(`${where}: there is no script ${args[0]}`);
      }
    }
  }
  for (const [index, line] of page.text.split('\n').entries()) {
    for (const [, name] of line.matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      if (!Object.hasOwn(scripts, name)) problems.push(`${page.path}:${index + 1}: there is no script ${name}`);
    }
  }
  return problems;
}
