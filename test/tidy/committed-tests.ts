/** What keeps a committed test from running unseen: `only`, `skip`, and a suite whose `run()` is not called. */
import { codeOnly, type FileTree, lineAt, withoutComments } from './file-tree.js';

export function committedTestProblems(tree: FileTree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    const code = codeOnly(text);
    const suites = Array.from(code.matchAll(/\b(?:const|let)\s+(\w+)\s*=\s*suite\b/g), (match) => match[1] ?? '');
    if (/import\s*\{[^}]*\btest\b[^}]*\}\s*from\s*'uvu'/.test(withoutComments(text))) suites.push('test');
    for (const suite of suites) {
      // `test` may be imported for its type or its name only; a suite that holds tests has to run.
      const holdsTests = new RegExp(`\\b${suite}\\(`).test(code);
      if (holdsTests && !code.includes(`${suite}.run()`)) problems.push(`${path}: ${suite}.run() is not called`);
      for (const match of code.matchAll(new RegExp(`\\b${suite}\\.(?:only|skip)\\b`, 'g'))) {
        problems.push(`${path}:${lineAt(code, match.index)}: ${match[0]} is for the desk, not for the repository`);
      }
    }
  }
  return problems;
}
