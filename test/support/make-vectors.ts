/**
 * Writes `spec/vectors` from the cases in `test/support/vectors`. Run it after a change of the cases, from the project's root:
 *
 *     npm run build:dev && node .build/test/support/make-vectors.js
 *
 * `test/wire/vectors.test.ts` fails when the files and the cases differ.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './root.js';
import { vectorFiles } from './vectors/files.js';

const folder = fileURLToPath(new URL('spec/vectors', projectRoot));
for (const part of ['frames', 'messages', 'sessions']) rmSync(join(folder, part), { recursive: true, force: true });
const files = vectorFiles();
for (const [path, text] of files) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
console.log(`${files.size} files`);
