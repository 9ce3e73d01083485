/**
 * Where the project's own files are (`spec/`, `test/data/`), seen from the compiled tests: the nearest folder above
 * this file that holds `package.json` and `spec`.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const projectRoot: URL = (() => {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    if (existsSync(new URL('package.json', folder)) && existsSync(new URL('spec', folder))) return folder;
    if (folder.pathname === new URL('..', folder).pathname) {
      throw new Error(`no folder with package.json and spec above ${fileURLToPath(import.meta.url)}`);
    }
  }
})();
