/** How often sources tell the compiler what a type is (`as`), in place of proving it. `as const` proves what it says. */
import { codeOnly, type FileTree, lineAt } from './file-tree.js';

/** Imports and exports rename with `as`, and a mapped type its keys: blanked, so that what is left are casts. */
const renames = /^(?:import|export)\b[^;]*?\bfrom\b[^;]*;|\[\s*\w+\s+in\b[^\]]*?\bas\b/gm;

/** Every cast of a tree, as `path:line`; two of one line are two. */
export function castsIn(tree: FileTree): string[] {
  const casts: string[] = [];
  for (const [path, text] of tree) {
    const code = codeOnly(text).replace(renames, (match) => match.replace(/[^\n]/g, ' '));
    for (const { index } of code.matchAll(/(?<=[\w)\]}>'"`]\s+)as\s+(?!const\b)(?=[A-Za-z({['"`_])/g)) {
      casts.push(`${path}:${lineAt(code, index)}`);
    }
  }
  return casts;
}

/** A tree may have so many casts; with more, each is a problem, since any of them may be the one too many. */
export function castProblems(tree: FileTree, castsMax: number): string[] {
  const casts = castsIn(tree);
  return casts.length > castsMax ? casts.map((cast) => `${cast}: a cast; ${casts.length} of at most ${castsMax}`) : [];
}
