/**
 * What the steps of this folder share: a step installs packages of npm's registry into a folder under `.build`, and runs its cases one
 * after the other. A case that cannot run here says why, and is skipped by name.
 */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

/** Backstop for one command, on a busy machine. */
export const COMMAND_MS_MAX = 60_000;

export interface Case {
  readonly name: string;
  /** Why it cannot run here; undefined: it can. */
  readonly skipped?: string | undefined;
  run(): Promise<void>;
}

export interface Step {
  /** Under `.build`; emptied first. */
  readonly folder: string;
  readonly packages: readonly string[];
  /** Whether the packed package itself is installed there, as a user would. */
  readonly withTrunkline: boolean;
  /** Called when the packages are there. */
  cases(): readonly Case[] | Promise<readonly Case[]>;
}

export const run = promisify(execFile);

/** The folder of a step. */
export function stepFolder(name: string): string {
  return join(root, '.build', name);
}

/** False: npm's registry cannot be reached. */
export async function install({ folder, packages, withTrunkline }: Step): Promise<boolean> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await run('npm', ['ping'], { timeout: COMMAND_MS_MAX });
  } catch {
    return false;
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  const all = withTrunkline ? [...packages, await packed(folder)] : packages;
  await run('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', ...all], {
    timeout: 2 * COMMAND_MS_MAX,
  });
  return true;
}

/** Packs what `dist` holds now, and returns the file. */
async function packed(folder: string): Promise<string> {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: root, timeout: COMMAND_MS_MAX });
  return join(folder, stdout.trim());
}

/** What a command printed, its error's text included; throws what it printed if it failed or did not end. */
export async function output(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: COMMAND_MS_MAX, ...options });
    return stdout + stderr;
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      killed = false,
    } = error as { stdout?: string; stderr?: string; killed?: boolean };
    const ended = killed ? `did not end within ${COMMAND_MS_MAX} ms` : 'failed';
    throw new Error(`${program} ${args.join(' ')} ${ended}\n${stdout}${stderr}`, { cause: error });
  }
}
