/**
 * Who may import whom. A room is a folder of `src/` that has a rank here; a file imports only its own room and rooms of a lower
 * rank, and no chain of imports leads back to where it began, imports of types included. The code that moves bytes stays pure;
 * time and chance enter through `base/`; nothing lies around unused.
 *
 * Entry points are what package.json names under `exports` and `bin`. `src/index.ts` and the files of `src/testing/` stand
 * above all ranks, and nothing in `src/` imports them; `src/wire/index.ts` is an entry point inside its layer.
 */
import { dirname, join } from 'node:path/posix';
import { codeOnly, type FileTree, lineAt, withoutComments } from './file-tree.js';

/** Rooms by path below `src/`, with their ranks. Two rooms of one rank do not import each other. */
const rooms: ReadonlyMap<string, number> = new Map([
  ['base', 1],
  ['wire', 3],
  ['wire/records', 3.1],
  ['compression', 4],
  ['transport', 4],
  ['avro/schema', 4.1],
  ['avro/encoding', 4.12],
  ['avro/interpreter', 4.18],
  ['avro/logical', 4.15],
  ['avro/codec', 4.2],
  ['avro/service', 4.3],
  ['avro/protocol', 4.4],
  ['discovery/resolver', 5],
  ['discovery/dns', 5.1],
  ['discovery/etcd', 5.1],
  ['discovery', 5.2],
  ['resilience', 5],
  ['resilience/admission', 5.1],
  ['connection/messages', 6.1],
  ['connection/lifecycle', 6.2],
  ['connection/streams', 6.3],
  ['connection/calls', 6.4],
  ['connection/methods', 6.5],
  ['connection/caller', 6.6],
  ['connection/callee', 6.6],
  ['connection', 6.7],
  ['peer', 7],
  ['channel', 8],
  ['client', 9],
  ['server', 9],
  ['observe', 10],
  ['testing', 11],
  ['index.ts', 12],
  ['cli', 13],
]);

/** Files of one folder, folders inside it not counted. */
const FOLDER_FILES_MAX = 20;

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
  /** What is taken, as it is written: `{ a, type B }`. Empty where nothing is named. */
  readonly names: string;
}

const importForms: readonly { readonly form: RegExp; readonly lazy: boolean }[] = [
  { form: /^(?:import|export)\b(?<names>[^;'"]*?)\bfrom\s*['"](?<specifier>[^'"]+)['"]/gm, lazy: false },
  { form: /^import\s*['"](?<specifier>[^'"]+)['"]/gm, lazy: false },
  { form: /\b(?:import|require)\(\s*['"](?<specifier>[^'"]+)['"]/g, lazy: true },
];

export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  return importForms.flatMap(({ form, lazy }) =>
    [...code.matchAll(form)].map(({ groups, index }) => {
      const names = (groups?.names ?? '').replace(/\s+/g, ' ').trim();
      return { specifier: groups?.specifier ?? '', lazy, line: lineAt(code, index), names };
    }),
  );
}

/** The first folder below `src/`. */
const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** The room of a file: its own folder, or itself where it lies directly in `src/`. */
function roomOf(path: string): string {
  const below = path.slice('src/'.length);
  return below.includes('/') ? dirname(below) : below;
}

/** The source that a relative specifier means: `./frame.js` in `src/wire/` is `src/wire/frame.ts`. */
const targetOf = (path: string, specifier: string): string => join(dirname(path), specifier).replace(/\.js$/, '.ts');

export function layerProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const room = roomOf(path);
    const rank = rooms.get(room);
    if (rank === undefined) {
      problems.push(`${path}: src/${room} has no rank among the layers`);
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      if (!specifier.startsWith('.')) continue;
      const target = roomOf(targetOf(path, specifier));
      const targetRank = rooms.get(target);
      if (target === room || (targetRank !== undefined && targetRank < rank)) continue;
      problems.push(`${path}:${line}: ${room} (rank ${rank}) imports ${target} (rank ${targetRank ?? 'unknown'})`);
    }
  }
  return problems;
}

export function folderProblems(tree: FileTree): string[] {
  const counts = new Map<string, number>();
  for (const path of tree.keys()) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > FOLDER_FILES_MAX)
    .map(([folder, count]) => `${folder}: ${count} files, at most ${FOLDER_FILES_MAX}`);
}

/** Each group of files that import each other in a circle: one circle of it, with the names that tie every file to the next. */
export function circleProblems(tree: FileTree): string[] {
  const next = new Map<string, ReadonlyMap<string, string>>();
  for (const [path, text] of tree) {
    const relative = importsOf(text).filter(({ specifier }) => specifier.startsWith('.'));
    const targets = relative.map(({ specifier, names }) => [targetOf(path, specifier), names] as const);
    next.set(path, new Map(targets.filter(([target]) => tree.has(target))));
  }
  const problems: string[] = [];
  const known = new Set<string>();
  for (const path of tree.keys()) {
    if (known.has(path)) continue;
    const circle = shortestCircle(next, path);
    if (circle === null) continue;
    for (const file of next.keys()) if (reaches(next, path, file) && reaches(next, file, path)) known.add(file);
    const steps = circle.map((file, index) => {
      const target = circle[(index + 1) % circle.length] ?? '';
      return `${file} takes ${next.get(file)?.get(target)} from ${target}`;
    });
    problems.push(`a circle of ${circle.length} files: ${steps.join('; ')}`);
  }
  return problems;
}

function reaches(next: ReadonlyMap<string, ReadonlyMap<string, string>>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const path of seen) for (const target of next.get(path)?.keys() ?? []) seen.add(target);
  return seen.has(to);
}

/** The files of a shortest way from a file back to itself, in the order of their imports; null: there is none. */
function shortestCircle(next: ReadonlyMap<string, ReadonlyMap<string, string>>, from: string): string[] | null {
  const before = new Map<string, string>();
  const queue = [from];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const target of next.get(path)?.keys() ?? []) {
      if (target === from) {
        const circle = [path];
        for (let at = before.get(path); at !== undefined; at = before.get(at)) circle.unshift(at);
        return circle;
      }
      if (before.has(target)) continue;
      before.set(target, path);
      queue.push(target);
    }
  }
  return null;
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
