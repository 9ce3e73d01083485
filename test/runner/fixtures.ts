/**
 * Feeds the test command small test files that go wrong in a known way. The tests then assert what a person and a CI system go
 * by: the exit code, the last line, and the reason.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** The body of a test file that passes. */
export const twoPass = `test('a', () => {}); test('b', () => {}); test.run();`;

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly lastLine: string;
}

/** Writes the fixtures into a folder of their own, runs the test command on it, and removes it. `during` runs meanwhile. */
export async function runFixtures(
  fixtures: Record<string, string>,
  args: string[] = [],
  during?: (command: ChildProcess) => Promise<void>,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-runner-'));
  try {
    symlinkSync(modules, join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const [name, body] of Object.entries(fixtures)) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `import { suite, test } from 'uvu';\n${body}`);
    }
    const child = spawn(process.execPath, [main, '--root', folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit') as Promise<[number | null]>;
    const [output, [code]] = await Promise.all([text(child.stdout), exit, during?.(child)]);
    return { code, output, lastLine: output.trimEnd().split('\n').at(-1) ?? '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function assertFails(outcome: Outcome, lastLine: string, reason: string): void {
  assert.match(outcome.output, reason);
  assert.is(outcome.lastLine, lastLine);
  assert.is(outcome.code, 1);
}
