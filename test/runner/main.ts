/**
 * The test command: `node .build/test/runner/main.js [filter ...]`. Finds the compiled test files, runs each in a process of
 * its own, as many at once as there are CPUs, and counts what uvu reports. It exits with 1 when a test or a file failed and
 * when no test ran at all. The last line is always `N passed, N failed`.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { killRunning, type RunSettings, runFile } from './test-process.js';
import { judge } from './verdict.js';

const usage = `npm test -- [options] [filter ...]

Runs the test files whose path contains one of the filters, or all of them.

  --jobs N           files that run at once (default: number of CPUs)
  --limit-seconds N  time that a file has for its tests (default: 120)
  --exit-ms N        time that a file has to exit after its tests (default: 5000)
  --root DIR         where the compiled tests are (default: .build/test)
  --with COMMAND     what runs a file, for example 'deno run -A' (default: this Node)`;

interface Settings extends RunSettings {
  readonly root: string;
  readonly jobs: number;
  readonly filters: readonly string[];
}

function readSettings(args: string[]): Settings {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      jobs: { type: 'string', default: String(availableParallelism()) },
      'limit-seconds': { type: 'string', default: '120' },
      'exit-ms': { type: 'string', default: '5000' },
      root: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
      with: { type: 'string' },
    },
  });
  const number = (option: 'jobs' | 'limit-seconds' | 'exit-ms'): number => {
    const value = Number(values[option]);
    if (!(value > 0 && Number.isFinite(value))) throw new Error(`--${option} takes a number above 0`);
    return value;
  };
  const [program, ...first] = values.with?.split(' ') ?? [process.execPath, '--enable-source-maps'];
  if (!program) throw new Error('--with takes a program and its arguments');
  return {
    command: [program, ...first],
    root: resolve(values.root),
    jobs: Math.ceil(number('jobs')),
    limitMs: number('limit-seconds') * 1_000,
    exitMs: number('exit-ms'),
    // `test/wire/frame.test.ts`, as an editor or a shell completes it, means its compiled file.
    filters: positionals.map((filter) => filter.replace(/^test\//, '').replace(/\.[jt]s$/, '')),
  };
}

function findFiles(settings: Settings): string[] {
  return readdirSync(settings.root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js') && !name.includes('node_modules'))
    .filter((name) => settings.filters.length === 0 || settings.filters.some((filter) => name.includes(filter)))
    .sort()
    .map((name) => join(settings.root, name));
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  readonly failedFiles: string[];
}

async function runOne(path: string, settings: Settings, totals: Totals): Promise<void> {
  const started = performance.now();
  const run = await runFile(path, settings);
  const name = relative(settings.root, path);
  const verdict = judge(run);
  totals.passed += verdict.passed;
  totals.failed += verdict.failed;
  totals.skipped += verdict.skipped;
  const skipped = verdict.skipped > 0 ? `, ${verdict.skipped} skipped` : '';
  const counts = `${verdict.passed} passed${skipped}, ${Math.round(performance.now() - started)} ms`;
  if (verdict.failed === 0) {
    console.log(`ok    ${name}  (${counts})`);
    // Why, as the file said it.
    for (const [line] of run.stdout.matchAll(/^skipped: .+$/gm)) console.log(`      ${line}`);
    return;
  }
  totals.failedFiles.push(name);
  console.log(`FAIL  ${name}  (${counts})\n${run.output.trimEnd()}`);
  for (const reason of verdict.reasons) console.log(`      ${name}: ${reason}`);
}

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2));
  const files = findFiles(settings);
  const totals: Totals = { passed: 0, failed: 0, skipped: 0, failedFiles: [] };
  const queue = files.values();
  const worker = async (): Promise<void> => {
    for (const path of queue) await runOne(path, settings, totals);
  };
  await Promise.all(Array.from({ length: settings.jobs }, worker));

  console.log(`\n${files.length} files`);
  for (const name of totals.failedFiles.sort()) console.log(`failed: ${name}`);
  if (totals.skipped > 0) console.log(`${totals.skipped} skipped`);
  if (totals.passed + totals.failed === 0) console.log(`No test ran: no file under ${settings.root} matches.`);
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

// The test processes lead groups of their own, so the terminal's Ctrl-C does not reach them.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    killRunning();
    process.exit(code);
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  killRunning();
  console.error(`${String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
