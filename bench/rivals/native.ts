/**
 * The rivals in other languages, as `native/rivals.json` lists them: programs that `make -C bench/rivals/native` builds where their
 * compilers and libraries are. One that was not built is skipped by name.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Rival, WorkloadName } from './rival.js';

interface Entry {
  readonly name: string;
  readonly title: string;
  readonly language: string;
  readonly floor: boolean;
  /** Below the folder of the list. */
  readonly program: readonly [string, ...string[]];
  /** Packages of Debian that building it takes. */
  readonly debian: readonly string[];
  readonly workloads: readonly WorkloadName[];
  readonly setup: string;
}

const folder = fileURLToPath(new URL('../../../bench/rivals/native/', import.meta.url));

export function nativeRivals(): Rival[] {
  const entries = JSON.parse(readFileSync(`${folder}rivals.json`, 'utf8')) as readonly Entry[];
  return entries.map(({ name, title, language, floor, program: [file, ...args], debian, workloads, setup }) => ({
    name,
    title,
    language,
    floor,
    setup,
    workloads,
    command: [folder + file, ...args],
    absence: `${file} is not built: npm run bench:setup; it takes Debian's ${debian.join(', ')}`,
  }));
}
