/** What the published package holds: all that its manifest promises, what was compiled from `src/`, and nothing else. */

export interface Manifest {
  readonly exports?: unknown;
  readonly bin?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const always = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'spec/protocol.md'];

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
    if (!expected.has(path) && !/^(?:spec|native\/addon)\//.test(path))
      problems.push(`${path}: does not belong into the package`);
  }
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (name !== 'avsc') problems.push(`package.json: avsc is the only runtime dependency, not ${name}`);
  }
  return problems;
}
