/**
 * Checks the programs of pages as a reader would who pastes them: in a project that has installed the package. The compiler reads all
 * that is TypeScript in one go, against the declarations of the built package; then the programs run, in a few processes.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.js';
import type { Page } from './markdown.js';
import { type Program, programsOf } from './programs.js';
import type { Ran } from './run-programs.js';

const root = fileURLToPath(projectRoot);
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const runner = fileURLToPath(new URL('run-programs.js', import.meta.url));
const fixedPorts = new URL('fixed-ports.js', import.meta.url).href;
const RUN_MS_MAX = 20_000;

const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  rootDir: '.',
  outDir: 'compiled',
  // For the syntax of what is not run.
  allowJs: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  inlineSourceMap: true,
  noEmitOnError: false,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
};

/**
 * The problems of all programs of the pages, each with its line. `files` lie in the folder in which the programs run; one that takes
 * longer than `runMsMax` is a problem.
 */
export async function snippetProblems(
  pages: readonly Page[],
  files: readonly string[] = [],
  runMsMax: number = RUN_MS_MAX,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-docs-'));
  try {
    return await new Project(folder, pages, files, runMsMax).check();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Project {
  private readonly programs: readonly Program[];
  /** What the programs of each page have printed. */
  private readonly printed = new Map<string, string>();

  constructor(
    private readonly folder: string,
    private readonly pages: readonly Page[],
    private readonly files: readonly string[],
    private readonly runMsMax: number,
  ) {
    this.programs = pages.flatMap(programsOf);
  }

  async check(): Promise<string[]> {
    this.write();
    const problems = this.compile();
    // What does not compile need not run.
    if (problems.length > 0) return problems;
    const queue = this.programs.filter(({ runs }) => runs).values();
    const work = async (): Promise<void> => {
      const worker = new Worker(join(this.folder, 'run'), this.runMsMax);
      for (const program of queue) problems.push(...(await this.run(worker, program)));
      await worker.end();
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    return [...problems, ...this.pages.flatMap((page) => this.outputProblems(page))].sort();
  }

  private write(): void {
    const at = (...parts: string[]): string => join(this.folder, ...parts);
    mkdirSync(at('node_modules'));
    mkdirSync(at('run'));
    symlinkSync(root, at('node_modules/trunkline'), 'junction');
    writeFileSync(at('package.json'), '{ "type": "module" }');
    for (const file of this.files) copyFileSync(join(root, file), at('run', basename(file)));
    const compiled: string[] = [];
    for (const { page, name, text, compiled: isCompiled } of this.programs) {
      mkdirSync(at(folderOf(page)), { recursive: true });
      writeFileSync(at(folderOf(page), name), text);
      if (isCompiled) compiled.push(`${folderOf(page)}/${name}`);
    }
    writeFileSync(at('tsconfig.json'), JSON.stringify({ compilerOptions, files: compiled }));
  }

  private compile(): string[] {
    if (!this.programs.some(({ compiled }) => compiled)) return [];
    const options = { cwd: this.folder, encoding: 'utf8', timeout: 60_000 } as const;
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], options);
    if (status === 0) return [];
    const problems = stdout
      .split('\n')
      .filter((line) => /^\S.*: error TS/.test(line))
      .map((line) => this.onPage(line));
    return problems.length > 0 ? problems : [`the compiler ended with ${status}: ${stdout}`];
  }

  private async run(worker: Worker, { page, name, typed }: Program): Promise<string[]> {
    const parts = typed ? ['compiled', folderOf(page), name.replace(/ts$/, 'js')] : [folderOf(page), name];
    const ran = await worker.run(join(this.folder, ...parts));
    const line = `${page}:${/\d+/.exec(name)?.[0] ?? 1}: `;
    if (typeof ran === 'string') return [`${line}${ran}`];
    this.printed.set(page, (this.printed.get(page) ?? '') + ran.stdout);
    const said = this.onPage(`${ran.failure}${ran.stderr}`.trim());
    if (said === '') return [];
    return [said.startsWith(`${page}:`) ? said : `${this.lineIn(said, page) ?? line}${said}`];
  }

  /** The first line of the page that a stack names. */
  private lineIn(stack: string, page: string): string | null {
    const [found] = stack.match(new RegExp(`${page.replaceAll('.', '\\.')}:\\d+`)) ?? [];
    return found === undefined ? null : `${found}: `;
  }

  private outputProblems(page: Page): string[] {
    const lines = (this.printed.get(page.path) ?? '').split('\n').map((line) => line.trim());
    return page.blocks
      .filter(({ marks }) => marks.output)
      .flatMap(({ code, line }) =>
        code
          .split('\n')
          .flatMap((text, index) =>
            lines.includes(text.trim()) ? [] : [`${page.path}:${line + 1 + index}: is not printed: ${text}`],
          ),
      );
  }

  /** Names of the generated files as those of the pages. */
  private onPage(text: string): string {
    const pages = new Map(this.pages.map(({ path }) => [folderOf(path), path]));
    return text
      .replaceAll(`file://${this.folder}/`, '')
      .replaceAll(`${this.folder}/`, '')
      .replaceAll('compiled/', '')
      .replace(/(page-[\w.-]+)\/[\w.-]+\.m?[jt]s(?:\((\d+),\d+\)|:(\d+)(?::\d+)?)/g, (whole, folder: string, a, b) =>
        pages.has(folder) ? `${pages.get(folder)}:${a ?? b}` : whole,
      );
  }
}

function folderOf(page: string): string {
  return `page-${page.replace(/\.md$/, '').replaceAll('/', '-')}`;
}

/** A process that runs programs; another one takes its place when a program ends it, or does not end. */
class Worker {
  private child: ChildProcess | null = null;

  constructor(
    private readonly folder: string,
    private readonly runMsMax: number,
  ) {}

  /** A text says why there is no result. */
  async run(path: string): Promise<Ran | string> {
    const child = (this.child ??= this.start());
    const over = new AbortController();
    const { signal } = over;
    const late = setTimeout(() => over.abort(), this.runMsMax);
    const gone = once(child, 'exit', { signal }).then(
      ([code]: unknown[]) => `the program ended the process with ${String(code)} before its last line`,
      () => `no end within ${this.runMsMax} ms`,
    );
    const told = once(child, 'message', { signal }).then(
      ([ran]: unknown[]) => ran as Ran,
      () => gone,
    );
    child.send(path);
    const outcome = await Promise.race([told, gone]);
    clearTimeout(late);
    if (typeof outcome === 'string') await this.end();
    else over.abort();
    return outcome;
  }

  async end(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  private start(): ChildProcess {
    const execArgv = ['--enable-source-maps', '--import', fixedPorts];
    return fork(runner, [], { cwd: this.folder, execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }
}
