/** Part of `npm run check:package`: asks npm what it would pack and checks that. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTree } from './file-tree.js';
import { linkProblems, type Manifest, packageProblems } from './package-contents.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
  cwd: root,
  encoding: 'utf8',
});
const listing = JSON.parse(answer) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
const packed = Object.values(listing).flatMap(({ files }) => files.map(({ path }) => path));

const documents = new Map(readTree(root, ['docs'], ['.md'])).set(
  'README.md',
  readFileSync(join(root, 'README.md'), 'utf8'),
);
const problems = [
  ...packageProblems(manifest, packed, [...readTree(root, ['src'], ['.ts']).keys()]),
  ...linkProblems(documents, packed),
];
for (const problem of problems) console.error(problem);
console.log(`package: ${packed.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
