/** Runs one of the examples as a user would: a Node process of its own, which is gone when the test is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.js';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class NodeRun {
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;

  /** `path` is relative to the project's root. */
  constructor(path: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [fileURLToPath(new URL(path, projectRoot)), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const kill = (): void => void this.child.kill('SIGKILL');
    process.once('exit', kill);
    this.closed = once(this.child, 'close').finally(() => process.off('exit', kill));
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Resolves when `pattern` stands in stdout; rejects when the process ends without it. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      if (this.child.exitCode !== null || this.child.stdout === null) {
        throw new Error(`ended without printing ${pattern}:\n${this.stdout}${this.stderr}`);
      }
      await Promise.race([once(this.child.stdout, 'data'), this.closed]);
    }
  }

  /** What somebody types; without it the program's input is open and empty. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async outcome(): Promise<Outcome> {
    await this.closed;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs it to its end. */
export function runNode(
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new NodeRun(path, args, env).outcome();
}
