/**
 * Runs one test file in a process of its own and sees to it that nothing of it stays: the process leads a process
 * group, and whatever is left of the group is killed, when the file's time is up, when it does not exit although its tests
 * are done, and after it has exited.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileRun, hasReported } from './verdict.js';

export interface RunSettings {
  /** Time that a file has for its tests. */
  readonly limitMs: number;
  /** Time that it has to exit once uvu has reported. */
  readonly exitMs: number;
  /** What runs a file: a program and its first arguments. */
  readonly command: readonly [string, ...string[]];
}

/** Characters of a file's output that are kept: the last part, of a file that prints endlessly. */
const OUTPUT_CHARACTERS_MAX = 4 << 20;
/** More than uvu's report takes, so that only the end of the output is searched for it. */
const REPORT_CHARACTERS_MAX = 1_000;
/** Time that the rest of a process group has to follow its leader. */
const LEFT_BEHIND_MS = 1_000;

const grouped = process.platform !== 'win32';
const running = new Set<ChildProcess>();

/** Kills every test process that is running, with all that belongs to it. */
export function killRunning(): void {
  for (const child of running) kill(child);
}

export async function runFile(path: string, settings: RunSettings): Promise<FileRun & { readonly output: string }> {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
  delete env['FORCE_COLOR'];
  const [program, ...first] = settings.command;
  const child = spawn(program, [...first, path], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: grouped,
  });
  running.add(child);

  let end: FileRun['end'] = 'itself';
  const give = (reason: FileRun['end']) => () => {
    end = reason;
    kill(child);
  };
  const limit = setTimeout(give('timeLimit'), settings.limitMs);
  let exit: NodeJS.Timeout | undefined;
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_CHARACTERS_MAX);
    output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
    if (exit === undefined && hasReported(stdout.slice(-REPORT_CHARACTERS_MAX - text.length))) {
      clearTimeout(limit);
      exit = setTimeout(give('openHandles'), settings.exitMs);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
  });

  // A process left behind may hold the pipes open, so `close` comes only after the group is gone.
  const closed = once(child, 'close');
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  clearTimeout(exit);
  const leftBehind = end === 'itself' ? await membersThatStay(child) : [];
  kill(child);
  running.delete(child);
  await Promise.race([closed, sleep(LEFT_BEHIND_MS, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
  return { end, code, signal, stdout, leftBehind, output };
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(grouped ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

async function membersThatStay(child: ChildProcess): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const members = child.pid === undefined ? [] : membersOf(child.pid);
    if (members.length === 0 || waitedMs >= LEFT_BEHIND_MS) return members;
    await sleep(50);
  }
}

/** The live processes of a group, as Linux lists them; elsewhere they are killed without being named. */
function membersOf(group: number): string[] {
  if (process.platform !== 'linux') return [];
  const members: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // pid (command) state parent group ...; the command may hold spaces and parentheses.
      const [, command, state, of] = /\((.*)\) (\S) \d+ (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      if (Number(of) === group && state !== 'Z') members.push(`${pid} (${command})`);
    } catch {
      // Ended between the listing and the reading.
    }
  }
  return members;
}
