/**
 * Reads the declarations that the compiler wrote into `dist/`: which names the public ones lead to, and which members a class or an
 * interface offers. It relies on the form in which the compiler writes: each declaration begins in the first column.
 */
import { posix } from 'node:path';
import { type FileTree, withoutComments } from '../tidy/file-tree.js';

interface Declared {
  /** The declarations of a file, by name. */
  readonly own: ReadonlyMap<string, string>;
  /** Names from other files: in which file, under which name there. */
  readonly imported: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  /** Names that it exports again, in the same form. */
  readonly exported: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

const statement = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function|enum) (\w+)/;

/** Each begins in the first column, and no other line does but one that closes a bracket. */
function statementsOf(code: string): string[] {
  const statements: string[] = [];
  for (const line of code.split('\n')) {
    if (/^[\s})\]]|^$/.test(line)) statements.push(`${statements.pop() ?? ''}\n${line}`);
    else statements.push(line);
  }
  return statements;
}

/** Reads one file of declarations. */
function read(path: string, text: string): Declared {
  const own = new Map<string, string>();
  const imported = new Map<string, { file: string; name: string }>();
  const exported = new Map<string, { file: string; name: string }>();
  // Comments hold words that are no names; the paths of imports are needed, so strings stay.
  for (const source of statementsOf(withoutComments(text))) {
    const from = /^(import|export)\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/.exec(source);
    if (from?.[3]?.startsWith('.')) {
      const file = posix.join(posix.dirname(path), from[3].replace(/\.js$/, '.d.ts'));
      const names = from[1] === 'import' ? imported : exported;
      for (const entry of (from[2] ?? '').split(',').filter((part) => part.trim() !== '')) {
        const [name = '', alias = name] = entry
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/);
        names.set(alias, { file, name });
      }
      continue;
    }
    const name = statement.exec(source)?.[1];
    // Overloads of a function are one declaration.
    if (name !== undefined) own.set(name, `${own.get(name) ?? ''}${source}\n`);
  }
  return { own, imported, exported };
}

/** All names that the declarations exported by `entry` lead to, as `name (file)`, those of `entry` itself not included. */
export function reachedNames(tree: FileTree, entry: string): string[] {
  const files = new Map(Array.from(tree, ([path, text]) => [path, read(path, text)]));
  const reached = new Set<string>();
  const queue = Array.from(files.get(entry)?.exported.values() ?? []);
  const offered = new Set(queue.map(({ file, name }) => `${name} (${file})`));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const key = `${next.name} (${next.file})`;
    if (reached.has(key)) continue;
    const file = files.get(next.file);
    const text = file?.own.get(next.name);
    if (file === undefined || text === undefined) {
      const elsewhere = file?.exported.get(next.name);
      if (elsewhere === undefined) throw new Error(`${key} is declared nowhere`);
      queue.push(elsewhere);
      if (offered.has(key)) offered.add(`${elsewhere.name} (${elsewhere.file})`);
      continue;
    }
    reached.add(key);
    for (const [word] of text.matchAll(/\b[A-Za-z_]\w*\b/g)) {
      const target = file.own.has(word) ? { file: next.file, name: word } : file.imported.get(word);
      if (target !== undefined) queue.push(target);
    }
  }
  return [...reached].filter((key) => !offered.has(key)).sort();
}

/** Names of the members that a class or an interface declares and that are neither private nor a constructor, in order. */
export function membersOf(tree: FileTree, path: string, name: string): string[] {
  const text = read(path, tree.get(path) ?? '').own.get(name);
  if (text === undefined) throw new Error(`${path} declares no ${name}`);
  const members = new Set<string>();
  for (const [, modifiers = '', member = ''] of text.matchAll(
    /^ {4}((?:[a-z]+ )*)(\w+|\[[^\]]+\]|#\w+)(?=[?(:<;])/gm,
  )) {
    if (!/\b(?:private|protected)\b/.test(modifiers) && member !== 'constructor' && !member.startsWith('#'))
      members.add(member);
  }
  return [...members];
}
