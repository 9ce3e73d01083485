/** The raw results of a command, kept beside what it prints. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** `file` null: they were not requested. */
export function keepRaw(file: string | null, results: Readonly<Record<string, unknown>>): void {
  if (file === null) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\nraw results: ${file}`);
}
