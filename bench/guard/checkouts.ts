/**
 * Commits as folders with a build of the package in them. A commit is checked out with `git worktree` into a temporary folder. The folder is
 * removed when the bench ends, in whatever way: `main.ts` turns signals into an exit, and the exit handler registered here removes it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Checkout {
  readonly folder: string;
  /** For people: the commit, or that it is the working tree. */
  readonly title: string;
}

interface Temporary {
  readonly root: string;
  readonly folder: string;
}

const temporaries = new Set<Temporary>();
const commands = new Set<ChildProcess>();
process.on('exit', removeCheckouts);

export function removeCheckouts(): void {
  for (const { pid } of commands) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // Ended by itself a moment ago.
    }
  }
  for (const { root, folder } of temporaries) {
    rmSync(folder, { recursive: true, force: true });
    // Forgets the worktrees whose folders are gone.
    execFileSync('git', ['-C', root, 'worktree', 'prune'], { stdio: 'ignore' });
  }
  temporaries.clear();
}

export function git(root: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** The full name of a commit, or null where there is no such. */
export function commitOf(root: string, revision: string): string | null {
  try {
    return git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
  } catch {
    return null;
  }
}

/** What a working tree is compared with unless told: the commit, and why this one. */
export interface DefaultBase {
  readonly commit: string;
  readonly why: string;
}

const MAIN_BRANCHES = ['origin/HEAD', 'origin/main', 'origin/master', 'main', 'master'];

/** Where `head` left the main branch; on the main branch itself what came before it. `dirty`: changes that are not committed count. */
export function defaultBase(root: string, head: string, dirty: boolean): DefaultBase {
  const main = MAIN_BRANCHES.find((name) => commitOf(root, name) !== null);
  const fork = main === undefined ? null : git(root, 'merge-base', main, head);
  if (fork !== null && fork !== head) return { commit: fork, why: `where ${main} was left` };
  if (dirty) return { commit: head, why: 'the commit that the working tree has changes to' };
  const parent = commitOf(root, `${head}~1`);
  if (parent === null) throw new Error(`there is no commit before ${head}: name one with --base`);
  return { commit: parent, why: 'the commit before' };
}

/** A copy of the working tree's build, so that another build while the guard runs changes nothing. */
export function copyBuild(root: string): Checkout {
  const folder = temporaryFolder(root);
  for (const part of ['dist', 'package.json', 'native/build']) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return { folder, title: 'the working tree' };
}

function temporaryFolder(root: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-guard-'));
  temporaries.add({ root, folder });
  return folder;
}

/** Checks the commit out and builds it. */
export async function checkOut(root: string, commit: string): Promise<Checkout> {
  const folder = temporaryFolder(root);
  git(root, 'worktree', 'add', '--detach', '--force', folder, commit);
  const packages = join(root, 'node_modules');
  if (existsSync(packages) && sameText(join(root, 'package-lock.json'), join(folder, 'package-lock.json'))) {
    symlinkSync(packages, join(folder, 'node_modules'), 'dir');
  } else {
    await command(folder, 'npm', ['ci', '--no-audit', '--no-fund']);
  }
  await build(root, folder);
  if (!existsSync(packageOf(folder))) {
    throw new Error(`commit ${commit} builds no dist/index.js: it is too old to be compared`);
  }
  return { folder, title: `commit ${commit.slice(0, 12)}` };
}

async function build(root: string, folder: string): Promise<void> {
  await command(folder, 'npm', ['run', '-s', 'build']);
  // An addon on one side only would be compared instead of the commits.
  const scripts =
    (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts?: object }).scripts ?? {};
  if (!existsSync(join(root, 'native/build/trunkline.node'))) return;
  if ('build:native' in scripts) await command(folder, 'npm', ['run', '-s', 'build:native']);
  else process.stderr.write('the working tree has a native addon built, and this commit knows none\n');
}

/** What a checkout's build offers to those who import it. */
export function packageOf(folder: string): string {
  return join(folder, 'dist/index.js');
}

function sameText(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && readFileSync(a, 'utf8') === readFileSync(b, 'utf8');
}

/** Runs a command in a process group of its own, which ends with the bench. Its output is shown only when it fails. */
async function command(folder: string, name: string, args: readonly string[]): Promise<void> {
  const child = spawn(name, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  commands.add(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`${name} ${args.join(' ')} failed in ${folder} (${code}):\n${output}`);
  } finally {
    commands.delete(child);
  }
}
