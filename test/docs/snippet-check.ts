/**
 * Checks the programs of pages as a reader would who pastes them: in a project that has installed the package. The compiler reads all
 * that is TypeScript in one go, against the declarations of the built package; then each program runs in a process of its own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.js';
import type { Page } from './markdown.js';
import { END, type Program, programsOf } from './programs.js';

const root = fileURLToPath(projectRoot);
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const fixedPorts = fileURLToPath(new URL('fixed-ports.js', import.meta.url));
const RUN_MS_MAX = 20_000;

const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  inlineSourceMap: true,
  noEmitOnError: false,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
};

/** The problems of all programs of the pages, each with its line. `files` lie in the folder in which the programs run. */
export async function snippetProblems(pages: readonly Page[], files: readonly string[] = []): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-docs-'));
  try {
    return await new Project(folder, pages, files).check();
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
  ) {
    this.programs = pages.flatMap(programsOf);
  }

  async check(): Promise<string[]> {
    this.write();
    const problems = this.compile();
    // What does not compile need not run.
    if (problems.length > 0) return problems;
    const queue = this.programs.values();
    const worker = async (): Promise<void> => {
      for (const program of queue) problems.push(...(await this.run(program)));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return [...problems, ...this.pages.flatMap((page) => this.outputProblems(page))].sort();
  }

  private write(): void {
    const at = (...parts: string[]): string => join(this.folder, ...parts);
    mkdirSync(at('node_modules'));
    mkdirSync(at('run'));
    symlinkSync(root, at('node_modules/trunkline'), 'junction');
    writeFileSync(at('package.json'), '{ "type": "module" }');
    for (const file of this.files) copyFileSync(join(root, file), at('run', basename(file)));
    const typed: string[] = [];
    for (const { page, name, text, typed: isTyped } of this.programs) {
      mkdirSync(at(folderOf(page)), { recursive: true });
      writeFileSync(at(folderOf(page), name), text);
      if (isTyped) typed.push(`${folderOf(page)}/${name}`);
    }
    writeFileSync(at('tsconfig.json'), JSON.stringify({ compilerOptions, files: typed }));
  }

  private compile(): string[] {
    if (!this.programs.some(({ typed }) => typed)) return [];
    const options = { cwd: this.folder, encoding: 'utf8', timeout: 60_000 } as const;
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], options);
    if (status === 0) return [];
    const problems = stdout
      .split('\n')
      .filter((line) => /^\S.*: error TS/.test(line))
      .map((line) => this.onPage(line));
    return problems.length > 0 ? problems : [`the compiler ended with ${status}: ${stdout}`];
  }

  private async run({ page, name, typed, runs }: Program): Promise<string[]> {
    const file = join(this.folder, folderOf(page), typed ? name.replace(/ts$/, 'js') : name);
    // A type error is no matter of the run; without types the syntax is.
    if (!runs && typed) return [];
    const args = runs ? ['--enable-source-maps', '--import', fixedPorts, file] : ['--check', file];
    const { code, stdout, stderr } = await node(args, join(this.folder, 'run'));
    const ended = stdout.endsWith(`${END}\n`);
    this.printed.set(page, (this.printed.get(page) ?? '') + stdout);
    if (code === 0 && stderr === '' && (ended || !runs)) return [];
    const said = this.onPage(stderr.trim());
    const line = said.includes(`${page}:`) ? '' : `${page}:${/\d+/.exec(name)?.[0] ?? 1}: `;
    if (said !== '') return [`${line}${said}`];
    return [`${line}the program ended with ${code} before its last line, and printed ${JSON.stringify(stdout)}`];
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
      .replace(/(page-[\w.-]+)\/[\w.-]+\.m?[jt]s(?:\((\d+),\d+\)|:(\d+)(?::\d+)?)/g, (whole, folder: string, a, b) =>
        pages.has(folder) ? `${pages.get(folder)}:${a ?? b}` : whole,
      );
  }
}

function folderOf(page: string): string {
  return `page-${page.replace(/\.md$/, '').replaceAll('/', '-')}`;
}

interface Ended {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: RUN_MS_MAX, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.killed === true ? `no end within ${RUN_MS_MAX} ms` : (error.code ?? null);
      resolve({ code, stdout, stderr });
    });
  });
}
