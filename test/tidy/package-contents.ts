/**
 * What the published package holds: all that its manifest promises, what was compiled from `src/`, what its documents link to, and nothing
 * else.
 */
import { unpackedLinks } from '../docs/links.js';
import { readPage } from '../docs/markdown.js';

export interface Manifest {
  readonly exports?: unknown;
  readonly bin?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const always = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs/README.md', 'spec/protocol.md'];

/** Folders for readers and for those who build the addon. */
const belongs = /^(?:docs|examples|spec|native\/addon)\/|^bench\/results\/[\w-]+\.svg$/;

/** Pages about the repository, whose links lead to what the package does not hold. */
const ofRepository = new Set(['docs/development.md', 'docs/performance.md', 'docs/options-and-limits.md']);

/** `packed` are the paths that npm would pack, `sources` those below `src/`. */
export function packageProblems(manifest: Manifest, packed: readonly string[], sources: readonly string[]): string[] {
  const there = new Set(packed);
  const compiled = sources.flatMap((path) => {
    const base = path.replace(/^src\//, 'dist/').replace(/\.ts$/, '');
    return [`${base}.js`, `${base}.d.ts`];
  });
  const promised = [...JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"(?:\.\/)?([^"*]+\.(?:js|d\.ts))"/g)];
  const expected = new Set([...always, ...compiled, ...promised.map((match) => match[1] ?? '')]);

  const problems = [...expected].filter((path) => !there.has(path)).map((path) => `${path}: missing from the package`);
  for (const path of packed) {
    if (!expected.has(path) && !belongs.test(path)) problems.push(`${path}: does not belong into the package`);
  }
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (name !== 'avsc') problems.push(`package.json: avsc is the only runtime dependency, not ${name}`);
  }
  return problems;
}

/** `documents`: the texts of README and of the pages of docs/, by their paths. */
export function linkProblems(documents: ReadonlyMap<string, string>, packed: readonly string[]): string[] {
  return [...documents]
    .filter(([path]) => !ofRepository.has(path))
    .flatMap(([path, text]) => unpackedLinks(readPage(path, text), packed));
}
