/**
 * One side of a rival as the bench sees it: a program in any language that speaks lines over its standard input and output.
 *
 *     PROGRAM serve WORKLOAD                  WORKLOAD: unary, blob or stream
 *     PROGRAM drive WORKLOAD IN_FLIGHT PORT
 *     PROGRAM version                         one line with the versions of what it uses
 *
 * It says `{"ready":{"port":N}}` once it listens, or once its load runs. To each line `mark` it answers with one of
 * `{"mark":{"atMs","cpuUs","done","wrong","failed","failure"}}`. At `stop`, or when its input ends, it exits: none outlives the bench.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CountMark } from '../measure.js';

const ANSWER_MS_MAX = 20_000;
const STOP_MS_MAX = 3_000;
/** Of what it says on its standard error, the end is kept for the reason of a failure. */
const ERROR_CHARACTERS_MAX = 4_000;

const running = new Set<LineProcess>();
process.on('exit', () => {
  for (const one of running) one.kill();
});

interface Waiter {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

export class LineProcess {
  private readonly process: ChildProcess;
  private readonly ended: Promise<void>;
  private waiter: Waiter | null = null;
  private errorText = '';
  /** How it ended; null while it runs. */
  private ending: string | null = null;

  /** Starts it. `name`: for errors. `core`: null for any. */
  constructor(
    private readonly name: string,
    command: readonly string[],
    core: number | null,
  ) {
    // taskset replaces itself by the program, so the process id is the program's.
    const [file, ...args] = core === null ? command : ['taskset', '-c', String(core), ...command];
    this.process = spawn(file as string, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this);
    this.ended = new Promise((resolve) => {
      const onEnd = (text: string): void => {
        running.delete(this);
        this.ending ??= `the ${this.name} ${text}${this.lastWords()}`;
        this.waiter?.reject(new Error(this.ending));
        resolve();
      };
      this.process.once('close', (code, signal) => onEnd(`ended (${signal ?? `exit code ${code}`})`));
      this.process.once('error', (error) => onEnd(`did not start: ${error.message}`));
    });
    // A write to a program that has ended is told by its end.
    this.process.stdin?.on('error', () => {});
    this.process.stderr?.on('data', (text: Buffer) => {
      this.errorText = (this.errorText + text.toString()).slice(-ERROR_CHARACTERS_MAX);
    });
    if (this.process.stdout === null) throw new Error('a pipe was asked for');
    createInterface({ input: this.process.stdout }).on('line', (line) => this.waiter?.resolve(line));
  }

  /** Resolves with the port once the server listens, or the client's load runs. */
  async ready(): Promise<number> {
    const { ready } = await this.answer<{ readonly ready?: { readonly port: number } }>();
    if (typeof ready?.port !== 'number') throw new Error(`the ${this.name} did not say its port`);
    return ready.port;
  }

  async mark(): Promise<CountMark> {
    this.process.stdin?.write('mark\n');
    const { mark } = await this.answer<{ readonly mark?: CountMark }>();
    if (mark === undefined) throw new Error(`the ${this.name} said something else than a mark`);
    return mark;
  }

  async stop(): Promise<void> {
    this.process.stdin?.end('stop\n');
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  private async answer<T>(): Promise<T> {
    const line = await this.line();
    try {
      return JSON.parse(line) as T;
    } catch {
      throw new Error(`the ${this.name} said ${JSON.stringify(line.slice(0, 200))}`);
    }
  }

  private async line(): Promise<string> {
    if (this.ending !== null) throw new Error(this.ending);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.waiter = { resolve, reject };
        const late = (): void =>
          reject(new Error(`the ${this.name} did not answer within ${ANSWER_MS_MAX} ms${this.lastWords()}`));
        timer = setTimeout(late, ANSWER_MS_MAX);
      });
    } finally {
      clearTimeout(timer);
      this.waiter = null;
    }
  }

  private lastWords(): string {
    return lastLine(this.errorText);
  }
}

/** What a program said of its failure: the line of an error where there is one, else the last. Empty, or `: text`. */
export function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const line =
    lines.findLast((candidate) => /^\w*Error\b/.test(candidate)) ?? lines.findLast((candidate) => candidate !== '');
  return line === undefined ? '' : `: ${line}`;
}
