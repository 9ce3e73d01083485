/** Another copy of the package in this process, as two versions of a dependency bring it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as first from '../../src/index.js';
import { projectRoot } from './root.js';

export type Copy = typeof first;

/** The entry point of a copy that shares no module with this one. Its files are removed when the process ends. */
export async function secondCopy(): Promise<Copy> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-copy-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const source = dirname(fileURLToPath(new URL('../../src/index.js', import.meta.url)));
  cpSync(source, join(folder, 'src'), { recursive: true });
  cpSync(new URL('package.json', projectRoot), join(folder, 'package.json'));
  return (await import(pathToFileURL(join(folder, 'src/index.js')).href)) as Copy;
}
