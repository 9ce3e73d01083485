/**
 * Who may import whom. A folder of `src/` imports only folders of a lower rank; the code that moves bytes stays pure; time
 * and chance enter through `base/`; nothing lies around unused.
 *
 * Entry points are what package.json names under `exports` and `bin`. `src/index.ts` and the files of `src/testing/` stand
 * above all ranks, and nothing in `src/` imports them; `src/wire/index.ts` is an entry point inside its layer.
 */
import { dirname, join } from 'node:path/posix';
import { codeOnly, type FileTree, lineAt, withoutComments } from './file-tree.js';

const ranks: Readonly<Record<string, number>> = {
  base: 1,
  observe: 2,
  wire: 3,
  avro: 4,
  compression: 4,
  discovery: 5,
  resilience: 5,
  connection: 6,
  channel: 7,
  client: 8,
  server: 8,
  cli: 9,
  testing: 10,
  'index.ts': 11,
};

/** Packages that the core may import, and where: `lazily` means only when it is first needed. */
const packages: Readonly<Record<string, { readonly folder: string; readonly lazily: boolean }>> = {
  avsc: { folder: 'avro', lazily: false },
  'lz4-napi': { folder: 'compression', lazily: true },
};

/** Builtins that a layer without sockets, timers, promises and events may use. */
const pureBuiltins = new Set(['node:buffer', 'node:util', 'node:zlib']);
const impure = /\b(?:async|await|Promise|EventEmitter|setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\b/g;

/** Calls only: `options.random ?? Math.random` is how chance is injected. */
const realTime =
  /(?<![.\w])(?:Date\.now|performance\.now|process\.hrtime(?:\.bigint)?|setTimeout|setInterval|Math\.random)\(/g;
const realTimeFolders = new Set(['base', 'testing', 'cli']);

interface Import {
  readonly specifier: string;
  readonly lazy: boolean;
  readonly line: number;
}

const importForms: readonly { readonly form: RegExp; readonly lazy: boolean }[] = [
  { form: /^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm, lazy: false },
  { form: /^import\s*['"]([^'"]+)['"]/gm, lazy: false },
  { form: /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g, lazy: true },
];

export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  return importForms.flatMap(({ form, lazy }) =>
    [...code.matchAll(form)].map((match) => ({ specifier: match[1] ?? '', lazy, line: lineAt(code, match.index) })),
  );
}

const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** The source that a relative specifier means: `./frame.js` in `src/wire/` is `src/wire/frame.ts`. */
const targetOf = (path: string, specifier: string): string => join(dirname(path), specifier).replace(/\.js$/, '.ts');

export function layerProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const folder = folderOf(path);
    const rank = ranks[folder];
    if (rank === undefined) {
      problems.push(`${path}: src/${folder} has no rank among the layers`);
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      if (!specifier.startsWith('.')) continue;
      const target = folderOf(targetOf(path, specifier));
      const targetRank = ranks[target];
      if (target === folder || (targetRank !== undefined && targetRank < rank)) continue;
      problems.push(`${path}:${line}: ${folder} (rank ${rank}) imports ${target} (rank ${targetRank ?? 'unknown'})`);
    }
  }
  return problems;
}

export function packageImportProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const folder = folderOf(path);
    for (const { specifier, lazy, line } of importsOf(text)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
      const rule = packages[specifier];
      if (rule === undefined)
        problems.push(`${path}:${line}: imports ${specifier}, which is no dependency of the core`);
      else if (rule.folder !== folder) problems.push(`${path}:${line}: ${specifier} is for src/${rule.folder} only`);
      else if (rule.lazily && !lazy)
        problems.push(`${path}:${line}: ${specifier} is optional: import it when it is needed`);
    }
    // The native loader, in base/, has to compute its path.
    if (folder === 'base') continue;
    for (const match of codeOnly(text).matchAll(/\b(?:import|require)\((?!\s*['"])/g)) {
      problems.push(`${path}:${lineAt(text, match.index)}: imports a computed name, which no check can follow`);
    }
  }
  return problems;
}

export function purityProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    if (folderOf(path) !== 'wire') continue;
    for (const { specifier, line } of importsOf(text)) {
      if (specifier.startsWith('node:') && !pureBuiltins.has(specifier)) {
        problems.push(`${path}:${line}: wire is pure and does without ${specifier}`);
      }
    }
    for (const match of codeOnly(text).matchAll(impure)) {
      problems.push(`${path}:${lineAt(text, match.index)}: wire is pure and does without ${match[0]}`);
    }
  }
  return problems;
}

export function clockProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    if (realTimeFolders.has(folderOf(path))) continue;
    for (const match of codeOnly(text).matchAll(realTime)) {
      problems.push(
        `${path}:${lineAt(text, match.index)}: ${match[0]}): time and chance are injected, see base/clock.ts`,
      );
    }
  }
  return problems;
}

/** The sources behind what package.json offers: `./dist/wire/index.js` is `src/wire/index.ts`. */
export function entryPoints(manifest: { readonly exports?: unknown; readonly bin?: unknown }): string[] {
  const targets = JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"(?:\.\/)?dist\/([^"]+)\.js"/g);
  return [...new Set(Array.from(targets, (match) => `src/${match[1]}.ts`))];
}

export function unusedFileProblems(tree: FileTree, entries: readonly string[]): string[] {
  const problems = entries.filter((entry) => !tree.has(entry)).map((entry) => `${entry}: offered, but not there`);
  const reached = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const text = tree.get(path);
    if (text === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { specifier } of importsOf(text)) if (specifier.startsWith('.')) queue.push(targetOf(path, specifier));
  }
  for (const path of tree.keys()) {
    if (!reached.has(path)) problems.push(`${path}: no entry point leads here`);
  }
  return problems;
}
